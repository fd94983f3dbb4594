# SPDX-License-Identifier: Apache-2.0
"""Training sets and recipes: real data where it is found, synthetic data where not, and a set for every recipe."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.zoo import ARCHS, find_arch
from mlperf_tiny.models.features.pipelines import BY_NAME as PIPELINES
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.tasks import BY_NAME as TASKS
from mlperf_tiny.models.training.datasets import machine_windows
from mlperf_tiny.models.training.datasets.images import ImageAugmentation, augment_image
from mlperf_tiny.models.training.datasets.machine_patches import clip_scores
from mlperf_tiny.models.training.datasets.machines import synthetic_cache
from mlperf_tiny.models.training.datasets.registry import DATASETS, make_training_set
from mlperf_tiny.models.training.datasets.scores import auc
from mlperf_tiny.models.training.datasets.training_set import DataFolders, TrainingSet, TrainingSetOptions
from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.models.training.recipes.recipes import AD, AD_AUTOENCODER, KWS, RECIPES, VWW, recipe_for
from tests.fakes.data_sets import write_tree
from tests.fakes.training_datasets import coco_files, dcase_files

RNG = np.random.default_rng


def training_set(
    recipe: Recipe, cache: Path, *, classes: int, pipeline: str = "", named: Path | None = None, **options: Any
) -> TrainingSet:
    """The training set of a recipe with real data from ``named`` alone."""
    folders = DataFolders(named=named, cached=cache / "none")
    return make_training_set(
        TrainingSetOptions(pipeline=pipeline, classes=classes, recipe=recipe, folders=folders, cache=cache, **options)
    )


def has_recipe(arch: Arch) -> bool:
    try:
        recipe_for(arch)
    except UsageError:
        return False
    return True


def test_every_recipe_is_of_a_known_task_dataset_and_network() -> None:
    assert {recipe.task for recipe in RECIPES} <= TASKS.keys()
    assert {recipe.dataset for recipe in RECIPES} == DATASETS.keys()
    assert {name for recipe in RECIPES for name in recipe.networks} <= {arch.name for arch in ARCHS}


@pytest.mark.parametrize("arch", list(filter(has_recipe, ARCHS)), ids=lambda arch: arch.name)
def test_recipe_of_a_network_fits_its_outputs_and_inputs(arch: Arch) -> None:
    recipe = recipe_for(arch)
    if recipe.loss == "mse":
        assert arch.input_shape == (arch.classes,)
    else:
        assert find_pipeline(arch.pipeline).shape == arch.input_shape
        assert find_pipeline(arch.pipeline).task == recipe.task
    assert recipe.spec_augment is None or len(arch.input_shape) == 3
    # Logits of a teacher are of single samples, not of blends of two; only clips without label need a teacher.
    assert recipe.mixup == 0.0 or recipe.augmentation is None
    assert recipe.int8_epochs == 0 or recipe.int8_learning_rate > recipe.final_learning_rate


@pytest.mark.parametrize(("name", "recipe"), [("micronet-kws-l", KWS), ("micronet-ad-s", AD)])
def test_recipe_is_found_by_task(name: str, recipe: Recipe) -> None:
    assert recipe_for(find_arch(name)) is recipe


def test_recipe_is_found_by_network() -> None:
    assert recipe_for(find_arch("ad-autoencoder")) is AD_AUTOENCODER


@pytest.mark.parametrize("name", ["mlperf-ic", "ad-autoencoder-wide"])
def test_network_without_recipe_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=f"no training recipe for network {name}; .* ad-autoencoder .* kws, ad, vww"):
        recipe_for(find_arch(name))


def test_unknown_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown training set 'birds'; known: keywords, machines"):
        training_set(replace(KWS, dataset="birds"), tmp_path, classes=12)


@pytest.mark.slow
def test_windows_of_synthetic_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_windows, "TEST_CLIPS", 1)
    monkeypatch.setattr(machine_windows, "CALIBRATION_CLIPS", 1)
    made = training_set(replace(AD_AUTOENCODER, synthetic_per_class=1), tmp_path, classes=640)
    assert made.cache.load(0).inputs.shape == (4 * 196, 640)
    assert made.cache.load(7).inputs.tobytes() == made.cache.load(0).inputs.tobytes()
    assert made.calibration is not None and made.calibration().shape == (4 * 40, 640)
    assert made.provenance["clips"] == 4 and made.input == {"format": "benchmark"}
    metrics = made.evaluate(lambda inputs: np.zeros_like(inputs))
    assert (metrics["test"]["clips"], metrics["run_set"]["clips"]) == (8, 40)
    with pytest.raises(DataError, match="a window has 640 values, the network has 12 outputs"):
        training_set(AD_AUTOENCODER, tmp_path, classes=12)


def test_synthetic_patches_are_labelled_by_machine_and_pseudo_anomaly(tmp_path: Path) -> None:
    pipeline = find_pipeline("micronet-ad")
    made = synthetic_cache(pipeline, 1, tmp_path).load(0)
    assert made.inputs.shape == (2 * 4 * 14, *PIPELINES["micronet-ad"].shape)
    assert made.labels.tolist() == [machine for machine in range(8) for _ in range(14)]
    assert (made.inputs[:56] != made.inputs[56:]).any(axis=(1, 2, 3)).all()  # every one is changed


def test_clip_score_is_minus_the_mean_probability_of_its_machine() -> None:
    logits = np.array([[3, 0], [2, 0], [0, 4], [0, 4]], np.float32)
    scores = clip_scores(logits, np.zeros(4, np.int64), np.array([0, 0, 1, 1]))
    odds = np.exp([3.0, 2.0, -4.0, -4.0])
    np.testing.assert_allclose(scores, -(odds / (1 + odds)).reshape(2, 2).mean(axis=1), rtol=1e-12)


def test_clip_scores_of_large_logits_are_finite() -> None:
    scores = clip_scores(np.array([[2000, 0], [0, 2000]], np.float32), np.zeros(2, np.int64), np.arange(2))
    assert scores.tolist() == [-1.0, 0.0]


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_the_share_of_pairs_in_order_with_ties_as_half(ties: bool) -> None:
    rng = RNG(2)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 30 if ties else 10**9, 200).astype(np.float64)
    anomalous, normal = scores[labels == 1][:, None], scores[labels == 0][None, :]
    wanted = np.mean((anomalous > normal) + 0.5 * (anomalous == normal))
    assert auc(labels, scores) == pytest.approx(wanted, abs=1e-12)


def test_slide_rails_are_used_where_they_are_found(tmp_path: Path) -> None:
    write_tree(tmp_path / "data" / "slider", dcase_files(samples=60_000))
    rails = training_set(AD, tmp_path / "cache", classes=4, pipeline="micronet-ad", named=tmp_path / "data")
    assert rails.provenance["clips"] == {"train": 22, "validation": 2, "test": 4}
    assert (rails.provenance["kind"], rails.input["classes"]) == ("real", ["00", "02", "", ""])
    made = rails.cache.load(0)
    patches = 1 + (60_000 - 1024 - 63 * 512) // (20 * 512)
    assert made.inputs.shape == (22 * patches, 32, 32, 1)
    assert Counter(made.labels.tolist()) == {0: 11 * patches, 1: 11 * patches}
    assert rails.cache.load(1).inputs.tobytes() == made.inputs.tobytes()
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 1  # nothing is changed, so one version is enough

    def always_first(inputs: np.ndarray) -> np.ndarray:
        """Logits of machine 00 for every patch: clips of 00 are normal, those of 02 are anomalous."""
        return np.tile(np.array([9.0, 0.0, 0.0, 0.0], np.float32), (len(inputs), 1))

    metrics = rails.evaluate(always_first)
    assert metrics["test"] == {"clips": 4, "auc": 0.5, "auc_mean_of_machines": 0.5, "normal_patch_accuracy": 0.5}
    assert metrics["validation"] == {"clips": 2, "normal_patch_accuracy": 0.5}


def test_machines_that_do_not_fit_the_outputs_are_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "slider", dcase_files())
    with pytest.raises(DataError, match="training clips of the machines 00, 02, the network has 1 outputs"):
        training_set(AD, tmp_path, classes=1, pipeline="micronet-ad", named=tmp_path)
    with pytest.raises(DataError, match=r"synthetic machines and pseudo-anomalies of them are 8 classes, .* has 4"):
        training_set(AD, tmp_path, classes=4, pipeline="micronet-ad")


def test_photographs_are_used_where_they_are_found(tmp_path: Path) -> None:
    write_tree(tmp_path / "data", {**coco_files("train2017", 40), **coco_files("val2017", 8)})
    coco = training_set(VWW, tmp_path / "cache", classes=2, pipeline="micronet-vww-50", named=tmp_path / "data")
    counts = coco.provenance["images"]
    assert counts["train"] + counts["validation"] == 40 and counts["test"] == 8
    assert coco.provenance["kind"] == "real" and str(tmp_path) not in str(coco.provenance)
    made = coco.cache.load(0)
    assert made.inputs.shape == (counts["train"], 50, 50, 1) and 0.0 <= made.inputs.min() <= made.inputs.max() <= 1.0
    metrics = coco.evaluate(lambda inputs: np.tile(np.array([0.0, 1.0], np.float32), (len(inputs), 1)))
    assert metrics["test"]["accuracy"] == 0.25  # a person in the square of every fourth


def test_folder_without_keyword_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no keyword clips found in .*; wanted speech_commands_v0.02/"):
        training_set(KWS, tmp_path, classes=12, pipeline="micronet-kws", named=tmp_path)


def test_keyword_training_set_of_real_clips(data_dir: Path, tmp_path: Path) -> None:
    made = training_set(KWS, tmp_path, classes=12, pipeline="micronet-kws", named=data_dir)
    assert made.provenance["clips"] == {"train": 2655, "validation": 323, "test": 1590}
    assert str(data_dir) not in str(made.provenance)


def test_samples_without_a_label_are_made_for_a_teacher_alone(tmp_path: Path) -> None:
    few = replace(KWS, synthetic_per_class=1)
    try:
        taught, alone = (
            training_set(few, tmp_path, classes=12, pipeline="micronet-kws", unlabelled=unlabelled).cache.load(0)
            for unlabelled in (True, False)
        )
    except DataError as error:
        pytest.skip(str(error))
    labelled = taught.labels >= 0
    assert not labelled.all()
    np.testing.assert_array_equal(alone.labels, taught.labels[labelled])
    np.testing.assert_array_equal(alone.inputs, taught.inputs[labelled])


def test_without_a_data_folder_speech_is_synthetic(tmp_path: Path) -> None:
    try:
        made = training_set(replace(KWS, synthetic_per_class=1), tmp_path, classes=12, pipeline="micronet-kws")
    except DataError as error:
        pytest.skip(str(error))
    assert (made.provenance["kind"], made.licence) == ("synthetic", "Apache-2.0")
    assert made.cache.load(0).inputs.shape[1:] == (49, 10, 1)


def test_augmented_epochs_of_images_differ_and_keep_their_labels(tmp_path: Path) -> None:
    scenes = training_set(replace(VWW, synthetic_per_class=6), tmp_path, classes=2, pipeline="micronet-vww-50")
    first, second = scenes.cache.load(0), scenes.cache.load(1)
    assert first.inputs.shape == (12, 50, 50, 1) and sorted(first.labels.tolist()) == [0] * 6 + [1] * 6
    np.testing.assert_array_equal(first.labels, second.labels)
    assert not np.array_equal(first.inputs, second.inputs)


def test_validation_score_is_of_rows_that_are_no_test_rows(data_dir: Path, tmp_path: Path) -> None:
    speech = training_set(KWS, tmp_path, classes=12, pipeline="micronet-kws", named=data_dir)
    seen: list[int] = []

    def always_first(inputs: Any) -> Any:
        seen.append(len(inputs))
        return np.tile(np.eye(12, dtype=np.float32)[0], (len(inputs), 1))

    assert speech.validation is not None and 0.0 < speech.validation(always_first) < 0.2
    assert seen == [speech.provenance["clips"]["validation"]] == [323]


def test_network_trained_on_synthetic_scenes_is_tested_on_the_benchmarks_images(data_dir: Path, tmp_path: Path) -> None:
    recipe = replace(VWW, synthetic_per_class=6)
    scenes = training_set(recipe, tmp_path, classes=2, pipeline="micronet-vww-50", named=data_dir)
    assert scenes.provenance["images"]["benchmark_images"] == 800 and scenes.provenance["kind"] == "synthetic"
    teacher = (data_dir / "micronets/vww2_50_50_INT8.tflite").read_bytes()
    metrics = scenes.evaluate(partial(int8_outputs, open_interpreter(teacher)))
    assert metrics["benchmark_images"]["accuracy"] == pytest.approx(0.757, abs=0.015)  # of all 1000; here are 800


def test_image_is_moved_and_lit_within_its_limits() -> None:
    rng = RNG(3)
    image = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    still = ImageAugmentation(shift_pixels=0, light=0.0)
    seen = {augment_image(image, still, rng).tobytes() for _ in range(20)}
    assert seen == {image.tobytes(), np.ascontiguousarray(image[:, ::-1]).tobytes()}
    lit = augment_image(np.full((4, 4, 3), 100, np.uint8), ImageAugmentation(shift_pixels=1, light=0.2), rng)
    assert 80 <= lit.min() == lit.max() <= 120
