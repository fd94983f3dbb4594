# SPDX-License-Identifier: Apache-2.0
"""The record of a run: its settings and metrics, computed from the transcript and from nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.record.violation import Violation
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.harness.wire.session import Identity
from mlperf_tiny.models.tasks import Metric, Task

FORMAT = 3
"""Of ``record.json``. Format 2 has violations as sentences, and the chain digest under ``seal``; format 1 has neither
this number nor a chain digest. A record is never converted: ``--resume`` on the folder of a complete run recomputes it
from the transcript, in the format of today."""


@dataclass(frozen=True)
class WindowMetrics:
    """One timed window of the attempt that counts."""

    sample: str
    """The input file."""
    iterations: int
    """Inferences in it."""
    elapsed_us: int
    """Device microseconds."""
    throughput_per_s: float
    """Inferences per second."""


@dataclass(frozen=True)
class PerformanceMetrics:
    """What the performance run measured."""

    iterations: int
    """Inferences in each window."""
    attempts: int
    """How often all windows were run until they were long enough."""
    windows: tuple[WindowMetrics, ...]
    """In the order in which they ran."""
    throughput_per_s: float
    """Median of the windows."""
    latency_ms: float
    """1000 / throughput, as the tables show it."""


@dataclass(frozen=True)
class AccuracyMetrics:
    """What the accuracy run measured; a metric that does not apply or cannot be computed is None."""

    samples: int
    """Files that were answered in full."""
    listed: int
    """Files of the list."""
    inferences: int
    """Inferences that were answered."""
    correct: int | None = None
    """Of classifiers: files whose largest output is their label."""
    top1_percent: float | None = None
    """Of classifiers: 100 * correct / samples."""
    auc: float | None = None
    """Exact area under the ROC curve."""
    auc_101: float | None = None
    """The area as EEMBC's runner computes it."""
    auc_mlcommons: float | None = None
    """The area as MLCommons' runner computes it."""
    precision_recall: float | None = None
    """Of anomaly detection: what the runners print as "Top-1"; no rule uses it."""
    file_scores: dict[str, float] | None = None
    """Of anomaly detection: file -> mean over its windows."""

    def metric(self, task: Task) -> float | None:
        """The metric the task's target is stated in."""
        return self.top1_percent if task.metric is Metric.TOP1 else self.auc


@dataclass(frozen=True)
class EnergyMetrics:
    """Energy of one inference in microjoules."""

    kind: str
    """``modelled``: power measured on such a board times the latency."""
    uj_per_inference: float
    """With the mean of the measured powers."""
    lowest_uj: float
    """With the least; the latency's own error is not in it."""
    highest_uj: float
    """With the greatest."""
    source: str
    """Who measured the power."""


@dataclass(frozen=True, kw_only=True)
class FormerCounts:
    """Counts as earlier programs computed them from two short replies, the waiting for the serial port in them."""

    instructions_per_inference: float | None = None
    """Instructions; None where none were counted."""
    cycles_per_inference: float | None = None
    """Cycles; None where none were counted."""


@dataclass(frozen=True)
class RunRecord:
    """One run."""

    settings: Settings
    """What was known before the device was used."""
    complete: bool
    """False while it is under way and when it was stopped."""
    identity: Identity | None
    """What the device answered of itself."""
    performance: PerformanceMetrics | None
    """None when no window was measured."""
    accuracy: AccuracyMetrics | None
    """None when no file was answered in full."""
    instructions_per_inference: float | None
    """From an emulated core's counters."""
    cycles_per_inference: float | None
    """From an emulated core's counters, modelled."""
    violations: tuple[Violation, ...]
    """In the order of the rules."""
    notes: tuple[str, ...]
    """What was corrected on the way."""
    resumed: int
    """How often it was resumed."""
    energy: EnergyMetrics | None = None
    """None without a latency or without a power."""
    chain_digest: ChainDigest | None = None
    """Of the transcript; None for one of format 1."""
    former_counts: FormerCounts = FormerCounts()
    """What the ``record.json`` of an earlier program may hold instead; never written."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``record.json``; the list of files is left to the transcript."""
        values = asdict(self)
        del values["former_counts"]
        del values["settings"]["data"]["listed"]
        values["violations"] = [violation.to_json() for violation in self.violations]
        return {"format": FORMAT, **values}
