# SPDX-License-Identifier: Apache-2.0
"""The published models: where each file is, what it must hash to, and how its inputs are made. One row each.

Nothing published is copied into this repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

InputFormat = Literal["benchmark", "own"]


@dataclass(frozen=True)
class OwnInput:
    """How the inputs of a model are made that does not take the benchmark's files.

    ``features`` is a row of ``models.features.pipelines``; ``scale`` and ``zero_point`` are of the int8 input tensor.
    ``tested_on`` is "published" where a figure is about the published test set, "test" where the model has seen some
    of that set and only the test split of the data at hand is new to it. ``scored`` is false where the answers cannot
    be told right from wrong with the benchmark's own data. ``classes`` are the outputs where they are not the task's
    labels in their order: for anomaly detection the ids of the machines whose sounds the model tells apart. A model
    that has learnt from made-up machines knows no others: ``learnt_from`` says so.
    """

    features: str
    scale: float
    zero_point: int
    tested_on: Literal["published", "test"] = "published"
    scored: bool = True
    classes: tuple[str, ...] = ()
    learnt_from: Literal["real", "synthetic"] = "real"

    def output_of(self, label: int, labels: tuple[str, ...]) -> int:
        """The place among the outputs of what is ``labels[label]`` to the task."""
        return self.classes.index(labels[label]) if self.classes else label


@dataclass(frozen=True)
class OfficialModel:
    """A published model file. ``folders`` are where it lies in a data folder, by the name ``file``."""

    name: str
    task: str
    file: str
    url: str
    sha256: str
    input_format: InputFormat
    input_bytes: int
    folders: tuple[str, ...]
    own_input: OwnInput | None = None
    licence: str = "Apache-2.0"


_TINY = (
    "https://raw.githubusercontent.com/mlcommons/tiny/1afd2c9820f795965a6134facd0b4dfae41ef23f/benchmark/training/"
    "{}/trained_models/{}"
)
# Arm keeps its models in git-lfs; the /raw/ address leads to the file itself, not to its pointer.
_ZOO = "https://github.com/ARM-software/ML-zoo/raw/{}/models/{}/tflite_int8/{}"
_ZOO_COMMIT = "fec0bb5bcd486eb2839cdb7d437d466067402a6a"
# The first published revision of the medium model, which Arm's evaluation kit also pins.
_ZOO_AD_M_COMMIT = "7c32b097f7d94aae2cd0b98a8ed5a3ba81e66b18"


def _reference(
    name: str, task: str, folder: str, file: str, sha256: str, input_format: InputFormat, size: int
) -> OfficialModel:
    url = _TINY.format(folder, file)
    return OfficialModel(name, task, file, url, sha256, input_format, size, ("reference_models", "."))


def _zoo(
    name: str,
    task: str,
    folder: str,
    file: str,
    sha256: str,
    size: int,
    own_input: OwnInput | None = None,
    commit: str = _ZOO_COMMIT,
) -> OfficialModel:
    url, folders = _ZOO.format(commit, folder, file), ("micronets", "conformance/models", ".")
    return OfficialModel(name, task, file, url, sha256, "own", size, folders, own_input)


# Arm trained its DS-CNNs with TensorFlow's speech example, whose order this is.
_SPEECH_EXAMPLE = ("silence", "unknown", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
_KWS_INPUT = OwnInput("micronet-kws", 0.20109497010707855, -5)


def _slide_rail(scale: float) -> OwnInput:
    # These networks tell four slide rails apart; toy cars are none of them. Which output is whose is from Arm's own
    # evaluation kit; the last four are nobody's.
    return OwnInput("micronet-ad", scale, 11, scored=False, classes=("00", "02", "04", "06", "", "", "", ""))


OFFICIAL: tuple[OfficialModel, ...] = (
    _reference("mlperf-kws", "kws", "keyword_spotting", "kws_ref_model.tflite",
               "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae", "benchmark", 490),
    _reference("mlperf-vww", "vww", "visual_wake_words", "vww_96_int8.tflite",
               "597a384c8c2c8a1276f04702f25013b7838f2f814f1ca7c174d295b73e3d6b7b", "benchmark", 27_648),
    _reference("mlperf-ic", "ic", "image_classification", "pretrainedResnet_quant.tflite",
               "3c002613d1b2475eb51dd78dfb85a546c8ae658dee71cf6ade43b022fe205415", "benchmark", 3_072),
    _reference("mlperf-ad", "ad", "anomaly_detection", "ad01_int8.tflite",
               "87cf24194ef93d1d9b11a591d805526b98008e351655d29883c825c9c106ba24", "benchmark", 640),
    _reference("mlperf-sww", "sww", "streaming_wakeword", "str_ww_ref_model.tflite",
               "3af8550895ba7d5c584277102b5075c52dcfa63ba9d2b2240f37c4e6abd5dd2b", "own", 1_200),
    _zoo("micronet-kws-s", "kws", "keyword_spotting/micronet_small", "kws_micronet_s.tflite",
         "0b04ee059edf9e392bb9b744a051f19818a662453b0fb4af825267f1a1937dae", 490, _KWS_INPUT),
    _zoo("micronet-kws-m", "kws", "keyword_spotting/micronet_medium", "kws_micronet_m.tflite",
         "c1feed3af5dac44de7477fb4161670ba18a3fc06039e4a14da41b1c4dd454cb4", 490, _KWS_INPUT),
    # Not seen here: its input tensor is taken to be that of its two sisters.
    _zoo("micronet-kws-l", "kws", "keyword_spotting/micronet_large", "kws_micronet_l.tflite",
         "15723bcc7d73599546cfebd289632799393e329df84bba883205b08b666a1aa3", 490, _KWS_INPUT),
    _zoo("micronet-ad-s", "ad", "anomaly_detection/micronet_small", "ad_small_int8.tflite",
         "73db15c7f1b3c2a3bec8431258be9724b269866645aabfe99eba016da35e5d40", 1_024, _slide_rail(0.19192618131637573)),
    _zoo("micronet-ad-m", "ad", "anomaly_detection/micronet_medium", "ad_medium_int8.tflite",
         "a8b1c9037c2a80e6ff770f0a550777cf744a52850bed6545b2bfc9bacf604c98", 1_024, _slide_rail(0.19243663549423218),
         commit=_ZOO_AD_M_COMMIT),
    _zoo("micronet-ad-l", "ad", "anomaly_detection/micronet_large", "ad_large_int8.tflite",
         "f1cd8dabc12adb91b89d936bdac3eb3ebff6770bf9b9c449cb800d08fcb160a8", 1_024, _slide_rail(0.19192618131637573)),
    _zoo("micronet-vww-2", "vww", "visual_wake_words/micronet_vww2", "vww2_50_50_INT8.tflite",
         "0c295ece396e33d625c0a3726f1d1f9a7b879612c05a973d0cbf5edf43bf324c", 2_500,
         OwnInput("micronet-vww-50", 0.007549178320914507, -72)),
    _zoo("micronet-vww-3", "vww", "visual_wake_words/micronet_vww3", "vww3_128_128_INT8.tflite",
         "121956b236b8567a723179e1a53ad4baf5253199b7b5be0268260814d9901d2c", 16_384,
         OwnInput("micronet-vww-128", 0.007859662175178528, -69)),
    _zoo("micronet-vww-4", "vww", "visual_wake_words/micronet_vww4", "vww4_128_128_INT8.tflite",
         "5e76364e80c45776b735563679d45f611cab7ce7fef2ec4e2db088afe009ccae", 16_384,
         OwnInput("micronet-vww-128", 0.008137832395732403, -70)),
    _zoo("dscnn-s", "kws", "keyword_spotting/ds_cnn_small/model_package_tf/model_archive/TFLite",
         "ds_cnn_s_quantized.tflite", "0f235d3602308653fcdb50d73462080dec73f21473b4856f05f307d0eb24ca1a", 490,
         OwnInput("hello-edge-kws", 1.084193468093872, 100, classes=_SPEECH_EXAMPLE)),
    _zoo("dscnn-m", "kws", "keyword_spotting/ds_cnn_medium/model_package_tf/model_archive/TFLite",
         "ds_cnn_m_quantized.tflite", "b18433ec283fa9a70e9ecdfc9ec8c1083772d6ecdf99386120277d7c3f805b34", 490,
         OwnInput("hello-edge-kws", 1.0867793560028076, 99, classes=_SPEECH_EXAMPLE)),
)  # fmt: skip
