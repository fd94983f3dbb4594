# SPDX-License-Identifier: Apache-2.0
"""The EEMBC runner's energy trace, and whether its windows lie over the inferences.

``trace1-energy.bin`` is the byte 0xF1, the sample rate in Hz as little-endian float32, then float32 samples in
microjoules for each sample period. ``trace1-timestamps.json`` lists the edges of the timestamp pin in seconds: the
stand-alone one first, then start and end of each inference window. A sample belongs to a window when its time lies in
it, ends included; times are summed up period by period, as the runner does, for that decides about edge samples.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlperf_tiny.errors import DataError
from mlperf_tiny.results.review.evidence.runner_log import LoggedInference

MAX_TRACE_BYTES = 64 << 20
MAX_STAMPS = 10_000
NEAR_S = 0.5
"""How far a stamp may lie from where the log's clock puts it: at most 0.112 s in the 124 published traces."""

Window = tuple[float, float]


@dataclass(frozen=True)
class Trace:
    """An energy trace."""

    samples_uj: npt.NDArray[np.float64]
    """Energy of each sample period, shape (samples,)."""
    times_s: npt.NDArray[np.float64]
    """Their times from the start of the trace, shape (samples,)."""

    def window_uj(self, window: Window) -> float:
        """Return the energy between the two times, ends included."""
        start, end = np.searchsorted(self.times_s, window[0], "left"), np.searchsorted(self.times_s, window[1], "right")
        return float(self.samples_uj[start:end].sum())


def parse_trace(content: bytes, where: str) -> Trace:
    """Read a trace.

    Args:
        content: The file.
        where: Its path, for messages.

    Raises:
        DataError: It is not a trace, or holds samples that are not finite.
    """
    if len(content) < 9 or content[0] != 0xF1 or (len(content) - 5) % 4:
        raise DataError(
            f"{where} is not an energy trace: wanted 0xF1, a rate and 4-byte samples, got {len(content)} bytes."
        )
    (rate_hz,) = struct.unpack_from("<f", content, 1)
    if not 1 <= rate_hz <= 1e7:
        raise DataError(f"{where} is not an energy trace: its rate is {rate_hz} Hz, wanted 1 to 10,000,000.")
    samples = np.frombuffer(content, "<f4", offset=5).astype(np.float64)
    if not np.isfinite(samples).all():
        raise DataError(f"{where} holds samples that are not finite numbers.")
    steps = np.full(len(samples), 1.0 / rate_hz)
    steps[0] = 0.0
    return Trace(samples, np.cumsum(steps))


def parse_stamps(value: Any, where: str) -> tuple[float, ...]:
    """Read the parsed list of timestamps.

    Args:
        value: The parsed JSON.
        where: Its path, for messages.

    Raises:
        DataError: It is not a list of finite numbers in rising order.
    """
    plain = isinstance(value, list) and all(isinstance(t, int | float) and not isinstance(t, bool) for t in value)
    if not plain or len(value) > MAX_STAMPS or any(abs(t) > 1e9 for t in value) or sorted(value) != value:
        raise DataError(f"{where} is not a list of times in rising order.")
    return tuple(float(t) for t in value)


def runner_windows(stamps: tuple[float, ...]) -> tuple[Window, ...]:
    """Return the windows the runner makes of the stamps: second and third, fourth and fifth and so on.

    Examples:
        >>> runner_windows((0.1, 10.0, 20.0, 30.0, 40.0))
        ((10.0, 20.0), (30.0, 40.0))
    """
    return tuple((stamps[index], stamps[index + 1]) for index in range(1, len(stamps) - 1, 2))


def inference_windows(
    stamps: tuple[float, ...], inferences: tuple[LoggedInference, ...], trace_on_s: float | None
) -> tuple[Window | None, ...] | None:
    """Return the windows that lie over the inferences.

    Args:
        stamps: Edges of the timestamp pin, seconds of the trace.
        inferences: The energy run, with the log's clock.
        trace_on_s: The log's clock when the trace began.

    Returns:
        One window for each inference, None for one that lacks a stamp. None when the log does not hold the times.
    """
    if trace_on_s is None or any(run.started_s is None or run.done_s is None for run in inferences):
        return None

    def nearest(clock_s: float | None) -> float | None:
        assert clock_s is not None and trace_on_s is not None
        wanted = clock_s - trace_on_s
        at = bisect_left(stamps, wanted)
        best = min(stamps[max(0, at - 1) : at + 1], key=lambda stamp: abs(stamp - wanted), default=None)
        return best if best is not None and abs(best - wanted) <= NEAR_S else None

    windows: list[Window | None] = []
    for run in inferences:
        start, end = nearest(run.started_s), nearest(run.done_s)
        windows.append((start, end) if start is not None and end is not None and end > start else None)
    return tuple(windows)
