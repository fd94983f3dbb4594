# SPDX-License-Identifier: Apache-2.0
"""Instructions and cycles of one inference, on a device that waits for its serial port while it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import differences_from, read_record
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.progress import Listener
from tests.fakes.data_sets import kws_folder
from tests.fakes.device import FakeDevice
from tests.fakes.printing_device import PrintingDevice

CLOCK_HZ = PrintingDevice.CLOCK_HZ


def run(folder: Path, device: FakeDevice, iterations: int | None = None) -> tuple[RunRecord, Path]:
    asked = Request(
        task="kws", data=kws_folder(folder / "data"), port="fake://", modes=("performance",), iterations=iterations
    )
    return run_benchmark(asked, folder / "runs", Listener(), lambda url, *, baud=None: device)


@pytest.mark.parametrize(("latency_us", "iterations"), [(6, None), (5_000, None), (900_000, None), (20, 1), (6, 100)])
def test_cycles_are_latency_times_clock(latency_us: int, iterations: int | None, tmp_path: Path) -> None:
    record, _ = run(tmp_path, PrintingDevice(latency_us), iterations)
    assert record.performance is not None
    cycles = record.performance.latency_ms / 1000 * CLOCK_HZ
    within = 1e-4 if iterations is None else 5e-3
    assert record.cycles_per_inference == pytest.approx(cycles, rel=within)
    assert record.instructions_per_inference == pytest.approx(cycles / 3, rel=within)


def test_the_record_of_an_earlier_program_is_not_called_changed(tmp_path: Path) -> None:
    _, folder = run(tmp_path, PrintingDevice(300))
    record = read_record(folder)
    former = record.former_counts.cycles_per_inference
    written: dict[str, Any] = json.loads(json.dumps(record.to_json()))
    assert "former_counts" not in written
    assert former != record.cycles_per_inference
    assert differences_from(record, {**written, "cycles_per_inference": former}) == ()
    (difference,) = differences_from(record, {**written, "cycles_per_inference": 5.0})
    assert difference.startswith("cycles_per_inference is 5.0, its transcript gives")
