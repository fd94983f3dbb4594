# SPDX-License-Identifier: Apache-2.0
"""All results of a tree with their verdicts: what ``benchmark-review`` computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import WrongRequest
from mlperf_tiny.file_tree import Allowance, FileTree, open_file_tree
from mlperf_tiny.progress import Progress
from mlperf_tiny.results.mlperf.findings import UNEXPECTED, Finding, Kind, Verdict, bounded
from mlperf_tiny.results.mlperf.layout import FoundResult, find_results
from mlperf_tiny.results.mlperf.system import find_descriptions
from mlperf_tiny.results.review.checks.case import Case
from mlperf_tiny.results.review.checks.metrics import Recomputed
from mlperf_tiny.results.review.checks.recompute import recompute
from mlperf_tiny.results.review.checks.rules import findings_of
from mlperf_tiny.results.review.evidence.evidence import Evidence, gather
from mlperf_tiny.results.review.evidence.label_lists import LabelLists
from mlperf_tiny.results.review.own.enclosed import enclosed
from mlperf_tiny.results.review.own.own_runs import find_run_folders, read_own_run
from mlperf_tiny.results.review.own.reviewed import Reviewed
from mlperf_tiny.results.review.own.run_folder import reviewed_run
from mlperf_tiny.terminal import sanitize_for_terminal

__all__ = ["FORMAT", "Review", "Reviewed", "review_path", "review_tree"]

FORMAT = 3
ONE_RESULT = Allowance(what="one result", max_bytes=1 << 30, max_s=60.0)
"""The largest published one has under 100 MB and takes 6 s."""
MAX_UNEXPECTED = 1000


@dataclass(frozen=True)
class Review:
    """All results of a tree."""

    path: str
    """The tree, as it was named."""
    results: tuple[Reviewed, ...]
    """In order of folder."""
    unexpected_files: tuple[str, ...]
    """One sentence for each file or folder that no rule knows."""

    @property
    def exit_code(self) -> int:
        """That of the worst verdict; 0 when all are confirmed."""
        return max(result.verdict.exit_code for result in self.results)

    def counts(self) -> dict[Verdict, int]:
        """Return how many results have each verdict, best first."""
        return {verdict: sum(result.verdict is verdict for result in self.results) for verdict in Verdict}

    def to_json(self) -> dict[str, Any]:
        """Return plain values; docs/formats.md describes the format."""
        return {
            "format": FORMAT,
            "path": self.path,
            "verdicts": {verdict.text: count for verdict, count in self.counts().items()},
            "results": [result.to_json() for result in self.results],
            "unexpected_files": list(self.unexpected_files),
        }


def review_path(
    path: Path, data_folder: Path | None = None, progress: Callable[[Progress], None] | None = None
) -> Review:
    """Review all results and run folders below a path.

    Args:
        path: A folder or zip archive.
        data_folder: Has the label lists.
        progress: Takes each result before it is read.

    Raises:
        DataError: There is none.
    """
    return review_tree(open_file_tree(path), str(path), data_folder, progress)


def review_tree(
    tree: FileTree, path: str, data_folder: Path | None = None, progress: Callable[[Progress], None] | None = None
) -> Review:
    """Review all results and run folders of an open tree.

    Args:
        tree: The tree.
        path: What messages call it.
        data_folder: Has the label lists.
        progress: Takes each result before it is read.

    Raises:
        DataError: There is none.
    """
    found, unexpected = find_results(tree)
    run_folders = find_run_folders(tree)
    if not found and not run_folders:
        raise WrongRequest(
            f"{path} holds no result: wanted folders performance and accuracy with log.txt and results.txt in them, "
            "as in closed/<submitter>/results/<system>/<benchmark>/, or run folders with transcript.jsonl. Name the "
            "folder of a submission, of a round, or of runs."
        )
    report = progress or (lambda progress: None)
    total = len(found) + len(run_folders)
    lists, descriptions = LabelLists(data_folder), find_descriptions(tree)
    results = []
    for number, result in enumerate(found, start=1):
        report(Progress("review", number, total, sanitize_for_terminal(result.folder)))
        try:
            with tree.allowed(ONE_RESULT):
                evidence = gather(tree, result, descriptions, lists)
                results.append(_reviewed(tree, result, evidence, recompute(evidence)))
        except UNEXPECTED as error:
            results.append(_unreadable(result, error))
    for number, files in enumerate(run_folders, start=len(found) + 1):
        report(Progress("review", number, total, sanitize_for_terminal(files.folder)))
        with tree.allowed(ONE_RESULT):
            results.append(reviewed_run(tree, read_own_run(tree, files)))
    if len(unexpected) > MAX_UNEXPECTED:
        unexpected[MAX_UNEXPECTED:] = [f"and {len(unexpected) - MAX_UNEXPECTED:,} more files and folders"]
    return Review(path, _with_smaller_size(results), tuple(unexpected))


def _reviewed(tree: FileTree, found: FoundResult, evidence: Evidence, recomputed: Recomputed) -> Reviewed:
    status = evidence.system.values.get("Status", "") if evidence.system else ""
    own = enclosed(tree, found, status)
    run = own.run if own else None
    return Reviewed(
        folder=found.folder,
        round=found.round,
        division=found.division,
        submitter=found.submitter,
        system=found.system,
        benchmark=evidence.benchmark.name if evidence.benchmark else "",
        variant=found.variant,
        runner=evidence.runner,
        metrics=tuple(recomputed.metrics),
        findings=bounded((*findings_of(Case(evidence, recomputed)), *(own.findings if own else ()))),
        raw=recomputed,
        description=evidence.system.values if evidence.system else {},
        listed=len(evidence.labels.listed) if evidence.labels else 0,
        record=run.record if run else None,
        files=run.files if run else None,
    )


def _unreadable(found: FoundResult, error: Exception) -> Reviewed:
    """A result with content that no check foresaw: the results beside it keep their verdicts."""
    text = f"{found.folder} cannot be reviewed, its content is unusable: {type(error).__name__}: {str(error)[:200]}"
    return Reviewed(
        folder=found.folder,
        round=found.round,
        division=found.division,
        submitter=found.submitter,
        system=found.system,
        benchmark=found.benchmark.name if found.benchmark else "",
        variant=found.variant,
        runner="",
        metrics=(),
        findings=(Finding(Kind.MISSING, "readable files", text),),
    )


def _with_smaller_size(results: list[Reviewed]) -> tuple[Reviewed, ...]:
    """The larger image classifier may only be submitted along with the smaller one."""
    have = {(r.division, r.submitter, r.system, r.benchmark) for r in results}
    checked = []
    for result in results:
        if result.benchmark == "ic2" and (result.division, result.submitter, result.system, "ic") not in have:
            finding = Finding(Kind.VIOLATION, "ic2 needs ic", "ic2 is submitted without ic of the same system")
            result = replace(result, findings=(*result.findings, finding))
        checked.append(result)
    return tuple(checked)
