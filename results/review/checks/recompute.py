# SPDX-License-Identifier: Apache-2.0
"""The metrics of a result, recomputed from its raw lines, beside its claims."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from mlperf_tiny.harness.record.metrics import (
    auc_101,
    auc_101_range,
    auc_exact,
    auc_mlcommons,
    binary_auc,
    precision_recall_metric,
    top1_correct,
)
from mlperf_tiny.harness.record.rules import WINDOWS, TimedWindow
from mlperf_tiny.models.tasks import Metric, Task
from mlperf_tiny.results.review.checks.metrics import AccuracyInfo, EnergyInfo, Recomputed
from mlperf_tiny.results.review.checks.wakeword_metrics import wake_word_metrics
from mlperf_tiny.results.review.evidence.claims import Claims
from mlperf_tiny.results.review.evidence.energy_trace import inference_windows, runner_windows
from mlperf_tiny.results.review.evidence.evidence import Evidence
from mlperf_tiny.results.review.evidence.runner_log import LoggedInference, Run

MAX_ENERGY_WINDOWS = 100
"""Of a run; the rules want five. Each may lie over the whole trace."""


def recompute(evidence: Evidence) -> Recomputed:
    """Return every metric that the files of a result allow to compute, beside its claims."""
    out = Recomputed()
    if evidence.benchmark is not None and evidence.benchmark.task is None:
        wake_word_metrics(evidence, out)
        return out
    _performance(evidence, out)
    _accuracy(evidence, out)
    _energy(evidence, out)
    return out


def timed_windows(run: Run | None, claims: Claims | None) -> tuple[tuple[TimedWindow, ...], str]:
    """Return the timed windows of a run and where they are from.

    Args:
        run: Its raw lines.
        claims: Its text, which counts ("text only") where the log holds fewer windows.
    """
    raw = tuple(
        TimedWindow(i.file, i.iterations, i.seconds)
        for i in (run.inferences if run else ())
        if i.seconds and i.seconds > 0
    )
    printed = tuple(
        TimedWindow(f"window {window.number}", window.iterations, float(window.seconds))
        for window in (claims.windows if claims else ())
        if window.iterations is not None and window.seconds is not None
    )
    if run and raw and (len(raw) >= min(len(printed), WINDOWS)):
        return raw, run.source
    return printed, "text only" if printed else ""


def _performance(evidence: Evidence, out: Recomputed) -> None:
    run, claims = evidence.runs.get("performance"), evidence.claims.get("performance")
    out.windows, source = timed_windows(run, claims)
    claimed = claims.metrics.get("throughput") if claims else None
    rate = _rate(out.windows) if source != "text only" else None
    out.add("throughput", "inf./s", claimed, rate, source)
    out.add("latency", "ms", None, 1000 / rate if rate else None, source)


def _rate(windows: Sequence[TimedWindow]) -> float | None:
    rates = [window.iterations / window.seconds for window in windows if window.seconds > 0]
    return median(rates) if rates else None


def _accuracy(evidence: Evidence, out: Recomputed) -> None:
    run, claims, task = evidence.runs.get("accuracy"), evidence.claims.get("accuracy"), _task(evidence)
    claimed = claims.metrics if claims else {}
    if task is None or run is None or evidence.labels is None or run.finished is False:
        if task is not None:
            unit = "%" if task.metric is Metric.TOP1 else ""
            name = "top-1" if task.metric is Metric.TOP1 else "AUC"
            out.add(name, unit, claimed.get("top1" if name == "top-1" else "auc"), None)
        return
    label_of = {row.file: row.label for row in evidence.labels.listed}
    known = [(i, label_of[i.file]) for i in run.inferences if i.scores is not None and i.file in label_of]
    if task.metric is Metric.AUC:
        _anomalies(evidence, out, known, claimed)
    else:
        _classes(evidence, out, task, known, claimed)


def _classes(
    evidence: Evidence, out: Recomputed, task: Task, known: list[tuple[LoggedInference, int]], claimed: dict[str, str]
) -> None:
    run = evidence.runs["accuracy"]
    rows = [(inference.scores, label) for inference, label in known if len(inference.scores or ()) == task.classes]
    answered = tuple(i.file for i in run.inferences if i.scores is not None)
    if not rows:
        out.accuracy = AccuracyInfo(None, answered)
        out.add("top-1", "%", claimed.get("top1"), None, run.source)
        return
    scores = np.array([row for row, _ in rows], dtype=np.float64)
    labels = np.array([label for _, label in rows], dtype=np.int64)
    correct = top1_correct(scores, labels)
    percent = 100 * correct / len(rows)
    out.accuracy = AccuracyInfo(percent, answered, correct)
    out.add("top-1", "%", claimed.get("top1"), percent, f"{correct} of {len(rows)}")
    methods = {"EEMBC": auc_101(scores, labels), "MLCommons": auc_mlcommons(scores, labels)}
    out.add("AUC", "", claimed.get("auc"), methods[run.runner], f"by {run.runner}'s method")
    _aucs(out, methods, auc_exact(scores, labels))


def _anomalies(
    evidence: Evidence, out: Recomputed, known: list[tuple[LoggedInference, int]], claimed: dict[str, str]
) -> None:
    run = evidence.runs["accuracy"]
    per_file: dict[str, list[float]] = {}
    label_of: dict[str, int] = {}
    for inference, label in known:
        per_file.setdefault(inference.file, []).extend(inference.scores or ())
        label_of[inference.file] = label
    answered = _once(run.inferences)
    if not per_file:
        out.accuracy = AccuracyInfo(None, answered)
        out.add("AUC", "", claimed.get("auc"), None, run.source)
        return
    scores = np.array([sum(values) / len(values) for values in per_file.values()], dtype=np.float64)
    positive = np.array([label_of[file] == 1 for file in per_file])
    exact = binary_auc(scores, positive)
    methods = {"EEMBC": auc_101_range(scores, positive), "MLCommons": exact}
    out.accuracy = AccuracyInfo(exact, answered)
    out.add("AUC", "", claimed.get("auc"), methods[run.runner], f"by {run.runner}'s method")
    _aucs(out, methods, exact)
    value = precision_recall_metric(scores, positive)
    out.add("precision/recall", "", None, value, "printed as Top-1; no rule uses it")


def _aucs(out: Recomputed, methods: dict[str, float | None], exact: float | None) -> None:
    out.add("AUC exact", "", None, exact)
    for name, value in methods.items():
        out.add(f"AUC {name}", "", None, value)


def _once(inferences: Sequence[LoggedInference]) -> tuple[str, ...]:
    """File names in order; the windows of one file stand together and count once."""
    names: list[str] = []
    for inference in inferences:
        if not names or names[-1] != inference.file:
            names.append(inference.file)
    return tuple(names)


def _energy(evidence: Evidence, out: Recomputed) -> None:
    if "energy" not in evidence.found.files:
        return
    run, claims = evidence.runs.get("energy"), evidence.claims.get("energy")
    claimed = claims.metrics if claims else {}
    info = _traced(evidence) or _sampled(run)
    source = "trace" if info else ""
    if info is None:
        windows, _ = timed_windows(None, claims)
        info = EnergyInfo(windows=windows)
        out.energy = info if windows else None
        out.add("energy", "uJ/inf.", claimed.get("energy"), None)
        return
    out.energy = info
    as_cut = median(info.per_inference_uj) if info.per_inference_uj else None
    right = median(info.over_uj) if info.over_uj else None
    shifted = right is not None and as_cut is not None and abs(right - as_cut) > 1e-3 * as_cut
    if shifted:
        out.add("energy", "uJ/inf.", claimed.get("energy"), right, "over the inferences")
        out.add("energy as cut", "uJ/inf.", None, as_cut, "between the stamps the runner took")
    else:
        out.add("energy", "uJ/inf.", claimed.get("energy"), as_cut, source)
    out.add("energy throughput", "inf./s", claimed.get("throughput"), _rate(info.windows), "in the energy run")


def _traced(evidence: Evidence) -> EnergyInfo | None:
    """Windows out of the EEMBC runner's trace."""
    run, trace, stamps = evidence.runs.get("energy"), evidence.trace, evidence.stamps
    if run is None or trace is None or stamps is None or not run.inferences:
        return None
    inferences = run.inferences[:MAX_ENERGY_WINDOWS]
    cut = runner_windows(stamps)
    windows = tuple(
        TimedWindow(i.file, i.iterations, end - start) for i, (start, end) in zip(inferences, cut, strict=False)
    )
    per_inference = tuple(
        trace.window_uj(window) / i.iterations for i, window in zip(inferences, cut, strict=False) if i.iterations
    )
    over = inference_windows(stamps, inferences, run.trace_on_s)
    if over is None:
        return EnergyInfo(windows=windows, per_inference_uj=per_inference)
    pairs = [(i, window) for i, window in zip(inferences, over, strict=True) if window and i.iterations]
    return EnergyInfo(
        windows=windows,
        per_inference_uj=per_inference,
        over_uj=tuple(trace.window_uj(window) / i.iterations for i, window in pairs),
        lost=tuple(number for number, window in enumerate(over, start=1) if window is None),
    )


def _sampled(run: Run | None) -> EnergyInfo | None:
    """Windows out of MLCommons' results.json."""
    measured = [i for i in (run.inferences if run else ()) if i.window_j is not None and i.iterations]
    if not measured:
        return None
    return EnergyInfo(
        windows=tuple(TimedWindow(i.file, i.iterations, i.window_s or 0.0) for i in measured),
        per_inference_uj=tuple(1e6 * (i.window_j or 0.0) / i.iterations for i in measured),
    )


def _task(evidence: Evidence) -> Task | None:
    return evidence.benchmark.task if evidence.benchmark else None
