# SPDX-License-Identifier: Apache-2.0
"""The MLCommons runner's ``results.json``.

It is a list with one object for each input: ``file``, ``class``, ``infer`` (stamps in device microseconds, iterations,
answer), in energy mode ``power`` (samples in joules, events as [number, samples so far]).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlperf_tiny.errors import DataError, TraceRefused
from mlperf_tiny.harness.energy.windows import EnergyWindow, Trial, event_window
from mlperf_tiny.results.review.evidence.runner_log import (
    MAX_DETECTIONS,
    MAX_ERRORS,
    MAX_FRAMES,
    MAX_INFERENCES,
    TOO_MANY_DETECTIONS,
    Detections,
    LoggedInference,
    Run,
)

MAX_TIME_MS = 1e9
"""Of a detection; 12 days."""


def parse_mlcommons_json(value: Any, source: str) -> Run:
    """Read a parsed results.json.

    Args:
        value: The parsed JSON.
        source: Its path, for messages.

    Raises:
        DataError: It is not a list of objects.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise DataError(f"{source} is not a list of answers, one object for each input.")
    problems: list[str] = []
    inferences = []
    voltages: list[int] = []
    detections = None
    for index, entry in enumerate(value[:MAX_INFERENCES]):
        infer, power = _object(entry, "infer"), _object(entry, "power")
        if "detections" in infer:
            detections = _detections(entry, infer, source, problems)
        start_us, end_us = _finite(infer.get("start_time")), _finite(infer.get("end_time"))
        scores = _flat(infer.get("results"))
        if scores is None and "detections" not in infer and len(problems) < MAX_ERRORS:
            problems.append(f"{source}: entry {index} holds no list of finite numbers as its answer")
        iterations = int(_finite(infer.get("iterations")) or 0)
        window = _window(power, iterations)
        voltage = _finite(power.get("voltage"))
        if voltage is not None:
            voltages.append(round(voltage * 1000))
        inferences.append(
            LoggedInference(
                str(entry.get("file", ""))[:300],
                iterations,
                int(_finite(infer.get("warmups")) or 0),
                (end_us - start_us) / 1e6 if start_us is not None and end_us is not None else None,
                scores,
                window_j=window.energy_uj / 1e6 if window else None,
                window_s=window.seconds if window else None,
                claimed_class=_class(entry.get("class")),
            )
        )
    return Run(
        runner="MLCommons",
        source=source,
        inferences=tuple(inferences),
        voltages_mv=tuple(voltages),
        detections=detections,
        problems=tuple(problems),
    )


def _window(power: dict[str, Any], iterations: int) -> EnergyWindow | None:
    """Energy between the last two events."""
    samples, events = power.get("samples"), power.get("timestamps")
    if not isinstance(samples, list) or not isinstance(events, list) or len(events) < 2:
        return None
    places = []
    for event in events[-2:]:
        at = _finite(event[1]) if isinstance(event, list) and len(event) == 2 else None
        if at is None or at != int(at):
            return None
        places.append(int(at))
    inside = [_finite(sample) for sample in samples[max(places[0], 0) : max(places[1], 0)]]
    if any(sample is None for sample in inside):
        return None
    joules = np.zeros(len(samples))
    joules[max(places[0], 0) : max(places[1], 0)] = inside
    try:
        return event_window(Trial(samples_j=joules, events=((0, places[0]), (1, places[1])), iterations=iterations))
    except TraceRefused:
        return None


def _detections(entry: dict[str, Any], infer: dict[str, Any], source: str, problems: list[str]) -> Detections | None:
    listed = infer.get("detections")
    numbers = [_finite(time) for time in listed] if isinstance(listed, list) else []
    times = [time for time in numbers if time is not None and 0 <= time < MAX_TIME_MS]
    if not times or len(times) < len(numbers) or len(times) > MAX_DETECTIONS:
        what = TOO_MANY_DETECTIONS if len(times) > MAX_DETECTIONS else "its detections are no list of times"
        if len(problems) < MAX_ERRORS:
            problems.append(f"{source}: {what}")
        return None
    duty = _object(entry, "dutycycle")
    return Detections(
        tuple(int(time) for time in times),
        (_flat(duty.get("start_times_s")) or ())[:MAX_FRAMES],
        (_flat(duty.get("stop_times_s")) or ())[:MAX_FRAMES],
    )


def _object(entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def _finite(value: Any) -> float | None:
    """The value of a finite number; None for a bool, a text or an infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30 or not math.isfinite(value):
        return None
    return float(value)


def _flat(value: Any) -> tuple[float, ...] | None:
    """The numbers of a list, or of a list of lists as anomaly detection has them."""
    if not isinstance(value, list) or not value:
        return None
    items = [item for part in value for item in (part if isinstance(part, list) else [part])]
    numbers = [_finite(item) for item in items]
    return tuple(n for n in numbers if n is not None) if all(n is not None for n in numbers) else None


def _class(value: Any) -> int | None:
    try:
        return int(str(value)) if len(str(value)) < 6 else None
    except ValueError:
        return None
