# SPDX-License-Identifier: Apache-2.0
"""A reviewed result to its row: what it is, by its folders, its system description and the run enclosed in it."""

from __future__ import annotations

import re

from mlperf_tiny.results.leaderboard.rows.cells import findings_cell, plain
from mlperf_tiny.results.leaderboard.rows.columns import Row, new_row
from mlperf_tiny.results.leaderboard.rows.record_rows import PROGRAM, row_of_record
from mlperf_tiny.results.leaderboard.rows.review_cells import figure_cells, wake_word_cells
from mlperf_tiny.results.mlperf.system import STATUSES
from mlperf_tiny.results.review.own.reviewed import Reviewed

DESCRIBED = {
    "BoardName": "Board Name",
    "HostProcessorModelName": "Processor(s) Name",
    "HostProcessorFrequency": "Processor(s) Frequencies",
    "HostProcessorMemory": "Processor memory type and capacity",
    "AcceleratorModelName": "Accelerator",
    "AcceleratorFrequency": "Accelerator(s) Frequencies",
    "AcceleratorMemory": "Accelerator memory type and capacity",
    "HardwareNotes": "Hardware Notes",
    "InferenceFramework": "Inference Framework",
    "SoftwareLibraries": "Software Libraries",
    "SoftwareNotes": "Software Notes",
    "Engine": "Inference Framework",
    "Compiler": "General Compiler(s)",
}
"""Column -> key of the system description, as the official checker has it."""

NOTHING = ("", "n/a", "na", "none", "-")
_FREQUENCY = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*(M|G)Hz", re.IGNORECASE)
_NO_SILICON = re.compile(r"(emulated|host)\b", re.IGNORECASE)

ENCLOSED = (
    "Timing", "TimingLevel", "TimingModel", "TimingGeneration", "DataSource", "Device", "ClockHz", "Engine",
    "EngineVersion", "Kernels", "Compiler", "ModelName", "ModelOrigin", "TrainingData", "ModelSha256",
    "InstructionsPerInference", "CyclesPerInference", "ArenaBytes", "RamBytes", "FlashBytes", "ModelBytes", "ElfSha256",
    "Started", "RunId", "ChainDigest",
)  # fmt: skip
"""Columns of a submission of this program that are taken from the run enclosed in it."""


def row_of_review(reviewed: Reviewed, place: str) -> Row:
    """Return the row of one reviewed result, unranked. A run folder's row is that of its record, with the verdict.

    Args:
        reviewed: The result.
        place: The column Record.
    """
    judged = {"Verdict": reviewed.verdict.text, "Findings": findings_cell(reviewed.findings)}
    if reviewed.record is None:
        return {**_published(reviewed, place), **judged}
    run = row_of_record(reviewed.record, place)
    if not reviewed.submitter:
        return {**run, **judged}
    row = _published(reviewed, place)
    enclosed = {name: run[name] for name in ENCLOSED}
    # A description that declares an emulated or host system wins over the enclosed run.
    timing = enclosed["Timing"] if row["Timing"] == "hardware" else row["Timing"]
    return {**row, **enclosed, "Timing": timing, **judged}


def _published(reviewed: Reviewed, place: str) -> Row:
    stated = reviewed.description
    described = {column: plain(stated.get(key, "")) for column, key in DESCRIBED.items()}
    status = stated.get("Status", "").lower()
    system, variant = plain(reviewed.system), plain(reviewed.variant)
    streaming = reviewed.benchmark == "sww"
    figures = (wake_word_cells if streaming else figure_cells)(reviewed)
    whole = figures.get("ThroughputPerS") and figures.get("Accuracy")
    return new_row(
        {
            **described,
            "Organization": plain(reviewed.submitter),
            "Availability": status if status in STATUSES else "",
            "Division": reviewed.division,
            "SystemDesc": system,
            "Model": variant or reviewed.benchmark,
            "MlperfModel": reviewed.benchmark,
            "ResultUnit": "inf./sec.",
            "HasPower": "False",
            "Power": "0",
            "PowerUnit": "mW" if streaming else "uJ/inf.",
            "Source": "published",
            "Round": reviewed.round,
            "Timing": _timing(reviewed),
            "DataSource": "real",
            "Device": _first(plain(stated.get("SoC Name", "")), described["BoardName"], system),
            "Engine": _first(described["Engine"]),
            "Compiler": _first(described["Compiler"]),
            "ClockHz": _clock_hz(described["HostProcessorFrequency"]),
            "ModelName": variant,
            **figures,
            "Runner": reviewed.runner,
            "Complete": "yes" if whole else "no",
            "Record": plain(place, len(place) * 10),
        }
    )


def is_damaged_run(reviewed: Reviewed) -> bool:
    """Whether it is a run folder of which no figure can be read."""
    return reviewed.record is None and not reviewed.submitter and reviewed.runner == PROGRAM


def _timing(reviewed: Reviewed) -> str:
    """``hardware``, unless the name of system, board or chip begins otherwise, as in submissions of emulated runs."""
    names = (reviewed.system, *(reviewed.description.get(key, "") for key in ("Board Name", "SoC Name")))
    found = next((match for name in names if (match := _NO_SILICON.match(name))), None)
    return found[1].lower() if found else "hardware"


def _first(*names: str) -> str:
    """The first that is not empty or a placeholder."""
    return next((name for name in names if name.lower() not in NOTHING), "")


def _clock_hz(text: str) -> str:
    match = _FREQUENCY.fullmatch(text.strip())
    return str(round(float(match[1]) * {"m": 1e6, "g": 1e9}[match[2].lower()])) if match else ""
