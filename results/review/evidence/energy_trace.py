# SPDX-License-Identifier: Apache-2.0
"""Whether the windows of a published energy trace lie over the inferences.

The stamps of a trace (``mlperf_tiny.harness.energy.trace``) are the stand-alone one first, then start and end of each
inference window. A published trace may lack some: what the runner made of it is shown beside what the clock of the log
gives.
"""

from __future__ import annotations

from bisect import bisect_left

from mlperf_tiny.results.review.evidence.runner_log import LoggedInference

NEAR_S = 0.5
"""How far a stamp may lie from where the log's clock puts it: at most 0.112 s in the 124 published traces."""

Window = tuple[float, float]


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
