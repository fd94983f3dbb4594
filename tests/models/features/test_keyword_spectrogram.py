# SPDX-License-Identifier: Apache-2.0
"""Centred log-mel spectrograms and their MFCCs against torchaudio's definitions in plain sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from mlperf_tiny.models.features.keyword_spectrogram import keyword_log_mel, keyword_mfcc_32

CLIPS = (np.random.default_rng(3).normal(0, 3000, (2, 16_000)) * np.hanning(16_000)).astype(np.int16)


def mel_power(clip: NDArray[np.int16], frame: int, window: int, bands: int) -> list[float]:
    """The band values of one frame: mirrored ends, a window in the middle of 512 points, triangles over Hz."""
    samples = clip / 32_768
    mirrored = np.concatenate([samples[256:0:-1], samples, samples[-2:-258:-1]])
    shape = np.zeros(512)
    start = (512 - window) // 2
    shape[start : start + window] = [0.5 - 0.5 * math.cos(2 * math.pi * n / window) for n in range(window)]
    power = np.abs(np.fft.fft(mirrored[160 * frame : 160 * frame + 512] * shape)[:257]) ** 2
    top = 2595 * math.log10(1 + 8000 / 700)
    edges = [700 * (10 ** (top * n / (bands + 1) / 2595) - 1) for n in range(bands + 2)]
    hz = np.arange(257) * 8000 / 256
    return [float(np.interp(hz, edges[n : n + 3], [0.0, 1.0, 0.0]) @ power) for n in range(bands)]


@pytest.mark.parametrize("frame", [0, 1, 50, 100])
def test_log_mel_is_torchaudios(frame: int) -> None:
    got = keyword_log_mel(CLIPS)
    assert got.shape == (2, 101, 40, 1)
    wanted = [math.log(value + 1e-6) for value in mel_power(CLIPS[1], frame, 480, 40)]
    np.testing.assert_allclose(got[1, frame, :, 0], wanted, rtol=0, atol=2e-5)


def test_mfccs_are_an_orthonormal_dct_of_64_bands_with_coefficients_of_like_spread() -> None:
    got = keyword_mfcc_32(CLIPS)
    assert got.shape == (2, 101, 1, 32)
    bands = [math.log(value + 1e-6) for value in mel_power(CLIPS[0], 40, 400, 64)]
    for k in range(32):
        cosine = sum(value * math.cos(math.pi / 64 * k * (n + 0.5)) for n, value in enumerate(bands))
        norm = math.sqrt((1 if k == 0 else 2) / 64)
        assert got[0, 40, 0, k] == pytest.approx(norm * cosine * (k + 1) / 32, abs=1e-4)


@pytest.mark.parametrize("compute", [keyword_log_mel, keyword_mfcc_32])
def test_silence_and_no_clips_have_features(compute: object) -> None:
    silence = compute(np.zeros((1, 16_000), np.int16))  # type: ignore[operator]
    assert np.isfinite(silence).all()
    assert compute(np.zeros((0, 16_000), np.int16)).shape == (0, *silence.shape[1:])  # type: ignore[operator]
