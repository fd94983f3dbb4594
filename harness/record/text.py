# SPDX-License-Identifier: Apache-2.0
"""A human-readable summary of a record: one line a fact."""

from __future__ import annotations

from pathlib import Path

from mlperf_tiny.harness.record.record import AccuracyMetrics, EnergyMetrics, PerformanceMetrics, RunRecord
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.record.violation import rules_text
from mlperf_tiny.models.tasks import Metric, Task, find_task
from mlperf_tiny.terminal import text_table

FEW_SCORES = 5


def render(record: RunRecord, folder: Path) -> str:
    """Return the summary of a record.

    Args:
        record: The record.
        folder: Where it lies.
    """
    settings = record.settings
    task = find_task(settings.task)
    lines = [f"{task.title} ({task.name}) on {settings.device.device}", ""]
    rows = [*_setting_rows(record), *_performance_rows(record.performance), *_counter_rows(record)]
    rows += _energy_rows(record.energy)
    rows += _accuracy_rows(record.accuracy, task, settings.data.source)
    rows += _memory_rows(record)
    lines.append(text_table(rows, indent="  "))
    lines.append("")
    if not record.complete:
        lines.append(f"not finished; resume it with --resume {folder}")
    lines.append(rules_text(record.violations))
    lines += [f"note: {text}" for text in record.notes]
    lines.append(f"record: {folder}")
    return "\n".join(lines)


def _setting_rows(record: RunRecord) -> list[tuple[str, str]]:
    settings = record.settings
    device, model = settings.device, settings.model
    boards = f" ({', '.join(device.boards)})" if device.boards else ""
    clock = f", {device.cpu} at {device.clock_hz / 1e6:g} MHz" if device.clock_hz else ""
    timing = f"{device.timing} ({device.timing_model})" if device.timing_model else device.timing
    return [
        ("device", f"{device.device}{boards}{clock}"),
        ("timing", timing),
        ("engine", _engine(record)),
        (
            "model",
            f"{model.name} ({model.origin}, {settings.division} division, trained on {model.training_data} data)",
        ),
        *_image_rows(settings),
        ("data", settings.data.summary),
    ]


def _image_rows(settings: Settings) -> list[tuple[str, str]]:
    image = settings.image
    return [] if image is None else [("image", f"{image.kind}: {image.name}, sha256 {image.sha256[:12]}")]


def _engine(record: RunRecord) -> str:
    firmware = record.settings.firmware
    if firmware is None or not firmware.engine_version:
        return record.settings.engine
    return f"{record.settings.engine} ({firmware.engine_version}), {firmware.kernels} kernels"


def _performance_rows(performance: PerformanceMetrics | None) -> list[tuple[str, str]]:
    if performance is None:
        return []
    rows = [("iterations", f"{performance.iterations:,} in each window")]
    for number, window in enumerate(performance.windows, start=1):
        rate = f"{window.throughput_per_s:,.3f} inf./s"
        rows.append((f"window {number}", f"{window.elapsed_us / 1e6:.3f} s  {rate}  {window.sample}"))
    rows.append(("throughput", f"{performance.throughput_per_s:,.3f} inf./s (median)"))
    rows.append(("latency", f"{performance.latency_ms:,.3f} ms"))
    return rows


def _counter_rows(record: RunRecord) -> list[tuple[str, str]]:
    rows = []
    if record.instructions_per_inference is not None:
        rows.append(("instructions", f"{record.instructions_per_inference:,.0f} per inference"))
    if record.cycles_per_inference is not None:
        rows.append(("cycles", f"{record.cycles_per_inference:,.0f} per inference (modelled)"))
    return rows


def _energy_rows(energy: EnergyMetrics | None) -> list[tuple[str, str]]:
    if energy is None:
        return []
    span = f"{energy.lowest_uj:,.0f} to {energy.highest_uj:,.0f}"
    return [("energy", f"{energy.uj_per_inference:,.0f} uJ per inference ({energy.kind}; {span}; {energy.source})")]


def _accuracy_rows(accuracy: AccuracyMetrics | None, task: Task, source: str) -> list[tuple[str, str]]:
    if accuracy is None:
        return []
    part = "" if accuracy.samples == accuracy.listed else f"  (part: {accuracy.samples} of {accuracy.listed} files)"
    label = f" on {source} data{part}"
    rows = []
    if accuracy.top1_percent is not None:
        rows.append(("top-1", f"{accuracy.top1_percent:.1f} %  {accuracy.correct} of {accuracy.samples}{label}"))
    exact = "cannot be computed: a class is missing" if accuracy.auc is None else f"{accuracy.auc:.4f} exact"
    others = [("EEMBC's 101 thresholds", accuracy.auc_101), ("MLCommons' rows", accuracy.auc_mlcommons)]
    named = ", ".join(f"{value:.4f} by {name}" for name, value in others if value is not None)
    suffix = label if task.metric is Metric.AUC else ""
    rows.append(("AUC", f"{exact}{', ' + named if named else ''}{suffix}"))
    if accuracy.precision_recall is not None:
        rows.append(("precision/recall", f"{accuracy.precision_recall:.1f} (what the runners print as Top-1; no rule)"))
    if accuracy.file_scores and len(accuracy.file_scores) <= FEW_SCORES:
        rows += [("score", f"{score:.3f}  {name}") for name, score in accuracy.file_scores.items()]
    return rows


def _memory_rows(record: RunRecord) -> list[tuple[str, str]]:
    firmware = record.settings.firmware
    if firmware is None:
        return []
    parts = [("arena", firmware.arena_bytes), ("flash", firmware.flash_bytes), ("RAM", firmware.ram_bytes)]
    texts = {name: f"{name} {size:,} bytes" for name, size in parts if size}
    if "flash" in texts and firmware.model_bytes:
        rest = firmware.flash_bytes - firmware.model_bytes
        texts["flash"] += f" (model {firmware.model_bytes:,}, rest {rest:,})"
    return [
        ("memory", ", ".join(texts.values())),
        ("compiler", f"{firmware.compiler}, image {firmware.elf_sha256[:12]}"),
    ]
