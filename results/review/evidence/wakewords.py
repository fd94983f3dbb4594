# SPDX-License-Identifier: Apache-2.0
"""Streaming wake words: hits, misses and false alarms out of detection times.

A word at [a, b] counts when a detection falls between a and b plus a grace time; those detections are used up. The
rest, at most one in a second, are false alarms. The documented grace is 1 s; the MLCommons runner adds it twice. A
third reading has the documented grace and the detections on the frame grid (``frame_grid``): published counts come out
both with the second added and with the skew of the clocks removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.results.review.evidence.frame_grid import on_frame_grid
from mlperf_tiny.results.review.evidence.runner_log import Detections

DOCUMENTED_GRACE_S = 1.0
RUNNER_GRACE_S = 2.0
DEBOUNCE_S = 1.0

WordWindow = tuple[float, float]


@dataclass(frozen=True)
class WakeWordCounts:
    """Detections against words."""

    true_positives: int
    """Words that were detected."""
    false_negatives: int
    """Words that were not."""
    false_positives: int
    """Detections without a word, at most one in a second."""

    def __str__(self) -> str:
        return f"{self.true_positives}/{self.false_negatives}/{self.false_positives}"


@dataclass(frozen=True, kw_only=True)
class WakeWordReadings:
    """The three counts of one run."""

    runner: WakeWordCounts
    """As the runner counts: up to 2 s after the word."""
    documented: WakeWordCounts
    """Up to 1 s after the word, as documented."""
    on_grid: WakeWordCounts | None
    """The documented ones with the detections on the frame grid; None where they show no grid."""
    skew: float | None
    """Of the clocks, as of ``FrameGrid``."""


def read_wake_words(detections: Detections, words: Sequence[WordWindow]) -> WakeWordReadings:
    """Count the detections of a run in three ways.

    Args:
        detections: The run.
        words: Start and end of each word, seconds of the wave.
    """
    grid = on_frame_grid(detections)
    return WakeWordReadings(
        runner=count_wake_words(detections, words, RUNNER_GRACE_S),
        documented=count_wake_words(detections, words, DOCUMENTED_GRACE_S),
        on_grid=count_wake_words(grid.detections, words, DOCUMENTED_GRACE_S) if grid else None,
        skew=grid.skew if grid else None,
    )


def count_wake_words(detections: Detections, words: Sequence[WordWindow], grace_s: float) -> WakeWordCounts:
    """Count the detections of a run.

    Args:
        detections: The run.
        words: Start and end of each word, seconds of the wave.
        grace_s: How long after its end a word may be detected.

    Examples:
        >>> count_wake_words(Detections((0, 10_500)), [(10.0, 11.0), (20.0, 21.0)], 1.0)
        WakeWordCounts(true_positives=1, false_negatives=1, false_positives=0)
    """
    zero_ms = detections.times_ms[0] if detections.times_ms else 0
    left = sorted((time_ms - zero_ms) / 1000 for time_ms in detections.times_ms[1:])
    hits = 0
    for start_s, end_s in words:
        used = [time_s for time_s in left if start_s <= time_s <= end_s + grace_s]
        hits += bool(used)
        left = [time_s for time_s in left if not start_s <= time_s <= end_s + grace_s]
    alarms, last_s = 0, float("-inf")
    for time_s in left:
        alarms += time_s - last_s > DEBOUNCE_S
        last_s = time_s
    return WakeWordCounts(hits, len(words) - hits, alarms)


def duty_cycle(detections: Detections) -> tuple[float, float] | None:
    """Return mean on-time over mean period, and 1 / mean on-time (frames a second); None without two frames."""
    starts, stops = detections.starts_s, detections.stops_s
    count = min(len(starts), len(stops))
    if count < 2:
        return None
    on_s = sum(stops[index] - starts[index] for index in range(count)) / count
    period_s = (starts[count - 1] - starts[0]) / (count - 1)
    return (on_s / period_s, 1 / on_s) if on_s > 0 and period_s > 0 else None
