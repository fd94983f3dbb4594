# SPDX-License-Identifier: Apache-2.0
"""Keyword clips made different each time they are learned from.

Speed and pitch together (another voice), a microphone's colour, a shift in time and background noise are put on the
samples, before the features: the benchmark's front end divides a clip by its maximum, so noise and shift change every
value. The ranges of shift and noise are those of the Hello Edge training (100 ms, 0.8 of the clips, volume to 0.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import FULL_SCALE, KEYWORD_SAMPLES

Floats = NDArray[np.float32]
NO_LABEL = -1


@dataclass(frozen=True)
class ClipAugmentation:
    """What may happen to a clip. Shares are of all clips; ``splices``, ``mixes`` and ``silences`` are added to them."""

    speeds: tuple[float, float] = (0.85, 1.18)
    speed_share: float = 0.8
    shift_samples: int = 1_600
    noise_share: float = 0.8
    noise_volume: float = 0.1
    colour: float = 0.4  # of the neighbouring sample that is added or taken away: brighter or darker
    splices: float = 0.0  # made-up words of two halves; they have no label, only a teacher can tell
    mixes: float = 0.0  # two words at once, changed more than others; no label either
    mix_speeds: tuple[float, float] = (0.75, 1.3)
    mix_shift_samples: int = 3_200
    silences: float = 0.03


@dataclass(frozen=True)
class ClipBank:
    """Clips in memory: int16 (n, 16000), labels (n,), and longer noises; ``silence`` is the label of a made silence."""

    clips: NDArray[np.int16]
    labels: NDArray[np.int64]
    noises: tuple[NDArray[np.int16], ...]
    silence: int


def augmented_pass(
    bank: ClipBank, settings: ClipAugmentation, seed: int, number: int
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return pass ``number`` over ``bank``: every clip once, changed, then silences, then splices, then mixes.

    The result, int16 (m, 16000) and labels (m,) with NO_LABEL for splices and mixes, depends on nothing but the
    arguments.
    """
    rng = np.random.default_rng([seed, number])
    made = [augment(clip, bank.noises, settings, rng) for clip in bank.clips]
    labels = [bank.labels]
    if bank.noises:
        count = round(settings.silences * len(bank.clips))
        made += [_to_int16(noise_piece(bank.noises, rng) * np.float32(rng.random())) for _ in range(count)]
        labels.append(np.full(count, bank.silence))
    count = round(settings.splices * len(bank.clips))
    for _ in range(count):
        first, second = rng.integers(0, len(bank.clips), 2)
        made.append(augment(splice(bank.clips[first], bank.clips[second], rng), bank.noises, settings, rng))
    labels.append(np.full(count, NO_LABEL))
    count = round(settings.mixes * len(bank.clips))
    wider = replace(settings, speeds=settings.mix_speeds, shift_samples=settings.mix_shift_samples)
    for _ in range(count):
        pair = bank.clips[rng.integers(0, len(bank.clips), 2)]
        first, second = (augment(clip, bank.noises, wider, rng) for clip in pair)
        made.append(mix(first, second, rng))
    labels.append(np.full(count, NO_LABEL))
    return np.stack(made), np.concatenate(labels).astype(np.int64)


def augment(
    clip: NDArray[np.int16], noises: Sequence[NDArray[np.int16]], settings: ClipAugmentation, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return a changed copy of ``clip``, shape (16000,)."""
    samples = clip.astype(np.float32) / np.float32(FULL_SCALE)
    if rng.random() < settings.speed_share:
        samples = at_speed(samples, float(rng.uniform(*settings.speeds)))
    samples = shifted(samples, int(rng.integers(-settings.shift_samples, settings.shift_samples + 1)))
    share = np.float32(rng.uniform(-settings.colour, settings.colour))
    samples[1:] += share * samples[:-1]
    if noises and rng.random() < settings.noise_share:
        samples = samples + noise_piece(noises, rng) * np.float32(rng.uniform(0.0, settings.noise_volume))
    return _to_int16(samples)


def at_speed(samples: Floats, speed: float) -> Floats:
    """Return ``samples`` played ``speed`` times as fast, higher by as much, about the same middle; same length."""
    middle = (len(samples) - 1) / 2.0
    places = middle + (np.arange(len(samples)) - middle) * speed
    return np.interp(places, np.arange(len(samples)), samples, left=0.0, right=0.0).astype(np.float32)


def shifted(samples: Floats, by: int) -> Floats:
    """Return ``samples`` moved ``by`` places towards the end, zeros where nothing was; same length."""
    out = np.zeros_like(samples)
    if by >= 0:
        out[by:] = samples[: len(samples) - by]
    else:
        out[:by] = samples[-by:]
    return out


def noise_piece(noises: Sequence[NDArray[np.int16]], rng: np.random.Generator) -> Floats:
    """Return a second of one of ``noises``, shape (16000,), as -1..1."""
    noise = noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(0, max(1, len(noise) - KEYWORD_SAMPLES + 1)))
    out = np.zeros(KEYWORD_SAMPLES, np.float32)
    piece = noise[start : start + KEYWORD_SAMPLES].astype(np.float32) / np.float32(FULL_SCALE)
    out[: len(piece)] = piece
    return out


def splice(first: NDArray[np.int16], second: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Return the first part of one clip and the last of another, or one clip backwards: speech, but rarely a word."""
    if rng.random() < 0.3:
        return first[::-1]
    cut = int(rng.integers(KEYWORD_SAMPLES // 3, 2 * KEYWORD_SAMPLES // 3))
    fade = np.clip((np.arange(KEYWORD_SAMPLES) - cut) / 400.0, 0.0, 1.0)
    return np.rint(first * (1.0 - fade) + second * fade).astype(np.int16)


def mix(first: NDArray[np.int16], second: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Return two clips at once, mostly one of them louder: what a network thinks of all that lies between words."""
    share = np.float32(rng.beta(0.5, 0.5))
    one, other = (clip / np.float32(max(1, np.abs(clip.astype(np.int32)).max())) for clip in (first, second))
    both = np.float32(0.9) * (share * one + (np.float32(1) - share) * other)
    return _to_int16(both.astype(np.float32))


def _to_int16(samples: Floats) -> NDArray[np.int16]:
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
