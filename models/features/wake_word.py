# SPDX-License-Identifier: Apache-2.0
"""Log filter-bank energies of MLPerf Tiny's streaming wake word: 40 bands every 32 ms, between 0 and 1.

The recipe is mlcommons/tiny's (training/streaming_wakeword/get_dataset.py): pre-emphasis, 64 ms symmetric Hamming
windows, power of a 1024-point FFT over 1024, 40 HTK mel bands up to 8 kHz, dB, and -52..12 dB mapped to 0..1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ, Floats, frames
from mlperf_tiny.models.features.mel import signal_filters

WINDOW_SAMPLES = 1024
HOP_SAMPLES = 512
BANDS = 40
PRE_EMPHASIS = 1.0 - 2.0**-5
MIN_POWER = 1e-30
MIN_DB, RANGE_DB = -52.0, 64.0


def wake_word_energies(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the energies of ``sound``, (..., samples) of -1..1 at 16 kHz, as (..., frames, 40).

    One second gives the 30 frames of a network input; a longer sound gives a stream, frame by frame the same values
    except the first sample's, which has no sample before it.
    """
    samples = np.asarray(sound, np.float64)
    before = np.concatenate([np.zeros((*samples.shape[:-1], 1)), samples[..., :-1]], axis=-1)
    emphasised = samples - PRE_EMPHASIS * before
    spectrum = np.fft.rfft(frames(emphasised, WINDOW_SAMPLES, HOP_SAMPLES) * np.hamming(WINDOW_SAMPLES), axis=-1)
    power = np.maximum((spectrum.real**2 + spectrum.imag**2) / WINDOW_SAMPLES, MIN_POWER)
    levels = 10.0 * np.log10(np.maximum(power @ _filters(), MIN_POWER))
    return np.clip((levels - MIN_DB) / RANGE_DB, 0.0, 1.0).astype(np.float32)


def wake_word_inputs(clips: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the network's inputs, shape (n, 30, 1, 40), of clips of one second, shape (n, 16000)."""
    return wake_word_energies(clips / 32_768.0)[:, :, None, :]


@lru_cache(maxsize=1)
def _filters() -> Floats:
    return signal_filters(BANDS, WINDOW_SAMPLES // 2 + 1, SAMPLE_RATE_HZ, 0.0, SAMPLE_RATE_HZ / 2.0)
