# SPDX-License-Identifier: Apache-2.0
"""A tree in, verdicts out: the one way through this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.modes import Progress
from results.review.evidence import Evidence, gather
from results.review.figures import Figure, Recomputed
from results.review.findings import Finding, Kind, Verdict, verdict_of
from results.review.label_lists import LabelLists
from results.review.layout import Found, find_results
from results.review.plain import shown
from results.review.recompute import recompute
from results.review.rules import findings_of
from results.review.system import description_paths
from results.review.tree import open_tree

FORMAT = 1


@dataclass(frozen=True)
class Reviewed:
    """One result with its verdict; ``runner`` and ``benchmark`` are empty when no file tells.

    ``raw`` is all that came out of the raw lines, windows among it; ``description`` the system description's values,
    ``listed`` the length of the label list the accuracy run follows. Each is empty where there is none.
    """

    folder: str
    round: str
    division: str
    submitter: str
    system: str
    benchmark: str
    variant: str
    runner: str
    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]
    raw: Recomputed = field(default_factory=Recomputed)
    description: dict[str, str] = field(default_factory=dict)
    listed: int = 0

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.findings)

    @property
    def title(self) -> str:
        """What it is, in one line: everything of its identity that is known."""
        names = (self.round, self.division, self.submitter, self.system, self.benchmark, self.variant)
        return " ".join(name for name in names if name)

    def to_json(self) -> dict[str, Any]:
        """Plain values; the format is described in docs/review.md."""
        return {
            "folder": self.folder,
            "round": self.round,
            "division": self.division,
            "submitter": self.submitter,
            "system": self.system,
            "benchmark": self.benchmark,
            "variant": self.variant,
            "runner": self.runner,
            "verdict": self.verdict.text,
            "figures": [
                {
                    "name": figure.name,
                    "unit": figure.unit,
                    "claimed": figure.claimed,
                    "recomputed": figure.recomputed,
                    "agrees": figure.agrees,
                    "basis": figure.basis,
                }
                for figure in self.figures
            ],
            "findings": [
                {"kind": finding.kind.value, "rule": finding.rule, "text": finding.text} for finding in self.findings
            ],
        }


@dataclass(frozen=True)
class Review:
    """All results of a tree, in order of folder, and what else in the tree a reader should know of."""

    path: str
    results: tuple[Reviewed, ...]
    strays: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """That of the worst verdict; 0 when all are confirmed."""
        return max(result.verdict.exit_code for result in self.results)

    def counts(self) -> dict[Verdict, int]:
        """How many results have each verdict, best first."""
        return {verdict: sum(result.verdict is verdict for result in self.results) for verdict in Verdict}

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "path": self.path,
            "verdicts": {verdict.text: count for verdict, count in self.counts().items()},
            "results": [result.to_json() for result in self.results],
            "strays": list(self.strays),
        }


def review_path(
    path: Path, data_folder: Path | None = None, progress: Callable[[Progress], None] | None = None
) -> Review:
    """Review all results below ``path``, a folder or zip archive; label lists come from ``data_folder``.

    ``progress`` hears of each result before it is read. Raises DataError when there is no result.
    """
    tree = open_tree(path)
    found, strays = find_results(tree)
    if not found:
        raise DataError(
            f"{path} holds no result: wanted folders performance and accuracy with log.txt and results.txt in them, "
            "as in closed/<submitter>/results/<system>/<benchmark>/. Name the folder of a submission or of a round."
        )
    lists, descriptions = LabelLists(data_folder), description_paths(tree)
    results = []
    for number, result in enumerate(found):
        if progress:
            progress(Progress("review", number + 1, len(found), shown(result.folder)))
        evidence = gather(tree, result, descriptions, lists)
        figures = recompute(evidence)
        results.append(_reviewed(result, evidence, figures))
    return Review(str(path), _with_smaller_size(results), tuple(strays))


def _reviewed(found: Found, evidence: Evidence, figures: Recomputed) -> Reviewed:
    return Reviewed(
        found.folder,
        found.round,
        found.division,
        found.submitter,
        found.system,
        evidence.benchmark.name if evidence.benchmark else "",
        found.variant,
        evidence.runner,
        tuple(figures.figures),
        findings_of(evidence, figures),
        figures,
        evidence.system.values if evidence.system else {},
        len(evidence.labels.listed) if evidence.labels else 0,
    )


def _with_smaller_size(results: list[Reviewed]) -> tuple[Reviewed, ...]:
    """The larger image classifier may only be submitted along with the smaller one."""
    have = {(r.division, r.submitter, r.system, r.benchmark) for r in results}
    checked = []
    for result in results:
        if result.benchmark == "ic2" and (result.division, result.submitter, result.system, "ic") not in have:
            finding = Finding(Kind.BREACH, "ic2 needs ic", "ic2 is submitted without ic of the same system")
            result = replace(result, findings=(*result.findings, finding))
        checked.append(result)
    return tuple(checked)
