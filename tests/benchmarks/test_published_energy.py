# SPDX-License-Identifier: Apache-2.0
"""Published energy runs: every window to 1e-6 of what was printed, and the trace that lost a timestamp refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.published_energy import Comparison, compare, main
from mlperf_tiny.file_tree import open_file_tree

LOST = "v1.1/closed/STMicroelectronics/results/NUCLEO_L4R5ZI/ic"
ENERGY_RUNS = {
    "v0.7/open/hls4ml-finn/results/pynq-z2/kws/KWS-W3A3": "30.667",
    "v1.1/closed/Skymizer/results/NUCLEO_L4R5ZI-zephyr/ad": "409.666",
    "v1.3/closed/STMicroelectronics/results/NUCLEO_U385RG_Q/ic": "965.5817",
    "v1.3/closed/syntiant/results/syntiant_9120_1v1_98mhz/kws": "43.802",
}


@pytest.fixture(scope="module")
def compared(data_dir: Path) -> dict[str, Comparison]:
    return {one.folder: one for one in compare(open_file_tree(data_dir / "published"))}


def test_all_published_energy_runs_are_compared(compared: dict[str, Comparison]) -> None:
    assert set(compared) == {*ENERGY_RUNS, LOST}


@pytest.mark.parametrize(("folder", "printed"), ENERGY_RUNS.items())
def test_windows_are_as_printed(folder: str, printed: str, compared: dict[str, Comparison]) -> None:
    one = compared[folder]
    assert (len(one.windows), one.printed) == (5, printed)
    assert one.worst < 1e-6


def test_the_trace_that_lost_a_timestamp_is_refused(compared: dict[str, Comparison]) -> None:
    assert compared[LOST].windows == ()
    assert "10 timestamps, wanted 11" in compared[LOST].refused
    assert "1 of them was lost" in compared[LOST].refused


def test_the_command_prints_a_row_for_each(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(data_dir / "published" / "v1.1")]) == 0
    shown = capsys.readouterr().out
    assert "2 energy runs, 5 windows, 0 differ by more than 1e-06" in shown
    assert "wanted 11" in shown
