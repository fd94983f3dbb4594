# SPDX-License-Identifier: Apache-2.0
"""Published images beside their latencies: the list, the bank modes, the summary; the images are not shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.published_images import PublishedImage, Timed, boards_of, main, published_images, row_of, summary
from mlperf_tiny.firmware.boards import DEVICES
from mlperf_tiny.models.tasks import BY_NAME

IMAGE = PublishedImage(
    round="v1.2", submitter="someone", device="stm32l4r5", task="kws", banks="unknown", published_ms=50.0,
    path="a/b.bin", sha256="0" * 64,
)  # fmt: skip


def timed(image: PublishedImage, latency_ms: float, banks: str = "dual") -> Timed:
    return Timed(
        image=image, banks=banks, latency_ms=latency_ms, cycles=6_000_000, instructions=5_000_000, outside=False
    )


def test_the_list_names_devices_tasks_and_hashes() -> None:
    rows = published_images()
    assert len({row.sha256 for row in rows}) == len(rows) > 20
    for row in rows:
        assert row.device in DEVICES and row.task in BY_NAME and len(row.sha256) == 64
        assert row.banks in ("", "dual", "single", "unknown") and row.published_ms > 0
        assert row.file(Path("rounds")) == Path("rounds") / f"tiny_results_{row.round}" / row.path


@pytest.mark.parametrize(
    ("banks", "modes"),
    [("unknown", {"dual": 8, "single": 16}), ("single", {"single": 16}), ("dual", {"dual": 8})],
)
def test_where_the_bank_mode_is_not_published_both_are_run(banks: str, modes: dict[str, int]) -> None:
    found = dict(boards_of(replace(IMAGE, banks=banks)))
    systems = {mode: board.memory_system for mode, board in found.items()}
    assert {mode: system.accelerator.line_bytes for mode, system in systems.items() if system} == modes


def test_the_worse_bank_mode_counts() -> None:
    other = replace(IMAGE, task="ad", published_ms=4.0)
    text = summary([timed(IMAGE, 51.0), timed(IMAGE, 45.0, "single"), timed(other, 4.2)])
    assert text == "stm32l4r5, 2 images: median 7.5% absolute, -2.5% signed; worst -10.0%."
    assert row_of(timed(IMAGE, 45.0, "single")) == (
        "v1.2 someone", "stm32l4r5", "kws", "single?", "50.000", "45.000", "-10.0%", "6,000,000", "5,000,000"
    )  # fmt: skip


def test_without_the_images_the_command_says_where_they_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--rounds", str(tmp_path)])
    assert result.exit_code == 2
    assert "clone mlcommons/tiny_results_v1.1" in result.stderr
