# SPDX-License-Identifier: Apache-2.0
"""What a review says of one result: published, of a submission of this program, or a run folder of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.results.mlperf.findings import Finding, Verdict, verdict_of
from mlperf_tiny.results.review.checks.metrics import CheckedMetric, Recomputed
from mlperf_tiny.results.review.own.own_runs import RunFiles


@dataclass(frozen=True)
class Reviewed:
    """One result with its verdict; ``runner`` and ``benchmark`` are empty when no file tells.

    ``raw`` is all that came out of the raw lines, windows among it; ``description`` the system description's values,
    ``listed`` the length of the label list the accuracy run follows. Each is empty where there is none. ``record`` is
    that of a run of this program, from its transcript: a run folder's, or the one inside a submission; ``files`` is
    where that lies.
    """

    folder: str
    round: str
    division: str
    submitter: str
    system: str
    benchmark: str
    variant: str
    runner: str
    metrics: tuple[CheckedMetric, ...]
    findings: tuple[Finding, ...]
    raw: Recomputed = field(default_factory=Recomputed)
    description: dict[str, str] = field(default_factory=dict)
    listed: int = 0
    record: RunRecord | None = None
    files: RunFiles | None = None

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.findings)

    @property
    def title(self) -> str:
        """What it is, in one line: everything of its identity that is known."""
        names = (self.round, self.division, self.submitter, self.system, self.benchmark, self.variant)
        return " ".join(name for name in names if name)

    def to_json(self) -> dict[str, Any]:
        """Plain values; the format is described in docs/formats.md."""
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
                {"kind": finding.kind.value, "rule": finding.rule, "text": finding.text} for finding in self.findings
            ],
        }
