# SPDX-License-Identifier: Apache-2.0
"""What a recomputation gives: metrics beside their claims, and the values that rules look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlperf_tiny.harness.record.rules import TimedWindow
from mlperf_tiny.results.review.evidence.claims import agrees
from mlperf_tiny.results.review.evidence.wakewords import WakeWordReadings


@dataclass(frozen=True)
class CheckedMetric:
    """One metric of a result."""

    name: str
    """What it is: ``throughput``."""
    unit: str
    """Its unit; "" for a number without."""
    claimed: str | None
    """The claim as it was printed; None for a metric that is for the reader only."""
    recomputed: float | None
    """The value from the raw lines; None where they do not give it."""
    basis: str = ""
    """What it was computed from."""

    @property
    def agrees(self) -> bool | None:
        """Whether the two are equal to the printed digits; None when one of them is missing."""
        if self.claimed is None or self.recomputed is None:
            return None
        return agrees(self.claimed, self.recomputed)


@dataclass(frozen=True)
class AccuracyInfo:
    """What accuracy rules look at."""

    metric: float | None
    """Top-1 in percent or AUC, by the task; None when it cannot be computed."""
    answered: tuple[str, ...]
    """Files as answered; of anomaly detection each file once."""
    correct: int | None = None
    """Number of right answers; None of anomaly detection."""


@dataclass(frozen=True, kw_only=True)
class EnergyInfo:
    """The windows of an energy run."""

    windows: tuple[TimedWindow, ...] = ()
    """As the runner cut them."""
    per_inference_uj: tuple[float, ...] = ()
    """Energy per inference in each of them."""
    over_uj: tuple[float, ...] | None = None
    """Energy per inference in the windows over the inferences; None when log or trace lack the times."""
    lost: tuple[int, ...] = ()
    """Numbers of the inferences that lack a timestamp."""


@dataclass
class Recomputed:
    """All that the raw lines of a result give."""

    metrics: list[CheckedMetric] = field(default_factory=list)
    """In the order of a report."""
    windows: tuple[TimedWindow, ...] = ()
    """Of the performance run."""
    accuracy: AccuracyInfo | None = None
    """Of the accuracy run."""
    energy: EnergyInfo | None = None
    """Of the energy run."""
    wake_words: dict[str, WakeWordReadings] = field(default_factory=dict)
    """Mode -> its detections counted in three ways."""

    def add(self, name: str, unit: str, claimed: str | None, recomputed: float | None, basis: str = "") -> None:
        """Add a metric.

        Args:
            name: What it is.
            unit: Its unit; "" for none.
            claimed: As it was printed; None for a metric that is for the reader only.
            recomputed: From the raw lines; None where they do not give it.
            basis: What it was computed from.
        """
        self.metrics.append(CheckedMetric(name, unit, claimed, recomputed, basis))

    def metric(self, name: str) -> CheckedMetric | None:
        """Return the metric of this name; None when there is none."""
        return next((metric for metric in self.metrics if metric.name == name), None)
