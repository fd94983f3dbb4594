# SPDX-License-Identifier: Apache-2.0
"""The columns of ``leaderboard.csv``: one row of this table each, from which reading, checking and docs are made.

The first 26 are those of the official checker's ``summary.csv`` (round v1.3 on), same names, order and units, so that
what reads that file reads this one. The others are ours, with units in their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mlperf_tiny.models.tasks import ALL_TASKS

FORMAT = 3
"""Of the file; it stands in the column ``Format`` of every row. ``formats.py`` reads the earlier ones."""

Row = dict[str, str]
"""One row, every column by name, as the texts that the file holds: equal files are equal rows."""


class CellKind(Enum):
    """What a value must look like when it is not empty."""

    TEXT = "text"
    CHOICE = "one of"
    WHOLE = "whole number"
    NUMBER = "number"
    HEX = "hex digits"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the file."""

    name: str
    kind: CellKind
    run: str
    """Where the value comes from in a row of a run."""
    published: str
    """Where the value comes from in a row of a published result."""
    empty: str = ""
    """When there is no value."""
    unit: str = ""
    decimals: int = 3
    """Decimals of numbers computed here."""
    choices: tuple[str, ...] = ()
    """The values a CHOICE may have."""


# Column names that code asks for by way of a table; spelt once.
TASKS = tuple(task.name for task in ALL_TASKS)
TIMINGS = ("hardware", "emulated", "host")
VERDICTS = ("confirmed", "cannot be confirmed", "deviates", "rule violation")
BASES = ("recomputed", "claimed")

TOO_LARGE = 1e15
"""Larger than any figure of this benchmark; claims are read to 15 digits before the point."""

_T, _C, _W, _N, _H = CellKind.TEXT, CellKind.CHOICE, CellKind.WHOLE, CellKind.NUMBER, CellKind.HEX
_DESCRIBED = "the description lacks it"
_NEVER_RUN = "runs"
_NOT_MEASURED = "not measured"

SUMMARY: tuple[Column, ...] = (
    Column(name="Organization", kind=_T, run="-", published="submitter's folder", empty=_NEVER_RUN),
    Column(name="Availability", kind=_C, run="-", published="`Status`, in small letters",
           empty="runs; a status that does not exist", choices=("available", "preview", "rdi")),
    Column(name="Division", kind=_C, run="division of the model", published="division folder",
           empty="no folder names it", choices=("closed", "open")),
    Column(name="BoardName", kind=_T, run="board of the device", published="`Board Name`", empty=_DESCRIBED),
    Column(name="SystemDesc", kind=_T, run="device and engine, `emulated-` or `host-` before them",
           published="system's folder", empty="no folder names it"),
    Column(name="Model", kind=_T, run="task; open division: the model",
           published="benchmark; the model's folder, if any", empty="no folder names it"),
    Column(name="MlperfModel", kind=_C, run="task", published="benchmark", empty="no file names it", choices=TASKS),
    Column(name="Result", kind=_N, run="throughput", published="as claimed, unless recomputed otherwise",
           empty=_NOT_MEASURED, unit="inf./sec."),
    Column(name="ResultUnit", kind=_C, run="`inf./sec.`", published="`inf./sec.`", choices=("inf./sec.",)),
    Column(name="Accuracy", kind=_N, run="top-1 or AUC", published="as claimed, unless recomputed otherwise",
           empty=_NOT_MEASURED, unit="percent (top-1), 0..1 (AUC; F1 of sww)"),
    Column(name="HasPower", kind=_C, run="whether energy was measured", published="whether there is an energy figure",
           choices=("True", "False")),
    Column(name="Power", kind=_N, run="energy, 0 when not measured",
           published="as claimed, unless recomputed otherwise; 0 without", unit="uJ/inf., sww: mW"),
    Column(name="PowerUnit", kind=_C, run="unit of Power", published="unit of Power", choices=("uJ/inf.", "mW")),
    Column(name="HostProcessorModelName", kind=_T, run="core", published="`Processor(s) Name`", empty=_DESCRIBED),
    Column(name="HostProcessorFrequency", kind=_T, run="clock in MHz", published="`Processor(s) Frequencies`",
           empty=_DESCRIBED),
    Column(name="HostProcessorMemory", kind=_T, run="-", published="`Processor memory type and capacity`",
           empty="runs; " + _DESCRIBED),
    Column(name="AcceleratorModelName", kind=_T, run="-", published="`Accelerator`", empty="runs; " + _DESCRIBED),
    Column(name="AcceleratorFrequency", kind=_T, run="-", published="`Accelerator(s) Frequencies`",
           empty="runs; " + _DESCRIBED),
    Column(name="AcceleratorMemory", kind=_T, run="-", published="`Accelerator memory type and capacity`",
           empty="runs; " + _DESCRIBED),
    Column(name="HardwareNotes", kind=_T, run="what kind of time it is, when not hardware's",
           published="`Hardware Notes`", empty=_DESCRIBED),
    Column(name="InferenceFramework", kind=_T, run="engine and version", published="`Inference Framework`",
           empty=_DESCRIBED),
    Column(name="SoftwareLibraries", kind=_T, run="kernels", published="`Software Libraries`", empty=_DESCRIBED),
    Column(name="SoftwareNotes", kind=_T, run="compiler", published="`Software Notes`", empty=_DESCRIBED),
    Column(name="FalsePositives", kind=_W, run="-", published="as claimed (sww)", empty="other tasks"),
    Column(name="FalseNegatives", kind=_W, run="-", published="as claimed (sww)", empty="other tasks"),
    Column(name="DutyCycle", kind=_N, run="-", published="as claimed (sww)", empty="other tasks",
           unit="share of the time, 0..1"),
)  # fmt: skip

