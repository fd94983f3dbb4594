# SPDX-License-Identifier: Apache-2.0
"""The MLCommons runner's ``log.txt`` and ``results.json``.

The JSON is a list with one object for each input: ``file``, ``class``, ``infer`` (stamps in device microseconds,
iterations, answer), in energy mode ``power`` (samples in joules, events as [number, samples so far]). Where there is no
JSON the log's text gives the same windows, to three decimals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mlperf_tiny.errors import DataError
from mlperf_tiny.harness.wire.protocol import parse_values
from mlperf_tiny.results.review.evidence.runner_log import (
    MAX_ERRORS,
    MAX_INFERENCES,
    Detections,
    Inference,
    Run,
    bounded_values,
    error_text,
    number,
)

SAMPLE_S = 0.001

_IDENTITY = re.compile(r"Device (profile|model) retrieved: (.{0,200})")
_LOADING = re.compile(r"Loading file (\S{1,300}) segment (\d+)")
_RUNNING = re.compile(r"Running inference with (\d{1,12})/(\d{1,12}) \(warmup/measured\)")
_COUNT = re.compile(r"# Inferences\s*:\s*(\d{1,12})")
_RUNTIME = re.compile(r"Runtime\s*:\s*([\d.eE+-]{1,40}) sec")
_ANSWER = re.compile(r"m-results\s*:\s*\[([^\]]*)\]")
_TIMES = re.compile(r"^\[\d{1,9}(?:, \d{1,9})*\]\s*$")
_DUTY_HEAD = re.compile(r"Duty cycle (start|stop) times")
_TICKS = re.compile(r"^(?:RX:)?\s*((?:\d{1,9},\s*)+)")
_SESSION_END = re.compile("Session logged in file")
TICK_S = 1e-5
MAX_FRAMES = 1000
_OWN_LINES = ("Logging initialized", "Device model retrieved", "Loading file", "SerialDevice")


def is_mlcommons_line(line: str) -> bool:
    """Return whether only the MLCommons runner writes such a line."""
    return line.startswith(_OWN_LINES)


class _TooMany(Exception):
    """The log holds more inferences than are read."""


@dataclass
class _Reader:
    """What the lines so far amount to; each method takes the line that its row of ``_LINES`` matches."""

    source: str
    identity: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    inferences: list[Inference] = field(default_factory=list)
    times_ms: tuple[int, ...] = ()
    duty_s: dict[str, list[float]] = field(default_factory=lambda: {"start": [], "stop": []})
    duty_heading: str = ""
    file: str = ""
    warmups: int = 0
    iterations: int = 0
    seconds: float | None = None
    finished: bool = False

    def take(self, line: str) -> None:
        """Add one line: the first row that matches it counts; an error message of the device may be in any."""
        for pattern, handle in _LINES:
            if match := pattern.search(line):
                handle(self, match)
                break
        if len(self.errors) < MAX_ERRORS and (error := error_text(line)):
            self.errors.append(error)

    def run(self) -> Run:
        starts_s, stops_s = (tuple(self.duty_s[edge][:MAX_FRAMES]) for edge in ("start", "stop"))
        return Run(
            runner="MLCommons",
            source=self.source,
            inferences=tuple(self.inferences),
            profile=self.identity.get("profile", ""),
            model_id=self.identity.get("model", ""),
            finished=self.finished,
            errors=tuple(self.errors),
            detections=Detections(self.times_ms, starts_s, stops_s) if self.times_ms else None,
            problems=tuple(self.problems),
        )

    def take_identity(self, match: re.Match[str]) -> None:
        self.identity[match[1]] = match[2].strip()

    def take_loading(self, match: re.Match[str]) -> None:
        self.file = match[1]

    def take_running(self, match: re.Match[str]) -> None:
        self.warmups, self.iterations, self.seconds = int(match[1]), int(match[2]), None

    def take_count(self, match: re.Match[str]) -> None:
        self.iterations = int(match[1])

    def take_runtime(self, match: re.Match[str]) -> None:
        self.seconds = number(match[1])

    def take_answer(self, match: re.Match[str]) -> None:
        if len(self.inferences) >= MAX_INFERENCES:
            self.problems.append(f"{self.source} holds over {MAX_INFERENCES:,} inferences; the rest was not read")
            raise _TooMany
        self.inferences.append(
            Inference(
                file=self.file,
                iterations=self.iterations,
                warmups=self.warmups,
                seconds=self.seconds,
                scores=bounded_values(parse_values(match[1])),
            )
        )

    def take_times(self, match: re.Match[str]) -> None:
        self.times_ms = tuple(int(value) for value in match[0].strip()[1:-1].split(","))

    def take_duty_head(self, match: re.Match[str]) -> None:
        self.duty_heading = match[1]

    def take_ticks(self, match: re.Match[str]) -> None:
        if self.duty_heading:
            self.duty_s[self.duty_heading] += [int(value) * TICK_S for value in match[1].split(",") if value.strip()]

    def take_end(self, match: re.Match[str]) -> None:
        self.finished = True


_LINES: tuple[tuple[re.Pattern[str], Callable[[_Reader, re.Match[str]], None]], ...] = (
    (_IDENTITY, _Reader.take_identity),
    (_LOADING, _Reader.take_loading),
    (_RUNNING, _Reader.take_running),
    (_COUNT, _Reader.take_count),
    (_RUNTIME, _Reader.take_runtime),
    (_ANSWER, _Reader.take_answer),
    (_TIMES, _Reader.take_times),
    (_DUTY_HEAD, _Reader.take_duty_head),
    (_TICKS, _Reader.take_ticks),
    (_SESSION_END, _Reader.take_end),
)


def parse_mlcommons_log(lines: Iterable[str], source: str) -> Run:
    """Read a log: settings, error lines, and the windows as the text gives them.

    Args:
        lines: Its lines, without ends.
        source: Its path, for messages.

    Returns:
        The run; what could not be read is in its ``problems``.
    """
    reader = _Reader(source)
    try:
        for line in lines:
            reader.take(line)
    except _TooMany:
        pass
    return reader.run()


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
    return Run(
        runner="MLCommons",
        source=source,
        inferences=tuple(inferences),
        voltages_mv=tuple(voltages),
        detections=detections,
        problems=tuple(problems),
    )


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
