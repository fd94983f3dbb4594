# SPDX-License-Identifier: Apache-2.0
"""The published models: where each file is, what it must hash to, and how its inputs are made. One row each.

Nothing published is copied into this repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlperf_tiny.models.tasks.upstream import MLCOMMONS_TINY

InputFormat = Literal["benchmark", "features"]
"""Whether a model takes the task's official files or inputs that a feature pipeline computes for it."""


@dataclass(frozen=True, kw_only=True)
class FeatureInput:
    """How the inputs of a model are made that does not take the official files."""

    pipeline: str
    """A row of ``mlperf_tiny.models.features.pipelines``."""
    scale: float
    """Quantisation scale of the int8 input tensor."""
    zero_point: int
    """Quantisation zero point of that tensor."""
    tested_on: Literal["published", "test"] = "published"
    """"test" where the model was trained on a part of the published test set, so that only the test split is new."""
    scored: bool = True
    """False where the benchmark's own data has no right answers for its classes."""
    classes: tuple[str, ...] = ()
    """The outputs, where they are not the task's labels in their order; for machines the ids that are classified."""
    trained_on: Literal["real", "synthetic"] = "real"
    """What the model was trained on; one trained on synthetic machines is tested on those only."""

    def output_of(self, label: int, labels: tuple[str, ...]) -> int:
        """Return which output is right.

        Args:
            label: Index of the right class in ``labels``.
            labels: The classes of the data set.

        Returns:
            Index of the model's output.

        Examples:
            >>> reordered = FeatureInput(pipeline="micronet-kws", scale=1.0, zero_point=0, classes=("yes", "no"))
            >>> reordered.output_of(0, ("no", "yes"))
            1
        """
        return self.classes.index(labels[label]) if self.classes else label


@dataclass(frozen=True, kw_only=True)
class OfficialModel:
    """A published model file."""

    name: str
    """What ``--model`` takes."""
    task: str
    """The name of its task."""
    file: str
    """Its file name in a data folder."""
    url: str
    """The address of the file itself."""
    sha256: str
    """The hash of the file."""
    input_format: InputFormat
    """Which inputs it takes."""
    input_bytes: int
    """Size of its int8 input tensor."""
    folders: tuple[str, ...]
    """Where the file lies in a data folder."""
    feature_input: FeatureInput | None = None
    """How its inputs are made; None for a model that takes the official files or has no pipeline."""
    licence: str = "Apache-2.0"
    """Its licence."""


_REFERENCE_URL = MLCOMMONS_TINY + "/benchmark/training/{}/trained_models/{}"
# Arm keeps its models in git-lfs; the /raw/ address leads to the file itself, not to its pointer.
_ZOO = "https://github.com/ARM-software/ML-zoo/raw/{}/models/{}/tflite_int8/{}"
_ZOO_COMMIT = "fec0bb5bcd486eb2839cdb7d437d466067402a6a"
# The first published revision of the medium model, which Arm's evaluation kit also pins.
_ZOO_AD_M_COMMIT = "7c32b097f7d94aae2cd0b98a8ed5a3ba81e66b18"


def _reference(
    *, name: str, task: str, folder: str, file: str, sha256: str, size: int, input_format: InputFormat = "benchmark"
) -> OfficialModel:
    return OfficialModel(
        name=name,
        task=task,
        file=file,
        url=_REFERENCE_URL.format(folder, file),
        sha256=sha256,
        input_format=input_format,
        input_bytes=size,
        folders=("reference_models", "."),
    )


def _zoo(
    *, name: str, task: str, path: str, sha256: str, size: int, feature_input: FeatureInput, commit: str = _ZOO_COMMIT
) -> OfficialModel:
    folder, _, file = path.rpartition("/")
    return OfficialModel(
        name=name,
        task=task,
        file=file,
        url=_ZOO.format(commit, folder, file),
        sha256=sha256,
        input_format="features",
        input_bytes=size,
        folders=("micronets", "conformance/models", "."),
        feature_input=feature_input,
    )


