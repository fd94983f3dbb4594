# SPDX-License-Identifier: Apache-2.0
"""What one run of a result says, whichever runner wrote it: plain values out of its log or results.json."""

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
MAX_ERRORS = 50


@dataclass(frozen=True)
class Inference:
    """One ``infer`` command: input file, iterations, and what came back.

    ``seconds`` is device time between its last two stamps, ``window_j`` the energy samples between its last two
    events (joules, MLCommons only) and ``window_s`` their time. ``started_s`` and ``done_s`` are the log's clock
    (EEMBC only). What is not there is None.
    """

    file: str
    iterations: int
    warmups: int
    seconds: float | None = None
    scores: tuple[float, ...] | None = None
    started_s: float | None = None
    done_s: float | None = None
    window_j: float | None = None
    window_s: float | None = None
    claimed_class: int | None = None


@dataclass(frozen=True)
class Detections:
    """A streaming wake word run: detections in ms since the first, which is the one that marks time zero.

    ``duty`` pairs start and stop of frames in seconds, None where they were not printed.
    """

    times_ms: tuple[int, ...]
    starts_s: tuple[float, ...] = ()
    stops_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Run:
    """One run: ``runner`` is "EEMBC" or "MLCommons"; ``source`` is the file the inferences are from.

    ``finished`` is False when the log lacks the runner's first or last words, None where that cannot be told.
    ``trace_on_s`` is the log's clock when the energy trace began. ``problems`` are lines that could not be read.
    """

    runner: str
    source: str
    inferences: tuple[Inference, ...]
    profile: str = ""
    model_id: str = ""
    voltages_mv: tuple[int, ...] = ()
    finished: bool | None = None
    errors: tuple[str, ...] = ()
    trace_on_s: float | None = None
    detections: Detections | None = None
    problems: tuple[str, ...] = ()


def number(text: str) -> float | None:
    """Return the finite number a short text spells, else None."""
    try:
        value = float(text) if len(text) <= 40 else float("nan")
    except ValueError:
        return None
    return value if abs(value) < MAX_VALUE else None


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
