# SPDX-License-Identifier: Apache-2.0
"""Rows of earlier formats of ``leaderboard.csv`` as rows of today's."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlperf_tiny.results.leaderboard.rows.cells import findings_cell, plain
from mlperf_tiny.results.leaderboard.rows.columns import FORMAT, Row
from mlperf_tiny.results.leaderboard.rows.record_rows import run_row
from mlperf_tiny.results.mlperf.findings import Finding, Kind, Verdict, verdict_of

FORMAT_1 = (
    *("rank", "task", "division", "timing", "data", "device", "model", "engine", "latency_ms", "throughput_per_s"),
    *("energy_uj", "energy", "iterations", "top1_percent", "auc", "samples", "instructions_per_inference"),
    *("arena_bytes", "flash_bytes", "ram_bytes", "clock_hz", "timing_model", "compiler", "model_sha256", "elf_sha256"),
    *("complete", "violations", "started", "run_id"),
)
"""The columns of format 1, which had runs only."""

_SAME = {
    "Division": "division",
    "MlperfModel": "task",
    "Timing": "timing",
    "TimingModel": "timing_model",
    "DataSource": "data",
    "Device": "device",
    "ClockHz": "clock_hz",
    "Engine": "engine",
    "Compiler": "compiler",
    "ModelName": "model",
    "ModelSha256": "model_sha256",
    "LatencyMs": "latency_ms",
    "ThroughputPerS": "throughput_per_s",
    "Iterations": "iterations",
    "EnergyUj": "energy_uj",
    "EnergyKind": "energy",
    "Top1Percent": "top1_percent",
    "Auc": "auc",
    "InstructionsPerInference": "instructions_per_inference",
    "ArenaBytes": "arena_bytes",
    "RamBytes": "ram_bytes",
    "FlashBytes": "flash_bytes",
    "ElfSha256": "elf_sha256",
    "Complete": "complete",
    "Started": "started",
    "RunId": "run_id",
}


def from_format_1(old: dict[str, str]) -> Row:
    """Return today's row of a row of format 1.

    What format 1 did not have stays empty: the windows' spread, the energy's span, claims, seal and record. Raises
    ValueError for figures that are no numbers.
    """
    findings = [Finding(Kind.VIOLATION, "", text) for text in old["violations"].split("; ") if text]
    if old["complete"] != "yes":
        findings.append(Finding(Kind.MISSING, "", "the run was not whole"))
    answered, _, listed = old["samples"].partition("/")
    own = {new: plain(old[name]) for new, name in _SAME.items()}
    return run_row(
        {
            **own,
            # The level was the first word of the model's versions.
            "TimingLevel": own["TimingModel"].partition(",")[0],
            "LatencyBasis": "recomputed" if own["LatencyMs"] else "",
            "EnergyBasis": "recomputed" if own["EnergyUj"] else "",
            "AccuracyBasis": "recomputed" if own["Top1Percent"] or own["Auc"] else "",
            "SamplesAnswered": answered,
            "SamplesListed": listed,
            "Runner": "mlperf-tiny-harness",
            "Verdict": verdict_of(findings).text,
            "Findings": findings_cell(findings),
        }
    )


def from_format_2(old: dict[str, str]) -> Row:
    """Return today's row of a row of format 2, whose columns are the same.

    Its verdict ``breaks a rule`` and its kind of finding ``breach`` have other names today.
    """
    verdict = Verdict.VIOLATION.text if old["Verdict"] == "breaks a rule" else old["Verdict"]
    findings = re.sub(r"(^| \| )breach: ", rf"\1{Kind.VIOLATION.value}: ", old["Findings"])
    return {**old, "Verdict": verdict, "Findings": findings, "Format": str(FORMAT)}


MIGRATIONS: dict[tuple[str, ...], Callable[[dict[str, str]], Row]] = {FORMAT_1: from_format_1}
"""Header of an earlier format -> what makes today's row of one of its rows."""


def todays_row(header: tuple[str, ...], values: dict[str, str]) -> Row:
    """Return today's row of a row of any known format.

    Args:
        header: The columns of the file.
        values: Column -> cell.

    Raises:
        ValueError: A number is damaged.
    """
    if header in MIGRATIONS:
        return MIGRATIONS[header](values)
    return from_format_2(values) if values.get("Format") == "2" else values
