# SPDX-License-Identifier: Apache-2.0
"""Augmentation of keyword clips: what each change does to the samples, and the same result for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from mlperf_tiny.models.training.augment.keyword_clips import (
    NO_LABEL,
    ClipAugmentation,
    ClipBank,
    at_speed,
    augment,
    augment_clips,
    mix,
    shift,
    splice,
)

SECOND = 16_000
RNG = np.random.default_rng


def tone(frequency_hz: float) -> np.ndarray:
    return np.rint(8000 * np.sin(2 * np.pi * frequency_hz * np.arange(SECOND) / SECOND)).astype(np.int16)


def loudest_hz(samples: np.ndarray) -> int:
    return int(np.argmax(np.abs(np.fft.rfft(samples))))


def test_at_speed_changes_the_pitch_and_keeps_the_middle() -> None:
    assert loudest_hz(at_speed(tone(1000).astype(np.float32), 1.1)) == pytest.approx(1100, abs=8)
    click = np.zeros(SECOND, np.float32)
    click[SECOND // 2] = 1.0
    assert abs(int(np.argmax(at_speed(click, 0.9))) - SECOND // 2) <= 1


@pytest.mark.parametrize(("by", "wanted"), [(2, [0, 0, 1, 2]), (-1, [2, 3, 4, 0]), (0, [1, 2, 3, 4])])
def test_shift_moves_samples_and_fills_with_zeros(by: int, wanted: list[int]) -> None:
    assert shift(np.array([1, 2, 3, 4], np.float32), by).tolist() == wanted


def test_noise_is_scaled_up_to_its_volume() -> None:
    only_noise = ClipAugmentation(speed_share=0.0, shift_samples=0, noise_share=1.0, noise_volume=0.1, colour=0.0)
    noise = np.full(40_000, 10_000, np.int16)
    made = [augment(np.zeros(SECOND, np.int16), [noise], only_noise, RNG(n)) for n in range(40)]
    levels = [int(row[0]) for row in made]
    assert 0 <= min(levels) < 150 and 850 < max(levels) <= 1000


def test_augment_without_changes_returns_the_clip() -> None:
    still = ClipAugmentation(speed_share=0.0, shift_samples=0, noise_share=0.0, colour=0.0)
    np.testing.assert_array_equal(augment(tone(440), [], still, RNG(1)), tone(440))


def test_splice_starts_and_ends_as_its_halves() -> None:
    first, second = np.full(SECOND, 100, np.int16), np.full(SECOND, -100, np.int16)
    made = [splice(first, second, RNG(n)) for n in range(12)]
    assert {(int(row[0]), int(row[-1])) for row in made} == {(100, -100), (100, 100)}  # joined, or one backwards


BANK = ClipBank(
    clips=np.stack([tone(300 + 100 * n) for n in range(10)]),
    labels=np.arange(10),
    noises=(tone(50).repeat(2),),
    silence=10,
)


def test_mix_contains_both_clips() -> None:
    first, second = tone(500), tone(900) // 8  # however loud they are
    spectra = [np.abs(np.fft.rfft(mix(first, second, RNG(n)))) for n in range(30)]
    shares = np.array([spectrum[500] / (spectrum[500] + spectrum[900]) for spectrum in spectra])
    assert shares.min() < 0.1 and shares.max() > 0.9 and 0.35 < shares.mean() < 0.65
    assert not np.any(mix(np.zeros(SECOND, np.int16), np.zeros(SECOND, np.int16), RNG(0)))


def test_augmented_epoch_is_all_clips_then_silences_then_splices_then_mixes() -> None:
    settings = ClipAugmentation(silences=0.2, splices=0.3, mixes=0.4)
    clips, labels = augment_clips(BANK, settings, seed=3, number=0)
    assert clips.shape == (19, SECOND) and clips.dtype == np.int16
    assert labels.tolist() == [*range(10), 10, 10, *[NO_LABEL] * 7]
    again, _ = augment_clips(BANK, settings, seed=3, number=0)
    other, _ = augment_clips(BANK, settings, seed=3, number=1)
    np.testing.assert_array_equal(clips, again)
    assert not np.array_equal(clips, other)
