# SPDX-License-Identifier: Apache-2.0
"""Events of a transcript written by hand, as a run leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlperf_tiny.harness.record.settings import DatasetInfo, InputInfo, ModelInfo, RunDevice, Settings
from mlperf_tiny.harness.wire.events import Event

SETTINGS = Settings(
    run_id="run-1",
    started="2026-01-02T03:04:05+00:00",
    task="kws",
    engine="on the device",
    division="closed",
    modes=("performance", "accuracy"),
    limit=None,
    iterations=None,
    inputs=InputInfo(format="benchmark", size_bytes=490),
    device=RunDevice(device="x", boards=(), cpu="cortex-m4", clock_hz=80_000_000, url="fake://", timing="hardware"),
    model=ModelInfo(
        name="on the device", sha256="", size_bytes=0, origin="device", training_data="unknown", licence="", url=""
    ),
    firmware=None,
    data=DatasetInfo(
        name="kws01",
        source="real",
        origin="a folder",
        summary="kws01, real",
        complete=True,
        labelled=True,
        digest="cc",
        listed=("a.bin", "b.bin", "c.bin"),
    ),
    versions={},
)


def settings(task: str = "kws", classes: tuple[str, ...] = (), data_format: str = "features", **data: Any) -> Settings:
    """Settings of a run, of a model whose number of results is not known unless ``data_format`` is "benchmark"."""
    inputs = InputInfo(format=data_format, size_bytes=490, classes=classes)  # type: ignore[arg-type]
    return replace(SETTINGS, task=task, inputs=inputs, data=replace(SETTINGS.data, **data))


def meta(value: Settings = SETTINGS) -> Event:
    """The first line."""
    return {"e": "meta", **value.to_event()}


def exchange(command: str, *lines: str) -> list[Event]:
    """A command with its reply, ``m-ready`` at its end."""
    received: list[Event] = [{"e": "in", "t": 0.0, "s": line} for line in (*lines, "m-ready")]
    return [{"e": "out", "t": 0.0, "s": command}, *received]


def infer(count: int, warmup: int, elapsed_us: int, results: Sequence[float] = (0.5,)) -> list[Event]:
    """An ``infer`` with its reply."""
    return exchange(
        f"infer {count} {warmup}",
        f"m-warmup-start-{warmup}",
        "m-warmup-done",
        f"m-infer-start-{count}",
        "m-lap-us-1000",
        f"m-lap-us-{1000 + elapsed_us}",
        "m-infer-done",
        f"m-results-[{','.join(map(str, results))}]",
    )


def counters(at: str, **values: int) -> Event:
    """An emulated device's counters."""
    return {"e": "counters", "at": at, **values}


def counted(reply: list[Event], before: dict[str, int], after: dict[str, int]) -> list[Event]:
    """A reply with the counters around it."""
    return [counters("before", **before), *reply, counters("after", **after)]


def mark(mode: str, sample: str = "a.bin", **values: int) -> Event:
    """What the next ``infer`` is for."""
    return {"e": "mark", "mode": mode, "sample": sample, **values}


def choice(attempt: int, iterations: int) -> Event:
    """The number of iterations that was chosen."""
    return {"e": "choice", "attempt": attempt, "iterations": iterations, "latency_us": 1000.0, "host_s": 0.001}


def window(attempt: int, number: int, count: int, elapsed_us: int, sample: str = "a.bin") -> list[Event]:
    """A timed window with its mark."""
    return [mark("window", sample, attempt=attempt, window=number), *infer(count, 1, elapsed_us)]


def answer(
    index: int, label: int, results: Sequence[float], part: int = 0, parts: int = 1, sample: str = ""
) -> list[Event]:
    """One inference of an accuracy run with its mark; the files are ``a.bin``, ``b.bin`` ..."""
    name = sample or f"{'abcdefgh'[index]}.bin"
    asked = mark("accuracy", name, index=index, label=label, window=part, windows=parts)
    return [asked, *infer(1, 0, 900, results)]
