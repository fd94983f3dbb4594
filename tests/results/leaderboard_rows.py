# SPDX-License-Identifier: Apache-2.0
"""Records and rows to make leaderboards of, for tests to change one thing of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlperf_tiny.harness.record.record import (
    AccuracyMetrics,
    EnergyMetrics,
    PerformanceMetrics,
    RunRecord,
    WindowMetrics,
)
from mlperf_tiny.harness.record.settings import DatasetInfo, FirmwareInfo, InputInfo, ModelInfo, RunDevice, Settings
from mlperf_tiny.harness.record.violation import RuleId, Violation
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.results.leaderboard.rows.columns import Row, new_row
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record

MODEL = "pipeline, cortex-m7 1, branches 1"

SETTINGS = Settings(
    run_id="run-1",
    started="2026-01-02T03:04:05+00:00",
    task="kws",
    engine="compiled",
    division="closed",
    modes=("performance", "accuracy"),
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
        timing_model=MODEL,
        timing_level="pipeline",
        timing_generation=1,
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
    firmware=FirmwareInfo(
        elf_sha256="bb",
        toolchain="zig",
        compiler="ziglang 0.17.0",
        flags=("-O2",),
        kernels="dsp",
        flash_bytes=90_000,
        ram_bytes=30_000,
        arena_bytes=21_000,
        baud=115_200,
        engine_version="",
        model_bytes=29_828,
    ),
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
    versions={"mlperf-tiny-harness": "0.1.0"},
)
WINDOWS = tuple(
    WindowMetrics(name, 1000, 10_100_000, rate)
    for name, rate in zip("abcde", (99.0, 98.0, 99.0, 100.0, 99.0), strict=True)
)
RECORD = RunRecord(
    settings=SETTINGS,
    complete=True,
    identity=None,
    performance=PerformanceMetrics(1000, 1, WINDOWS, 99.0, 1000 / 99),
    accuracy=AccuracyMetrics(2, 2, 2, correct=1, top1_percent=50.0, auc=0.75),
    instructions_per_inference=2_000_000.0,
    cycles_per_inference=2_100_000.0,
    violations=(),
    notes=(),
    resumed=0,
    energy=EnergyMetrics("modelled", 5901.81744, 5570.0, 6101.0, "MicroNets, table 4"),
    chain_digest=ChainDigest(1234, "d" * 64),
)


def record(run_id: str, latency_ms: float = 10.0, **changes: Any) -> RunRecord:
    """A whole run without fault. Names of changes are fields of the record, of its settings, device, model or data."""
    assert RECORD.performance is not None
    parts = {"device": SETTINGS.device, "model": SETTINGS.model, "data": SETTINGS.data}
    settings = replace(SETTINGS, run_id=run_id)
    for part, old in parts.items():
        own = {name: changes.pop(name) for name in list(changes) if hasattr(old, name) and name != "complete"}
        if own:
            settings = replace(settings, **{part: replace(old, **own)})
    own = {name: changes.pop(name) for name in list(changes) if hasattr(settings, name)}
    settings = replace(settings, **own)
    performance = replace(RECORD.performance, latency_ms=latency_ms, throughput_per_s=1000 / latency_ms)
    return replace(RECORD, **{"settings": settings, "performance": performance, **changes})


def run_row(run_id: str, latency_ms: float = 10.0, **changes: Any) -> Row:
    """The row of such a run."""
    return row_of_record(record(run_id, latency_ms, **changes), f"../runs/{run_id}")


def published_row(**changes: str) -> Row:
    """A published result without fault, with energy."""
    values = {
        "Organization": "Example Labs", "Availability": "available", "Division": "closed", "BoardName": "Board One",
        "SystemDesc": "board_one", "Model": "kws", "MlperfModel": "kws", "Result": "50.0", "ResultUnit": "inf./sec.",
        "Accuracy": "90.1", "HasPower": "True", "Power": "1500.0", "PowerUnit": "uJ/inf.", "Source": "published",
        "Round": "v1.2", "Timing": "hardware", "DataSource": "real", "Device": "Chip One", "Engine": "an engine",
        "LatencyMs": "20.000000", "LatencyLowMs": "19.900000", "LatencyHighMs": "20.100000",
        "LatencyBasis": "recomputed", "ThroughputPerS": "50.000000", "EnergyUj": "1500.0000",
        "EnergyLowUj": "1490.0000", "EnergyHighUj": "1510.0000", "EnergyKind": "measured",
        "EnergyBasis": "recomputed", "Top1Percent": "90.100", "AccuracyBasis": "recomputed",
        "Runner": "EEMBC", "Complete": "yes", "Verdict": "confirmed",
        "Record": "../rounds/closed/ExampleLabs/results/board_one/kws",
    }  # fmt: skip
    return new_row({**values, **changes})


def refused(text: str) -> Violation:
    """A violation whose text ends in ``text``."""
    return Violation(rule=RuleId.NO_ERROR_LINES, got=text, needed="")
