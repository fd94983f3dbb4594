# SPDX-License-Identifier: Apache-2.0
"""The MLCommons runner's ``log.txt``: where there is no results.json, its text gives the windows to three decimals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mlperf_tiny.harness.wire.protocol import bracketed, parse_values
from mlperf_tiny.results.review.evidence.runner_log import (
    MAX_ERRORS,
    MAX_INFERENCES,
    Detections,
    LoggedInference,
    Run,
    TooManyInferences,
    bounded_values,
    error_text,
    number,
)

_IDENTITY = re.compile(r"Device (profile|model) retrieved: (.{0,200})")
_LOADING = re.compile(r"Loading file (\S{1,300}) segment (\d+)")
_RUNNING = re.compile(r"Running inference with (\d{1,12})/(\d{1,12}) \(warmup/measured\)")
_COUNT = re.compile(r"# Inferences\s*:\s*(\d{1,12})")
_RUNTIME = re.compile(r"Runtime\s*:\s*([\d.eE+-]{1,40}) sec")
_ANSWER = re.compile(r"m-results\s*:\s*\[")
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


@dataclass
class _Reader:
    """What the lines so far amount to; each method takes the line that its row of ``_LINES`` matches."""

    source: str
    identity: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    inferences: list[LoggedInference] = field(default_factory=list)
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
            raise TooManyInferences
        listed = bracketed(match.string, match[0])
        if listed is None:
            return
        self.inferences.append(
            LoggedInference(
                file=self.file,
                iterations=self.iterations,
                warmups=self.warmups,
                seconds=self.seconds,
                scores=bounded_values(parse_values(listed)),
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
    except TooManyInferences:
        pass
    return reader.run()
