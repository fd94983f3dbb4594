# SPDX-License-Identifier: Apache-2.0
"""The three files of a run in the form of MLCommons' runner (mlcommons/tiny, benchmark/runner): ``log.txt``,
``results.txt``, ``results.json``.

They are a pure function of the transcript, so that a reviewer who has it can make them again and compare every byte.
The form therefore belongs to the format number of ``submission.json``. The second line of the log names this program
as its writer: the runner itself was not used.
"""

from __future__ import annotations

import datetime
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record import metrics
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.rules import WINDOW_S
from mlperf_tiny.models.tasks import Metric, Task, find_task
from mlperf_tiny.results.submission.inferences import Inferences, TimedInference

PROGRAM = "mlperf-tiny-harness"
WRITTEN_BY = f"Written by {PROGRAM}"
"""How the second line of a log begins."""

_RULE = "-" * 57


@dataclass(frozen=True)
class Quality:
    """Accuracy as MLCommons' runner computes it; None where it cannot."""

    top1: float | None
    """Top-1 in percent; of anomaly detection half the sum of precision and recall at the best threshold, which has
    this name there."""
    auc: float | None
    """AUC by that runner's method."""

    @property
    def top1_text(self) -> str:
        """``top1`` as that runner prints it."""
        return "" if self.top1 is None else f"{self.top1:2.1f}"

    @property
    def auc_text(self) -> str:
        """``auc`` as that runner prints it."""
        return "" if self.auc is None else f"{self.auc:.3f}"

    def claim(self, task: Task) -> str:
        """Return the metric that the task's target is compared with, as it is printed."""
        return self.top1_text if task.metric is Metric.TOP1 else self.auc_text


def quality_of(answers: Sequence[TimedInference], task: Task) -> Quality:
    """Return the accuracy of answers to whole files.

    Args:
        answers: In list order; without any, and of other lengths, nothing can be computed.
        task: Their task.
    """
    if not answers:
        return Quality(None, None)
    if task.metric is Metric.AUC:
        rows: dict[str, list[float]] = {}
        labels: dict[str, int] = {}
        for timed in answers:
            rows.setdefault(timed.file, []).extend(timed.results)
            labels[timed.file] = timed.label
        scores = np.array([sum(values) / len(values) for values in rows.values()])
        positive = np.array([labels[file] == 1 for file in rows])
        return Quality(metrics.precision_recall_metric(scores, positive), metrics.binary_auc(scores, positive))
    if any(len(timed.results) != task.classes for timed in answers):
        return Quality(None, None)
    matrix = np.array([timed.results for timed in answers], dtype=np.float64)
    classes = np.array([timed.label for timed in answers], dtype=np.int64)
    correct = metrics.top1_correct(matrix, classes)
    return Quality(100.0 * correct / len(answers), metrics.auc_mlcommons(matrix, classes))


def runner_files(record: RunRecord, inferences: Inferences) -> dict[str, bytes]:
    """Return the runner's files: path (``performance/log.txt`` ...) -> content.

    Args:
        record: The run.
        inferences: Its inferences.

    Raises:
        RecordError: The run lacks a part, or its time of start is damaged.
    """
    task = find_task(record.settings.task)
    clock = _Clock(record.settings.started)
    quality = quality_of(inferences.accuracy, task)
    if not inferences.performance or quality.top1 is None or quality.auc is None:
        raise RecordError("the run has no complete performance and accuracy part; the runner's files need both.")
    texts = {
        "performance": _performance_text(inferences, clock),
        "accuracy": _accuracy_text(quality, inferences, clock),
    }
    files = {}
    for mode, timed in (("performance", inferences.performance), ("accuracy", inferences.accuracy)):
        log = [*_opening(record), *_windows(timed, clock), "-" * 20, *(line.strip() for line in texts[mode])]
        values = [_entry(one, task, mode) for one in timed]
        files[f"{mode}/log.txt"] = _lines([*log, "Session logged in file log.txt"])
        files[f"{mode}/results.txt"] = _lines(texts[mode])
        files[f"{mode}/results.json"] = json.dumps(values).encode()
    return files


