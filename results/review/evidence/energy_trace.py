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
from mlperf_tiny.results.review.evidence.runner_log import Inference

MAX_TRACE_BYTES = 64 << 20
MAX_STAMPS = 10_000
NEAR_S = 0.5
"""How far a stamp may lie from where the log's clock puts it: at most 0.112 s in the 124 published traces."""

Window = tuple[float, float]


@dataclass(frozen=True)
class Trace:
    """``samples_uj`` (samples,) and their times in seconds from the start of the trace."""

    samples_uj: npt.NDArray[np.float64]
    times_s: npt.NDArray[np.float64]

    def window_uj(self, window: Window) -> float:
        """Energy between the two times, ends included."""
        start, end = np.searchsorted(self.times_s, window[0], "left"), np.searchsorted(self.times_s, window[1], "right")
        return float(self.samples_uj[start:end].sum())


def parse_trace(content: bytes, where: str) -> Trace:
    """Read a trace; raises DataError for anything that is none."""
    if len(content) < 9 or content[0] != 0xF1 or (len(content) - 5) % 4:
        raise DataError(
            f"{where} is no energy trace: wanted 0xF1, a rate and 4-byte samples, got {len(content)} bytes."
        )
    (rate_hz,) = struct.unpack_from("<f", content, 1)
    if not 1 <= rate_hz <= 1e7:
        raise DataError(f"{where} is no energy trace: its rate is {rate_hz} Hz, wanted 1 to 10,000,000.")
    samples = np.frombuffer(content, "<f4", offset=5).astype(np.float64)
    if not np.isfinite(samples).all():
        raise DataError(f"{where} holds samples that are no finite numbers.")
    steps = np.full(len(samples), 1.0 / rate_hz)
    steps[0] = 0.0
    return Trace(samples, np.cumsum(steps))


def parse_stamps(value: Any, where: str) -> tuple[float, ...]:
    """Read the parsed list of timestamps; raises DataError unless they are finite numbers in order."""
    plain = isinstance(value, list) and all(isinstance(t, int | float) and not isinstance(t, bool) for t in value)
    if not plain or len(value) > MAX_STAMPS or any(abs(t) > 1e9 for t in value) or sorted(value) != value:
        raise DataError(f"{where} is not a list of times in rising order.")
    return tuple(float(t) for t in value)


def runner_windows(stamps: tuple[float, ...]) -> tuple[Window, ...]:
    """The windows the runner makes of the stamps: second and third, fourth and fifth and so on."""
    return tuple((stamps[index], stamps[index + 1]) for index in range(1, len(stamps) - 1, 2))


def inference_windows(
    stamps: tuple[float, ...], inferences: tuple[Inference, ...], trace_on_s: float | None
) -> tuple[Window | None, ...] | None:
    """The windows that lie over the inferences, by the log's clock; None for one that lacks a stamp.

    The whole is None when the log does not tell when trace and inferences began.
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
