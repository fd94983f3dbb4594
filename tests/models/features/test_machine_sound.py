# SPDX-License-Identifier: Apache-2.0
"""Features against the published recipe, against a plain definition and against the one published file."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.synthetic.machines import waveform
from mlperf_tiny.models.data.synthetic.sets import run_clips
from mlperf_tiny.models.features.machine_sound import MIN_SAMPLES, ad_features_of_wav, log_mel, windows


def wav_bytes(samples: NDArray[np.int16], rate_hz: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as out:
        out.setparams((channels, width, rate_hz, 0, "NONE", ""))
        out.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


def noise(samples: int) -> NDArray[np.int16]:
    return np.random.default_rng(5).integers(-3000, 3000, samples).astype(np.int16)


def test_kept_frames_are_those_of_the_published_recipe() -> None:
    """The recipe transforms the whole clip with centred frames and then keeps 200 of them."""
    clip = noise(16_000 * 11) / np.float32(32768)
    mel = librosa.feature.melspectrogram(y=clip, sr=16_000, n_fft=1024, hop_length=512, n_mels=128, power=2.0)
    wanted = 10 * np.log10(mel + np.finfo(float).eps)[:, 50:250].T
    np.testing.assert_allclose(log_mel(clip), wanted, rtol=0, atol=2e-5)


def test_features_in_numpy_are_bit_for_bit_the_same() -> None:
    """What this project computed before librosa did it: the published figures of the models are from those bytes."""
    clips = [clip for clip in run_clips() if clip.number == 0]
    for clip in clips:
        samples = waveform(clip) / 32_768.0
        kept = samples[50 * 512 - 512 : 249 * 512 + 512]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
        spectrum = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(kept, 1024)[::512] * window)
        mel = (spectrum.real**2 + spectrum.imag**2) @ librosa.filters.mel(sr=16_000, n_fft=1024, n_mels=128).T
        wanted = (10 * np.log10(mel.astype(np.float64) + np.finfo(float).eps)).astype(np.float32)
        np.testing.assert_array_equal(log_mel(samples), wanted)


def test_published_feature_file(data_dir: Path) -> None:
    name = "normal_id_01_00000000"
    made = ad_features_of_wav((data_dir / "ad01" / "wav" / f"{name}.wav").read_bytes(), name)
    wanted = np.fromfile(data_dir / "ad01" / f"{name}_hist_librosa.bin", "<f4")
    np.testing.assert_allclose(np.frombuffer(made, "<f4"), wanted, rtol=0, atol=1e-5)


def test_windows_are_five_frames_with_stride_one() -> None:
    features = np.arange(200 * 128, dtype=np.float32).reshape(200, 128)
    cut = windows(features)
    assert cut.shape == (196, 640)
    for number in (0, 1, 195):
        np.testing.assert_array_equal(cut[number], features.ravel()[number * 128 : number * 128 + 640])


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "not a readable .wav"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "not a readable .wav"),
        (wav_bytes(noise(MIN_SAMPLES), rate_hz=44_100), "has 44100 Hz"),
        (wav_bytes(noise(2 * MIN_SAMPLES), channels=2), "2 channels"),
        (wav_bytes(noise(MIN_SAMPLES), width=1), "8 bits"),
        (wav_bytes(noise(MIN_SAMPLES - 1)), f"wanted at least {MIN_SAMPLES:,}"),
    ],
)
def test_ad_features_refuse_other_clips(content: bytes, wanted: str) -> None:
    with pytest.raises(DataError, match=wanted) as refused:
        ad_features_of_wav(content, "clips/x.wav")
    assert "clips/x.wav" in str(refused.value)


def test_shortest_clip_is_enough() -> None:
    assert len(ad_features_of_wav(wav_bytes(noise(MIN_SAMPLES)), "x.wav")) == 102_400
