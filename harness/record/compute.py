# SPDX-License-Identifier: Apache-2.0
"""The record of a run, computed from its transcript and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record import metrics, rules
from mlperf_tiny.harness.record.measured import Measured, Timed, measure
from mlperf_tiny.harness.record.modelled_energy import modelled_energy
from mlperf_tiny.harness.record.record import (
    AccuracyMetrics,
    FormerCounts,
    PerformanceMetrics,
    RunRecord,
    WindowMetrics,
)
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.record.violation import Violation
from mlperf_tiny.harness.wire.transcript import Transcript
from mlperf_tiny.models.tasks import Metric, Task, find_task


def compute_record(transcript: Transcript) -> RunRecord:
    """Return the record of a transcript; raises RecordError when its events are damaged."""
    settings = Settings.from_event(transcript[0])
    measured = measure(transcript)
    task = find_task(settings.task)
    record = RunRecord(
        settings=settings,
        complete=measured.ended,
        identity=measured.identity,
        performance=_performance(measured),
        accuracy=_accuracy(measured, task, len(settings.data.listed), settings.inputs.classes),
        instructions_per_inference=_per_inference(measured, "instructions"),
        cycles_per_inference=_per_inference(measured, "cycles"),
        violations=(),
        notes=tuple(measured.notes),
        resumed=measured.resumed,
        chain_digest=transcript.chain_digest,
        former_counts=FormerCounts(
            instructions_per_inference=_between_lengths(measured.counted, "instructions"),
            cycles_per_inference=_between_lengths(measured.counted, "cycles"),
        ),
    )
    return replace(record, energy=modelled_energy(record), violations=_violations(record, measured, task))


def _performance(measured: Measured) -> PerformanceMetrics | None:
    windows = tuple(_window(timed) for timed in _counting_windows(measured))
    if measured.calibration is None or not windows:
        return None
    throughput = metrics.median([window.throughput_per_s for window in windows])
    return PerformanceMetrics(
        iterations=measured.calibration.iterations,
        attempts=measured.calibration.attempt,
        windows=windows,
        throughput_per_s=throughput,
        latency_ms=1000.0 / throughput,
    )


def _counting_windows(measured: Measured) -> list[Timed]:
    """The windows of the last attempt, in their order."""
    windows = measured.attempts.get(measured.calibration.attempt, {}) if measured.calibration else {}
    return [timed for _, timed in sorted(windows.items())]


def _window(timed: Timed) -> WindowMetrics:
    elapsed_us = timed.inference.elapsed_us
    if elapsed_us == 0:
        raise RecordError(f"the window on {timed.sample} lasted 0 us: the device's clock does not advance.")
    return WindowMetrics(timed.sample, timed.inference.count, elapsed_us, timed.inference.count / (elapsed_us / 1e6))


def _accuracy(measured: Measured, task: Task, listed: int, classes: tuple[str, ...] = ()) -> AccuracyMetrics | None:
    whole = _answered(measured)
    if not whole:
        return None
    inferences = sum(len(windows) for windows in measured.answers.values())
    labels = np.array([measured.labels[index] for index in whole])
    if task.metric is Metric.AUC:
        means = {index: _clip_score(measured, index, classes) for index in whole}
        scores, anomaly = np.array(list(means.values())), labels == 1
        return AccuracyMetrics(
            samples=len(whole),
            listed=listed,
            inferences=inferences,
            auc=metrics.binary_auc(scores, anomaly),
            auc_101=metrics.auc_101_range(scores, anomaly),
            precision_recall=metrics.precision_recall_metric(scores, anomaly),
            file_scores={measured.names[index]: mean for index, mean in means.items()},
        )
    rows = [measured.answers[index][0] for index in whole]
    if any(len(row) != task.classes for row in rows):
        wrong = next(index for index in whole if len(measured.answers[index][0]) != task.classes)
        raise RecordError(
            f"the device answered {measured.names[wrong]} with {len(measured.answers[wrong][0])} values, "
            f"task {task.name} has {task.classes} classes. Is this the right model?"
        )
    scores = np.array(rows)
    correct = metrics.top1_correct(scores, labels)
    probabilities = metrics.as_probabilities(scores)
    return AccuracyMetrics(
        samples=len(whole),
        listed=listed,
        inferences=inferences,
        correct=correct,
        top1_percent=100.0 * correct / len(whole),
        auc=metrics.auc_exact(probabilities, labels),
        auc_101=metrics.auc_101(probabilities, labels),
        auc_mlcommons=metrics.auc_mlcommons(probabilities, labels),
    )


def _clip_score(measured: Measured, index: int, classes: tuple[str, ...]) -> float:
    """The anomaly score of a file: the mean of its windows' scores, with classes of its machine's probability."""
    rows = list(measured.answers[index].values())
    if not classes:
        return float(np.mean([row[0] for row in rows]))
    name = measured.names[index]
    machine = name.partition("_id_")[2].partition("_")[0]
    if machine not in classes or any(len(row) != len(classes) for row in rows):
        raise RecordError(
            f"the device answered {name} with {len(rows[0])} values, the model classifies the machines "
            f"{', '.join(filter(None, classes))}. Is this the right model for this data?"
        )
    return metrics.anomaly_score(np.array(rows), classes.index(machine))


def _answered(measured: Measured) -> list[int]:
    """Indices of the samples of which every window was answered, in list order."""
    return [i for i in sorted(measured.answers) if len(measured.answers[i]) == measured.windows_of[i]]


def _per_inference(measured: Measured, counter: str) -> float | None:
    """From the windows; from the two lengths that were counted where no window is longer."""
    known = [timed for timed in measured.counted if counter in timed.counted]
    windows = [timed for timed in _counting_windows(measured) if counter in timed.counted]
    longest = max((timed.inferences for timed in known), default=0)
    if not windows or not known or min(timed.inferences for timed in windows) <= longest:
        return _between_lengths(measured.counted, counter)
    return count_per_inference(min(known, key=lambda timed: timed.inferences), windows, counter)


def count_per_inference(one: Timed, windows: Sequence[Timed], counter: str) -> float:
    """Return the cost of one inference: what a window took more than a single inference, for each inference more.

    Both print the same lines but for a few digits, each of which is thousands of cycles of waiting for the serial port:
    they vanish only among the inferences of a window. Median of the windows, as of the latency.

    Args:
        one: The shortest ``infer``.
        windows: Longer ones, the longer the better.
        counter: ``instructions`` or ``cycles``, which all of them have.
    """
    return metrics.median(
        [(timed.counted[counter] - one.counted[counter]) / (timed.inferences - one.inferences) for timed in windows]
    )


def _between_lengths(counted: Sequence[Timed], counter: str) -> float | None:
    """The difference of two lengths of ``infer``, for each inference more."""
    known = [(timed.inference.count, timed.counted[counter]) for timed in counted if counter in timed.counted]
    if len(known) < 2:
        return None
    (few, low), (many, high) = min(known), max(known)
    return (high - low) / (many - few) if many > few else None


def _violations(record: RunRecord, measured: Measured, task: Task) -> tuple[Violation, ...]:
    settings = record.settings
    performance = accuracy = None
    if record.performance:
        performance = rules.Performance(
            windows=tuple(
                rules.TimedWindow(sample=row.sample, iterations=row.iterations, seconds=row.elapsed_us / 1e6)
                for row in record.performance.windows
            )
        )
    if record.accuracy:
        accuracy = rules.Accuracy(
            metric=record.accuracy.metric(task),
            answered=tuple(measured.names[index] for index in _answered(measured)),
            listed=settings.data.listed,
            official=settings.data.complete,
        )
    result = rules.Result(
        task=task,
        division=settings.division,
        model_id=record.identity.model_id if record.identity else "",
        data=settings.data.source,
        performance=performance,
        accuracy=accuracy,
        refusals=tuple(measured.refusals),
    )
    return rules.violations(result)
