# SPDX-License-Identifier: Apache-2.0
"""The MLCommons runner's ``log.txt``: where there is no results.json, its text gives the windows to three decimals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mlperf_tiny.file_tree import MAX_LINE_BYTES
from mlperf_tiny.harness.wire.protocol import bracketed, parse_values
from mlperf_tiny.results.review.evidence.runner_log import (
    MAX_ANSWERED,
    MAX_DETECTIONS,
    MAX_ERRORS,
    MAX_FRAMES,
    MAX_INFERENCES,
    TOO_MANY_DETECTIONS,
    Detections,
    LoggedInference,
    Run,
    TooManyInferences,
    bounded_values,
    error_text,
    first_difference,
    number,
)

_IDENTITY = re.compile(r"Device (profile|model) retrieved: (.{0,200})")
_LOADING = re.compile(r"Loading file (\S{1,300}) segment (\d+)")
_RUNNING = re.compile(r"Running inference with (\d{1,12})/(\d{1,12}) \(warmup/measured\)")
_COUNT = re.compile(r"# Inferences\s*:\s*(\d{1,12})")
_RUNTIME = re.compile(r"Runtime\s*:\s*([\d.eE+-]{1,40}) sec")
_ANSWER = re.compile(r"m-results\s*:\s*\[")
_TIMES = re.compile(r"^\[\d{1,9}(?:, \d{1,9})*(\]|,?)\s*$")
_HEADING = re.compile(r"Duty cycle (start|stop) times|Detection Timestamps")
_TICKS = re.compile(r"^(?:RX:)?((?:[ \t]*\d{1,9},)+)")
_SESSION_END = re.compile("Session logged in file")
DETECTIONS = "detections"
TICK_S = 1e-5
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
    """The runner's list of detections."""
    board_lists: dict[str, list[int]] = field(default_factory=lambda: {DETECTIONS: [], "start": [], "stop": []})
    """Lists of the interface board: detections in ms, frames in units of 10 us."""
    heading: str = ""
    file: str = ""
    warmups: int = 0
    iterations: int = 0
    seconds: float | None = None
    finished: bool = False
    answered: int = 0
    """Values of all answers so far."""

    def take(self, line: str) -> None:
        """Add one line: the first row that matches it counts; an error message of the device may be in any."""
        for pattern, handle in _LINES:
            if match := pattern.search(line):
                handle(self, match)
                break
        if len(self.errors) < MAX_ERRORS and (error := error_text(line)):
            self.errors.append(error)

    def run(self) -> Run:
        starts_s, stops_s = (
            tuple(ticks * TICK_S for ticks in self.board_lists[edge][:MAX_FRAMES]) for edge in ("start", "stop")
        )
        board_ms = tuple(self.board_lists[DETECTIONS])
        times_ms = (self.times_ms or board_ms)[:MAX_DETECTIONS]
        board_ms = board_ms[:MAX_DETECTIONS]
        contradictions: tuple[str, ...] = ()
        if board_ms and board_ms != times_ms:
            contradictions = (
                f"{self.source} holds two lists of detections that differ: {first_difference(board_ms, times_ms)}",
            )
        return Run(
            runner="MLCommons",
            source=self.source,
            inferences=tuple(self.inferences),
            profile=self.identity.get("profile", ""),
            model_id=self.identity.get("model", ""),
            finished=self.finished,
            errors=tuple(self.errors),
            detections=Detections(times_ms, starts_s, stops_s) if times_ms else None,
            contradictions=contradictions,
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
        scores = bounded_values(parse_values(listed))
        self.answered += len(scores or ())
        if self.answered > MAX_ANSWERED:
            self.problems.append(f"{self.source} holds over {MAX_ANSWERED:,} values; the rest was not read")
            raise TooManyInferences
        self.inferences.append(
            LoggedInference(
                file=self.file,
                iterations=self.iterations,
                warmups=self.warmups,
                seconds=self.seconds,
                scores=scores,
            )
        )

    def take_times(self, match: re.Match[str]) -> None:
        if match[1] != "]":
            if len(match.string) >= MAX_LINE_BYTES and len(self.problems) < MAX_ERRORS:
                self.problems.append(f"{self.source}: its list of detections is longer than what is read of a line")
            return
        self.times_ms = tuple(int(value) for value in match[0].strip()[1:-1].split(","))
        self._check_count(self.times_ms)

    def take_heading(self, match: re.Match[str]) -> None:
        self.heading = match[1] or DETECTIONS

    def take_ticks(self, match: re.Match[str]) -> None:
        listed = self.board_lists.get(self.heading)
        if listed is not None and len(listed) <= MAX_DETECTIONS:
            listed += [int(value) for value in match[1].split(",") if value.strip()]
            self._check_count(listed)

    def _check_count(self, listed: Sequence[int]) -> None:
        if len(listed) > MAX_DETECTIONS and len(self.problems) < MAX_ERRORS:
            self.problems.append(f"{self.source}: {TOO_MANY_DETECTIONS}")

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
    (_HEADING, _Reader.take_heading),
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