# Arm trained its DS-CNNs with TensorFlow's speech example, whose order this is.
_SPEECH_EXAMPLE = ("silence", "unknown", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
_KWS_INPUT = FeatureInput(pipeline="micronet-kws", scale=0.20109497010707855, zero_point=-5)


def _dscnn(scale: float, zero_point: int) -> FeatureInput:
    return FeatureInput(pipeline="hello-edge-kws", scale=scale, zero_point=zero_point, classes=_SPEECH_EXAMPLE)


def _slide_rails(scale: float) -> FeatureInput:
    # These networks classify four slide rails; toy cars are none of them. The order of the outputs is from Arm's own
    # evaluation kit; the last four belong to no machine.
    classes = ("00", "02", "04", "06", "", "", "", "")
    return FeatureInput(pipeline="micronet-ad", scale=scale, zero_point=11, scored=False, classes=classes)


OFFICIAL: tuple[OfficialModel, ...] = (
    _reference(
        name="mlperf-kws",
        task="kws",
        folder="keyword_spotting",
        file="kws_ref_model.tflite",
        sha256="aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae",
        size=490,
    ),
    _reference(
        name="mlperf-vww",
        task="vww",
        folder="visual_wake_words",
        file="vww_96_int8.tflite",
        sha256="597a384c8c2c8a1276f04702f25013b7838f2f814f1ca7c174d295b73e3d6b7b",
        size=27_648,
    ),
    _reference(
        name="mlperf-ic",
        task="ic",
        folder="image_classification",
        file="pretrainedResnet_quant.tflite",
        sha256="3c002613d1b2475eb51dd78dfb85a546c8ae658dee71cf6ade43b022fe205415",
        size=3_072,
    ),
    _reference(
        name="mlperf-ad",
        task="ad",
        folder="anomaly_detection",
        file="ad01_int8.tflite",
        sha256="87cf24194ef93d1d9b11a591d805526b98008e351655d29883c825c9c106ba24",
        size=640,
    ),
    _reference(
        name="mlperf-sww",
        task="sww",
        folder="streaming_wakeword",
        file="str_ww_ref_model.tflite",
        sha256="3af8550895ba7d5c584277102b5075c52dcfa63ba9d2b2240f37c4e6abd5dd2b",
        size=1_200,
        input_format="features",
    ),
    _zoo(
        name="micronet-kws-s",
        task="kws",
        path="keyword_spotting/micronet_small/kws_micronet_s.tflite",
        sha256="0b04ee059edf9e392bb9b744a051f19818a662453b0fb4af825267f1a1937dae",
        size=490,
        feature_input=_KWS_INPUT,
    ),
    _zoo(
        name="micronet-kws-m",
        task="kws",
        path="keyword_spotting/micronet_medium/kws_micronet_m.tflite",
        sha256="c1feed3af5dac44de7477fb4161670ba18a3fc06039e4a14da41b1c4dd454cb4",
        size=490,
        feature_input=_KWS_INPUT,
    ),
    # Not available here: its input tensor is taken to be that of the small and the medium model.
    _zoo(
        name="micronet-kws-l",
        task="kws",
        path="keyword_spotting/micronet_large/kws_micronet_l.tflite",
        sha256="15723bcc7d73599546cfebd289632799393e329df84bba883205b08b666a1aa3",
        size=490,
        feature_input=_KWS_INPUT,
    ),
    _zoo(
        name="micronet-ad-s",
        task="ad",
        path="anomaly_detection/micronet_small/ad_small_int8.tflite",
        sha256="73db15c7f1b3c2a3bec8431258be9724b269866645aabfe99eba016da35e5d40",
        size=1_024,
        feature_input=_slide_rails(0.19192618131637573),
    ),
    _zoo(
        name="micronet-ad-m",
        task="ad",
        path="anomaly_detection/micronet_medium/ad_medium_int8.tflite",
        sha256="a8b1c9037c2a80e6ff770f0a550777cf744a52850bed6545b2bfc9bacf604c98",
        size=1_024,
        feature_input=_slide_rails(0.19243663549423218),
        commit=_ZOO_AD_M_COMMIT,
    ),
    _zoo(
        name="micronet-ad-l",
        task="ad",
        path="anomaly_detection/micronet_large/ad_large_int8.tflite",
        sha256="f1cd8dabc12adb91b89d936bdac3eb3ebff6770bf9b9c449cb800d08fcb160a8",
        size=1_024,
        feature_input=_slide_rails(0.19192618131637573),
    ),
    _zoo(
        name="micronet-vww-2",
        task="vww",
        path="visual_wake_words/micronet_vww2/vww2_50_50_INT8.tflite",
        sha256="0c295ece396e33d625c0a3726f1d1f9a7b879612c05a973d0cbf5edf43bf324c",
        size=2_500,
        feature_input=FeatureInput(pipeline="micronet-vww-50", scale=0.007549178320914507, zero_point=-72),
    ),
    _zoo(
        name="micronet-vww-3",
        task="vww",
        path="visual_wake_words/micronet_vww3/vww3_128_128_INT8.tflite",
        sha256="121956b236b8567a723179e1a53ad4baf5253199b7b5be0268260814d9901d2c",
        size=16_384,
        feature_input=FeatureInput(pipeline="micronet-vww-128", scale=0.007859662175178528, zero_point=-69),
    ),
    _zoo(
        name="micronet-vww-4",
        task="vww",
        path="visual_wake_words/micronet_vww4/vww4_128_128_INT8.tflite",
        sha256="5e76364e80c45776b735563679d45f611cab7ce7fef2ec4e2db088afe009ccae",
        size=16_384,
        feature_input=FeatureInput(pipeline="micronet-vww-128", scale=0.008137832395732403, zero_point=-70),
    ),
    _zoo(
        name="dscnn-s",
        task="kws",
        path="keyword_spotting/ds_cnn_small/model_package_tf/model_archive/TFLite/ds_cnn_s_quantized.tflite",
        sha256="0f235d3602308653fcdb50d73462080dec73f21473b4856f05f307d0eb24ca1a",
        size=490,
        feature_input=_dscnn(1.084193468093872, 100),
    ),
    _zoo(
        name="dscnn-m",
        task="kws",
        path="keyword_spotting/ds_cnn_medium/model_package_tf/model_archive/TFLite/ds_cnn_m_quantized.tflite",
        sha256="b18433ec283fa9a70e9ecdfc9ec8c1083772d6ecdf99386120277d7c3f805b34",
        size=490,
        feature_input=_dscnn(1.0867793560028076, 99),
    ),
)
