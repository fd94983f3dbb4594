# SPDX-License-Identifier: Apache-2.0
"""The record of a run: its settings and every figure, computed from the transcript and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record import metrics, rules
from mlperf_tiny.harness.record.measured import Measured, Timed, measure
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.wire.hash_chain import Seal
from mlperf_tiny.harness.wire.session import Identity
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, Transcript, read_transcript
from mlperf_tiny.models.tasks import Metric, Task, find_task

RECORD_FILE = "record.json"
FORMAT = 2
"""Of ``record.json``. Format 1 had neither this number nor a seal. A record is never converted: ``--resume`` on the
folder of a complete run computes it again from the transcript, in the format of today."""


@dataclass(frozen=True)
class WindowMetrics:
    """One timed window of the attempt that counts."""

    sample: str
    iterations: int
    elapsed_us: int
    throughput_per_s: float


@dataclass(frozen=True)
class PerformanceMetrics:
    """``throughput_per_s`` is the median of the windows; ``latency_ms`` is 1000 / throughput, as the tables show it."""

    iterations: int
    attempts: int
    windows: tuple[WindowMetrics, ...]
    throughput_per_s: float
    latency_ms: float


@dataclass(frozen=True)
class AccuracyMetrics:
    """``top1_percent`` and ``correct`` are of classifiers. ``auc`` is exact; the others are those of the runners.

    ``file_scores`` (file -> mean over its windows) and ``precision_recall`` are of anomaly detection. A figure that
    does not apply or cannot be computed is None. ``listed`` is the length of the list, ``samples`` how many of it were
    answered in full.
    """

    samples: int
    listed: int
    inferences: int
    correct: int | None = None
    top1_percent: float | None = None
    auc: float | None = None
    auc_101: float | None = None
    auc_mlcommons: float | None = None
    precision_recall: float | None = None
    file_scores: dict[str, float] | None = None

    def metric(self, task: Task) -> float | None:
        """The figure the task's target is stated in."""
        return self.top1_percent if task.metric is Metric.TOP1 else self.auc


@dataclass(frozen=True)
class EnergyMetrics:
    """Energy of one inference. ``kind`` "modelled": power measured on such a board, from ``source``, times the latency.

    ``lowest_uj`` and ``highest_uj`` take the least and the most power that was measured there; the latency's own error
    is not in them.
    """

    kind: str
    uj_per_inference: float
    lowest_uj: float
    highest_uj: float
    source: str


@dataclass(frozen=True)
class RunRecord:
    """One run. ``complete`` is false while it is under way and when it was stopped.

    ``instructions_per_inference`` and ``cycles_per_inference`` come from an emulated core's counters. ``seal`` is that
    of the transcript it was computed from; None for one without.
    """

    settings: Settings
    complete: bool
    identity: Identity | None
    performance: PerformanceMetrics | None
    accuracy: AccuracyMetrics | None
    instructions_per_inference: float | None
    cycles_per_inference: float | None
    violations: tuple[str, ...]
    notes: tuple[str, ...]
    resumed: int
    energy: EnergyMetrics | None = None
    seal: Seal | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``record.json``; the list of files is left to the transcript."""
        values = asdict(self)
        del values["settings"]["data"]["listed"]
        return {"format": FORMAT, **values}


def compute_record(transcript: Transcript) -> RunRecord:
    """Return the record that a transcript amounts to; raises RecordError when its events are damaged."""
    settings = Settings.from_event(transcript[0])
    measured = measure(transcript)
    task = find_task(settings.task)
    record = RunRecord(
        settings=settings,
        complete=measured.ended,
        identity=measured.identity,
        performance=_performance(measured),
        accuracy=_accuracy(measured, task, len(settings.data.listed), settings.inputs.classes),
        instructions_per_inference=_per_inference(measured.counted, "instructions"),
        cycles_per_inference=_per_inference(measured.counted, "cycles"),
        violations=(),
        notes=tuple(measured.notes),
        resumed=measured.resumed,
        seal=transcript.seal,
    )
    return replace(record, energy=_energy(record), violations=_violations(record, measured, task))


def read_record(folder: Path) -> RunRecord:
    """Return the record of the run in ``folder``, from its transcript.

    Raises RecordError for a damaged transcript, and for one that is not what ``record.json`` was computed from.
    """
    return compute_record(read_transcript(folder / TRANSCRIPT_FILE, stated_seal(folder)))


def stated_seal(folder: Path) -> Seal | None:
    """The seal in the ``record.json`` of ``folder``; None without that file, or where it has none."""
    written = _written(folder)
    seal = written.get("seal") if written else None
    if not isinstance(seal, dict):
        return None
    lines, chain = seal.get("lines"), seal.get("chain")
    if type(lines) is not int or not isinstance(chain, str):
        raise RecordError(f"{folder / RECORD_FILE} has a seal {str(seal)[:80]!r}, wanted lines and chain.")
    return Seal(lines, chain)


def record_differences(record: RunRecord, folder: Path) -> tuple[str, ...]:
    """Where the ``record.json`` of ``folder`` says something else than ``record``, its transcript's; one phrase each.

    () where the two agree, where there is no such file, and where it is of another format.
    """
    written = _written(folder)
    return () if written is None else differences_from(record, written)


def differences_from(record: RunRecord, written: dict[str, Any]) -> tuple[str, ...]:
    """The same for what was read of a ``record.json``; () for one of another format."""
    if written.get("format") != FORMAT:
        return ()
    return tuple(_differences("", written, json.loads(json.dumps(record.to_json()))))


def _written(folder: Path) -> dict[str, Any] | None:
    """What ``record.json`` holds; None when there is none."""
    path = folder / RECORD_FILE
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(
            f"{path} cannot be read ({error}). Delete it: --resume computes it again from the transcript."
        ) from error
    if not isinstance(values, dict):
        raise RecordError(f"{path} is no record. Delete it: --resume computes it again from the transcript.")
    return values


def _differences(place: str, written: Any, computed: Any) -> list[str]:
    if isinstance(written, dict) and isinstance(computed, dict):
        keys = [*computed, *(key for key in written if key not in computed)]
        return [
            text
            for key in keys
            # An earlier program did not write what its transcripts did not have.
            if key in written or computed[key] not in ("", None)
            for text in _differences(f"{place}.{key}" if place else key, written.get(key), computed.get(key))
        ]
    if written == computed:
        return []
    return [f"{place} is {str(written)[:60]}, its transcript gives {str(computed)[:60]}"]


def record_text(record: RunRecord) -> bytes:
    """The content of ``record.json``: of the same transcript always the same bytes."""
    return (json.dumps(record.to_json(), indent=2) + "\n").encode()


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write ``record.json`` at one stroke; return its path."""
    path = folder / RECORD_FILE
    draft = path.with_suffix(".tmp")
    draft.write_bytes(record_text(record))
    draft.replace(path)
    return path


