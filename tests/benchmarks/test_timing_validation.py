# SPDX-License-Identifier: Apache-2.0
"""The comparison of emulated with published time: its tables, its statistics, and a run on an image made here."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.timing_validation import main
from benchmarks.timing_validation_report import core_ratios, counted, plot, spearman, summaries
from benchmarks.timing_validation_rows import PublishedRow, ValidationImage, read_manifest, read_published
from benchmarks.timing_validation_run import ImageFailed, Prediction, board_of, predict
from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import DEVICES
from tests.runners.emulator_images import build_image

PUBLISHED = read_published()


def row(model: str, device: str, latency_ms: float, counts: str = "test") -> PublishedRow:
    return PublishedRow(f"{device}-{model}", "group", model, device, 100_000_000, latency_ms, 0.5, counts, "here")


def prediction(
    model: str, device: str, latency_ms: float, cycles: int, counts: str = "test", build: str = "-O2"
) -> Prediction:
    return Prediction(
        ValidationImage(Path("x.elf"), row(model, device, latency_ms, counts), build), cycles, cycles // 2, ()
    )


def image_folder(folder: Path, published: str, device: str, *defines: str, name: str = "a.elf") -> Path:
    (folder / name).write_bytes(build_image("validation.c", device, *defines))
    (folder / "images.csv").write_text(f"image,row,build\n{name},{published},test build\n")
    return folder


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_row_can_be_compared(name: str) -> None:
    one = PUBLISHED[name]
    assert board_of(one.device).device in DEVICES
    assert one.source and one.latency_ms > one.resolution_ms > 0
    assert one.counted in ("test", "regression", "explained", "looked-at", "coarse", "estimate")
    # A latency rounded to more than a tenth of itself cannot show an error of ten per cent.
    assert one.counted == "coarse" or one.resolution_ms <= 0.05 * one.latency_ms


def test_there_are_enough_test_rows_on_both_cores() -> None:
    tests = [one for one in PUBLISHED.values() if one.counted == "test"]
    assert len(tests) >= 12
    assert {one.device for one in tests} == {"stm32f446", "stm32f746"}
    assert PUBLISHED["microtvm-cmsis-ic"].cycles == pytest.approx(46.75e6, rel=1e-3)
    assert PUBLISHED["micronets-f746-kws-s"].cycles == pytest.approx(23.54e6, rel=1e-3)


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        (None, "has no images.csv"),
        ("image,row,build\na.elf,no-such-row,x\n", "'no-such-row'"),
        ("image,row,build\na.elf,microtvm-cmsis-ic,x\n", "'a.elf', not in"),
    ],
)
def test_unusable_manifests_are_refused_with_the_reason(tmp_path: Path, manifest: str | None, text: str) -> None:
    if manifest is not None:
        (tmp_path / "images.csv").write_text(manifest)
    with pytest.raises(UsageError, match=text):
        read_manifest(tmp_path, PUBLISHED)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        # Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 * 4 / (5 * 24).
        ([1, 2, 3, 4, 5], [20, 10, 40, 30, 50], 0.8),
        # Ties share a rank: 1 2.5 2.5 4 against 1 2 3 4, covariance 4.5 of the root of 4.5 * 5.
        ([1, 2, 2, 3], [1, 2, 3, 4], 4.5 / (4.5 * 5) ** 0.5),
        ([1, 2], [1, 2], None),
        ([1, 1, 1], [1, 2, 3], None),
    ],
)
def test_rank_correlation(first: list[float], second: list[float], expected: float | None) -> None:
    assert spearman(first, second) == (None if expected is None else pytest.approx(expected))


def test_errors_by_build_and_device() -> None:
    rows = [
        prediction("a", "stm32f446", 10.0, 900_000),
        prediction("b", "stm32f446", 20.0, 2_400_000),
        prediction("c", "stm32f446", 30.0, 3_030_000),
        prediction("c", "stm32f746", 30.0, 2_000_000),
        prediction("d", "stm32f746", 30.0, 1, "coarse"),
    ]
    m4, m7 = summaries(counted(rows))
    assert (m4.rows, m4.device, m4.worst_model) == (3, "stm32f446", "b")
    assert (m4.median_signed, m4.median_absolute, m4.worst) == pytest.approx((0.01, 0.1, 0.2))
    assert m4.spearman == pytest.approx(1.0)
    assert (m7.rows, m7.worst, m7.spearman) == (1, pytest.approx(-1 / 3), None)


def test_the_ratio_of_the_cores_is_of_one_model_and_build() -> None:
    rows = [
        prediction("a", "stm32f446", 20.0, 1_800_000),
        prediction("a", "stm32f746", 10.0, 1_000_000),
        prediction("a", "stm32f746", 10.0, 500_000, build="-Os"),
        prediction("b", "stm32f446", 10.0, 1_000_000),
    ]
    (ratio,) = core_ratios(rows)
    assert (ratio.build, ratio.model, ratio.predicted, ratio.published) == ("-O2", "a", 1.8, 2.0)


def test_the_plot_names_models_and_devices(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [prediction("a", "stm32f446", 10.0, 900_000), prediction("b", "stm32f746", 600.0, 70_000_000)]
    plot(rows, "Title", tmp_path / "plot.svg")
    drawing = xml.parse(tmp_path / "plot.svg")
    texts = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Title", "a", "b", "stm32f446", "stm32f746"} <= set(texts)
    plot(rows, "Title", tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == (tmp_path / "plot.svg").read_bytes()
    plot(rows, "Title", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"plot.pdf is not .svg or .png"):
        plot(rows, "Title", tmp_path / "plot.pdf")


@pytest.mark.parametrize("level", ["instructions", "pipeline", "full"])
@pytest.mark.parametrize("name", ["micronets-f446-kws-s", "micronets-f746-kws-s", "microtvm-cmsis-ic"])
def test_an_image_is_timed_by_its_own_cycle_counter(tmp_path: Path, name: str, level: str) -> None:
    device = board_of(PUBLISHED[name].device).device
    (image,) = read_manifest(image_folder(tmp_path, name, device), PUBLISHED)
    one = predict(image, level)
    # A subtraction and a taken branch per iteration: 1 to 4 cycles, without the console's. This image leaves the
    # Cortex-M7's caches off: an iteration then waits for one read of the flash, 12 cycles, on top.
    uncached = level == "full" and device == "stm32f746"
    assert 1000 <= one.cycles <= (16_100 if uncached else 4_100)
    assert one.instructions >= 2000
    assert one.operators == (("CONV 2D", 70), ("RESHAPE", 3))
    assert one.predicted_ms == pytest.approx(one.cycles / image.row.clock_hz * 1e3)


def test_an_image_that_fails_is_named_in_the_error(tmp_path: Path) -> None:
    name = "micronets-f446-kws-s"
    (image,) = read_manifest(image_folder(tmp_path, name, "stm32f446", "MUTE"), PUBLISHED)
    with pytest.raises(ImageFailed, match=r"a\.elf answered 'failed 1"):
        predict(image, "instructions")


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("micronets-f446-kws-s", 0, "1 pairs, median absolute error 100"),
        ("microtvm-cmsis-ic", 1, "Regression rows"),  # far too short: a regression
    ],
)
def test_the_command(tmp_path: Path, name: str, status: int, text: str) -> None:
    image_folder(tmp_path, name, "stm32f446")
    drawing = tmp_path / "plot.svg"
    result = CliRunner().invoke(
        main, ["--images", str(tmp_path), "--level", "instructions", "--plot", str(drawing), "--operators"]
    )
    assert result.exit_code == status, result.output
    assert text in result.output and "RESHAPE" in result.output
    assert "<svg" in drawing.read_text()
