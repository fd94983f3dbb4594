# SPDX-License-Identifier: Apache-2.0
"""What the table and the transcript say of the engine and of the flash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import DatasetInfo, FirmwareInfo, InputInfo, ModelInfo, RunDevice, Settings
from mlperf_tiny.harness.record.text import render

FIRMWARE = FirmwareInfo(
    elf_sha256="bb" * 32,
    toolchain="gcc",
    compiler="some gcc 12",
    flags=("-O2",),
    kernels="CMSIS-NN",
    flash_bytes=90_000,
    ram_bytes=30_000,
    arena_bytes=21_000,
    baud=115_200,
)
SETTINGS = Settings(
    run_id="run-1",
    started="2026-01-02T03:04:05+00:00",
    task="kws",
    engine="compiled",
    division="closed",
    modes=("performance",),
    limit=None,
    iterations=None,
    inputs=InputInfo(format="benchmark", size_bytes=490),
    device=RunDevice(
        device="stm32f746",
        boards=("NUCLEO-F746ZG",),
        cpu="cortex-m7",
        clock_hz=216_000_000,
        url="emu://x",
        timing="emulated",
        timing_model="simple",
    ),
    model=ModelInfo(
        name="mlperf-kws",
        sha256="aa",
        size_bytes=53_936,
        origin="official",
        training_data="real",
        licence="Apache-2.0",
        url="",
    ),
    firmware=FIRMWARE,
    data=DatasetInfo(
        name="kws01",
        source="real",
        origin="a folder",
        summary="kws01, real",
        complete=True,
        labelled=True,
        digest="cc",
        listed=("a", "b"),
    ),
    versions={},
)


def lines(**changes: object) -> dict[str, str]:
    """The table's rows for a run with these settings."""
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    record = RunRecord(settings, True, None, None, None, None, None, (), (), 0)
    rows = [line for line in render(record, Path("runs/x")).splitlines() if line.startswith("  ")]
    return {row.split()[0]: row[2:].split(maxsplit=1)[1] for row in rows}


@pytest.mark.parametrize(
    ("engine", "changes", "engine_row", "memory_row"),
    [
        ("compiled", {}, "compiled", "arena 21,000 bytes, flash 90,000 bytes, RAM 30,000 bytes"),
        (
            "tflm",
            {"engine_version": "tflite-micro 0123, library 4567", "model_bytes": 53_936},
            "tflm (tflite-micro 0123, library 4567), CMSIS-NN kernels",
            "arena 21,000 bytes, flash 90,000 bytes (model 53,936, rest 36,064), RAM 30,000 bytes",
        ),
        ("compiled", {"flash_bytes": 0, "ram_bytes": 0, "model_bytes": 9}, "compiled", "arena 21,000 bytes"),
    ],
    ids=["before the split was recorded", "tflm", "host"],
)
def test_engine_and_memory(engine: str, changes: dict[str, object], engine_row: str, memory_row: str) -> None:
    rows = lines(engine=engine, firmware=replace(FIRMWARE, **changes))  # type: ignore[arg-type]
    assert (rows["engine"], rows["memory"]) == (engine_row, memory_row)


def test_a_transcript_without_engine_version_is_read() -> None:
    event = SETTINGS.to_event()
    for name in ("engine_version", "model_bytes"):
        del event["firmware"][name]
    assert Settings.from_event(event) == SETTINGS


def test_format_own_is_read_as_features() -> None:
    event = replace(SETTINGS, inputs=InputInfo(format="own", size_bytes=490)).to_event()
    assert Settings.from_event(event).inputs == InputInfo(format="features", size_bytes=490)
