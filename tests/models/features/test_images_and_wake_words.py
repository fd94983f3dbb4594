# SPDX-License-Identifier: Apache-2.0
"""Gray images, log-mel patches and wake-word energies against slow plain definitions."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from PIL import Image

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.features.image import gray, resized, rgb
from mlperf_tiny.models.features.machine_image import MIN_SAMPLES, machine_images
from mlperf_tiny.models.features.pipelines import PIPELINES, find_pipeline, quantize_inputs
from mlperf_tiny.models.features.wake_word import wake_word_energies, wake_word_inputs

RNG = np.random.default_rng(4)
SOUND = RNG.integers(-8000, 8000, 11 * 16_000).astype(np.int16)


@pytest.mark.parametrize(("size", "wanted"), [(96, 50), (96, 128), (96, 160), (97, 48), (5, 1), (4, 8)])
def test_resizing_equals_pillow(size: int, wanted: int) -> None:
    picture = RNG.uniform(0, 255, (2, size, size + 3)).astype(np.float32)
    got = resized(picture, wanted, wanted + 2)
    for before, after in zip(picture, got, strict=True):
        theirs = Image.fromarray(before).resize((wanted + 2, wanted), Image.Resampling.BILINEAR)
        np.testing.assert_allclose(after, np.asarray(theirs), rtol=0, atol=2e-3)


def test_gray_is_a_weighted_mean_of_the_colours() -> None:
    white, red = np.full((1, 96, 96, 3), 255, np.uint8), np.zeros((1, 96, 96, 3), np.uint8)
    red[..., 0] = 255
    assert gray(white, 50) == pytest.approx(1.0, abs=1e-3)
    assert gray(red, 128) == pytest.approx(0.299, abs=1e-3)


def test_log_mel_patches_are_those_of_the_whole_spectrogram() -> None:
    mel = librosa.feature.melspectrogram(
        y=SOUND / np.float32(32768), sr=16_000, n_fft=1024, hop_length=512, n_mels=64, center=False
    )
    levels = (10 * np.log10(mel + np.finfo(float).eps) + 30).T
    patches = machine_images(SOUND)
    assert patches.shape == (14, 32, 32, 1)
    for number in (0, 7, 13):
        part = levels[20 * number : 20 * number + 64]
        wanted = (part[::2, ::2] + part[1::2, ::2] + part[::2, 1::2] + part[1::2, 1::2]) / 4
        np.testing.assert_allclose(patches[number, ..., 0], wanted, rtol=0, atol=1e-4)
    assert machine_images(SOUND[:MIN_SAMPLES]).shape[0] == 1 and machine_images(SOUND[:160_000]).shape[0] == 13


@pytest.mark.parametrize("wrong", [SOUND[: MIN_SAMPLES - 1], SOUND[None]])
def test_machine_images_refuse_other_shapes(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="wanted one channel of at least"):
        machine_images(wrong)


def test_wake_word_energies_frame_by_frame() -> None:
    second = SOUND[:16_000] / 32_768.0
    emphasised = second - 0.96875 * np.concatenate([[0.0], second[:-1]])
    at = 1127.0 * np.log(1.0 + np.arange(513) * 15.625 / 700.0)
    corners = np.linspace(0.0, 1127.0 * np.log(1.0 + 8000.0 / 700.0), 42)
    got = wake_word_energies(second)
    assert got.shape == (30, 40) and 0 < got.min() < got.max() < 1
    for frame in (0, 29):
        power = np.abs(np.fft.rfft(emphasised[512 * frame : 512 * frame + 1024] * np.hamming(1024))) ** 2 / 1024
        for band in range(40):
            weights = np.interp(at, corners[band : band + 3], [0.0, 1.0, 0.0])
            wanted = (10 * np.log10((weights[1:] * power[1:]).sum()) + 52) / 64
            assert got[frame, band] == pytest.approx(wanted, abs=1e-5)
    assert wake_word_inputs(np.zeros((2, 16_000), np.int16)).max() == 0.0  # silence is clipped, never -inf


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda row: row.name)
def test_every_pipeline_gives_the_shape_of_its_row(pipeline: object) -> None:
    raw = {
        "keyword clips": SOUND[:48_000].reshape(3, 16_000),
        "machine clip": SOUND,
        "images": RNG.integers(0, 256, (3, 96, 96, 3)).astype(np.uint8),
    }
    row = find_pipeline(pipeline.name)  # type: ignore[attr-defined]
    if row.name == "mlperf-ic":
        raw["images"] = raw["images"][:, :32, :32]
    inputs = row.compute(raw[row.raw])
    assert inputs.dtype == np.float32 and inputs.shape[1:] == row.shape and np.isfinite(inputs).all()
    assert row.quantized(raw[row.raw], 0.05, -3).dtype == np.int8


def test_rounding_of_inputs() -> None:
    values = np.array([-1.4, -0.6, 0.6, 1.4, 500.0, -500.0], np.float32)
    assert quantize_inputs(values, 1.0, 2).tolist() == [1, 1, 3, 3, 127, -128]
    assert quantize_inputs(values, 1.0, 0, "truncated").tolist() == [-1, 0, 0, 1, 127, -128]


@pytest.mark.parametrize("side", [16, 48, 96, 112])
def test_images_of_any_side_are_resized_by_colour(side: int) -> None:
    images = np.random.default_rng(side).integers(0, 256, (2, 96, 96, 3), np.uint8)
    got = find_pipeline(f"vww-rgb-{side}").compute(images)
    wanted = np.stack([resized(images[..., colour] / np.float32(255), side, side) for colour in range(3)], -1)
    assert got.shape == (2, side, side, 3) and got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, atol=1e-6)
    np.testing.assert_allclose(rgb(np.full((1, 96, 96, 3), 255, np.uint8), side), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", ["vww-rgb-", "vww-rgb-15", "vww-rgb-257", "vww-rgb-048", "vww-rgb-{side}"])
def test_other_sides_have_no_pipeline(name: str) -> None:
    with pytest.raises(UsageError, match="vww-rgb-SIDE with a side of 16 to 256 pixels"):
        find_pipeline(name)
