# SPDX-License-Identifier: Apache-2.0
"""The metrics of a streaming wake word result: all of them come from one run, which may also measure energy."""

from __future__ import annotations

from mlperf_tiny.results.review.checks.metrics import Recomputed
from mlperf_tiny.results.review.evidence.evidence import Evidence
from mlperf_tiny.results.review.evidence.runner_log import Run
from mlperf_tiny.results.review.evidence.wakewords import (
    DOCUMENTED_GRACE_S,
    RUNNER_GRACE_S,
    WakeWordCounts,
    count_wake_words,
    duty_cycle,
)

COUNTS = ("true positives", "false negatives", "false positives")


def wake_word_metrics(evidence: Evidence, out: Recomputed) -> None:
    """Add the metrics of both runs, and the counts with the documented window of the first that has any.

    Args:
        evidence: The files.
        out: Takes the metrics.
    """
    for mode in ("performance", "energy"):
        if mode not in evidence.found.files:
            continue
        run, claims = evidence.runs.get(mode), evidence.claims.get(mode)
        detections = run.detections if run else None
        claimed = claims.metrics if claims else {}
        counts: tuple[int, ...] | None = None
        if detections and evidence.words:
            counts = _values(count_wake_words(detections, evidence.words, RUNNER_GRACE_S))
            if out.documented is None:
                out.documented = count_wake_words(detections, evidence.words, DOCUMENTED_GRACE_S)
        printed = [str(count) for count in claims.wake_words] if claims and claims.wake_words else [None] * len(COUNTS)
        for index, name in enumerate(COUNTS):
            out.add(f"{mode} {name}", "", printed[index], counts[index] if counts else None, "2 s window")
        duty, rate_per_s = (duty_cycle(detections) if detections else None) or (None, None)
        out.add(f"{mode} duty cycle", "", claimed.get("duty_cycle"), duty)
        out.add(f"{mode} throughput", "inf./s", claimed.get("sww_throughput"), rate_per_s)
        if mode == "energy":
            out.add("power", "mW", claimed.get("power_mw"), _power_mw(run))
    if out.documented is not None:
        for name, count in zip(COUNTS, _values(out.documented), strict=True):
            out.add(f"documented {name}", "", None, count, "1 s window")


def _values(counts: WakeWordCounts) -> tuple[int, int, int]:
    return counts.true_positives, counts.false_negatives, counts.false_positives


def _power_mw(run: Run | None) -> float | None:
    """Mean power over the window, where samples are published."""
    for inference in run.inferences if run else ():
        if inference.window_j is not None and inference.window_s:
            return 1e3 * inference.window_j / inference.window_s
    return None
