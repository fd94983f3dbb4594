# SPDX-License-Identifier: Apache-2.0
"""Feature inputs, and the accuracy of official models on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.catalog.catalog import available_locally, feature_input_of, feature_input_of_card, find_model
from mlperf_tiny.models.catalog.official import OFFICIAL, FeatureInput
from mlperf_tiny.models.data.formats.dataset import Dataset
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.inputs.feature_inputs import feature_dataset
from mlperf_tiny.models.tasks import find_task
from tests.fakes.data_sets import sound, speech_corpus, speech_selection, write_tree

FEATURE_MODELS = [row for row in OFFICIAL if row.feature_input is not None]
NOWHERE = {"MLPERF_TINY_CACHE": "/nonexistent"}
KEYWORDS = FeatureInput(pipeline="micronet-kws", scale=0.2, zero_point=-5)
SLIDE_RAILS = FeatureInput(pipeline="micronet-ad", scale=0.19, zero_point=11, scored=False)


@pytest.mark.parametrize("row", FEATURE_MODELS, ids=lambda row: row.name)
def test_rows_name_a_pipeline_of_matching_size(row: object) -> None:
    assert row.feature_input is not None  # type: ignore[attr-defined]
    pipeline = find_pipeline(row.feature_input.pipeline)  # type: ignore[attr-defined]
    assert (np.prod(pipeline.shape), pipeline.task) == (row.input_bytes, row.task)  # type: ignore[attr-defined]
    assert feature_input_of(row.sha256) == row.feature_input  # type: ignore[attr-defined]


@pytest.mark.parametrize("row", FEATURE_MODELS, ids=lambda row: row.name)
def test_rows_have_the_quantisation_of_their_file(row: object, data_dir: Path) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    if not available_locally(row.name, data_dir=data_dir):  # type: ignore[attr-defined]
        pytest.skip("the model is not in the data folder")
    model = find_model(row.name, data_dir=data_dir)  # type: ignore[attr-defined]
    entry = interpreter.Interpreter(model_content=model.load()).get_input_details()[0]
    assert model.feature_input is not None
    assert entry["quantization"] == (model.feature_input.scale, model.feature_input.zero_point)
    assert np.prod(entry["shape"]) == np.prod(find_pipeline(model.feature_input.pipeline).shape)


def test_published_and_test_split(tmp_path: Path) -> None:
    write_tree(tmp_path / "speech_commands", speech_selection())
    kws = find_task("kws")
    published = feature_dataset(KEYWORDS, kws, tmp_path, environ=NOWHERE)
    assert published is not None and published.labelled and not published.complete
    assert (len(published.samples), published.listed) == (4, 4_890)
    assert {len(sample.load()) for sample in published.samples} == {490} == {published.window_bytes}
    held_out = feature_dataset(replace(KEYWORDS, tested_on="test"), kws, tmp_path, environ=NOWHERE)
    assert held_out is not None and not held_out.complete
    assert [s.name for s in held_out.samples] == [s.name for s in published.samples[2:]]
    by_variable = feature_dataset(KEYWORDS, kws, environ={**NOWHERE, "MLPERF_TINY_DATA": str(tmp_path)})
    assert by_variable is not None and by_variable.samples[0].load() == published.samples[0].load()


def test_labels_follow_the_models_class_order(tmp_path: Path) -> None:
    write_tree(tmp_path / "speech_commands", speech_selection())
    order = ("unknown", "silence", "no", "yes")
    own = replace(KEYWORDS, pipeline="hello-edge-kws", classes=order)
    dataset = feature_dataset(own, find_task("kws"), tmp_path, environ=NOWHERE)
    assert dataset is not None and [sample.label for sample in dataset.samples] == [3, 2, 1, 0]


def test_corpus_alone_gives_its_test_split(tmp_path: Path) -> None:
    write_tree(tmp_path / "speech_commands_v0.02", speech_corpus())
    dataset = feature_dataset(KEYWORDS, find_task("kws"), tmp_path, environ=NOWHERE)
    assert dataset is not None and len(dataset.samples) == 4 and "speakers that no other split has" in dataset.origin


def test_keyword_clips_have_no_synthetic_replacement() -> None:
    assert feature_dataset(KEYWORDS, find_task("kws"), environ=NOWHERE) is None
    assert feature_dataset(KEYWORDS, find_task("kws"), synthetic=True) is None


def test_synthetic_scenes_replace_missing_images_and_are_scored_for_models_trained_on_them(tmp_path: Path) -> None:
    write_tree(tmp_path / "vww01", {"a.bin": bytes(27_648), "y_labels.csv": b"a.bin, 2, 1\n"})
    vww = find_task("vww")
    for trained_on, folder, synthetic, wanted in (
        ("synthetic", None, False, ("synthetic", True, 200)),
        ("synthetic", None, True, ("synthetic", True, 200)),
        ("synthetic", tmp_path, False, ("real", True, 1)),
        ("real", None, False, ("synthetic", False, 200)),
        ("real", tmp_path, False, ("real", True, 1)),
    ):
        own = FeatureInput(pipeline="micronet-vww-50", scale=1 / 255, zero_point=-128, trained_on=trained_on)
        dataset = feature_dataset(own, vww, folder, synthetic=synthetic, environ=NOWHERE)
        assert dataset is not None
        assert (dataset.source, dataset.labelled, len(dataset.samples)) == wanted
    scenes = feature_dataset(own, vww, environ=NOWHERE)
    assert scenes is not None and len(scenes.samples[0].load()) == 2_500
    assert all("_test_" in sample.name for sample in scenes.samples)


def test_a_toy_car_clip_gives_several_unlabelled_inputs(tmp_path: Path) -> None:
    write_tree(
        tmp_path / "ad01",
        {f"{kind}_id_03_0000000{n}.wav": sound(n, 176_000) for n, kind in enumerate(("normal", "anomaly"))},
    )
    own = SLIDE_RAILS
    dataset = feature_dataset(own, find_task("ad"), tmp_path, environ=NOWHERE)
    assert dataset is not None and not dataset.labelled
    assert [(s.name, s.label) for s in dataset.samples] == [
        ("anomaly_id_03_00000001.wav", 1),
        ("normal_id_03_00000000.wav", 0),
    ]
    assert len(dataset.windows(dataset.samples[0].load())) == 14


def test_named_folder_must_hold_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no keyword clips.* wanted speech_commands_v0\.02/.*--synthetic"):
        feature_dataset(KEYWORDS, find_task("kws"), tmp_path, environ=NOWHERE)
    assert feature_dataset(KEYWORDS, find_task("kws"), environ={**NOWHERE, "MLPERF_TINY_DATA": str(tmp_path)}) is None


def test_synthetic_machines_are_scored_for_models_trained_on_them_only(tmp_path: Path) -> None:
    write_tree(tmp_path / "ad01", {"normal_id_01_00000000.wav": sound(1, 176_000)})
    ad, machines = find_task("ad"), ("01", "02", "03", "04")
    synthetic_machines = replace(SLIDE_RAILS, tested_on="test", scored=True, classes=machines, trained_on="synthetic")
    for own, folder, synthetic, wanted in (
        (synthetic_machines, tmp_path, False, ("synthetic", True, 40)),
        (synthetic_machines, None, False, ("synthetic", True, 40)),
        (SLIDE_RAILS, tmp_path, False, ("real", False, 1)),
        (SLIDE_RAILS, tmp_path, True, ("synthetic", False, 40)),
        (SLIDE_RAILS, None, False, ("synthetic", False, 40)),
    ):
        dataset = feature_dataset(own, ad, folder, synthetic=synthetic, environ=NOWHERE)
        assert dataset is not None
        assert (dataset.source, dataset.labelled, len(dataset.samples)) == wanted
        assert {sample.name.split("_id_")[1][:2] for sample in dataset.samples} <= set(machines)


def test_slide_rails_are_preferred_to_toy_cars(tmp_path: Path) -> None:
    clips = {
        f"{part}/{kind}_id_04_00000000.wav": sound(3, 176_000)
        for part, kind in (("train", "normal"), ("test", "anomaly"))
    }
    write_tree(tmp_path / "slider", clips)
    write_tree(tmp_path / "ad01", {"normal_id_01_00000000.wav": sound(1, 176_000)})
    row = next(row for row in OFFICIAL if row.name == "micronet-ad-s")
    assert row.feature_input is not None
    dataset = feature_dataset(row.feature_input, find_task("ad"), tmp_path, environ=NOWHERE)
    assert dataset is not None and dataset.labelled and "slider" in dataset.origin
    assert [(sample.name, sample.label) for sample in dataset.samples] == [("anomaly_id_04_00000000.wav", 1)]


def test_feature_input_is_read_from_a_card() -> None:
    entry = {"format": "features", "features": "micronet-ad", "scale": 0.5, "zero_point": 3, "tested_on": "test"}
    made = feature_input_of_card({"input": entry, "training_data": {"kind": "synthetic", "machine_ids": [1, 12]}})
    assert made == FeatureInput(
        pipeline="micronet-ad",
        scale=0.5,
        zero_point=3,
        tested_on="test",
        classes=("01", "12"),
        trained_on="synthetic",
    )
    named = feature_input_of_card(
        {"input": {**entry, "classes": ["00"], "scored": False}, "training_data": {"kind": "real"}}
    )
    assert named == replace(made, scored=False, classes=("00",), trained_on="real")
    assert feature_input_of_card({"input": {"format": "benchmark"}, "training_data": {"kind": "real"}}) is None


def answers(dataset: Dataset, content: bytes, every: int) -> tuple[int, int]:
    """Number of right answers of TFLite's reference kernels, and of samples."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = interpreter.OpResolverType.BUILTIN_REF
    loaded = interpreter.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    loaded.allocate_tensors()
    entry, result = loaded.get_input_details()[0], loaded.get_output_details()[0]
    right = 0
    for sample in dataset.samples[::every]:
        loaded.set_tensor(entry["index"], np.frombuffer(sample.load(), np.int8).reshape(entry["shape"]))
        loaded.invoke()
        right += int(np.argmax(loaded.get_tensor(result["index"])) == sample.label)
    return right, len(dataset.samples[::every])


# On all 4277 clips KWS-S and KWS-M have 4086 and 4102 right, on all 800 images VWW-2, 3 and 4 609, 641 and 643.
@pytest.mark.parametrize(
    ("name", "every", "right", "of"),
    [
        ("micronet-kws-s", 20, 203, 214),
        ("micronet-kws-m", 40, 101, 107),
        ("micronet-vww-2", 8, 69, 100),
        ("dscnn-s", 20, 181, 214),
    ],
)
def test_official_models_answer_real_samples(name: str, every: int, right: int, of: int, data_dir: Path) -> None:
    model = find_model(name, data_dir=data_dir)
    assert model.feature_input is not None
    dataset = feature_dataset(model.feature_input, find_task(model.task), data_dir)
    assert dataset is not None and dataset.labelled
    assert answers(dataset, model.load(), every) == (right, of)
