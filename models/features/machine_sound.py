# SPDX-License-Identifier: Apache-2.0
"""Log-mel features of the anomaly-detection benchmark, from a mono clip at 16 kHz.

The published recipe (mlcommons/tiny, training/anomaly_detection/common.py): librosa's mel spectrogram with a 1024-point
periodic Hann window every 512 samples, power, 128 Slaney mel bands up to 8 kHz, 10 log10, and of the frames only
50..249, away from the clip's ends. It is written out in numpy here: the first call of librosa compiles for seconds, and
only the frames that are kept are worth computing. tests/models/features/test_machine_sound.py holds it against
librosa and against the one published feature file.
"""

from __future__ import annotations

import io
import wave
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ, Floats, periodic_hann
from mlperf_tiny.models.features.mel import slaney_filters

FFT_POINTS = 1024
HOP_SAMPLES = 512
MEL_BANDS = 128
FIRST_FRAME = 50
FRAMES = 200
WINDOW_FRAMES = 5
# Frames are centred: frame i covers the samples from 512 i - 512 up to 512 i + 512.
FIRST_SAMPLE = FIRST_FRAME * HOP_SAMPLES - FFT_POINTS // 2
LEAST_SAMPLES = FIRST_SAMPLE + (FRAMES - 1) * HOP_SAMPLES + FFT_POINTS


def log_mel(clip: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the features of a clip, shape (200, 128), in dB.

    ``clip`` is mono, 16 kHz, -1..1, at least LEAST_SAMPLES long (8.1 s). Computed in double precision, so that
    machines with other vector units round to the same float32.
    """
    if clip.ndim != 1 or len(clip) < LEAST_SAMPLES:
        raise ValueError(f"got a clip of shape {clip.shape}, wanted one channel of at least {LEAST_SAMPLES} samples")
    used = np.asarray(clip[FIRST_SAMPLE:LEAST_SAMPLES], dtype=np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(used, FFT_POINTS)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(frames * periodic_hann(FFT_POINTS), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(10.0 * np.log10(power @ mel_weights() + np.finfo(np.float64).eps), dtype=np.float32)


def ad_features(clip: NDArray[np.floating]) -> bytes:
    """Return the official file content of a clip: 200 x 128 float32, little-endian, frame-major, 102,400 bytes."""
    return log_mel(clip).astype("<f4").tobytes()


def ad_features_of_wav(content: bytes, where: str) -> bytes:
    """Return ``ad_features`` of a .wav file's bytes; raises DataError naming ``where`` if it is not such a clip."""
    try:
        with wave.open(io.BytesIO(content)) as clip:
            form = (clip.getframerate(), clip.getnchannels(), clip.getsampwidth())
            frames = clip.readframes(clip.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{where} is not a readable .wav clip: {error}. Replace the file.") from error
    if form != (SAMPLE_RATE_HZ, 1, 2):
        rate_hz, channels, width_bytes = form
        raise DataError(
            f"{where} has {rate_hz} Hz, {channels} channels, {8 * width_bytes} bits; "
            f"wanted {SAMPLE_RATE_HZ} Hz, 1 channel, 16 bits."
        )
    samples = np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2")
    if len(samples) < LEAST_SAMPLES:
        raise DataError(
            f"{where} has {len(samples):,} samples, wanted at least {LEAST_SAMPLES:,} "
            f"({LEAST_SAMPLES / SAMPLE_RATE_HZ:.1f} s). Replace the file."
        )
    return ad_features(samples / 32768.0)


def windows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model inputs of one clip: shape (196, 640), each 5 consecutive frames of ``features`` (200, 128)."""
    view = np.lib.stride_tricks.sliding_window_view(features, (WINDOW_FRAMES, features.shape[1]))
    return np.ascontiguousarray(view.reshape(-1, WINDOW_FRAMES * features.shape[1]))


@lru_cache(maxsize=1)
def mel_weights() -> Floats:
    """The mel filters as a matrix, shape (513, 128)."""
    return slaney_filters(MEL_BANDS, FFT_POINTS, SAMPLE_RATE_HZ)
