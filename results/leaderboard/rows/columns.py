# SPDX-License-Identifier: Apache-2.0
"""The columns of ``leaderboard.csv``: one row of this table each, from which reading, checking and docs are made.

The first 26 are those of the official checker's ``summary.csv`` (round v1.3 on), same names, order and units, so that
what reads that file reads this one. The others are ours, with units in their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mlperf_tiny.models.tasks import ALL_TASKS

FORMAT = 2
"""Of the file; it stands in the column ``Format`` of every row. Format 1 had 29 columns and no number."""

Row = dict[str, str]
"""One row, every column by name, as the texts that the file holds: equal files are equal rows."""


class Kind(Enum):
    """What a value must look like when it is not empty."""

    TEXT = "text"
    CHOICE = "one of"
    WHOLE = "whole number"
    NUMBER = "number"
    HEX = "hex digits"


@dataclass(frozen=True)
class Column:
    """``run`` and ``published`` say where a value comes from in a row of a run and of a published result, ``empty``
    when there is none. ``decimals`` is how many of them a number of ours is written with."""

    name: str
    kind: Kind
    run: str
    published: str
    empty: str = ""
    unit: str = ""
    decimals: int = 3
    choices: tuple[str, ...] = ()


# Column names that code asks for by way of a table; spelt once.
TASKS = tuple(task.name for task in ALL_TASKS)
TIMINGS = ("hardware", "emulated", "host")
VERDICTS = ("confirmed", "cannot be confirmed", "deviates", "breaks a rule")
BASES = ("recomputed", "claimed")

_T, _C, _W, _N, _H = Kind.TEXT, Kind.CHOICE, Kind.WHOLE, Kind.NUMBER, Kind.HEX
_DESCRIBED = "the description lacks it"
_NEVER_RUN = "runs"
_NOT_MEASURED = "not measured"

SUMMARY: tuple[Column, ...] = (
    Column("Organization", _T, "-", "submitter's folder", _NEVER_RUN),
    Column("Availability", _C, "-", "`Status`, in small letters", "runs; a status that does not exist",
           choices=("available", "preview", "rdi")),
    Column("Division", _C, "division of the model", "division folder", "no folder tells", choices=("closed", "open")),
    Column("BoardName", _T, "board of the device", "`Board Name`", _DESCRIBED),
    Column("SystemDesc", _T, "device and engine, `emulated-` or `host-` before them", "system's folder",
           "no folder tells"),
    Column("Model", _T, "task; open division: the model", "benchmark; the model's folder, if any", "no folder tells"),
    Column("MlperfModel", _C, "task", "benchmark", "no file tells which", choices=TASKS),
    Column("Result", _N, "throughput", "as claimed, unless recomputed otherwise", _NOT_MEASURED, "inf./sec."),
    Column("ResultUnit", _C, "`inf./sec.`", "`inf./sec.`", choices=("inf./sec.",)),
    Column("Accuracy", _N, "top-1 or AUC", "as claimed, unless recomputed otherwise", _NOT_MEASURED,
           "percent (top-1), 0..1 (AUC; F1 of sww)"),
    Column("HasPower", _C, "whether energy was measured", "whether there is an energy figure",
           choices=("True", "False")),
    Column("Power", _N, "energy, 0 when not measured", "as claimed, unless recomputed otherwise; 0 without",
           unit="uJ/inf., sww: mW"),
    Column("PowerUnit", _C, "unit of Power", "unit of Power", choices=("uJ/inf.", "mW")),
    Column("HostProcessorModelName", _T, "core", "`Processor(s) Name`", _DESCRIBED),
    Column("HostProcessorFrequency", _T, "clock in MHz", "`Processor(s) Frequencies`", _DESCRIBED),
    Column("HostProcessorMemory", _T, "-", "`Processor memory type and capacity`", "runs; " + _DESCRIBED),
    Column("AcceleratorModelName", _T, "-", "`Accelerator`", "runs; " + _DESCRIBED),
    Column("AcceleratorFrequency", _T, "-", "`Accelerator(s) Frequencies`", "runs; " + _DESCRIBED),
    Column("AcceleratorMemory", _T, "-", "`Accelerator memory type and capacity`", "runs; " + _DESCRIBED),
    Column("HardwareNotes", _T, "what kind of time it is, when not hardware's", "`Hardware Notes`", _DESCRIBED),
    Column("InferenceFramework", _T, "engine and version", "`Inference Framework`", _DESCRIBED),
    Column("SoftwareLibraries", _T, "kernels", "`Software Libraries`", _DESCRIBED),
    Column("SoftwareNotes", _T, "compiler", "`Software Notes`", _DESCRIBED),
    Column("FalsePositives", _W, "-", "as claimed (sww)", "other tasks"),
    Column("FalseNegatives", _W, "-", "as claimed (sww)", "other tasks"),
    Column("DutyCycle", _N, "-", "as claimed (sww)", "other tasks", "share of the time, 0..1"),
)  # fmt: skip

OWN: tuple[Column, ...] = (
    Column("Rank", _W, "place in its ranking, equals share one", "place in its ranking", "not ranked"),
    Column("Unranked", _T, "why there is no rank", "why there is no rank", "ranked"),
    Column("Source", _C, "`run`", "`published`", choices=("run", "published")),
    Column("Round", _T, "-", "round in the name of a folder, as v1.2", "runs; no folder tells"),
    Column("Timing", _C, "whose clock it is", "`hardware`, unless the system says that it is emulated or a host",
           choices=TIMINGS),
    Column("TimingLevel", _T, "level of the emulated time's model", "-", "hardware, host"),
    Column("TimingModel", _T, "level and versions of the model", "-", "hardware, host"),
    Column("DataSource", _C, "source of the data", "`real`", choices=("real", "synthetic")),
    Column("Device", _T, "device", "`SoC Name`, else `Board Name`, else the system's folder", "nothing tells"),
    Column("ClockHz", _W, "core clock", "`Processor(s) Frequencies`, where that is one frequency", "unknown", "Hz"),
    Column("Engine", _T, "engine", "`Inference Framework`", "a board that came with its firmware; " + _DESCRIBED),
    Column("EngineVersion", _T, "version of an engine from outside", "-", "engine `compiled`; published"),
    Column("Kernels", _T, "kernels of the engine", "-", "unknown; published"),
    Column("Compiler", _T, "compiler and version", "`General Compiler(s)`", "nothing was built; " + _DESCRIBED),
    Column("ModelName", _T, "model", "model's folder", "published: the reference model"),
    Column("ModelOrigin", _T, "official, shipped, file or device", "-", "published"),
    Column("TrainingData", _T, "real, synthetic or unknown", "-", "published"),
    Column("ModelSha256", _H, "sha256 of the .tflite", "-", "a board that came with its model; published"),
    Column("LatencyMs", _N, "1000 / ThroughputPerS", "1000 / ThroughputPerS", _NOT_MEASURED, "ms", 6),
    Column("LatencyLowMs", _N, "fastest window", "fastest window of the log", "fewer than two windows", "ms", 6),
    Column("LatencyHighMs", _N, "slowest window", "slowest window of the log", "fewer than two windows", "ms", 6),
    Column("LatencyBasis", _C, "`recomputed` (from the raw lines)", "`recomputed`, else `claimed`", "no latency",
           choices=BASES),
    Column("ThroughputPerS", _N, "median of the windows", "recomputed, else as claimed", _NOT_MEASURED,
           "inferences/s", 6),
    Column("ClaimedThroughputPerS", _N, "-", "as printed by the runner", "runs; not printed", "inferences/s"),
    Column("Iterations", _W, "inferences of a window", "of the first window", _NOT_MEASURED),
    Column("Windows", _W, "timed windows", "timed windows", _NOT_MEASURED),
    Column("EnergyUj", _N, "one inference", "recomputed, else as claimed", _NOT_MEASURED, "uJ", 4),
    Column("EnergyLowUj", _N, "least", "least window of the trace", "no span is known", "uJ", 4),
    Column("EnergyHighUj", _N, "most", "highest window of the trace", "no span is known", "uJ", 4),
    Column("EnergyKind", _C, "`measured`, or `modelled` (measured power x modelled latency)", "`measured`",
           "no energy", choices=("measured", "modelled")),
    Column("EnergyBasis", _C, "`recomputed`", "`recomputed`, else `claimed`", "no energy", choices=BASES),
    Column("EnergySource", _T, "who measured the power", "what it was computed from", "no energy; claimed"),
    Column("ClaimedEnergyUj", _N, "-", "as printed by the runner", "runs; not printed", "uJ"),
    Column("EnergyLatencyMs", _N, "-", "latency in the energy run", "runs; no energy run", "ms", 6),
    Column("Top1Percent", _N, "top-1", "recomputed, else as claimed", "ad, sww; not measured", "percent"),
    Column("Auc", _N, "area, exact", "exact where recomputed, else as claimed", "sww; not measured", "0..1", 6),
    Column("AccuracyBasis", _C, "`recomputed`", "`recomputed`, else `claimed`", "no accuracy", choices=BASES),
    Column("ClaimedAccuracy", _N, "-", "top-1 (ad: AUC) as printed by the runner", "runs; sww; not printed",
           "percent, ad: 0..1"),
    Column("ClaimedAuc", _N, "-", "area as printed by the runner", "runs; sww; not printed; no accuracy log", "0..1"),
    Column("SamplesAnswered", _W, "files answered", "files answered", "no accuracy log"),
    Column("SamplesListed", _W, "files of the list", "files of the list", "no list is followed"),
    Column("InstructionsPerInference", _N, "counted by the emulated core", "-", "not emulated", "", 1),
    Column("CyclesPerInference", _N, "of the emulated core, modelled", "-", "not emulated", "", 1),
    Column("ArenaBytes", _W, "arena of the engine", "-", "nothing was built; published", "bytes"),
    Column("RamBytes", _W, "RAM of the image", "-", "nothing was built, host; published", "bytes"),
    Column("FlashBytes", _W, "flash of the image", "-", "nothing was built, host; published", "bytes"),
    Column("ModelBytes", _W, "flash that holds the model", "-", "nothing was built, host; published", "bytes"),
    Column("ElfSha256", _H, "sha256 of the image", "-", "nothing was built; published"),
    Column("Runner", _T, "this program and its version", "EEMBC or MLCommons", "no file tells"),
    Column("Complete", _C, "whether both parts are whole: five windows, every sample",
           "whether there is a throughput and an accuracy", choices=("yes", "no")),
    Column("Verdict", _C, "in the words of the review", "of the review", choices=VERDICTS),
    Column("Findings", _T, "what counts for the verdict: `kind: text`, `|` between",
           "what counts for the verdict: `kind: text [rule]`, `|` between", "nothing was found"),
    Column("Started", _T, "UTC, ISO 8601", "-", "published"),
    Column("RunId", _T, "name of the run", "-", "published"),
    Column("Seal", _T, "lines and chain of the transcript, `:` between", "-", "transcripts without; published"),
    Column("Record", _T, "folder of the run", "folder of the result, or the archive", "rows of format 1"),
    Column("Format", _W, str(FORMAT), str(FORMAT)),
)  # fmt: skip

COLUMNS: tuple[Column, ...] = (*SUMMARY, *OWN)
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(BY_NAME)


def new_row(values: dict[str, str]) -> Row:
    """Return ``values`` as a row with all columns in order, those it lacks empty."""
    return {name: values.get(name, "") for name in NAMES} | {"Format": str(FORMAT)}


def written(name: str, value: float | None) -> str:
    """``value`` as a number of column ``name`` is written; empty for None."""
    return "" if value is None else f"{value:.{BY_NAME[name].decimals}f}"


def number(row: Row, name: str) -> float | None:
    """The value of a number's column; None when it is empty."""
    return float(row[name]) if row[name] else None


def column_table() -> str:
    """The table of all columns, in Markdown, as docs/leaderboard.md holds it."""
    lines = ["| column | type | of a run | of a published result | empty |", "|---|---|---|---|---|"]
    for column in COLUMNS:
        kind = f"{column.kind.value} {', '.join(column.choices)}" if column.choices else column.kind.value
        kind += f", {column.unit}" if column.unit else ""
        cells = (column.name, kind, column.run, column.published, column.empty or "never")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