class _Clock:
    """Host seconds of a run as that runner prints times: ``MMDD.HHMMSS`` (here UTC)."""

    def __init__(self, started: str) -> None:
        try:
            self._started = datetime.datetime.fromisoformat(started)
            self._started + datetime.timedelta(days=100_000)
        except (ValueError, OverflowError) as error:
            raise RecordError(f"the transcript's 'started' is {started[:60]!r}, no time ({error}).") from error

    def at(self, seconds: float) -> str:
        return f"{self._started + datetime.timedelta(seconds=seconds):%m%d.%H%M%S} ulp-mlperf: "


def _opening(record: RunRecord) -> list[str]:
    settings, identity, digest = record.settings, record.identity, record.chain_digest
    assert identity is not None
    version = settings.versions.get(PROGRAM, "")
    # The text is part of format 1 of submissions.
    chain = f"{digest.lines} lines, chain {digest.value}" if digest else "not sealed"
    return [
        "Logging initialized. Writing output to log.txt",
        f"{WRITTEN_BY} {version} from run {settings.run_id}, timing {settings.device.timing}, transcript of {chain}",
        "Retrieving name from DUT ...",
        f"Device name retrieved: {identity.vendor}",
        f"Device profile retrieved: {identity.profile}",
        f"Device model retrieved: {identity.model_id}",
    ]


def _windows(timed: Sequence[TimedInference], clock: _Clock) -> list[str]:
    lines = []
    for number, one in enumerate(timed, start=1):
        done = clock.at(one.done_s)
        lines += [
            f"{clock.at(one.loading_s)}Loading file {one.file} segment {one.segment}",
            f"{clock.at(one.loaded_s)}Load complete.",
            f"Running inference with {one.warmups}/{one.iterations} (warmup/measured) iterations ...",
            "done",
            f"{done}Performance results for window {number}:",
            f"{done}  # Inferences : {one.iterations:>13}",
            f"{done}  Runtime      : {one.elapsed_us / 1e6:>10.3f} sec.",
            f"{done}  Throughput   : {_rate(one):>10.3f} inf./sec.",
            f"{done}  m-results    : {list(one.results)}",
        ]
    return lines


def _performance_text(inferences: Inferences, clock: _Clock) -> list[str]:
    lines = []
    for number, one in enumerate(inferences.performance, start=1):
        seconds = one.elapsed_us / 1e6
        lines += [
            f"Performance results for window {number}",
            f"    # Inferences : {one.iterations}",
            f"    Runtime: {seconds} sec.",
            f"    Throughput: {_rate(one)} inf./sec.",
        ]
        if seconds >= WINDOW_S:
            lines.append("    Runtime requirements have been met.")
    now = clock.at(inferences.last_s)
    median = statistics.median(map(_rate, inferences.performance))
    return [*lines, f"{now}{_RULE}", f"{now}Median throughput is {median:>10.3f} inf./sec.", f"{now}{_RULE}"]


def _accuracy_text(quality: Quality, inferences: Inferences, clock: _Clock) -> list[str]:
    now = clock.at(inferences.last_s)
    return [f"{now}Top 1% = {quality.top1_text}", f"{now}AUC = {quality.auc_text}"]


def _rate(timed: TimedInference) -> float:
    # A single inference may be shorter than a tick of the device's clock.
    return timed.throughput_per_s if timed.elapsed_us else 0.0


def _entry(timed: TimedInference, task: Task, mode: str) -> dict[str, Any]:
    """One object of ``results.json``; numbers out of the label list are texts there."""
    windowed = task.windows > 1
    infer: dict[str, Any] = {
        "start_time": timed.start_us,
        "end_time": timed.end_us,
        "results": list(timed.results),
        "elapsed_time": timed.elapsed_us,
        "total_inferences": 1,
        "iterations": timed.iterations,
        "warmups": timed.warmups,
    }
    if mode == "performance":
        infer["throughput"] = _rate(timed)
    return {
        "file": timed.file,
        "classes": str(len(task.labels)),
        "class": str(timed.label),
        "bytes_to_send": str(task.window_bytes) if windowed else None,
        "stride": str(task.stride_bytes) if windowed else None,
        "total_length": timed.segments if windowed else None,
        "infer": infer,
        "mode": mode[0],
    }


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
