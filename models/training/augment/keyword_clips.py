# SPDX-License-Identifier: Apache-2.0
"""Augmentation of keyword clips, before their features are computed.

Speed and pitch together (another voice), a microphone's colour, a shift in time and background noise are applied to
the samples: the benchmark's feature pipeline divides a clip by its maximum, so noise and shift change every value. The
ranges of shift and noise are those of the Hello Edge training (100 ms, 0.8 of the clips, volume to 0.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import FULL_SCALE, KEYWORD_SAMPLES

Floats = NDArray[np.float32]
Samples = NDArray[np.int16]
NO_LABEL = -1


@dataclass(frozen=True, kw_only=True)
class ClipAugmentation:
    """How clips are changed, and which clips are added to them. Counts are relative to the number of clips."""

    speeds: tuple[float, float] = (0.85, 1.18)
    """Smallest and largest factor of speed and pitch."""
    speed_share: float = 0.8
    """Part of the clips whose speed is changed."""
    shift_samples: int = 1_600
    """Largest shift in time, in both directions."""
    noise_share: float = 0.8
    """Part of the clips that noise is added to."""
    noise_volume: float = 0.1
    """Largest factor of the noise."""
    colour: float = 0.4
    """Largest part of the neighbouring sample that is added or subtracted: darker or brighter."""
    splices: float = 0.0
    """Clips of two halves, without label: only a teacher has targets for them."""
    mixes: float = 0.0
    """Clips of two words at once, changed more than others, without label."""
    mix_speeds: tuple[float, float] = (0.75, 1.3)
    """``speeds`` of the two words of a mix."""
    mix_shift_samples: int = 3_200
    """``shift_samples`` of the two words of a mix."""
    silences: float = 0.03
    """Clips of nothing but noise."""


@dataclass(frozen=True, kw_only=True)
class ClipBank:
    """Clips in memory."""

    clips: Samples
    """Shape (n, 16000)."""
    labels: NDArray[np.int64]
    """Shape (n,)."""
    noises: tuple[Samples, ...]
    """Longer sounds without label."""
    silence: int
    """Label of the silences that are added."""


def augment_clips(
    bank: ClipBank, settings: ClipAugmentation, seed: int, number: int
) -> tuple[Samples, NDArray[np.int64]]:
    """Return an augmented epoch: every clip once, changed, then silences, then splices, then mixes.

    The result depends on nothing but the arguments.

    Args:
        bank: The clips.
        settings: How they are changed.
        seed: Seed of the training.
        number: Number of the augmented epoch.

    Returns:
        Clips, shape (m, 16000), and labels, shape (m,), NO_LABEL for splices and mixes.
    """
    rng = np.random.default_rng([seed, number])
    clips = [augment(clip, bank.noises, settings, rng) for clip in bank.clips]
    labels = [bank.labels]
    if bank.noises:
        count = round(settings.silences * len(bank.clips))
        clips += [_to_int16(noise_piece(bank.noises, rng) * np.float32(rng.random())) for _ in range(count)]
        labels.append(np.full(count, bank.silence))
    splices = [_spliced_pair(bank, settings, rng) for _ in range(round(settings.splices * len(bank.clips)))]
    wider = replace(settings, speeds=settings.mix_speeds, shift_samples=settings.mix_shift_samples)
    mixes = [_mixed_pair(bank, wider, rng) for _ in range(round(settings.mixes * len(bank.clips)))]
    labels.append(np.full(len(splices) + len(mixes), NO_LABEL))
    return np.stack([*clips, *splices, *mixes]), np.concatenate(labels).astype(np.int64)


def _spliced_pair(bank: ClipBank, settings: ClipAugmentation, rng: np.random.Generator) -> Samples:
    first, second = rng.integers(0, len(bank.clips), 2)
    return augment(splice(bank.clips[first], bank.clips[second], rng), bank.noises, settings, rng)


def _mixed_pair(bank: ClipBank, settings: ClipAugmentation, rng: np.random.Generator) -> Samples:
    pair = bank.clips[rng.integers(0, len(bank.clips), 2)]
    first, second = (augment(clip, bank.noises, settings, rng) for clip in pair)
    return mix(first, second, rng)


def augment(clip: Samples, noises: Sequence[Samples], settings: ClipAugmentation, rng: np.random.Generator) -> Samples:
    """Return a changed copy of a clip.

    Args:
        clip: Shape (16000,).
        noises: Sounds, one of which may be added; none: never.
        settings: How it is changed.
        rng: Source of the choices.

    Returns:
        Samples, shape (16000,).
    """
    samples = clip.astype(np.float32) / np.float32(FULL_SCALE)
    if rng.random() < settings.speed_share:
        samples = at_speed(samples, float(rng.uniform(*settings.speeds)))
    samples = shift(samples, int(rng.integers(-settings.shift_samples, settings.shift_samples + 1)))
    share = np.float32(rng.uniform(-settings.colour, settings.colour))
    samples[1:] += share * samples[:-1]
    if noises and rng.random() < settings.noise_share:
        samples = samples + noise_piece(noises, rng) * np.float32(rng.uniform(0.0, settings.noise_volume))
    return _to_int16(samples)


def at_speed(samples: Floats, speed: float) -> Floats:
    """Return samples played faster and higher about the same middle, with the same length.

    Args:
        samples: Shape (n,).
        speed: Factor of speed and pitch.
    """
    middle = (len(samples) - 1) / 2.0
    positions = middle + (np.arange(len(samples)) - middle) * speed
    return np.interp(positions, np.arange(len(samples)), samples, left=0.0, right=0.0).astype(np.float32)


def shift(samples: Floats, by: int) -> Floats:
    """Return samples moved towards the end, zeros where nothing was, with the same length.

    Args:
        samples: Shape (n,).
        by: Number of samples; negative: towards the start.

    Examples:
        >>> shift(np.array([1, 2, 3], np.float32), 1).tolist()
        [0.0, 1.0, 2.0]
    """
    out = np.zeros_like(samples)
    if by >= 0:
        out[by:] = samples[: len(samples) - by]
    else:
        out[:by] = samples[-by:]
    return out


def noise_piece(noises: Sequence[Samples], rng: np.random.Generator) -> Floats:
    """Return a second of one of some noises.

    Args:
        noises: At least one; a shorter one is followed by zeros.
        rng: Source of the choice.

    Returns:
        Samples, shape (16000,), -1 to 1.
    """
    noise = noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(0, max(1, len(noise) - KEYWORD_SAMPLES + 1)))
    out = np.zeros(KEYWORD_SAMPLES, np.float32)
    piece = noise[start : start + KEYWORD_SAMPLES].astype(np.float32) / np.float32(FULL_SCALE)
    out[: len(piece)] = piece
    return out


def splice(first: Samples, second: Samples, rng: np.random.Generator) -> Samples:
    """Return the first part of one clip and the last of another, or the first backwards: speech, but rarely a word.

    Args:
        first: Shape (16000,).
        second: Shape (16000,).
        rng: Source of the choices.
    """
    if rng.random() < 0.3:
        return first[::-1]
    cut = int(rng.integers(KEYWORD_SAMPLES // 3, 2 * KEYWORD_SAMPLES // 3))
    fade = np.clip((np.arange(KEYWORD_SAMPLES) - cut) / 400.0, 0.0, 1.0)
    return np.rint(first * (1.0 - fade) + second * fade).astype(np.int16)


def mix(first: Samples, second: Samples, rng: np.random.Generator) -> Samples:
    """Return two clips at once, mostly one of them louder, for the teacher's opinion on sounds between words.

    Args:
        first: Shape (16000,).
        second: Shape (16000,).
        rng: Source of the shares.
    """
    share = np.float32(rng.beta(0.5, 0.5))
    one, other = (clip / np.float32(max(1, np.abs(clip.astype(np.int32)).max())) for clip in (first, second))
    both = np.float32(0.9) * (share * one + (np.float32(1) - share) * other)
    return _to_int16(both.astype(np.float32))


def _to_int16(samples: Floats) -> Samples:
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
