# SPDX-License-Identifier: Apache-2.0
"""The EEMBC runner's ``log.txt`` and ``script.async``: commands as they were sent, device lines as they came.

A line is ``<clock s> <speaker>: <text>``; in energy mode the device's lines come through the IO manager, as
``io: [dut]: <text>``. What a device sent is decoded by ``mlperf_tiny.harness.wire.protocol``, as for a run of this
program; the runner's own messages are a table here. A log is a fold of its lines over ``_Reader``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlperf_tiny.harness.wire import protocol
from mlperf_tiny.results.review.evidence.runner_log import (
    MAX_ANSWERED,
    MAX_ERRORS,
    MAX_INFERENCES,
    MESSAGE_MARKS,
    LoggedInference,
    Run,
    TooManyInferences,
    bounded_values,
    error_text,
)

DEVICE = "dut"
PARSER = "parser"
"""The speaker of the commands that the runner sends."""

_LINE = re.compile(r"(\d{1,9}\.\d{1,6}) ([\w-]{1,40}): (\[dut\]: )?(.*)")
_LOAD = re.compile(r'bloadp?\s+(?:dut\s+)?\\?"([^"]{1,1000}?)\\?"')
_INFER = re.compile(r"(?:io\s+)?dut\s+infer\s+(\d{1,12})(?:\s+(\d{1,12}))?")
_OTHER_COMMAND = re.compile(r"(?:io\s+)?dut\s")
_COMMAND = re.compile(r'Command "(.*)"\s*$')
_SCRIPT_COMMAND = re.compile(r"cmd\s*:\s*'([^'\n]{1,2000})'")
_VOLTAGE = re.compile(r"m-voltage-mv\[(\d{1,6})\]")
_START_MARKS = ("m-session-start", "m-sequencer-start")
_STOP_MARKS = ("m-session-stop", "m-sequencer-stop")
_COUNTER_US = 1 << 32
_MAX_TEXT = 200


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of the log that holds a message."""

    clock_s: float
    """The log's clock."""
    speaker: str
    """Who wrote it: ``parser``, ``session``, ``emon`` ...; ``dut`` for the device, also through the IO manager."""
    text: str
    """The rest of the line."""


def read_line(line: str) -> LogLine | None:
    """Return the parts of a line; None for one without a message, and for the sequencer's plan of commands.

    Examples:
        >>> read_line("00112.745 io: [dut]: m-ready")
        LogLine(clock_s=112.745, speaker='dut', text='m-ready')
    """
    if not any(mark in line for mark in (*MESSAGE_MARKS, 'Command "')) or "m-sequencing" in line:
        return None
    match = _LINE.match(line)
    if match is None:
        return None
    return LogLine(clock_s=float(match[1]), speaker=DEVICE if match[3] else match[2], text=match[4])


@dataclass
class _Pending:
    """An ``infer`` command whose answer is being read."""

    file: str
    iterations: int
    warmups: int
    laps_us: list[int] = field(default_factory=list)
    scores: tuple[float, ...] | None = None
    answers: int = 0
    started_s: float | None = None
    done_s: float | None = None

    @property
    def surplus(self) -> str:
        """What the answer holds more of than ``infer`` asks for; "" for nothing."""
        laps, answers = len(self.laps_us), self.answers
        return f"{laps} laps and {answers} results, wanted 2 and 1" if laps > 2 or answers > 1 else ""

    def finished(self) -> LoggedInference:
        seconds = None
        if len(self.laps_us) == 2:
            start_us, end_us = self.laps_us
            # A 32-bit counter of microseconds starts again after 71.6 minutes.
            seconds = ((end_us - start_us) % _COUNTER_US if end_us < start_us else end_us - start_us) / 1e6
        return LoggedInference(
            file=self.file,
            iterations=self.iterations,
            warmups=self.warmups,
            seconds=seconds,
            scores=self.scores if self.answers < 2 else None,
            started_s=self.started_s,
            done_s=self.done_s,
        )