OWN: tuple[Column, ...] = (
    Column(name="Rank", kind=_W, run="place in its ranking, equals share one", published="place in its ranking",
           empty="not ranked"),
    Column(name="Unranked", kind=_T, run="why there is no rank", published="why there is no rank", empty="ranked"),
    Column(name="Source", kind=_C, run="`run`", published="`published`", choices=("run", "published")),
    Column(name="Round", kind=_T, run="-", published="round in the name of a folder, as v1.2",
           empty="runs; no folder names it"),
    Column(name="Timing", kind=_C, run="whose clock it is",
           published="`hardware`, unless the system's name begins with `emulated` or `host`", choices=TIMINGS),
    Column(name="TimingLevel", kind=_T, run="level of the emulated time's model", published="-",
           empty="hardware, host"),
    Column(name="TimingModel", kind=_T, run="level and versions of the model", published="-", empty="hardware, host"),
    Column(name="TimingGeneration", kind=_W, run="generation of the model: equal ones are ranked together",
           published="-", empty="hardware, host"),
    Column(name="DataSource", kind=_C, run="source of the data", published="`real`", choices=("real", "synthetic")),
    Column(name="Device", kind=_T, run="device", published="`SoC Name`, else `Board Name`, else the system's folder",
           empty="nothing names it"),
    Column(name="ClockHz", kind=_W, run="core clock",
           published="`Processor(s) Frequencies`, where that is one frequency", empty="unknown", unit="Hz"),
    Column(name="Engine", kind=_T, run="engine", published="`Inference Framework`",
           empty="a board that came with its firmware; " + _DESCRIBED),
    Column(name="EngineVersion", kind=_T, run="version of an engine from outside", published="-",
           empty="engine `compiled`; published"),
    Column(name="Kernels", kind=_T, run="kernels of the engine", published="-", empty="unknown; published"),
    Column(name="Compiler", kind=_T, run="compiler and version", published="`General Compiler(s)`",
           empty="nothing was built; " + _DESCRIBED),
    Column(name="ModelName", kind=_T, run="model", published="model's folder",
           empty="published: the reference model"),
    Column(name="ModelOrigin", kind=_T, run="official, shipped, file or device", published="-", empty="published"),
    Column(name="TrainingData", kind=_T, run="real, synthetic or unknown", published="-", empty="published"),
    Column(name="ModelSha256", kind=_H, run="sha256 of the .tflite", published="-",
           empty="a board that came with its model; published"),
    Column(name="LatencyMs", kind=_N, run="1000 / ThroughputPerS", published="1000 / ThroughputPerS",
           empty=_NOT_MEASURED, unit="ms", decimals=6),
    Column(name="LatencyLowMs", kind=_N, run="fastest window", published="fastest window of the log",
           empty="fewer than two windows", unit="ms", decimals=6),
    Column(name="LatencyHighMs", kind=_N, run="slowest window", published="slowest window of the log",
           empty="fewer than two windows", unit="ms", decimals=6),
    Column(name="LatencyBasis", kind=_C, run="`recomputed` (from the raw lines)",
           published="`recomputed`, else `claimed`", empty="no latency", choices=BASES),
    Column(name="ThroughputPerS", kind=_N, run="median of the windows", published="recomputed, else as claimed",
           empty=_NOT_MEASURED, unit="inferences/s", decimals=6),
    Column(name="ClaimedThroughputPerS", kind=_N, run="-", published="as printed by the runner",
           empty="runs; not printed", unit="inferences/s"),
    Column(name="Iterations", kind=_W, run="inferences of a window", published="of the first window",
           empty=_NOT_MEASURED),
    Column(name="Windows", kind=_W, run="timed windows", published="timed windows", empty=_NOT_MEASURED),
    Column(name="EnergyUj", kind=_N, run="one inference", published="recomputed, else as claimed",
           empty=_NOT_MEASURED, unit="uJ", decimals=4),
    Column(name="EnergyLowUj", kind=_N, run="lowest", published="lowest window of the trace",
           empty="no span is known", unit="uJ", decimals=4),
    Column(name="EnergyHighUj", kind=_N, run="highest", published="highest window of the trace",
           empty="no span is known", unit="uJ", decimals=4),
    Column(name="EnergyKind", kind=_C, run="`measured`, or `modelled` (measured power x modelled latency)",
           published="`measured`", empty="no energy", choices=("measured", "modelled")),
    Column(name="EnergyBasis", kind=_C, run="`recomputed`", published="`recomputed`, else `claimed`",
           empty="no energy", choices=BASES),
    Column(name="EnergySource", kind=_T, run="source of the measured power", published="what it was computed from",
           empty="no energy; claimed"),
    Column(name="ClaimedEnergyUj", kind=_N, run="-", published="as printed by the runner", empty="runs; not printed",
           unit="uJ"),
    Column(name="EnergyLatencyMs", kind=_N, run="-", published="latency in the energy run",
           empty="runs; no energy run", unit="ms", decimals=6),
    Column(name="Top1Percent", kind=_N, run="top-1", published="recomputed, else as claimed",
           empty="ad, sww; not measured", unit="percent"),
    Column(name="Auc", kind=_N, run="area, exact", published="exact where recomputed, else as claimed",
           empty="sww; not measured", unit="0..1", decimals=6),
    Column(name="AccuracyBasis", kind=_C, run="`recomputed`", published="`recomputed`, else `claimed`",
           empty="no accuracy", choices=BASES),
    Column(name="ClaimedAccuracy", kind=_N, run="-", published="top-1 (ad: AUC) as printed by the runner",
           empty="runs; sww; not printed", unit="percent, ad: 0..1"),
    Column(name="ClaimedAuc", kind=_N, run="-", published="area as printed by the runner",
           empty="runs; sww; not printed; no accuracy log", unit="0..1"),
    Column(name="SamplesAnswered", kind=_W, run="files answered", published="files answered",
           empty="no accuracy log"),
    Column(name="SamplesListed", kind=_W, run="files of the list", published="files of the list",
           empty="no list is followed"),
    Column(name="InstructionsPerInference", kind=_N, run="counted by the emulated core", published="-",
           empty="not emulated", unit="", decimals=1),
    Column(name="CyclesPerInference", kind=_N, run="of the emulated core, modelled", published="-",
           empty="not emulated", unit="", decimals=1),
    Column(name="ArenaBytes", kind=_W, run="arena of the engine", published="-", empty="nothing was built; published",
           unit="bytes"),
    Column(name="RamBytes", kind=_W, run="RAM of the image", published="-",
           empty="nothing was built, host; published", unit="bytes"),
    Column(name="FlashBytes", kind=_W, run="flash of the image", published="-",
           empty="nothing was built, host; published", unit="bytes"),
    Column(name="ModelBytes", kind=_W, run="flash that holds the model", published="-",
           empty="nothing was built, host; published", unit="bytes"),
    Column(name="ElfSha256", kind=_H, run="sha256 of the image", published="-", empty="nothing was built; published"),
    Column(name="Runner", kind=_T, run="this program and its version", published="EEMBC or MLCommons",
           empty="no file names it"),
    Column(name="Complete", kind=_C, run="whether both parts are whole: five windows, every sample",
           published="whether there is a throughput and an accuracy", choices=("yes", "no")),
    Column(name="Verdict", kind=_C, run="as a review would give it", published="of the review", choices=VERDICTS),
    Column(name="Findings", kind=_T, run="what counts for the verdict: `kind: text`, `|` between",
           published="what counts for the verdict: `kind: text [rule]`, `|` between", empty="nothing was found"),
    Column(name="Started", kind=_T, run="UTC, ISO 8601", published="-", empty="published"),
    Column(name="RunId", kind=_T, run="name of the run", published="-", empty="published"),
    Column(name="ChainDigest", kind=_T, run="lines and chain of the transcript, `:` between", published="-",
           empty="transcripts without; published"),
    Column(name="Record", kind=_T, run="folder of the run", published="folder of the result, or the archive",
           empty="rows of format 1"),
    Column(name="Format", kind=_W, run=str(FORMAT), published=str(FORMAT)),
)  # fmt: skip

COLUMNS: tuple[Column, ...] = (*SUMMARY, *OWN)
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(BY_NAME)


def new_row(values: dict[str, str]) -> Row:
    """Return ``values`` as a row with all columns in order, those it lacks empty."""
    return {name: values.get(name, "") for name in NAMES} | {"Format": str(FORMAT)}


def written(name: str, value: float | None) -> str:
    """Return a number as text.

    Args:
        name: The column, which decides the decimals.
        value: None, and what is no figure of this benchmark (too large, infinite or not a number), gives an empty cell.
    """
    return f"{value:.{BY_NAME[name].decimals}f}" if value is not None and abs(value) < TOO_LARGE else ""


def number(row: Row, name: str) -> float | None:
    """Return the value of a numeric column; None when it is empty.

    Args:
        row: A row of the leaderboard.
        name: The column.
    """
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