def _performance(measured: Measured) -> PerformanceMetrics | None:
    if measured.choice is None:
        return None
    windows = tuple(_window(timed) for _, timed in sorted(measured.attempts.get(measured.choice.attempt, {}).items()))
    if not windows:
        return None
    throughput = metrics.median([window.throughput_per_s for window in windows])
    return PerformanceMetrics(
        iterations=measured.choice.iterations,
        attempts=measured.choice.attempt,
        windows=windows,
        throughput_per_s=throughput,
        latency_ms=1000.0 / throughput,
    )


def _window(timed: Timed) -> WindowMetrics:
    elapsed_us = timed.inference.elapsed_us
    if elapsed_us == 0:
        raise RecordError(f"the window on {timed.sample} lasted 0 us: the device's clock stands still.")
    return WindowMetrics(timed.sample, timed.inference.count, elapsed_us, timed.inference.count / (elapsed_us / 1e6))


def _energy(record: RunRecord) -> EnergyMetrics | None:
    device = record.settings.device
    mean_w, lowest_w, highest_w = device.active_power_w, device.lowest_power_w, device.highest_power_w
    if record.performance is None or mean_w is None or lowest_w is None or highest_w is None:
        return None
    latency_us = 1000.0 * record.performance.latency_ms
    return EnergyMetrics(
        "modelled", mean_w * latency_us, lowest_w * latency_us, highest_w * latency_us, device.power_source
    )


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
            precision_recall=metrics.precision_recall_figure(scores, anomaly),
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
    shares = metrics.as_shares(scores)
    return AccuracyMetrics(
        samples=len(whole),
        listed=listed,
        inferences=inferences,
        correct=correct,
        top1_percent=100.0 * correct / len(whole),
        auc=metrics.auc_exact(shares, labels),
        auc_101=metrics.auc_101(shares, labels),
        auc_mlcommons=metrics.auc_mlcommons(shares, labels),
    )


def _clip_score(measured: Measured, index: int, classes: tuple[str, ...]) -> float:
    """The anomaly score of a file: the mean of its windows' scores, or how little it sounds like its own machine."""
    rows = list(measured.answers[index].values())
    if not classes:
        return float(np.mean([row[0] for row in rows]))
    name = measured.names[index]
    machine = name.partition("_id_")[2].partition("_")[0]
    if machine not in classes or any(len(row) != len(classes) for row in rows):
        raise RecordError(
            f"the device answered {name} with {len(rows[0])} values, the model knows the machines "
            f"{', '.join(filter(None, classes))}. Is this the right model for this data?"
        )
    return metrics.misplaced(np.array(rows), classes.index(machine))


def _answered(measured: Measured) -> list[int]:
    """Indices of the samples of which every window was answered, in list order."""
    return [i for i in sorted(measured.answers) if len(measured.answers[i]) == measured.windows_of[i]]


def _per_inference(counted: Sequence[Timed], counter: str) -> float | None:
    """What one inference costs: the difference of two lengths of ``infer``, so that printing does not count."""
    known = [(timed.inference.count, timed.counted[counter]) for timed in counted if counter in timed.counted]
    if len(known) < 2:
        return None
    (few, low), (many, high) = min(known), max(known)
    return (high - low) / (many - few) if many > few else None


def _violations(record: RunRecord, measured: Measured, task: Task) -> tuple[str, ...]:
    settings = record.settings
    performance = accuracy = None
    if record.performance:
        windows = record.performance.windows
        performance = rules.Performance(
            tuple(rules.Window(row.sample, row.iterations, row.elapsed_us / 1e6) for row in windows)
        )
    if record.accuracy:
        answered = tuple(measured.names[index] for index in _answered(measured))
        accuracy = rules.Accuracy(
            record.accuracy.metric(task), answered, settings.data.listed, official=settings.data.complete
        )
    model_id = record.identity.model_id if record.identity else ""
    result = rules.Result(
        task, settings.division, model_id, settings.data.source, performance, accuracy, tuple(measured.refusals)
    )
    return rules.violations(result)
