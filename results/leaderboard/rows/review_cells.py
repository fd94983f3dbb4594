# SPDX-License-Identifier: Apache-2.0
"""The figures of a reviewed result as cells: recomputed where the raw lines allow it, else as claimed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlperf_tiny.results.leaderboard.rows.cells import plain
from mlperf_tiny.results.leaderboard.rows.columns import TOO_LARGE, written
from mlperf_tiny.results.review.checks.metrics import CheckedMetric
from mlperf_tiny.results.review.own.reviewed import Reviewed


def figure_cells(reviewed: Reviewed) -> dict[str, str]:
    """Return the cells of a result of any benchmark except streaming wake words."""
    raw = reviewed.raw
    throughput, energy = raw.metric("throughput"), raw.metric("energy")
    ad = reviewed.benchmark == "ad"
    accuracy, area = raw.metric("AUC" if ad else "top-1"), raw.metric("AUC")
    exact = _finite(found.recomputed) if (found := raw.metric("AUC exact")) else None
    accurate = _best(accuracy)
    rate = _best(raw.metric("energy throughput"))
    values = {
        **_speed(throughput),
        "Result": _official(throughput, 3),
        "Accuracy": _official(accuracy, 3 if ad else 1),
        "AccuracyBasis": _basis(accuracy),
        "ClaimedAccuracy": _claimed(accuracy),
        "ClaimedAuc": _claimed(area),
        "Top1Percent": "" if ad else written("Top1Percent", accurate),
        "Auc": written("Auc", exact if exact is not None else _best(area)),
        "SamplesAnswered": str(len(raw.accuracy.answered)) if raw.accuracy else "",
        "SamplesListed": str(reviewed.listed or ""),
        "EnergyLatencyMs": written("EnergyLatencyMs", 1000 / rate if rate else None),
    }
    if throughput and throughput.recomputed is not None and raw.windows:
        latencies_ms = [1000 * w.seconds / w.iterations for w in raw.windows if w.iterations > 0]
        values |= _span("LatencyLowMs", "LatencyHighMs", latencies_ms)
        values |= {"Iterations": str(raw.windows[0].iterations), "Windows": str(len(raw.windows))}
    if energy and _best(energy) is not None:
        values |= {
            "HasPower": "True",
            "Power": _official(energy, 3),
            "EnergyUj": written("EnergyUj", _best(energy)),
            "EnergyKind": "measured",
            "EnergyBasis": _basis(energy),
            "EnergySource": plain(energy.basis),
            "ClaimedEnergyUj": _claimed(energy),
        }
        if energy.recomputed is not None and raw.energy is not None:
            shifted = raw.metric("energy as cut") is not None and raw.energy.over_uj
            values |= _span("EnergyLowUj", "EnergyHighUj", shifted or raw.energy.per_inference_uj)
    return values


def wake_word_cells(reviewed: Reviewed) -> dict[str, str]:
    """Return the cells of a streaming wake word result: of its energy run if it has one, like the official checker."""
    raw = reviewed.raw
    mode = "energy" if raw.metric("energy throughput") else "performance"
    counts = {name: raw.metric(f"{mode} {name}") for name in ("true positives", "false negatives", "false positives")}
    hits, misses, alarms = (_best(figure) for figure in counts.values())
    power = raw.metric("power")
    f1 = None
    if hits is not None and misses is not None and alarms is not None and hits + misses + alarms > 0:
        f1 = 2 * hits / (2 * hits + misses + alarms)
    timed = raw.metric("performance throughput")
    values = {
        **_speed(timed if timed and timed.recomputed is not None else raw.metric(f"{mode} throughput")),
        "Result": _official(raw.metric(f"{mode} throughput"), 3),
        "Accuracy": "" if f1 is None else str(f1),
        "AccuracyBasis": _basis(counts["true positives"]),
        "FalsePositives": "" if alarms is None else f"{alarms:.0f}",
        "FalseNegatives": "" if misses is None else f"{misses:.0f}",
        "DutyCycle": _official(raw.metric(f"{mode} duty cycle"), 5),
    }
    if power and _best(power) is not None:
        values |= {"HasPower": "True", "Power": _official(power, 4)}
    return values


def _speed(throughput: CheckedMetric | None) -> dict[str, str]:
    rate = _best(throughput)
    return {
        "LatencyMs": written("LatencyMs", 1000 / rate if rate else None),
        "LatencyBasis": _basis(throughput) if rate else "",
        "ThroughputPerS": written("ThroughputPerS", rate),
        "ClaimedThroughputPerS": _claimed(throughput),
    }


def _span(low: str, high: str, values: Sequence[float]) -> dict[str, str]:
    known = [value for value in values if _finite(value) is not None]
    return {low: written(low, min(known)), high: written(high, max(known))} if len(known) > 1 else {}


def _official(figure: CheckedMetric | None, decimals: int) -> str:
    """A figure as the official checker has it: the claim, unless something else was recomputed."""
    if figure is None:
        return ""
    recomputed = _finite(figure.recomputed)
    if figure.claimed is not None and figure.agrees is not False:
        return str(float(figure.claimed))
    return "" if recomputed is None else str(round(recomputed, decimals))


def _best(figure: CheckedMetric | None) -> float | None:
    """The recomputed value, else the claim."""
    if figure is None:
        return None
    recomputed = _finite(figure.recomputed)
    return recomputed if recomputed is not None else _finite(float(figure.claimed) if figure.claimed else None)


def _basis(figure: CheckedMetric | None) -> str:
    if figure is None or _best(figure) is None:
        return ""
    return "claimed" if _finite(figure.recomputed) is None else "recomputed"


def _claimed(figure: CheckedMetric | None) -> str:
    return figure.claimed or "" if figure else ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and abs(value) < TOO_LARGE else None
