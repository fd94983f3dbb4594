# SPDX-License-Identifier: Apache-2.0
"""The MLCommons runner's ``log.txt`` and ``results.json``.

The JSON is a list with one object for each input: ``file``, ``class``, ``infer`` (stamps in device microseconds,
iterations, answer), in energy mode ``power`` (samples in joules, events as [number, samples so far]). Where there is no
JSON the log's text gives the same windows, to three decimals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from mlperf_tiny.errors import DataError
from mlperf_tiny.results.review.evidence.runner_log import (
    ERROR_LINE,
    MAX_ERRORS,
    MAX_INFERENCES,
    Detections,
    Inference,
    Run,
    number,
    vector,
)

SAMPLE_S = 0.001

_SAID = re.compile(r"Device (profile|model) retrieved: (.{0,200})")
_LOADING = re.compile(r"Loading file (\S{1,300}) segment (\d+)")
_RUNNING = re.compile(r"Running inference with (\d{1,12})/(\d{1,12}) \(warmup/measured\)")
_COUNT = re.compile(r"# Inferences\s*:\s*(\d{1,12})")
_RUNTIME = re.compile(r"Runtime\s*:\s*([\d.eE+-]{1,40}) sec")
_ANSWER = re.compile(r"m-results\s*:\s*\[([^\]]*)\]")
_TIMES = re.compile(r"\[\d{1,9}(?:, \d{1,9})*\]\s*$")
_DUTY_HEAD = re.compile(r"Duty cycle (start|stop) times")
_TICKS = re.compile(r"(?:RX:)?\s*((?:\d{1,9},\s*)+)")
TICK_S = 1e-5
_LAST_WORDS = ("Session logged in file",)
_OWN_LINES = ("Logging initialized", "Device model retrieved", "Loading file", "SerialDevice")


def is_mlcommons_line(line: str) -> bool:
    """Whether only the MLCommons runner writes such a line."""
    return line.startswith(_OWN_LINES)


def parse_mlcommons_log(lines: Iterable[str], source: str) -> Run:
    """Read a log: settings, error lines, and the windows as the text tells them."""
    said: dict[str, str] = {}
    errors: list[str] = []
    problems: list[str] = []
    inferences: list[Inference] = []
    times: tuple[int, ...] = ()
    duty: dict[str, list[float]] = {"start": [], "stop": []}
    heading = ""
    file, warmups, iterations, seconds, finished = "", 0, 0, None, False
    for line in lines:
        if match := _SAID.search(line):
            said[match[1]] = match[2].strip()
        elif match := _LOADING.search(line):
            file = match[1]
        elif match := _RUNNING.search(line):
            warmups, iterations, seconds = int(match[1]), int(match[2]), None
        elif match := _COUNT.search(line):
            iterations = int(match[1])
        elif match := _RUNTIME.search(line):
            seconds = number(match[1])
        elif match := _ANSWER.search(line):
            if len(inferences) >= MAX_INFERENCES:
                problems.append(f"{source} holds over {MAX_INFERENCES:,} inferences; the rest was not read")
                break
            inferences.append(Inference(file, iterations, warmups, seconds, vector(match[1])))
        elif match := _TIMES.match(line):
            times = tuple(int(value) for value in line.strip()[1:-1].split(","))
        elif match := _DUTY_HEAD.search(line):
            heading = match[1]
        elif heading and (match := _TICKS.match(line)):
            duty[heading] += [int(value) * TICK_S for value in match[1].split(",") if value.strip()]
        elif any(word in line for word in _LAST_WORDS):
            finished = True
        if "e-[" in line and len(errors) < MAX_ERRORS and (error := ERROR_LINE.search(line)):
            errors.append(error[1])
    detections = Detections(times, tuple(duty["start"][:1000]), tuple(duty["stop"][:1000])) if times else None
    return Run(
        "MLCommons",
        source,
        tuple(inferences),
        said.get("profile", ""),
        said.get("model", ""),
        finished=finished,
        errors=tuple(errors),
        detections=detections,
        problems=tuple(problems),
    )


def parse_mlcommons_json(value: Any, source: str) -> Run:
    """Read a parsed results.json; raises DataError for one that is no list of answers."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise DataError(f"{source} is not a list of answers, one object for each input.")
    problems: list[str] = []
    inferences = []
    voltages: list[int] = []
    detections = None
    for index, entry in enumerate(value[:MAX_INFERENCES]):
        infer, power = _object(entry, "infer"), _object(entry, "power")
        if "detections" in infer:
            detections = _detections(entry, infer)
        start_us, end_us = _finite(infer.get("start_time")), _finite(infer.get("end_time"))
        scores = _flat(infer.get("results"))
        if scores is None and "detections" not in infer and len(problems) < MAX_ERRORS:
            problems.append(f"{source}: entry {index} holds no list of finite numbers as its answer")
        window_j, window_s = _window(power)
        voltage = _finite(power.get("voltage"))
        if voltage is not None:
            voltages.append(round(voltage * 1000))
        inferences.append(
            Inference(
                str(entry.get("file", ""))[:300],
                int(_finite(infer.get("iterations")) or 0),
                int(_finite(infer.get("warmups")) or 0),
                (end_us - start_us) / 1e6 if start_us is not None and end_us is not None else None,
                scores,
                window_j=window_j,
                window_s=window_s,
                claimed_class=_class(entry.get("class")),
            )
        )
    return Run("MLCommons", source, tuple(inferences), voltages_mv=tuple(voltages), detections=detections,
               problems=tuple(problems))  # fmt: skip


def _window(power: dict[str, Any]) -> tuple[float | None, float | None]:
    """Energy in joules and time in seconds between the last two events."""
    samples, events = power.get("samples"), power.get("timestamps")
    if not isinstance(samples, list) or not isinstance(events, list) or len(events) < 2:
        return None, None
    places = []
    for event in events[-2:]:
        at = _finite(event[1]) if isinstance(event, list) and len(event) == 2 else None
        if at is None or at != int(at) or not 0 <= at <= len(samples):
            return None, None
        places.append(int(at))
    inside = [_finite(sample) for sample in samples[places[0] : places[1]]]
    if not inside or any(sample is None for sample in inside):
        return None, None
    return sum(sample for sample in inside if sample is not None), len(inside) * SAMPLE_S


def _detections(entry: dict[str, Any], infer: dict[str, Any]) -> Detections | None:
    times = infer.get("detections")
    if not isinstance(times, list) or not times or any(_finite(time) is None for time in times):
        return None
    duty = _object(entry, "dutycycle")
    return Detections(
        tuple(int(time) for time in times),
        _flat(duty.get("start_times_s")) or (),
        _flat(duty.get("stop_times_s")) or (),
    )


def _object(entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def _finite(value: Any) -> float | None:
    """A number that is one; a bool, a text or an infinity is none."""
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
