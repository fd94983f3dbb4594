# SPDX-License-Identifier: Apache-2.0
"""Augmented epochs are made once, and an epoch's samples are the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.epochs import clip_inputs, epoch_samples, mixup, spec_augment
from mlperf_tiny.models.training.recipes.recipe import SpecAugment
from mlperf_tiny.models.training.recipes.recipes import AD_AUTOENCODER, KWS
from mlperf_tiny.models.training.teacher import Teacher

RNG = np.random.default_rng


def counting_cache(folder: Path, made: list[int], **settings: Any) -> AugmentationCache:
    def make(number: int) -> AugmentedEpoch:
        made.append(number)
        rng = RNG(number)
        return AugmentedEpoch(
            rng.normal(size=(20, 6, 4, 1)).astype(np.float32), np.arange(20) % 3 - (np.arange(20) == 19) * 2
        )

    return AugmentationCache(folder=folder, settings=settings, make=make)


def test_augmented_epochs_are_made_once_for_their_settings(tmp_path: Path) -> None:
    made: list[int] = []
    first = counting_cache(tmp_path, made, seed=1).load(4)
    second = counting_cache(tmp_path, made, seed=1).load(4)
    np.testing.assert_array_equal(first.inputs, second.inputs)
    counting_cache(tmp_path, made, seed=2).load(4)
    assert made == [4, 4]
    assert not list(tmp_path.glob("*.part"))


def test_teacher_logits_are_computed_once(tmp_path: Path) -> None:
    asked: list[int] = []
    cache = counting_cache(tmp_path, [])

    def predict(inputs: np.ndarray) -> np.ndarray:
        asked.append(len(inputs))
        return inputs[:, :3, 0, 0]

    for name in ("one", "one", "two"):
        np.testing.assert_array_equal(cache.load_logits(0, name, predict), cache.load(0).inputs[:, :3, 0, 0])
    assert asked == [20, 20]


PLAIN = replace(KWS, batch=4, augmented_epochs=2, spec_augment=None, input_range=None)


def test_epoch_is_a_shuffled_augmented_epoch_of_whole_batches(tmp_path: Path) -> None:
    cache = counting_cache(tmp_path, [])
    inputs, targets = epoch_samples(cache, PLAIN, 3, 1, None)
    assert inputs.shape == (16, 6, 4, 1) and targets.shape == (16, 6)
    np.testing.assert_array_equal(targets[:, :3].sum(axis=1), 1.0)  # samples without label are left out
    assert not targets[:, 3:].any()
    sources = [int(np.flatnonzero((cache.load(1).inputs == row).all(axis=(1, 2, 3)))[0]) for row in inputs]
    assert len(set(sources)) == 16 and sources != sorted(sources)
    np.testing.assert_array_equal(targets[:, :3].argmax(axis=1), cache.load(1).labels[sources])
    np.testing.assert_array_equal(inputs, epoch_samples(cache, PLAIN, 3, 1, None)[0])
    assert not np.array_equal(
        inputs, epoch_samples(cache, PLAIN, 3, 3, None)[0]
    )  # the same augmented epoch in another order


def test_samples_without_label_are_used_with_a_teacher(tmp_path: Path) -> None:
    teacher = Teacher(names=("t",), sha256="hash", predict=lambda inputs: inputs[:, :3, 0, 0] * 2)
    inputs, targets = epoch_samples(counting_cache(tmp_path, []), PLAIN, 3, 0, teacher)
    assert len(inputs) == 20 and (targets[:, :3].sum(axis=1) == 0.0).sum() == 1
    np.testing.assert_array_equal(targets[:, 3:], inputs[:, :3, 0, 0] * 2)


def test_inputs_are_clipped_to_the_recipes_range(tmp_path: Path) -> None:
    recipe = replace(PLAIN, input_range=(-0.5, 0.25))
    inputs, _ = epoch_samples(counting_cache(tmp_path, []), recipe, 3, 0, None)
    assert (inputs.min(), inputs.max()) == (-0.5, 0.25)
    assert clip_inputs(inputs, PLAIN) is inputs


def test_spec_augment_sets_stripes_to_the_mean() -> None:
    inputs = RNG(0).normal(size=(200, 8, 6, 1)).astype(np.float32)
    made = spec_augment(inputs, SpecAugment(share=0.5, frames=3, bands=2), RNG(1))
    changed = made != inputs
    touched = changed.any(axis=(1, 2, 3))
    assert 60 < touched.sum() < 110
    assert max(row.all(axis=(1, 2)).sum() for row in changed) == 3
    assert max(row.all(axis=(0, 2)).sum() for row in changed) == 2
    row = int(np.flatnonzero(touched)[0])
    np.testing.assert_allclose(made[row][changed[row]], inputs[row].mean(), rtol=1e-5)


def test_spec_augment_takes_the_features_of_a_frame_for_bands_wherever_they_are() -> None:
    inputs = RNG(0).normal(size=(50, 8, 6, 1)).astype(np.float32)
    settings = SpecAugment(share=0.5, frames=3, bands=2)
    as_channels = spec_augment(inputs.reshape(50, 8, 1, 6), settings, RNG(1))
    np.testing.assert_array_equal(as_channels.reshape(inputs.shape), spec_augment(inputs, settings, RNG(1)))


def test_mixup_blends_inputs_and_targets_by_the_same_share() -> None:
    inputs = RNG(0).normal(size=(50, 2, 2, 1)).astype(np.float32)
    targets = inputs.reshape(50, 4)
    made, wanted = mixup(inputs, targets, 0.3, RNG(2))
    np.testing.assert_allclose(made.reshape(50, 4), wanted, atol=1e-6)
    assert not np.array_equal(made, inputs)


def test_autoencoder_epoch_is_all_inputs_as_their_own_targets(tmp_path: Path) -> None:
    cache = counting_cache(tmp_path, [])
    inputs, targets = epoch_samples(cache, replace(AD_AUTOENCODER, batch=8), 24, 5, None)
    assert targets is inputs
    np.testing.assert_array_equal(inputs, cache.load(0).inputs)  # Keras shuffles them; the last batch is smaller
