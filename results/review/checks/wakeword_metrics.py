# SPDX-License-Identifier: Apache-2.0
"""The metrics of a streaming wake word result: all of them come from one run, which may also measure energy."""

from __future__ import annotations

from mlperf_tiny.results.review.checks.metrics import Recomputed
from mlperf_tiny.results.review.evidence.evidence import Evidence
from mlperf_tiny.results.review.evidence.runner_log import Run
from mlperf_tiny.results.review.evidence.wakewords import WakeWordCounts, duty_cycle, read_wake_words

COUNTS = ("true positives", "false negatives", "false positives")


def wake_word_metrics(evidence: Evidence, out: Recomputed) -> None:
    """Add the metrics of both runs, and the three readings of the detections of each.

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
        readings = read_wake_words(detections, evidence.words) if detections and evidence.words else None
        printed = [str(count) for count in claims.wake_words] if claims and claims.wake_words else [None] * len(COUNTS)
        counts = _values(readings.runner) if readings else [None] * len(COUNTS)
        for name, claim, count in zip(COUNTS, printed, counts, strict=True):
            out.add(f"{mode} {name}", "", claim, count, "2 s window")
        if readings:
            out.wake_words[mode] = readings
            _for_the_reader(mode, "documented", readings.documented, "1 s window", out)
            if readings.on_grid:
                _for_the_reader(mode, "frame grid", readings.on_grid, "1 s window, clock skew removed", out)
        duty, rate_per_s = (duty_cycle(detections) if detections else None) or (None, None)
        out.add(f"{mode} duty cycle", "", claimed.get("duty_cycle"), duty)
        out.add(f"{mode} throughput", "inf./s", claimed.get("sww_throughput"), rate_per_s)
        if mode == "energy":
            out.add("power", "mW", claimed.get("power_mw"), _power_mw(run))


def _for_the_reader(mode: str, reading: str, counts: WakeWordCounts, basis: str, out: Recomputed) -> None:
    for name, count in zip(COUNTS, _values(counts), strict=True):
        out.add(f"{mode} {reading} {name}", "", None, count, basis)


def _values(counts: WakeWordCounts) -> tuple[int, int, int]:
    return counts.true_positives, counts.false_negatives, counts.false_positives


def _power_mw(run: Run | None) -> float | None:
    """Mean power over the window, where samples are published."""
    for inference in run.inferences if run else ():
        if inference.window_j is not None and inference.window_s:
            return 1e3 * inference.window_j / inference.window_s
    return None
