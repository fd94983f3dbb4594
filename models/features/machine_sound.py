# SPDX-License-Identifier: Apache-2.0
"""Log-mel features of the anomaly-detection benchmark, from a mono clip at 16 kHz.

The published recipe (mlcommons/tiny, training/anomaly_detection/common.py): librosa's mel spectrogram with a 1024-point
periodic Hann window every 512 samples, power, 128 Slaney mel bands up to 8 kHz, 10 log10, and of the frames only
50..249, away from the clip's ends. Only the samples of those frames are transformed.
tests/models/features/test_machine_sound.py compares it with the recipe as published and with the one published file.
"""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import problem_of
from mlperf_tiny.models.features.clip import SAMPLE_RATE_HZ
from mlperf_tiny.models.features.mel import slaney_log_mel

FFT_POINTS = 1024
HOP_SAMPLES = 512
MEL_BANDS = 128
FIRST_FRAME = 50
FRAMES = 200
WINDOW_FRAMES = 5
# Frames are centred: frame i covers the samples from 512 i - 512 up to 512 i + 512.
FIRST_SAMPLE = FIRST_FRAME * HOP_SAMPLES - FFT_POINTS // 2
MIN_SAMPLES = FIRST_SAMPLE + (FRAMES - 1) * HOP_SAMPLES + FFT_POINTS


def log_mel(clip: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the features of a clip, shape (200, 128), in dB.

    ``clip`` is mono, 16 kHz, -1..1, at least MIN_SAMPLES long (8.1 s). Raises ValueError for another shape.
    """
    if clip.ndim != 1 or len(clip) < MIN_SAMPLES:
        raise ValueError(f"got a clip of shape {clip.shape}, wanted one channel of at least {MIN_SAMPLES} samples")
    used = np.asarray(clip[FIRST_SAMPLE:MIN_SAMPLES], dtype=np.float64)
    return slaney_log_mel(used, MEL_BANDS, FFT_POINTS, HOP_SAMPLES, SAMPLE_RATE_HZ).astype(np.float32)


def ad_features(clip: NDArray[np.floating]) -> bytes:
    """Return the official file content of a clip: 200 x 128 float32, little-endian, frame-major, 102,400 bytes."""
    return log_mel(clip).astype("<f4").tobytes()


def ad_features_of_wav(content: bytes, where: str) -> bytes:
    """Return ``ad_features`` of a .wav file.

    Args:
        content: The bytes of the file.
        where: Where they come from, for errors.

    Returns:
        102,400 bytes.

    Raises:
        DataError: The file is not 16-bit mono at 16 kHz of at least 8.1 s, or cannot be read.
    """
    try:
        with wave.open(io.BytesIO(content)) as clip:
            form = (clip.getframerate(), clip.getnchannels(), clip.getsampwidth())
            frames = clip.readframes(clip.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(
            f"{where} is not a readable .wav clip: {problem_of(content, error)}. Replace the file."
        ) from error
    if form != (SAMPLE_RATE_HZ, 1, 2):
        rate_hz, channels, width_bytes = form
        raise DataError(
            f"{where} has {rate_hz} Hz, {channels} channels, {8 * width_bytes} bits; "
            f"wanted {SAMPLE_RATE_HZ} Hz, 1 channel, 16 bits."
        )
    samples = np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2")
    if len(samples) < MIN_SAMPLES:
        raise DataError(
            f"{where} has {len(samples):,} samples, wanted at least {MIN_SAMPLES:,} "
            f"({MIN_SAMPLES / SAMPLE_RATE_HZ:.1f} s). Replace the file."
        )
    return ad_features(samples / 32768.0)


def windows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model inputs of one clip: shape (196, 640), each 5 consecutive frames of ``features`` (200, 128)."""
    view = np.lib.stride_tricks.sliding_window_view(features, (WINDOW_FRAMES, features.shape[1]))
    return np.ascontiguousarray(view.reshape(-1, WINDOW_FRAMES * features.shape[1]))
