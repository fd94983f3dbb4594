# SPDX-License-Identifier: Apache-2.0
"""Mono clips at 16 kHz: how they are cut, scaled and framed before any spectrum is taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
KEYWORD_SAMPLES = SAMPLE_RATE_HZ
FULL_SCALE = 32_768

Floats = NDArray[np.float64]


def keyword_clip(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return one second of ``samples``, shape (16000,): a longer clip is cut, a shorter one gets zeros at its end."""
    out = np.zeros(KEYWORD_SAMPLES, np.int16)
    kept = samples[:KEYWORD_SAMPLES]
    out[: len(kept)] = kept
    return out


def to_unit(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return 16-bit samples of any shape as -1..1."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def by_maximum(clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each clip of (..., samples) divided by its own largest value.

    It is the largest signed value, not the largest magnitude: that is what the reference's pipeline divides by
    (mlcommons/tiny, training/keyword_spotting/get_dataset.py), so a clip may go below -1. A clip without any value
    above zero, where the reference would divide by zero, is left as it is.
    """
    largest = clips.max(axis=-1, keepdims=True)
    return np.asarray(clips / np.where(largest > 0, largest, np.float32(1)), np.float32)


def frames(clips: NDArray[np.floating], window: int, hop: int) -> NDArray[np.floating]:
    """Return a view of (..., samples) as (..., frames, window); a last frame that is not full is left out."""
    return np.lib.stride_tricks.sliding_window_view(clips, window, axis=-1)[..., ::hop, :]


def periodic_hann(points: int) -> Floats:
    """The Hann window of a periodic signal: the denominator is the length, not the length minus one."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(points) / points)


def in_batches(clips: NDArray[np.floating], size: int) -> list[NDArray[np.floating]]:
    """Cut (n, ...) into pieces of at most ``size``: spectra of thousands of clips at once would fill the memory."""
    return [clips[at : at + size] for at in range(0, len(clips), size)]
