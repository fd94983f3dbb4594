# SPDX-License-Identifier: Apache-2.0
"""Filter banks against plain loops over the libraries' definitions, and against TensorFlow where it is installed."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from mlperf_tiny.models.features.keyword import keyword_mfcc
from mlperf_tiny.models.features.mel import cosine_transform, operator_filters, signal_filters
from mlperf_tiny.models.features.micronet_keyword import micronet_keyword_mfcc

BANKS = [(40, 257, 20.0, 4000.0), (40, 513, 20.0, 4000.0), (40, 513, 0.0, 8000.0), (10, 129, 100.0, 7000.0)]


def mel(hz: float) -> float:
    return 1127.0 * math.log(1.0 + hz / 700.0)


@pytest.mark.parametrize(("bands", "bins", "low_hz", "high_hz"), BANKS)
def test_triangles_on_the_mel_axis(bands: int, bins: int, low_hz: float, high_hz: float) -> None:
    got = signal_filters(bands, bins, 16_000, low_hz, high_hz)
    step = (mel(high_hz) - mel(low_hz)) / (bands + 1)
    for bin_, band in np.ndindex(bins, bands):
        distance = abs(mel(bin_ * 8000.0 / (bins - 1)) - (mel(low_hz) + (band + 1) * step)) / step
        assert got[bin_, band] == pytest.approx(max(0.0, 1.0 - distance) if bin_ else 0.0, abs=1e-9)


@pytest.mark.parametrize(("bands", "bins", "low_hz", "high_hz"), BANKS)
def test_operator_filters_split_bins_between_two_bands(bands: int, bins: int, low_hz: float, high_hz: float) -> None:
    got = operator_filters(bands, bins, 16_000, low_hz, high_hz)
    hz_per_bin = 8000.0 / (bins - 1)
    step = (mel(high_hz) - mel(low_hz)) / (bands + 1)
    for bin_ in range(bins):
        wanted = np.zeros(bands)
        if int(1.5 + low_hz / hz_per_bin) <= bin_ <= int(high_hz / hz_per_bin):
            at = (mel(bin_ * hz_per_bin) - mel(low_hz)) / step - 1.0  # in bands
            for band in range(bands):
                wanted[band] = max(0.0, 1.0 - abs(at - band))
        np.testing.assert_allclose(got[bin_], wanted, rtol=0, atol=1e-9)


def test_cosine_transform_is_a_plain_dct() -> None:
    values = np.random.default_rng(1).normal(size=40)
    plain = [
        math.sqrt(2 / 40) * sum(v * math.cos(math.pi / 40 * k * (n + 0.5)) for n, v in enumerate(values))
        for k in range(10)
    ]
    np.testing.assert_allclose(values @ cosine_transform(10, 40), plain, rtol=0, atol=1e-12)


def clips() -> NDArray[np.int16]:
    rng = np.random.default_rng(2)
    loud = rng.normal(0, 4000, (5, 16_000)) * np.hanning(16_000)
    loud[1, 9_000:] = 0
    loud[2] = 0
    loud[3] = -np.abs(loud[3])
    return loud.astype(np.int16)


def test_both_keyword_pipelines_equal_tensorflow() -> None:
    tf = pytest.importorskip("tensorflow")
    from mlperf_tiny.models.features.clip import by_maximum, to_unit

    scaled = by_maximum(to_unit(clips()))
    spectrogram = tf.raw_ops.AudioSpectrogram(input=scaled.T, window_size=640, stride=320, magnitude_squared=True)
    wanted = tf.raw_ops.Mfcc(
        spectrogram=spectrogram, sample_rate=16_000, lower_frequency_limit=20.0, upper_frequency_limit=4000.0,
        filterbank_channel_count=40, dct_coefficient_count=10,
    )  # fmt: skip
    np.testing.assert_allclose(micronet_keyword_mfcc(clips())[..., 0], wanted.numpy(), rtol=0, atol=1e-6)
    spectrum = tf.abs(tf.signal.stft(scaled, 480, 320))
    bands = tf.math.log(spectrum @ tf.signal.linear_to_mel_weight_matrix(40, 257, 16_000, 20.0, 4000.0) + 1e-6)
    wanted = tf.signal.mfccs_from_log_mel_spectrograms(bands)[..., :10]
    np.testing.assert_allclose(keyword_mfcc(clips())[..., 0], wanted.numpy(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("pipeline", [keyword_mfcc, micronet_keyword_mfcc])
def test_keyword_features_are_the_same_alone_and_in_a_batch(pipeline: object) -> None:
    assert callable(pipeline)
    many = np.tile(clips(), (30, 1))
    batch = pipeline(many)
    assert batch.shape == (150, 49, 10, 1) and batch.dtype == np.float32 and np.isfinite(batch).all()
    for number in (0, 3, 64, 149):
        np.testing.assert_array_equal(pipeline(many[number : number + 1])[0], batch[number])
    assert pipeline(many[:0]).shape == (0, 49, 10, 1)


NO_HOME = """
import os, pwd
os.environ.pop("HOME", None)
os.environ.pop("XDG_CACHE_HOME", None)
def nobody(number):
    raise KeyError(number)
pwd.getpwuid = nobody
import numpy as np
from mlperf_tiny.models.features.mel import slaney_log_mel
print(slaney_log_mel(np.zeros(2048), 8, 1024, 512, 16000).shape, "XDG_CACHE_HOME" in os.environ)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="homes of users are looked up in passwd on POSIX systems only")
def test_log_mel_needs_no_home_of_the_user() -> None:
    result = subprocess.run([sys.executable, "-c", NO_HOME], capture_output=True, text=True)
    assert result.stdout == "(3, 8) False\n", result.stderr
