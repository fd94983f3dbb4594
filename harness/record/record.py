# SPDX-License-Identifier: Apache-2.0
"""The record of a run: its settings and metrics, computed from the transcript and from nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record import metrics, rules
from mlperf_tiny.harness.record.measured import Measured, Timed, measure
from mlperf_tiny.harness.record.settings import FORMER_FEATURES, Settings
from mlperf_tiny.harness.record.violation import Violation
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.harness.wire.session import Identity
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, Transcript, read_transcript
from mlperf_tiny.models.tasks import Metric, Task, find_task

RECORD_FILE = "record.json"
FORMAT = 3
"""Of ``record.json``. Format 2 has violations as sentences, and the chain digest under ``seal``; format 1 has neither
this number nor a chain digest. A record is never converted: ``--resume`` on the folder of a complete run recomputes it
from the transcript, in the format of today."""

ROUNDING = 1e-12
"""Numbers of a ``record.json`` that differ by no more are the same."""

COMPARED_FORMATS = (3, 2)
"""Formats whose content is compared with the transcript."""


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

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``record.json``; the list of files is left to the transcript."""
        values = asdict(self)
        del values["settings"]["data"]["listed"]
        values["violations"] = [violation.to_json() for violation in self.violations]
        return {"format": FORMAT, **values}


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
        instructions_per_inference=_per_inference(measured.counted, "instructions"),
        cycles_per_inference=_per_inference(measured.counted, "cycles"),
        violations=(),
        notes=tuple(measured.notes),
        resumed=measured.resumed,
        chain_digest=transcript.chain_digest,
    )
    return replace(record, energy=_energy(record), violations=_violations(record, measured, task))


def read_record(folder: Path) -> RunRecord:
    """Return the record of the run in ``folder``, recomputed from its transcript.

    Raises RecordError for a damaged transcript, and for one that contradicts the chain digest in ``record.json``.
    """
    return compute_record(read_transcript(folder / TRANSCRIPT_FILE, stated_digest(folder)))


def stated_digest(folder: Path) -> ChainDigest | None:
    """Return the chain digest in the ``record.json`` of ``folder``; None without that file, or where it has none."""
    written = _written(folder)
    if written is None or digest_entry(written) is None:
        return None
    digest = ChainDigest.from_json(digest_entry(written))
    if digest is None:
        raise RecordError(
            f"{folder / RECORD_FILE} has the chain digest {str(digest_entry(written))[:80]!r}, wanted lines and value."
        )
    return digest


def digest_entry(written: dict[str, Any]) -> Any:
    """Return the chain digest's entry in the content of a ``record.json`` of any format; None where it has none."""
    entry = written.get("chain_digest", written.get("seal"))
    return entry if isinstance(entry, dict) else None


def record_differences(record: RunRecord, folder: Path) -> tuple[str, ...]:
    """Return where the ``record.json`` of a folder differs from its transcript, one phrase each.

    Args:
        record: As the transcript gives it.
        folder: Of the run. Without a ``record.json``, or with one of format 1, nothing differs.
    """
    written = _written(folder)
    return () if written is None else differences_from(record, written)


def differences_from(record: RunRecord, written: dict[str, Any]) -> tuple[str, ...]:
    """Return where the content of a ``record.json`` differs from its transcript, one phrase each.

    Args:
        record: As the transcript gives it.
        written: The content; one of format 1 is not compared.
    """
    if written.get("format") not in COMPARED_FORMATS:
        return ()
    computed = json.loads(json.dumps(record.to_json()))
    if written["format"] == 2:
        written, computed = _sentences_counted(written), _as_format_2(computed)
    return tuple(_differences("", written, computed))


def _as_format_2(values: dict[str, Any]) -> dict[str, Any]:
    """A record as it was before violations were data; their texts have changed since, so they are only counted."""
    digest = values.pop("chain_digest")
    inputs = values["settings"]["inputs"]
    inputs["format"] = FORMER_FEATURES if inputs["format"] == "features" else inputs["format"]
    seal = digest and {"lines": digest["lines"], "chain": digest["value"]}
    return _sentences_counted({**values, "format": 2, "seal": seal})


def _sentences_counted(values: dict[str, Any]) -> dict[str, Any]:
    sentences = values.get("violations")
    return {**values, "violations": f"{len(sentences)} sentences"} if isinstance(sentences, list) else values


def _written(folder: Path) -> dict[str, Any] | None:
    """What ``record.json`` holds; None when there is none."""
    path = folder / RECORD_FILE
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(
            f"{path} cannot be read ({error}). Delete it: --resume recomputes it from the transcript."
        ) from error
    if not isinstance(values, dict):
        raise RecordError(f"{path} is no record. Delete it: --resume recomputes it from the transcript.")
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
    if written == computed or _nearly_equal(written, computed):
        return []
    return [f"{place} is {str(written)[:60]}, its transcript gives {str(computed)[:60]}"]


def _nearly_equal(written: Any, computed: Any) -> bool:
    """Whether two numbers differ by rounding only: a metric's library may sum in another order than it did then."""
    both_floats = isinstance(written, float) and isinstance(computed, float)
    return both_floats and math.isclose(written, computed, rel_tol=ROUNDING)


def record_text(record: RunRecord) -> bytes:
    """Return the content of ``record.json``; the same transcript gives the same bytes."""
    return (json.dumps(record.to_json(), indent=2) + "\n").encode()


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write ``record.json`` in one step, so that no reader finds half of it; return its path.

    Args:
        record: The record.
        folder: Of the run.
    """
    path = folder / RECORD_FILE
    draft = path.with_suffix(".tmp")
    draft.write_bytes(record_text(record))
    draft.replace(path)
    return path


def _performance(measured: Measured) -> PerformanceMetrics | None:
    if measured.calibration is None:
        return None
    windows = tuple(
        _window(timed) for _, timed in sorted(measured.attempts.get(measured.calibration.attempt, {}).items())
    )
    if not windows:
        return None
    throughput = metrics.median([window.throughput_per_s for window in windows])
    return PerformanceMetrics(
        iterations=measured.calibration.iterations,
        attempts=measured.calibration.attempt,
        windows=windows,
        throughput_per_s=throughput,
        latency_ms=1000.0 / throughput,
    )


def _window(timed: Timed) -> WindowMetrics:
    elapsed_us = timed.inference.elapsed_us
    if elapsed_us == 0:
        raise RecordError(f"the window on {timed.sample} lasted 0 us: the device's clock does not advance.")
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


def _per_inference(counted: Sequence[Timed], counter: str) -> float | None:
    """The cost of one inference: the difference of two lengths of ``infer``, so that printing does not count."""
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
