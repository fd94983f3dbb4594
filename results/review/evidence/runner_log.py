# SPDX-License-Identifier: Apache-2.0
"""One run of a result, whichever runner wrote it: plain values out of its log or results.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.harness.wire.protocol import ErrorLine, decode_line

MESSAGE_MARKS = ("m-", "e-[", "Supplied buffer", "Input db has")
"""No message of the wire protocol is in a line without one of these."""

MAX_ERROR_TEXT = 300
MAX_VALUES = 1000
MAX_VALUE = 1e30
MAX_INFERENCES = 200_000
MAX_ANSWERED = 2_400_000
"""Values of all answers of one run: 200,000 of keyword spotting's twelve."""
MAX_ERRORS = 50
MAX_FRAMES = 1000
MAX_DETECTIONS = 10_000
"""As many as the interface board keeps."""
TOO_MANY_DETECTIONS = f"it holds over {MAX_DETECTIONS:,} detections, more than the interface board keeps"


class TooManyInferences(Exception):
    """A log holds more inferences, or values in their answers, than are read."""


@dataclass(frozen=True)
class LoggedInference:
    """One ``infer`` command and its reply; what is missing is None."""

    file: str
    """Name of the input file."""
    iterations: int
    """Timed inferences."""
    warmups: int
    """Inferences before them."""
    seconds: float | None = None
    """Device time between the last two stamps."""
    scores: tuple[float, ...] | None = None
    """The answer."""
    started_s: float | None = None
    """The log's clock when it started (EEMBC only)."""
    done_s: float | None = None
    """The log's clock when it was done (EEMBC only)."""
    window_j: float | None = None
    """Energy samples between the last two events (MLCommons only)."""
    window_s: float | None = None
    """Time of these samples."""
    claimed_class: int | None = None
    """The label that results.json names."""


@dataclass(frozen=True)
class Detections:
    """A streaming wake word run."""

    times_ms: tuple[int, ...]
    """Times of the detections; the first one marks time zero."""
    starts_s: tuple[float, ...] = ()
    """When work on each frame started; () where it was not printed."""
    stops_s: tuple[float, ...] = ()
    """When it stopped."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run."""

    runner: str
    """``EEMBC`` or ``MLCommons``."""
    source: str
    """The file the inferences are from."""
    inferences: tuple[LoggedInference, ...]
    """In order."""
    profile: str = ""
    """The firmware's profile string."""
    model_id: str = ""
    """The firmware's model id."""
    voltages_mv: tuple[int, ...] = ()
    """Supply voltages."""
    finished: bool | None = None
    """False when the log lacks the runner's first or last line, None for results.json."""
    errors: tuple[str, ...] = ()
    """Texts of error messages."""
    trace_on_s: float | None = None
    """The log's clock when the energy trace began."""
    detections: Detections | None = None
    """Of a streaming wake word run."""
    contradictions: tuple[str, ...] = ()
    """Where two records of the run say different things."""
    problems: tuple[str, ...] = ()
    """What could not be read."""


def number(text: str) -> float | None:
    """Return the finite number a short text spells, else None."""
    try:
        value = float(text) if len(text) <= 40 else float("nan")
    except ValueError:
        return None
    return value if abs(value) < MAX_VALUE else None


def first_difference(one: Sequence[int], other: Sequence[int]) -> str:
    """Return where two unequal lists of times in ms differ first.

    Args:
        one: A list.
        other: Another one.

    Examples:
        >>> first_difference((0, 10), (0, 11)), first_difference((0,), (0, 11))
        ('number 2 is 10 and 11 ms', '1 against 2 times')
    """
    if len(one) != len(other):
        return f"{len(one)} against {len(other)} times"
    number = next(n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    return f"number {number + 1} is {one[number]} and {other[number]} ms"


def bounded_values(values: Sequence[float] | None) -> tuple[float, ...] | None:
    """Return an answer whose values can be computed with; None for one that is empty, too long or out of range.

    Examples:
        >>> bounded_values([0.5, 0.25])
        (0.5, 0.25)
    """
    if not values or len(values) > MAX_VALUES or any(abs(value) >= MAX_VALUE for value in values):
        return None
    return tuple(values)


def error_text(line: str) -> str:
    """Return the text of an error message of the wire protocol anywhere in a line, "" when there is none.

    Examples:
        >>> error_text("00046.063 ulp-mlperf: e-[The run is too short]")
        'The run is too short'
    """
    if not any(mark in line for mark in MESSAGE_MARKS):
        return ""
    reply = decode_line(line)
    return reply.text.partition("]")[0][:MAX_ERROR_TEXT] if isinstance(reply, ErrorLine) else ""
