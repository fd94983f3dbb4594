# SPDX-License-Identifier: Apache-2.0
"""The MFCCs of MLPerf Tiny's keyword spotting: 49 frames of 10 coefficients from one second.

The recipe is mlcommons/tiny's (training/keyword_spotting/get_dataset.py, make_bin_files.py): the clip divided by its
maximum, 30 ms Hann windows every 20 ms, magnitudes of a 512-point FFT, 40 mel bands from 20 to 4000 Hz, natural
logarithm of the value plus 1e-6, DCT. It is written out in numpy in double precision. Of the official files whose clip
was available, 865 of 872 are reproduced bit for bit; the reference's own code gives 803 on another machine than theirs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import Floats, by_maximum, frames, in_batches, periodic_hann, to_unit
from mlperf_tiny.models.features.mel import cosine_transform, signal_filters
from mlperf_tiny.models.tasks.kws import KWS

WINDOW_SAMPLES = 480
HOP_SAMPLES = 320
FFT_POINTS = 512
FRAMES = 49
COEFFICIENTS = 10
MEL_BANDS = 40
LOG_OFFSET = 1e-6
BATCH = 64

# In a frame of zeros all coefficients but the first are exactly 0. The machine that made the official files computed
# the second and the sixth a few millionths below zero; truncation turned that into a whole unit: 82 where 83 is exact.
# On any other frame this offset changes nothing.
PUBLISHED_ROUNDING = np.array([0, 5e-6, 0, 0, 0, 5e-6, 0, 0, 0, 0], np.float32)


def keyword_mfcc(clips: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the features, shape (n, 49, 10, 1), of ``clips`` of shape (n, 16000)."""
    scaled = by_maximum(to_unit(clips))
    made = [_of_batch(batch) for batch in in_batches(scaled, BATCH)]
    return np.concatenate(made)[..., None] if made else np.zeros((0, FRAMES, COEFFICIENTS, 1), np.float32)


def official_keyword_files(clips: NDArray[np.int16]) -> NDArray[np.int8]:
    """Return the content of the official files of ``clips``, shape (n, 490): int8 for the reference model's input.

    The published files were quantised by truncation toward zero.
    """
    features = keyword_mfcc(clips)[..., 0] - PUBLISHED_ROUNDING
    assert KWS.tensor is not None and KWS.tensor.scale is not None and KWS.tensor.zero_point is not None
    steps = np.trunc(features / np.float32(KWS.tensor.scale) + np.float32(KWS.tensor.zero_point))
    return np.clip(steps, -128, 127).astype(np.int8).reshape(len(clips), FRAMES * COEFFICIENTS)


def _of_batch(scaled: NDArray[np.floating]) -> NDArray[np.float32]:
    window = periodic_hann(WINDOW_SAMPLES).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(frames(scaled, WINDOW_SAMPLES, HOP_SAMPLES) * window, FFT_POINTS, axis=-1))
    filters, transform = _matrices()
    flat = spectrum[..., : len(filters)].reshape(-1, len(filters)).astype(np.float64)
    coefficients = np.log(flat @ filters + LOG_OFFSET) @ transform
    return coefficients.reshape(-1, FRAMES, COEFFICIENTS).astype(np.float32)


@lru_cache(maxsize=1)
def _matrices() -> tuple[Floats, Floats]:
    filters = signal_filters(MEL_BANDS, FFT_POINTS // 2 + 1, 16_000, 20.0, 4000.0).astype(np.float32)
    used = 1 + int(np.flatnonzero(filters.any(axis=1))[-1])
    return filters[:used].astype(np.float64), cosine_transform(COEFFICIENTS, MEL_BANDS)
