# SPDX-License-Identifier: Apache-2.0
"""What a transcript has measured: the marks, and the replies between them decoded again from their raw lines.

Both the record and the continuation of an interrupted run start from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from mlperf_tiny.errors import ProtocolError
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.wire.events import (
    AccuracyMark,
    Calibration,
    Counters,
    End,
    Event,
    Mark,
    Note,
    Received,
    Resume,
    Sent,
    Stop,
    TypedEvent,
    WindowMark,
    typed_event,
)
from mlperf_tiny.harness.wire.inference import Inference, read_inference
from mlperf_tiny.harness.wire.protocol import ErrorLine, InitDone, ModelId, Name, ProfileText, Ready, decode_line
from mlperf_tiny.harness.wire.reply_crc import ReplyCrc
from mlperf_tiny.harness.wire.session import Identity

_INFER = re.compile(r"infer (\d{1,10}) (\d{1,10})$")


@dataclass(frozen=True)
class Timed:
    """One ``infer``."""

    sample: str
    """The file it ran on."""
    inference: Inference
    """The device's reply."""
    inferences: int
    """How many ran in all, the warm-up included."""
    counted: dict[str, int]
    """How far an emulated device's counters moved, by name."""


@dataclass
class Measured:
    """What was measured so far."""

    identity: Identity | None = None
    """Of the device."""
    calibration: Calibration | None = None
    """The last one."""
    attempts: dict[int, dict[int, Timed]] = field(default_factory=dict)
    """Attempt -> window -> reply."""
    counted: list[Timed] = field(default_factory=list)
    """Replies of different lengths that instructions are computed from."""
    answers: dict[int, dict[int, tuple[float, ...]]] = field(default_factory=dict)
    """Index of a sample -> window -> result vector."""
    windows_of: dict[int, int] = field(default_factory=dict)
    """Index of a sample -> how many windows it has."""
    names: dict[int, str] = field(default_factory=dict)
    """Index of a sample -> its file."""
    labels: dict[int, int] = field(default_factory=dict)
    """Index of a sample -> its label."""
    notes: list[str] = field(default_factory=list)
    """What was corrected on the way."""
    refusals: list[str] = field(default_factory=list)
    """Texts of error lines that answered an ``infer`` to be measured; they count although the run went on."""
    stops: list[str] = field(default_factory=list)
    """Why the run stopped, each time."""
    resumed: int = 0
    """How often it was resumed."""
    ended: bool = False
    """Whether it is complete."""


def measure(events: Iterable[Event]) -> Measured:
    """Return what events hold. A mark whose reply is missing, torn or refused has measured nothing.

    Raises RecordError for an event whose values are missing or make no sense.
    """
    reader = _Reader()
    for event in events:
        if event["e"] == "meta":
            reader.result_values = Settings.from_event(event).result_values
        typed = typed_event(event)
        if typed is not None:
            reader.take(typed)
    return reader.measured


class _Reader:
    """Walks the events: which mark is open, which command is being answered, which lines have come."""

    def __init__(self) -> None:
        self.measured = Measured()
        self.result_values: int | None = None
        self._mark: Mark | WindowMark | AccuracyMark | None = None
        self._command = ""
        self._lines: list[str] = []
        self._before: dict[str, int] = {}
        self._last: Timed | None = None
        self._crc = ReplyCrc()
        self._name = Name("", "")

    def take(self, event: TypedEvent) -> None:
        """Follow one event."""
        match event:
            case Sent():
                self._command, self._lines = event.s, []
            case Received():
                if not event.torn:
                    self._line(event.s)
            case Mark() | WindowMark() | AccuracyMark():
                self._mark = event
            case Counters():
                self._counters(event)
            case Calibration():
                self.measured.calibration = event
            case Note():
                self.measured.notes.append(event.s)
            case Stop():
                self.measured.stops.append(event.s)
            case Resume():
                self.measured.resumed += 1
                self._mark = None
                self._crc.forget()
            case End():
                self.measured.ended = True

    def _line(self, line: str) -> None:
        reply = decode_line(line)
        if isinstance(reply, Ready):
            self._reply()
            return
        self._lines.append(line)
        if isinstance(reply, ErrorLine) and self._mark is not None and _INFER.match(self._command):
            self.measured.refusals.append(reply.text)
        elif isinstance(reply, Name):
            self._name = reply
        elif isinstance(reply, InitDone):
            self._crc.forget()

    def _reply(self) -> None:
        infer, mark = _INFER.match(self._command), self._mark
        if infer and mark is not None:
            try:
                self._crc.take(self._command, self._lines)
                inference = read_inference(int(infer[1]), int(infer[2]), self._lines, self.result_values)
            except ProtocolError:
                return  # the run raised the same error when this came; it measured nothing
            self._answer(mark, inference, int(infer[1]) + int(infer[2]))
        elif self._command:
            self._other_reply()
        self._command = ""

    def _other_reply(self) -> None:
        with suppress(ProtocolError):  # the run raised it too, and asked again
            self._crc.take(self._command, self._lines)
        if self._command == "profile":
            self._crc.forget()
            self._profile()

    def _profile(self) -> None:
        replies = [decode_line(line) for line in self._lines]
        for model in (reply for reply in replies if isinstance(reply, ModelId)):
            profile = next((reply.text for reply in replies if isinstance(reply, ProfileText)), "")
            self.measured.identity = Identity(self._name.device, self._name.vendor, profile, model.model_id)

    def _answer(self, mark: Mark | WindowMark | AccuracyMark, inference: Inference, inferences: int) -> None:
        measured = self.measured
        timed = Timed(mark.sample, inference, inferences, {})
        match mark:
            case WindowMark():
                measured.attempts.setdefault(mark.attempt, {})[mark.window] = timed
            case AccuracyMark():
                measured.answers.setdefault(mark.index, {})[mark.window] = inference.results
                measured.windows_of[mark.index], measured.names[mark.index] = mark.windows, mark.sample
                measured.labels[mark.index] = mark.label
            case Mark():
                if mark.mode == "count":
                    measured.counted.append(timed)
        self._last = timed

    def _counters(self, event: Counters) -> None:
        if event.at == "before":
            self._before, self._last = event.values, None
        elif self._last is not None:
            moved = {name: value - self._before.get(name, 0) for name, value in event.values.items()}
            self._last.counted.update(moved)