@dataclass
class _Reader:
    """What the lines so far amount to; ``take`` adds one."""

    source: str
    file: str = ""
    pending: _Pending | None = None
    inferences: list[LoggedInference] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    profile: str = ""
    model_id: str = ""
    voltages_mv: list[int] = field(default_factory=list)
    trace_on_s: float | None = None
    started: bool = False
    stopped: bool = False
    answered: int = 0
    """Values of all answers so far."""

    def take(self, line: LogLine) -> None:
        """Add one line."""
        if line.speaker == PARSER and (command := _COMMAND.match(line.text)):
            self._command(command[1])
            return
        match protocol.decode_line(line.text):
            case protocol.ErrorLine():
                if len(self.errors) < MAX_ERRORS:
                    self.errors.append(error_text(line.text))
            case protocol.ProfileText(text):
                self.profile = text[:_MAX_TEXT]
            case protocol.ModelId(model_id):
                self.model_id = model_id[:_MAX_TEXT]
            case protocol.Lap() | protocol.Results() | protocol.InferStart() as reply if self.pending is not None:
                self._answer(self.pending, line, reply)
            case protocol.Text():
                self._runner_message(line)

    def run(self) -> Run:
        self._close()
        return Run(
            runner="EEMBC",
            source=self.source,
            inferences=tuple(self.inferences),
            profile=self.profile,
            model_id=self.model_id,
            voltages_mv=tuple(self.voltages_mv),
            finished=self.started and self.stopped,
            errors=tuple(self.errors),
            trace_on_s=self.trace_on_s,
            problems=tuple(self.problems),
        )

    def _close(self) -> None:
        if self.pending is not None:
            self.inferences.append(self.pending.finished())
            if self.pending.surplus and len(self.problems) < MAX_ERRORS:
                self.problems.append(
                    f"{self.source}: the answer for {self.pending.file} holds {self.pending.surplus}; it is not counted"
                )
        self.pending = None

    def _command(self, command: str) -> None:
        if load := _LOAD.search(command):
            self.file = base_name(load[1])
        elif infer := _INFER.match(command):
            self._close()
            if len(self.inferences) >= MAX_INFERENCES:
                self.problems.append(f"{self.source} holds over {MAX_INFERENCES:,} inferences; the rest was not read")
                raise TooManyInferences
            self.pending = _Pending(self.file, int(infer[1]), int(infer[2] or 0))
        elif _OTHER_COMMAND.match(command):
            self._close()

    def _answer(self, pending: _Pending, line: LogLine, reply: protocol.Reply) -> None:
        match reply:
            case protocol.Lap(device_us) if line.speaker == DEVICE:  # the IO manager's stamps are of another clock
                pending.laps_us.append(device_us)
            case protocol.Results(values):
                self._scores(pending, line, values)
            case protocol.InferStart():
                pending.started_s = line.clock_s

    def _scores(self, pending: _Pending, line: LogLine, values: tuple[float, ...]) -> None:
        pending.answers += 1
        pending.scores = bounded_values(values)
        self.answered += len(values)
        if self.answered > MAX_ANSWERED:
            self.problems.append(f"{self.source} holds over {MAX_ANSWERED:,} values; the rest was not read")
            raise TooManyInferences
        if pending.scores is None and len(self.problems) < MAX_ERRORS:
            self.problems.append(
                f"{self.source}: the answer for {pending.file} is not a list of numbers: {line.text[:80]!r}"
            )

    def _runner_message(self, line: LogLine) -> None:
        """Messages that no device sends, and answers that cannot be decoded."""
        text = line.text
        if "m-results-[" in text and self.pending is not None:
            self._scores(self.pending, line, ())
        elif "m-infer-done" in text and self.pending is not None:
            self.pending.done_s = line.clock_s
        elif measured := _VOLTAGE.search(text):
            self.voltages_mv.append(int(measured[1]))
        elif "m-trace[on]" in text:
            self.trace_on_s = line.clock_s
        elif any(mark in text for mark in _START_MARKS):
            self.started = True
        elif any(mark in text for mark in _STOP_MARKS):
            self.stopped = True


def parse_eembc_log(lines: Iterable[str], source: str) -> Run:
    """Read a log; lines of another form are skipped.

    Args:
        lines: Its lines, without ends.
        source: Its path, for messages.

    Returns:
        The run; damaged answers are named in its ``problems``.
    """
    reader = _Reader(source)
    try:
        for line in lines:
            if read := read_line(line):
                reader.take(read)
    except TooManyInferences:
        pass
    return reader.run()


def parse_script(lines: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    """Return file, iterations and warm-ups of every ``infer`` the command list ``script.async`` holds, in order.

    Examples:
        >>> parse_script(["cmd: 'bload dut \\"a/x.bin\\"'", "cmd: 'dut infer 10 1'"])
        (('x.bin', 10, 1),)
    """
    planned: list[tuple[str, int, int]] = []
    file = ""
    for command in _script_commands(lines):
        if load := _LOAD.search(command):
            file = base_name(load[1])
        elif infer := _INFER.match(command):
            planned.append((file, int(infer[1]), int(infer[2] or 0)))
            if len(planned) >= MAX_INFERENCES:
                break
    return tuple(planned)


def _script_commands(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if command := _SCRIPT_COMMAND.search(line):
            yield command[1]


def base_name(path: str) -> str:
    r"""Return the file name of a path as Windows or another system writes it.

    Examples:
        >>> base_name("C:\\data\\x.bin")
        'x.bin'
    """
    return path.replace("\\", "/").rpartition("/")[2]
