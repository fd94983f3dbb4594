# SPDX-License-Identifier: Apache-2.0
"""What networks learn from: changed clips, kept passes, epochs; all of it the same for the same seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.models.features.pipelines import BY_NAME as PIPELINES
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.tasks import BY_NAME as TASKS
from mlperf_tiny.models.training.augment.keyword_clips import (
    NO_LABEL,
    ClipAugmentation,
    ClipBank,
    at_speed,
    augment,
    augmented_pass,
    mix,
    shifted,
    splice,
)
from mlperf_tiny.models.training.datasets.augmentation_cache import Pass, PassStore
from mlperf_tiny.models.training.datasets.images import PictureAugmentation, change
from mlperf_tiny.models.training.datasets.machine_images import clip_scores
from mlperf_tiny.models.training.datasets.machines import made_up_store
from mlperf_tiny.models.training.datasets.registry import material_for
from mlperf_tiny.models.training.datasets.training_set import Data
from mlperf_tiny.models.training.epochs import cut_off, epoch_samples, masked, mixed
from mlperf_tiny.models.training.qat.interpreter import open_interpreter
from mlperf_tiny.models.training.recipes.recipes import RECIPES, Masking, Recipe, recipe_for
from mlperf_tiny.models.training.teacher import Teacher, int8_outputs
from tests.fakes.data_sets import write_tree
from tests.fakes.learning_sets import coco_files, dcase_files

SECOND = 16_000
RNG = np.random.default_rng


def tone(frequency_hz: float) -> np.ndarray:
    return np.rint(8000 * np.sin(2 * np.pi * frequency_hz * np.arange(SECOND) / SECOND)).astype(np.int16)


def loudest_hz(samples: np.ndarray) -> int:
    return int(np.argmax(np.abs(np.fft.rfft(samples))))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda row: row.task)
def test_recipes_are_sound(recipe: Recipe) -> None:
    assert recipe.task in TASKS and recipe_for(recipe.task) is recipe
    assert recipe.learning_rate > recipe.int8_learning_rate > recipe.last_learning_rate > 0.0
    assert min(recipe.epochs, recipe.int8_epochs, recipe.batch, recipe.passes) >= 1
    assert 0.0 <= recipe.distillation.coefficient <= 1.0 <= recipe.distillation.temperature
    # The teacher is asked about samples as they are in the pass; it knows nothing of mixtures of two.
    assert recipe.mixup == 0.0 or recipe.augmentation is None


def test_the_papers_own_numbers_are_in_the_recipes() -> None:
    assert recipe_for("ad").mixup == 0.3
    assert (recipe_for("vww").distillation.coefficient, recipe_for("vww").distillation.temperature) == (0.5, 4.0)


def test_a_task_without_recipe_is_named() -> None:
    with pytest.raises(UsageError, match="no recipe for task ic; there is one for kws, ad, vww"):
        recipe_for("ic")


def test_speed_moves_the_pitch_and_keeps_the_middle() -> None:
    assert loudest_hz(at_speed(tone(1000).astype(np.float32), 1.1)) == pytest.approx(1100, abs=8)
    click = np.zeros(SECOND, np.float32)
    click[SECOND // 2] = 1.0
    assert abs(int(np.argmax(at_speed(click, 0.9))) - SECOND // 2) <= 1


@pytest.mark.parametrize(("by", "wanted"), [(2, [0, 0, 1, 2]), (-1, [2, 3, 4, 0]), (0, [1, 2, 3, 4])])
def test_shifts(by: int, wanted: list[int]) -> None:
    assert shifted(np.array([1, 2, 3, 4], np.float32), by).tolist() == wanted


def test_noise_has_its_volume() -> None:
    only_noise = ClipAugmentation(speed_share=0.0, shift_samples=0, noise_share=1.0, noise_volume=0.1, colour=0.0)
    noise = np.full(40_000, 10_000, np.int16)
    made = [augment(np.zeros(SECOND, np.int16), [noise], only_noise, RNG(n)) for n in range(40)]
    levels = [int(row[0]) for row in made]
    assert 0 <= min(levels) < 150 and 850 < max(levels) <= 1000


def test_nothing_asked_nothing_done() -> None:
    still = ClipAugmentation(speed_share=0.0, shift_samples=0, noise_share=0.0, colour=0.0)
    np.testing.assert_array_equal(augment(tone(440), [], still, RNG(1)), tone(440))


def test_a_splice_begins_and_ends_as_its_halves() -> None:
    first, second = np.full(SECOND, 100, np.int16), np.full(SECOND, -100, np.int16)
    made = [splice(first, second, RNG(n)) for n in range(12)]
    assert {(int(row[0]), int(row[-1])) for row in made} == {(100, -100), (100, 100)}  # joined, or one backwards


BANK = ClipBank(np.stack([tone(300 + 100 * n) for n in range(10)]), np.arange(10), (tone(50).repeat(2),), silence=10)


def test_a_mix_is_of_both() -> None:
    first, second = tone(500), tone(900) // 8  # however loud they are
    spectra = [np.abs(np.fft.rfft(mix(first, second, RNG(n)))) for n in range(30)]
    shares = np.array([spectrum[500] / (spectrum[500] + spectrum[900]) for spectrum in spectra])
    assert shares.min() < 0.1 and shares.max() > 0.9 and 0.35 < shares.mean() < 0.65
    assert not np.any(mix(np.zeros(SECOND, np.int16), np.zeros(SECOND, np.int16), RNG(0)))


def test_a_pass_is_every_clip_once_then_silences_then_splices_then_mixes() -> None:
    settings = ClipAugmentation(silences=0.2, splices=0.3, mixes=0.4)
    clips, labels = augmented_pass(BANK, settings, seed=3, number=0)
    assert clips.shape == (19, SECOND) and clips.dtype == np.int16
    assert labels.tolist() == [*range(10), 10, 10, *[NO_LABEL] * 7]
    again, _ = augmented_pass(BANK, settings, seed=3, number=0)
    other, _ = augmented_pass(BANK, settings, seed=3, number=1)
    np.testing.assert_array_equal(clips, again)
    assert not np.array_equal(clips, other)


def counting_store(folder: Path, made: list[int], **settings: Any) -> PassStore:
    def make(number: int) -> Pass:
        made.append(number)
        rng = RNG(number)
        return Pass(rng.normal(size=(20, 6, 4, 1)).astype(np.float32), np.arange(20) % 3 - (np.arange(20) == 19) * 2)

    return PassStore(folder, settings, make)


def test_passes_are_made_once_for_their_settings(tmp_path: Path) -> None:
    made: list[int] = []
    first = counting_store(tmp_path, made, seed=1).load(4)
    second = counting_store(tmp_path, made, seed=1).load(4)
    np.testing.assert_array_equal(first.inputs, second.inputs)
    counting_store(tmp_path, made, seed=2).load(4)
    assert made == [4, 4]
    assert not list(tmp_path.glob("*.part"))


def test_a_teacher_is_asked_once(tmp_path: Path) -> None:
    asked: list[int] = []
    store = counting_store(tmp_path, [])

    def predict(inputs: np.ndarray) -> np.ndarray:
        asked.append(len(inputs))
        return inputs[:, :3, 0, 0]

    for name in ("one", "one", "two"):
        np.testing.assert_array_equal(store.load_logits(0, name, predict), store.load(0).inputs[:, :3, 0, 0])
    assert asked == [20, 20]


PLAIN = replace(recipe_for("kws"), batch=4, passes=2, masking=None, input_range=None)


def test_an_epoch_is_a_shuffled_pass_of_whole_batches(tmp_path: Path) -> None:
    store = counting_store(tmp_path, [])
    inputs, targets = epoch_samples(store, PLAIN, 3, 1, None)
    assert inputs.shape == (16, 6, 4, 1) and targets.shape == (16, 6)
    np.testing.assert_array_equal(targets[:, :3].sum(axis=1), 1.0)  # what has no label is left out
    assert not targets[:, 3:].any()
    sources = [int(np.flatnonzero((store.load(1).inputs == row).all(axis=(1, 2, 3)))[0]) for row in inputs]
    assert len(set(sources)) == 16 and sources != sorted(sources)
    np.testing.assert_array_equal(targets[:, :3].argmax(axis=1), store.load(1).labels[sources])
    np.testing.assert_array_equal(inputs, epoch_samples(store, PLAIN, 3, 1, None)[0])
    assert not np.array_equal(inputs, epoch_samples(store, PLAIN, 3, 3, None)[0])  # the same pass in another order


def test_with_a_teacher_what_has_no_label_is_learnt_too(tmp_path: Path) -> None:
    teacher = Teacher(("t",), "hash", lambda inputs: inputs[:, :3, 0, 0] * 2)
    inputs, targets = epoch_samples(counting_store(tmp_path, []), PLAIN, 3, 0, teacher)
    assert len(inputs) == 20 and (targets[:, :3].sum(axis=1) == 0.0).sum() == 1
    np.testing.assert_array_equal(targets[:, 3:], inputs[:, :3, 0, 0] * 2)


def test_inputs_are_cut_off_before_anything_else(tmp_path: Path) -> None:
    recipe = replace(PLAIN, input_range=(-0.5, 0.25))
    inputs, _ = epoch_samples(counting_store(tmp_path, []), recipe, 3, 0, None)
    assert (inputs.min(), inputs.max()) == (-0.5, 0.25)
    assert cut_off(inputs, PLAIN) is inputs


def test_masks_are_stripes_of_the_mean() -> None:
    inputs = RNG(0).normal(size=(200, 8, 6, 1)).astype(np.float32)
    made = masked(inputs, Masking(0.5, frames=3, bands=2), RNG(1))
    changed = made != inputs
    touched = changed.any(axis=(1, 2, 3))
    assert 60 < touched.sum() < 110
    assert max(row.all(axis=(1, 2)).sum() for row in changed) == 3
    assert max(row.all(axis=(0, 2)).sum() for row in changed) == 2
    row = int(np.flatnonzero(touched)[0])
    np.testing.assert_allclose(made[row][changed[row]], inputs[row].mean(), rtol=1e-5)


def test_mixtures_keep_inputs_and_targets_together() -> None:
    inputs = RNG(0).normal(size=(50, 2, 2, 1)).astype(np.float32)
    targets = inputs.reshape(50, 4)
    made, wanted = mixed(inputs, targets, 0.3, RNG(2))
    np.testing.assert_allclose(made.reshape(50, 4), wanted, atol=1e-6)
    assert not np.array_equal(made, inputs)


def test_machine_pictures_carry_their_machine_and_clip(tmp_path: Path) -> None:
    pipeline = find_pipeline("micronet-ad")
    made = made_up_store(pipeline, 1, tmp_path).load(0)
    assert made.inputs.shape == (2 * 4 * 14, *PIPELINES["micronet-ad"].shape)
    assert made.labels.tolist() == [machine for machine in range(8) for _ in range(14)]
    assert (made.inputs[:56] != made.inputs[56:]).any(axis=(1, 2, 3)).all()  # none stays as it was


def test_a_clip_that_is_not_like_its_machine_is_anomalous() -> None:
    logits = np.array([[3, 0], [2, 0], [0, 4], [0, 4]], np.float32)
    scores = clip_scores(logits, np.zeros(4, np.int64), np.array([0, 0, 1, 1]))
    odds = np.exp([3.0, 2.0, -4.0, -4.0])
    np.testing.assert_allclose(scores, -(odds / (1 + odds)).reshape(2, 2).mean(axis=1), rtol=1e-6)


def test_slide_rails_are_learnt_where_they_are_at_hand(tmp_path: Path) -> None:
    write_tree(tmp_path / "data" / "slider", dcase_files(samples=60_000))
    data = Data(tmp_path / "data", tmp_path / "none")
    material = material_for("micronet-ad", 4, recipe_for("ad"), data, tmp_path / "passes")
    assert material.about["clips"] == {"train": 22, "validation": 2, "test": 4}
    assert (material.about["kind"], material.input["classes"]) == ("real", ["00", "02", "", ""])
    made = material.store.load(0)
    pictures = 1 + (60_000 - 1024 - 63 * 512) // (20 * 512)
    assert made.inputs.shape == (22 * pictures, 32, 32, 1)
    assert Counter(made.labels.tolist()) == {0: 11 * pictures, 1: 11 * pictures}
    assert material.store.load(1).inputs.tobytes() == made.inputs.tobytes()
    assert len(list((tmp_path / "passes").glob("*.npz"))) == 1  # nothing is changed, so one pass is all

    def loud(inputs: np.ndarray) -> np.ndarray:
        """Sure of machine 00 of every clip to test: its clips are healthy, those of 02 are not."""
        return np.tile(np.array([9.0, 0.0, 0.0, 0.0], np.float32), (len(inputs), 1))

    figures = material.figures(loud)
    assert figures["test"] == {"clips": 4, "auc": 0.5, "auc_mean_of_machines": 0.5, "healthy_pictures_told_right": 0.5}
    assert figures["validation"] == {"clips": 2, "healthy_pictures_told_right": 0.5}


def test_more_machines_than_outputs_are_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "slider", dcase_files())
    with pytest.raises(DataError, match="machines 00, 02 to learn, the network has 1 outputs"):
        material_for("micronet-ad", 1, recipe_for("ad"), Data(tmp_path, tmp_path), tmp_path)
    with pytest.raises(DataError, match=r"made-up machines and altered pictures of them are 8 classes, .* has 4"):
        material_for("micronet-ad", 4, recipe_for("ad"), Data(None, tmp_path / "none"), tmp_path)


def test_photographs_are_learnt_where_they_are_at_hand(tmp_path: Path) -> None:
    write_tree(tmp_path / "data", {**coco_files("train2017", 40), **coco_files("val2017", 8)})
    data = Data(tmp_path / "data", tmp_path / "none")
    material = material_for("micronet-vww-50", 2, recipe_for("vww"), data, tmp_path / "passes")
    counts = material.about["pictures"]
    assert counts["train"] + counts["validation"] == 40 and counts["test"] == 8
    assert material.about["kind"] == "real" and str(tmp_path) not in str(material.about)
    made = material.store.load(0)
    assert made.inputs.shape == (counts["train"], 50, 50, 1) and 0.0 <= made.inputs.min() <= made.inputs.max() <= 1.0
    figures = material.figures(lambda inputs: np.tile(np.array([0.0, 1.0], np.float32), (len(inputs), 1)))
    assert figures["test"]["accuracy"] == 0.25  # a person in the square of every fourth


def test_keywords_without_clips_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no keyword clips to learn from in .*; wanted speech_commands_v0.02/"):
        material_for("micronet-kws", 12, recipe_for("kws"), Data(tmp_path, tmp_path), tmp_path)


def test_keyword_material_of_real_clips(data_dir: Path, tmp_path: Path) -> None:
    material = material_for("micronet-kws", 12, recipe_for("kws"), Data(data_dir, tmp_path), tmp_path)
    assert material.about["clips"] == {"train": 2655, "validation": 323, "test": 1590}
    assert str(data_dir) not in str(material.about)


def test_without_clips_speech_is_made_up(tmp_path: Path) -> None:
    try:
        material = material_for(
            "micronet-kws", 12, replace(recipe_for("kws"), made_up_per_class=1), Data(None, tmp_path), tmp_path
        )
    except DataError as error:
        pytest.skip(str(error))
    assert (material.about["kind"], material.licence) == ("synthetic", "Apache-2.0")
    assert material.store.load(0).inputs.shape[1:] == (49, 10, 1)


def test_pictures_change_and_keep_their_labels(tmp_path: Path) -> None:
    material = material_for(
        "micronet-vww-50", 2, replace(recipe_for("vww"), made_up_per_class=6), Data(None, tmp_path), tmp_path
    )
    first, second = material.store.load(0), material.store.load(1)
    assert first.inputs.shape == (12, 50, 50, 1) and sorted(first.labels.tolist()) == [0] * 6 + [1] * 6
    np.testing.assert_array_equal(first.labels, second.labels)
    assert not np.array_equal(first.inputs, second.inputs)


def test_what_learnt_from_drawings_is_tried_on_the_benchmarks_pictures(data_dir: Path, tmp_path: Path) -> None:
    recipe = replace(recipe_for("vww"), made_up_per_class=6)
    material = material_for("micronet-vww-50", 2, recipe, Data(data_dir, tmp_path), tmp_path)
    assert material.about["pictures"]["benchmark_pictures"] == 800 and material.about["kind"] == "synthetic"
    teacher = (data_dir / "micronets/vww2_50_50_INT8.tflite").read_bytes()
    figures = material.figures(partial(int8_outputs, open_interpreter(teacher)))
    assert figures["benchmark_pictures"]["accuracy"] == pytest.approx(0.757, abs=0.015)  # of all 1000; here are 800


def test_a_picture_is_moved_and_lit_within_its_limits() -> None:
    rng = RNG(3)
    picture = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    still = PictureAugmentation(shift_pixels=0, light=0.0)
    seen = {change(picture, still, rng).tobytes() for _ in range(20)}
    assert seen == {picture.tobytes(), np.ascontiguousarray(picture[:, ::-1]).tobytes()}
    lit = change(np.full((4, 4, 3), 100, np.uint8), PictureAugmentation(shift_pixels=1, light=0.2), rng)
    assert 80 <= lit.min() == lit.max() <= 120
