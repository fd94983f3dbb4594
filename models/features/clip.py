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
    """Return one second of ``samples``, shape (16000,): a longer clip is truncated, a shorter one zero-padded.

    Examples:
        >>> keyword_clip(np.ones(3, np.int16))[:5].tolist()
        [1, 1, 1, 0, 0]
    """
    out = np.zeros(KEYWORD_SAMPLES, np.int16)
    kept = samples[:KEYWORD_SAMPLES]
    out[: len(kept)] = kept
    return out


def to_unit(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return 16-bit samples of any shape as -1..1."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def by_maximum(clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each clip of (..., samples) divided by its own largest value.

    The reference pipeline (mlcommons/tiny, training/keyword_spotting/get_dataset.py) divides by the largest signed
    value, not by the largest magnitude, so a clip may go below -1. A clip without any value above zero, where the
    reference would divide by zero, is not changed.
    """
    largest = clips.max(axis=-1, keepdims=True)
    return np.asarray(clips / np.where(largest > 0, largest, np.float32(1)), np.float32)


def frames(clips: NDArray[np.floating], window: int, hop: int) -> NDArray[np.floating]:
    """Return overlapping frames of a signal.

    Args:
        clips: Shape (..., samples).
        window: Samples in a frame.
        hop: Samples between the starts of two frames.

    Returns:
        A view of shape (..., frames, window); an incomplete last frame is dropped.

    Examples:
        >>> frames(np.arange(6.0), 4, 2).tolist()
        [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0]]
    """
    return np.lib.stride_tricks.sliding_window_view(clips, window, axis=-1)[..., ::hop, :]


def periodic_hann(points: int) -> Floats:
    """Return the periodic Hann window: the denominator is the length, not the length minus one."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(points) / points)


def in_batches(clips: NDArray[np.floating], size: int) -> list[NDArray[np.floating]]:
    """Split an array into batches, because spectra of thousands of clips at once would not fit in memory.

    Args:
        clips: Shape (n, ...).
        size: Largest length of a batch.

    Returns:
        Views along the first axis.
    """
    return [clips[at : at + size] for at in range(0, len(clips), size)]
