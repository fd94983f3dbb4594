# SPDX-License-Identifier: Apache-2.0
"""Rows of earlier formats of ``leaderboard.csv`` as rows of today's."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlperf_tiny.results.leaderboard.rows.cells import findings_cell, plain
from mlperf_tiny.results.leaderboard.rows.columns import NAMES, Row, new_row
from mlperf_tiny.results.leaderboard.rows.record_rows import run_row
from mlperf_tiny.results.mlperf.findings import Finding, Kind, Verdict, verdict_of

FORMAT_1 = (
    *("rank", "task", "division", "timing", "data", "device", "model", "engine", "latency_ms", "throughput_per_s"),
    *("energy_uj", "energy", "iterations", "top1_percent", "auc", "samples", "instructions_per_inference"),
    *("arena_bytes", "flash_bytes", "ram_bytes", "clock_hz", "timing_model", "compiler", "model_sha256", "elf_sha256"),
    *("complete", "violations", "started", "run_id"),
)
"""The columns of format 1, which had runs only."""

FIRST_GENERATION = "1"

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

    What format 1 did not have stays empty: the windows' spread, the energy's span, claims, chain digest and record.
    Raises ValueError for figures that are not numbers.
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
            "TimingGeneration": _generation(own),
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


FORMAT_2 = tuple("Seal" if name == "ChainDigest" else name for name in NAMES if name != "TimingGeneration")
"""The columns of format 2."""


def from_format_2(old: dict[str, str]) -> Row:
    """Return today's row of a row of format 2.

    Its verdict ``breaks a rule``, its kind of finding ``breach`` and its column ``Seal`` have other names today. Its
    emulated times are all of the first generation.
    """
    if old["Format"] != "2":
        raise ValueError(f"Format is {old['Format']!r}, wanted 2 in every row")
    verdict = Verdict.VIOLATION.text if old["Verdict"] == "breaks a rule" else old["Verdict"]
    findings = re.sub(r"(^| \| )breach: ", rf"\1{Kind.VIOLATION.value}: ", old["Findings"])
    renamed = {"ChainDigest" if name == "Seal" else name: cell for name, cell in old.items()}
    return new_row({**renamed, "TimingGeneration": _generation(old), "Verdict": verdict, "Findings": findings})


def _generation(row: dict[str, str]) -> str:
    """All models of emulated time were of the first generation before the column existed."""
    return FIRST_GENERATION if row["TimingModel"] else ""


MIGRATIONS: dict[tuple[str, ...], Callable[[dict[str, str]], Row]] = {
    FORMAT_1: from_format_1,
    FORMAT_2: from_format_2,
}
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
    return values
