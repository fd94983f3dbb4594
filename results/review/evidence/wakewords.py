# SPDX-License-Identifier: Apache-2.0
"""Streaming wake words: hits, misses and false alarms out of detection times.

A word at [a, b] counts when a detection falls between a and b plus a grace time; those detections are used up. The
rest, at most one in a second, are false alarms. The documented grace is 1 s; the MLCommons runner adds it twice, and
published counts need that: both are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
