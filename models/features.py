# SPDX-License-Identifier: Apache-2.0
"""Log-mel features of the anomaly-detection benchmark, from a mono clip at 16 kHz.

The published recipe (mlcommons/tiny, training/anomaly_detection/common.py): librosa's mel spectrogram with a 1024-point
periodic Hann window every 512 samples, power, 128 Slaney mel bands up to 8 kHz, 10 log10, and of the frames only
50..249, away from the clip's ends. It is written out in numpy here: the first call of librosa compiles for seconds, and
only the frames that are kept are worth computing. tests/models/test_features.py holds both against librosa and
against the one published feature file.
"""

from __future__ import annotations

import io
import wave
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

SAMPLE_RATE_HZ = 16_000
FFT_POINTS = 1024
HOP_SAMPLES = 512
MEL_BANDS = 128
FIRST_FRAME = 50
FRAMES = 200
WINDOW_FRAMES = 5
# Frames are centred: frame i covers the samples from 512 i - 512 up to 512 i + 512.
FIRST_SAMPLE = FIRST_FRAME * HOP_SAMPLES - FFT_POINTS // 2
LEAST_SAMPLES = FIRST_SAMPLE + (FRAMES - 1) * HOP_SAMPLES + FFT_POINTS

Floats = NDArray[np.float64]


def log_mel(clip: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the features of a clip, shape (200, 128), in dB.

    ``clip`` is mono, 16 kHz, -1..1, at least LEAST_SAMPLES long (8.1 s). Computed in double precision, so that
    machines with other vector units round to the same float32.
    """
    if clip.ndim != 1 or len(clip) < LEAST_SAMPLES:
        raise ValueError(f"got a clip of shape {clip.shape}, wanted one channel of at least {LEAST_SAMPLES} samples")
    used = np.asarray(clip[FIRST_SAMPLE:LEAST_SAMPLES], dtype=np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(used, FFT_POINTS)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(frames * _hann(FFT_POINTS), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(10.0 * np.log10(power @ mel_weights().T + np.finfo(np.float64).eps), dtype=np.float32)


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
def _hann(points: int) -> Floats:
    """Periodic Hann window: the denominator is the length, not the length minus one."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(points) / points)


@lru_cache(maxsize=1)
def mel_weights() -> Floats:
    """Return the mel filters, shape (128, 513): triangles between neighbouring mel points, each of unit area in Hz.

    The scale is Slaney's (Auditory Toolbox, 1998): linear below 1 kHz with 3 mel per 200 Hz, above it 27 mel for
    each factor 6.4.
    """
    top_mel = _hz_to_mel(SAMPLE_RATE_HZ / 2)
    corners_hz = _mel_to_hz(np.linspace(0.0, top_mel, MEL_BANDS + 2))
    bins_hz = np.arange(FFT_POINTS // 2 + 1) * (SAMPLE_RATE_HZ / FFT_POINTS)
    low, centre, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    # librosa keeps the filters in single precision; the published features were made with those.
    weights = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    weights *= 2.0 / (high - low)
    return weights.astype(np.float64)


_KNEE_HZ, _KNEE_MEL, _MEL_PER_HZ = 1000.0, 15.0, 3.0 / 200.0
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP) if hz >= _KNEE_HZ else hz * _MEL_PER_HZ


def _mel_to_hz(mel: Floats) -> Floats:
    return np.where(mel < _KNEE_MEL, mel / _MEL_PER_HZ, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL)))
