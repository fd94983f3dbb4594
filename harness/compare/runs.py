# SPDX-License-Identifier: Apache-2.0
"""Finished runs side by side, of real boards and of emulated ones: rows from records and transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlperf_tiny.harness.compare.rows import Answers, ComparisonRow, InferenceCost, compared
from mlperf_tiny.harness.record.compute import compute_record
from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import stated_digest
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript


def compare_runs(folders: Sequence[Path]) -> list[ComparisonRow]:
    """Return a row for each run folder; answers are compared with the first run on the same data.

    Raises RecordError for a folder that holds no run, or a damaged one.
    """
    rows: list[ComparisonRow] = []
    first_on: dict[object, ComparisonRow] = {}
    for number, folder in enumerate(folders, start=1):
        transcript = read_transcript(folder / TRANSCRIPT_FILE, stated_digest(folder))
        record, measured = compute_record(transcript), measure(transcript)
        row = _row(f"run {number}", folder, record, measured)
        settings = record.settings
        # The same names are the same files only in the same data set, read in the same way.
        data = (settings.task, settings.data.digest, settings.data.source, settings.inputs)
        reference = first_on.setdefault(data, row)
        rows.append(row if reference is row else compared(row, reference))
    return rows


def _row(name: str, folder: Path, record: RunRecord, measured: Measured) -> ComparisonRow:
    settings, performance = record.settings, record.performance
    device, built = settings.device, settings.firmware
    cost = None
    if performance is not None:
        cost = InferenceCost(
            latency_us=performance.latency_ms * 1000.0,
            instructions=record.instructions_per_inference,
            cycles=record.cycles_per_inference,
            arena_bytes=(built.arena_bytes or None) if built else None,
            ram_bytes=(built.ram_bytes or None) if built else None,
            flash_bytes=(built.flash_bytes or None) if built else None,
            constant_bytes=(built.model_bytes or None) if built else None,
        )
    return ComparisonRow(
        model=settings.model.name,
        device=device.device,
        engine=settings.engine,
        engine_version=built.engine_version if built else "",
        kernels=built.kernels if built else "",
        compiler=built.compiler if built else "",
        timing=device.timing,
        timing_model=device.timing_model,
        inputs=settings.data.summary,
        cost=cost,
        problem="" if cost else "no timed windows",
        run=name,
        folder=str(folder),
        answers=_answers(measured),
    )


def _answers(measured: Measured) -> Answers:
    """The answers to each window of each file of an accuracy run, and to the last inference of each timed window."""
    found: Answers = {}
    calibration = measured.calibration
    for timed in (measured.attempts.get(calibration.attempt, {}) if calibration else {}).values():
        found[f"{timed.sample} window 0"] = np.array(timed.inference.results)
    for index, windows in measured.answers.items():
        for window, results in windows.items():
            found[f"{measured.names[index]} window {window}"] = np.array(results)
    return found
