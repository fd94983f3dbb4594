# SPDX-License-Identifier: Apache-2.0
"""What a transcript has measured: the marks, and the replies between them decoded once more from their raw lines.

Both the figures and the continuation of an interrupted run start from here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlperf_tiny.errors import ProtocolError, RecordError
from mlperf_tiny.harness.wire.protocol import Model, Name, Profile, Ready, Refused, decode_line
from mlperf_tiny.harness.wire.session import Identity, Inference, read_inference
from mlperf_tiny.harness.wire.transcript import Event

_INFER = re.compile(r"infer (\d{1,10}) (\d{1,10})$")

_VALUES: dict[str, dict[str, type]] = {
    "out": {"s": str},
    "in": {"s": str},
    "note": {"s": str},
    "stop": {"s": str},
    "mark": {"mode": str, "sample": str},
    "counters": {"at": str},
    "choice": {"attempt": int, "iterations": int, "latency_us": float, "host_s": float},
}
"""What an event must hold; a whole number will do for a float."""

_MARK_NUMBERS = {"window": ("attempt", "window"), "accuracy": ("index", "label", "window", "windows")}


@dataclass(frozen=True)
class Choice:
    """Iterations per window of one attempt, chosen from device microseconds and host seconds of one inference."""

    attempt: int
    iterations: int
    latency_us: float
    host_s: float


@dataclass(frozen=True)
class Timed:
    """One ``infer``: the file it ran on, the device's reply, and how far an emulated device's counters moved."""

    sample: str
    inference: Inference
    counted: dict[str, int]


@dataclass
class Measured:
    """``attempts``: attempt -> window -> reply. ``answers``: sample's index -> window -> result vector.

    ``windows_of`` is how many windows a sample has; ``names`` and ``labels`` are by index as well. ``counted`` are the
    replies of different lengths that instructions are computed from. ``refusals`` are the texts of error lines that
    answered an ``infer`` which was to be measured: that must not be forgotten when the run went on all the same.
    """

    identity: Identity | None = None
    choice: Choice | None = None
    attempts: dict[int, dict[int, Timed]] = field(default_factory=dict)
    counted: list[Timed] = field(default_factory=list)
    answers: dict[int, dict[int, tuple[float, ...]]] = field(default_factory=dict)
    windows_of: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    labels: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    resumed: int = 0
    ended: bool = False


def measure(events: Iterable[Event]) -> Measured:
    """Return what ``events`` hold. A mark whose reply is missing, torn or refused has measured nothing.

    Raises RecordError for an event whose values are missing or make no sense.
    """
    reader = _Reader()
    for event in events:
        try:
            reader.take(event)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RecordError(f"the transcript's event {str(event)[:200]} is damaged ({error!r}).") from error
    return reader.measured


def _check(event: Event) -> None:
    """Raise ValueError or KeyError for an event nobody who follows harness.transcript has written."""
    for name, wanted in _VALUES.get(event["e"], {}).items():
        value = event[name]
        fits = isinstance(value, (int, float)) and math.isfinite(value) if wanted is float else type(value) is wanted
        if not fits:
            raise ValueError(f"{name} is {value!r}")
    numbers = _MARK_NUMBERS.get(event["mode"], ()) if event["e"] == "mark" else ()
    if event["e"] == "counters":
        numbers = tuple(event.keys() - {"e", "at"})
    for name in numbers:
        if type(event[name]) is not int:
            raise ValueError(f"{name} is {event[name]!r}")
    if "windows" in numbers and not 0 <= event["window"] < event["windows"]:
        raise ValueError(f"window {event['window']} of {event['windows']}")


class _Reader:
    """Walks the events: which mark is open, which command is being answered, which lines have come."""

    def __init__(self) -> None:
        self.measured = Measured()
        self._mark: Event | None = None
        self._command = ""
        self._lines: list[str] = []
        self._before: dict[str, int] = {}
        self._last: Timed | None = None
        self._name = Name("", "")

    def take(self, event: Event) -> None:
        kind = event["e"]
        _check(event)
        if kind == "out":
            self._command, self._lines = event["s"], []
        elif kind == "in":
            if not event.get("torn"):
                self._line(event["s"])
        elif kind == "mark":
            self._mark = event
        elif kind == "counters":
            self._counters({key: value for key, value in event.items() if key not in ("e", "at")}, event["at"])
        elif kind == "choice":
            values = {key: value for key, value in event.items() if key != "e"}
            self.measured.choice = Choice(**values)
        elif kind == "note":
            self.measured.notes.append(event["s"])
        elif kind == "stop":
            self.measured.stops.append(event["s"])
        elif kind == "resume":
            self.measured.resumed += 1
            self._mark = None
        elif kind == "end":
            self.measured.ended = True

    def _line(self, line: str) -> None:
        reply = decode_line(line)
        if isinstance(reply, Ready):
            self._reply()
            return
        self._lines.append(line)
        if isinstance(reply, Refused) and self._mark is not None and _INFER.match(self._command):
            self.measured.refusals.append(reply.text)
        elif isinstance(reply, Name):
            self._name = reply

    def _reply(self) -> None:
        infer, mark = _INFER.match(self._command), self._mark
        if infer and mark is not None:
            try:
                inference = read_inference(int(infer[1]), int(infer[2]), self._lines)
            except ProtocolError:
                return  # the run raised the same error when this came; it measured nothing
            self._answer(mark, inference)
        elif self._command == "profile":
            self._profile()
        self._command = ""

    def _profile(self) -> None:
        replies = [decode_line(line) for line in self._lines]
        for model in (reply for reply in replies if isinstance(reply, Model)):
            profile = next((reply.text for reply in replies if isinstance(reply, Profile)), "")
            self.measured.identity = Identity(self._name.device, self._name.vendor, profile, model.model_id)

    def _answer(self, mark: Event, inference: Inference) -> None:
        measured = self.measured
        timed = Timed(mark["sample"], inference, {})
        if mark["mode"] == "window":
            measured.attempts.setdefault(mark["attempt"], {})[mark["window"]] = timed
        elif mark["mode"] == "count":
            measured.counted.append(timed)
        elif mark["mode"] == "accuracy":
            index = mark["index"]
            measured.answers.setdefault(index, {})[mark["window"]] = inference.results
            measured.windows_of[index], measured.names[index] = mark["windows"], mark["sample"]
            measured.labels[index] = mark["label"]
        self._last = timed

    def _counters(self, values: dict[str, int], at: str) -> None:
        if at == "before":
            self._before, self._last = values, None
        elif self._last is not None:
            self._last.counted.update({key: values[key] - self._before.get(key, 0) for key in values})
