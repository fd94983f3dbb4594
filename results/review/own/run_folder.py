# SPDX-License-Identifier: Apache-2.0
"""A run folder of this program as a reviewed result: metrics of ``record.json`` beside those of its transcript."""

from __future__ import annotations

import json
from typing import Any

from mlperf_tiny.errors import BenchError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.rules import TimedWindow
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.models.tasks import Metric, find_task
from mlperf_tiny.results.mlperf.findings import bounded
from mlperf_tiny.results.mlperf.names import system_name
from mlperf_tiny.results.review.checks.metrics import AccuracyInfo, Recomputed
from mlperf_tiny.results.review.own.own_runs import OwnRun
from mlperf_tiny.results.review.own.reviewed import Reviewed
from mlperf_tiny.results.submission.runner_files import PROGRAM


def reviewed_run(tree: FileTree, run: OwnRun) -> Reviewed:
    """Return the review of a run folder.

    Args:
        tree: Where it lies.
        run: The run. When its transcript cannot be used, only settings are known, from the first line.
    """
    settings = run.record.settings if run.record else _first_line(tree, run.files.transcript)
    raw = _recomputed(run.record, run.stated or {}) if run.record else Recomputed()
    return Reviewed(
        folder=run.files.folder,
        round="",
        division=settings.division if settings else "",
        submitter="",
        system=system_name(settings) if settings else "",
        benchmark=settings.task if settings else "",
        variant="",
        runner=PROGRAM,
        metrics=tuple(raw.metrics),
        findings=bounded(run.findings),
        raw=raw,
        listed=len(settings.data.listed) if settings else 0,
        record=run.record,
        files=run.files,
    )


def _first_line(tree: FileTree, path: str) -> Settings | None:
    """What was decided before the run, from the first line of a damaged transcript; None when that is damaged too."""
    try:
        for line in tree.lines(path):
            event = json.loads(line)
            return Settings.from_event(event) if isinstance(event, dict) else None
    except (BenchError, ValueError, RecursionError):
        pass
    return None


def _recomputed(record: RunRecord, stated: dict[str, Any]) -> Recomputed:
    """The metrics of the transcript beside those of ``record.json``."""
    out = Recomputed()
    task = find_task(record.settings.task)
    performance, accuracy = record.performance, record.accuracy
    if performance is not None:
        out.windows = tuple(TimedWindow(w.sample, w.iterations, w.elapsed_us / 1e6) for w in performance.windows)
        part = _part(stated, "performance")
        per_s, latency_ms = _printed(part, "throughput_per_s", 3), _printed(part, "latency_ms", 3)
        out.add("throughput", "inf./s", per_s, performance.throughput_per_s, "transcript")
        out.add("latency", "ms", latency_ms, performance.latency_ms, "transcript")
    if accuracy is not None:
        part = _part(stated, "accuracy")
        answered = f"{accuracy.samples} of {accuracy.listed} files"
        out.accuracy = AccuracyInfo(accuracy.metric(task), record.settings.data.listed[: accuracy.samples])
        if task.metric is Metric.TOP1:
            out.add("top-1", "%", _printed(part, "top1_percent", 1), accuracy.top1_percent, answered)
        out.add("AUC", "", _printed(part, "auc", 4), accuracy.auc, "exact")
    return out


def _part(stated: dict[str, Any], name: str) -> dict[str, Any]:
    part = stated.get(name)
    return part if isinstance(part, dict) else {}


def _printed(part: dict[str, Any], key: str, decimals: int) -> str | None:
    """A number of ``record.json`` for people; ``own_runs`` checks that it is exactly the transcript's."""
    value = part.get(key)
    return f"{value:.{decimals}f}" if isinstance(value, int | float) and abs(value) < 1e30 else None
