# SPDX-License-Identifier: Apache-2.0
"""What one run of a result says, whichever runner wrote it: plain values out of its log or results.json."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A repetition of "profile-[" is none: the e must stand alone.
ERROR_LINE = re.compile(r"(?<![\w-])e-\[([^\]]{0,300})")
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
    """A finite number of sane length, else None."""
    try:
        value = float(text) if len(text) <= 40 else float("nan")
    except ValueError:
        return None
    return value if abs(value) < 1e30 else None


def vector(text: str) -> tuple[float, ...] | None:
    """The values of ``[a,b,c]`` without its brackets; empty items are none. None when one is no finite number."""
    values = [number(item) for item in text.split(",") if item.strip()]
    if not values or len(values) > 1000 or any(value is None for value in values):
        return None
    return tuple(value for value in values if value is not None)
