# SPDX-License-Identifier: Apache-2.0
"""The review of one result: published, of a submission of this program, or a run folder of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.results.mlperf.findings import Finding, Verdict, verdict_of
from mlperf_tiny.results.review.checks.metrics import CheckedMetric, Recomputed
from mlperf_tiny.results.review.own.own_runs import OwnRunFiles


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """One result with its verdict; what is not known is empty."""

    folder: str
    """Where it lies in the tree."""
    round: str
    """``v1.3``."""
    division: str
    """``open`` or ``closed``."""
    submitter: str
    """Folder of the submitter."""
    system: str
    """Folders of the system; of a run folder the system's name."""
    benchmark: str
    """Name of the benchmark."""
    variant: str
    """Folders below the benchmark."""
    runner: str
    """``EEMBC``, ``MLCommons`` or this program."""
    metrics: tuple[CheckedMetric, ...]
    """Recomputed values beside the claims."""
    findings: tuple[Finding, ...]
    """What was found."""
    raw: Recomputed = field(default_factory=Recomputed)
    """All that the raw lines give, windows among it."""
    description: dict[str, str] = field(default_factory=dict)
    """Values of the system description."""
    listed: int = 0
    """Length of the label list that the accuracy run follows."""
    record: RunRecord | None = None
    """Of a run of this program: recomputed from the transcript of the run folder, or of the one in the submission."""
    files: OwnRunFiles | None = None
    """Where that run lies."""

    @property
    def verdict(self) -> Verdict:
        """That of the worst finding."""
        return verdict_of(self.findings)

    @property
    def title(self) -> str:
        """What it is, in one line: everything of its identity that is known."""
        names = (self.round, self.division, self.submitter, self.system, self.benchmark, self.variant)
        return " ".join(name for name in names if name)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; docs/formats.md describes the format."""
        return {
            "folder": self.folder,
            "round": self.round,
            "division": self.division,
            "submitter": self.submitter,
            "system": self.system,
            "benchmark": self.benchmark,
            "variant": self.variant,
            "runner": self.runner,
            "run_id": self.record.settings.run_id if self.record else "",
            "verdict": self.verdict.text,
            "metrics": [
                {
                    "name": metric.name,
                    "unit": metric.unit,
                    "claimed": metric.claimed,
                    "recomputed": metric.recomputed,
                    "agrees": metric.agrees,
                    "basis": metric.basis,
                }
                for metric in self.metrics
            ],
            "findings": [
                {
                    "kind": finding.kind.value,
                    "rule": finding.rule,
                    "section": finding.section,
                    "text": finding.text,
                }
                for finding in self.findings
            ],
        }
