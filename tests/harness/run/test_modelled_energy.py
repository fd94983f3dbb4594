# SPDX-License-Identifier: Apache-2.0
"""Energy of emulated runs: power measured on such a board times the modelled latency, and called modelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import BOARDS, find_board
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.text import render
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice

LATENCY_US = 12_000


def run(tmp_path: Path, device: str | None, timing: str) -> RunRecord:
    """A performance run against a fake device behind a port, recorded under ``device``."""
    fake = FakeDevice(infer=one_hot, latency_us=LATENCY_US, timing=timing)
    kws_folder(tmp_path / "data")
    request = Request(task="kws", device=device, modes=("performance",), data=tmp_path / "data", port="fake://")
    record, _ = run_benchmark(request, tmp_path / "runs", Listener(), lambda url, *, baud=None: fake)
    return record


@pytest.mark.parametrize("device", [board.device for board in BOARDS if board.power])
def test_modelled_energy_is_the_boards_power_times_the_latency(device: str, tmp_path: Path) -> None:
    record = run(tmp_path, device, "emulated")
    power = find_board(device).power
    assert power is not None and record.energy is not None and record.performance is not None
    latency_us = 1000.0 * record.performance.latency_ms
    assert record.energy.uj_per_inference == pytest.approx(power.active_w * latency_us)
    assert record.energy.lowest_uj == pytest.approx(power.lowest_w * latency_us)
    assert record.energy.highest_uj == pytest.approx(power.highest_w * latency_us)
    assert (record.energy.kind, record.energy.source) == ("modelled", power.source)
    row = row_of_record(record, "")
    assert row["EnergyKind"] == "modelled"
    assert float(row["EnergyUj"]) == pytest.approx(record.energy.uj_per_inference, 1e-3)
    shown = next(line for line in render(record, tmp_path).splitlines() if line.startswith("  energy"))
    assert "modelled" in shown and power.source in shown and f"{record.energy.uj_per_inference:,.0f} uJ" in shown


@pytest.mark.parametrize(
    ("device", "timing"),
    [("stm32f746", "hardware"), ("host", "emulated"), (None, "emulated")],
    ids=["a real board's energy is measured or not known", "a process has no power", "no board was named"],
)
def test_energy_is_modelled_for_emulated_boards_only(device: str | None, timing: str, tmp_path: Path) -> None:
    record = run(tmp_path, device, timing)
    assert record.energy is None
    row = row_of_record(record, "")
    assert (row["EnergyKind"], row["EnergyUj"]) == ("", "")
    assert not any(line.startswith("  energy") for line in render(record, tmp_path).splitlines())


def test_powers_are_of_the_boards_rows() -> None:
    """MicroNets, table 4: energy over latency of every network on the board lies between the two ends."""
    for board in BOARDS:
        if board.power is not None:
            assert 0 < board.power.lowest_w <= board.power.active_w <= board.power.highest_w
            assert board.power.source
