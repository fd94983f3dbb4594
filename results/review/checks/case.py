# SPDX-License-Identifier: Apache-2.0
"""What every check of a published result looks at."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.models.tasks import Task
from mlperf_tiny.results.review.checks.metrics import Recomputed
from mlperf_tiny.results.review.evidence.evidence import Evidence


@dataclass(frozen=True)
class Case:
    """One result under review."""

    evidence: Evidence
    """What its files hold."""
    recomputed: Recomputed
    """What the raw lines give."""

    @property
    def task(self) -> Task | None:
        """Its task; None for streaming wake words, and where no file names the benchmark."""
        return self.evidence.benchmark.task if self.evidence.benchmark else None
