# SPDX-License-Identifier: Apache-2.0
"""The events of a transcript as typed values: read from its lines, and the source of their published schema.

``t`` is host seconds since the process that wrote the line began. The ``meta`` event is ``record.settings.Settings``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import ValidationError

from mlperf_tiny.errors import RecordError

Event = dict[str, Any]
"""A line of a transcript as it was read: ``e`` is its kind."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Label = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
# Bounded, so that NaN and infinity are refused.
Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it was sent."""

    t: Finite
    """Host seconds."""
    s: str
    """The command, without its ``%``."""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A line that came."""

    t: Finite
    """Host seconds."""
    s: str
    """The line, without its line end."""
    torn: bool = False
    """Whether its line end never came."""


class Download(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "size_bytes": "bytes"}):
    """Consecutive ``db <hex>`` commands which were all answered as they should be."""

    t: Finite
    """Host seconds of the first command."""
    start: Count
    """First byte of the payload within the input."""
    size_bytes: Count
    """Length of the payload."""
    chunk: Count
    """Bytes of one command."""
    sha256: Sha256
    """Of the payload, which is a sample of the data set."""
    done: bool
    """Whether the device confirmed the whole input."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The lines that follow belong to a trial, or to a count of instructions."""

    mode: Literal["trial", "count"]
    """Which of the two."""
    sample: str
    """Name of the file."""


class WindowMark(msgspec.Struct, frozen=True, kw_only=True):
    """The lines that follow belong to a timed window."""

    mode: Literal["window"]
    """Its kind."""
    sample: str
    """Name of the file."""
    attempt: Count
    """From 1; windows that are too short are run again with more iterations."""
    window: Count
    """From 0."""


class AccuracyMark(msgspec.Struct, frozen=True, kw_only=True):
    """The lines that follow belong to one inference of an accuracy run."""

    mode: Literal["accuracy"]
    """Its kind."""
    sample: str
    """Name of the file."""
    index: Count
    """Its place in the list."""
    label: Label
    """Its label in the list."""
    window: Count
    """Which of its inputs, from 0."""
    windows: Count
    """How many inputs it has."""

    def __post_init__(self) -> None:
        """Raises ValueError for a window that the file does not have."""
        if self.window >= self.windows:
            raise ValueError(f"window {self.window} of {self.windows}")


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The number of iterations that was chosen, and from what."""

    attempt: Count
    """From 1."""
    iterations: Count
    """Of each window of this attempt."""
    latency_us: Finite
    """Device microseconds of one inference."""
    host_s: Finite
    """Host seconds of one inference."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was corrected on the way."""

    s: str
    """What, in a sentence."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """The run stopped before its end."""

    s: str
    """Why, in a sentence."""


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """The run continues here, in another process."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The run is complete."""


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """An emulated device's counters at this point."""

    at: Literal["before", "after"]
    """Of an ``infer``."""
    values: dict[str, Count] = {}
    """By name; in the line each is a member of its own."""


TypedEvent = (
    Sent | Received | Download | Mark | WindowMark | AccuracyMark | Calibration | Counters | Note | Resume | Stop | End
)

KINDS: dict[str, tuple[type[Any], ...]] = {
    "out": (Sent,),
    "in": (Received,),
    "download": (Download,),
    "mark": (Mark, WindowMark, AccuracyMark),
    "choice": (Calibration,),
    "counters": (Counters,),
    "note": (Note,),
    "resume": (Resume,),
    "stop": (Stop,),
    "end": (End,),
}
"""``e`` of a line -> what it may be. The names are those of format 1."""

_MARKS: dict[str, type[Any]] = {"window": WindowMark, "accuracy": AccuracyMark}


def typed_event(event: Event) -> TypedEvent | None:
    """Return an event as a typed value; None for ``meta``, and for a kind that this program does not know.

    Raises RecordError for an event whose values are missing or of another type.
    """
    kind = event["e"]
    if kind not in KINDS:
        return None
    try:
        if kind == "counters":
            values = {name: value for name, value in event.items() if name not in ("e", "at", "h")}
            return msgspec.convert({"at": event.get("at"), "values": values}, Counters)
        wanted = _MARKS.get(str(event.get("mode")), Mark) if kind == "mark" else KINDS[kind][0]
        typed: TypedEvent = msgspec.convert(event, wanted)
        return typed
    except (ValidationError, ValueError) as error:  # ValueError: a lone surrogate
        raise RecordError(f"the transcript's event {str(event)[:200]} is damaged: {error}.") from error
