# SPDX-License-Identifier: Apache-2.0
"""The rows of the table of foreign firmware in docs/interop.md, and how what was measured becomes their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.run.request import Mode

FIRMWARE_TABLE = "python -m benchmarks.interop --elf"
FIRMWARE_HEAD = (
    "firmware",
    "on",
    "figures",
    "instructions an inference",
    "answers, and those of this project's engine",
    "translated, and with `--no-translate`",
)
LEVEL = "pipeline"
"""Timing level of all emulated boards of the page: the level that is the default may change."""
SHOWN = 80
"""Characters of an event in a cell."""
FIXED_CELLS = 2
"""The first cells of a row of the first table, by which it is found again."""

PUBLISHED_CLIP = "normal_id_01_00000000_hist_librosa.bin"
PUBLISHED_SCORE = 10.260
"""Of the published clip, by the model with floating-point input and output."""

_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, kw_only=True)
class FirmwareRow:
    """One row of the table of foreign firmware: an image, the board it runs on, and what is asked of it."""

    name: str
    """What ``--elf`` calls it."""
    firmware: str
    """The first cell."""
    task: str
    """Its task."""
    device: str = "stm32f746"
    """The board."""
    modes: tuple[Mode, ...] = ("performance", "accuracy")
    """What is run."""
    limit: int | None = None
    """So many samples; None: all that are there."""
    noise: bool = False
    """The samples are random bytes: real ones cannot be had."""
    minutes: float = 1.0
    """How long all its runs take, about; only their ratio matters, for the time that is left."""

    @property
    def cells(self) -> tuple[str, str]:
        """The cells that never change."""
        return self.firmware, self.device


_BY_INTERRUPT = "`keyword_spotting`, input by interrupt, SysTick at 1 kHz, "

FIRMWARE_ROWS = (
    FirmwareRow(
        name="kws",
        firmware="reference `keyword_spotting`, TensorFlow Lite Micro with CMSIS-NN",
        task="kws",
        minutes=4.0,
    ),
    FirmwareRow(name="kws-f446", firmware="the same", task="kws", device="stm32f446", limit=100, minutes=2.0),
    FirmwareRow(name="ad", firmware="reference `anomaly_detection` at 921600 baud", task="ad", minutes=3.0),
    FirmwareRow(name="vww", firmware="reference `person_detection`", task="vww", limit=50, minutes=4.0),
    FirmwareRow(name="ic", firmware="reference `image_classification`", task="ic", limit=50, noise=True, minutes=4.0),
    *(
        FirmwareRow(
            name=name,
            firmware=_BY_INTERRUPT + how,
            task="kws",
            device=device,
            modes=("accuracy",),
            limit=10,
        )
        for name, how, device in (
            ("kws-loop", "waiting in a loop", "stm32f746"),
            ("kws-loop-f446", "waiting in a loop", "stm32f446"),
            ("kws-wfi", "asleep (WFI)", "stm32f746"),
            ("kws-wfi-f446", "asleep (WFI)", "stm32f446"),
        )
    ),
)

Answers = Mapping[tuple[int, int], tuple[float, ...]]
"""Number of the sample and of the window in it -> values."""


@dataclass(frozen=True, kw_only=True)
class ForeignRun:
    """What one run on foreign firmware gave."""

    record: RunRecord
    """Its record."""
    answers: Answers
    """Of the accuracy run."""
    events: tuple[str, ...]
    """All that the device sent and was counted, without times of the host."""
    cpu_s: float
    """Seconds of the host's processor."""


def figures(row: FirmwareRow, record: RunRecord) -> str:
    """Return the cell of the metrics.

    Args:
        row: What was run.
        record: Of the run.
    """
    parts = []
    if record.accuracy is not None and not row.noise:
        parts += _accuracy(record)
    if record.performance is not None:
        shortest_s = min(window.elapsed_us for window in record.performance.windows) / 1e6
        parts.append(f"windows of {shortest_s:.2f} s, {record.performance.iterations:,} inferences each")
    return "; ".join(parts)


def _accuracy(record: RunRecord) -> list[str]:
    accuracy = record.accuracy
    assert accuracy is not None
    if accuracy.correct is None:
        score = (accuracy.file_scores or {}).get(PUBLISHED_CLIP)
        published = f"(published for the float-I/O model: {PUBLISHED_SCORE:.3f})"
        return [] if score is None else [f"published clip: {score:.3f} {published}"]
    auc = f", AUC {accuracy.auc:.4f}" if accuracy.auc is not None and record.settings.limit is None else ""
    return [f"{accuracy.correct:,} of {accuracy.samples:,}{auc}"]


def compared_answers(theirs: Answers, ours: Answers, noise: bool) -> str:
    """Return the cell that compares answers with those of this project's engine.

    Args:
        theirs: Of the foreign firmware.
        ours: To the same inputs.
        noise: Whether the inputs were random.
    """
    if not theirs or theirs.keys() != ours.keys():
        return f"not comparable: {len(theirs)} and {len(ours)} answers"
    apart = [
        max(abs(one - other) for one, other in zip(values, ours[key], strict=True))
        for key, values in theirs.items()
        if values != ours[key]
    ]
    equal, of = len(theirs) - len(apart), " to random inputs" if noise else ""
    if not apart:
        return f"all {equal:,}{of} equal"
    return f"{equal:,} of {len(theirs):,}{of} equal, the others differ by {max(apart):.3f} at most"


def compared_executors(translated: ForeignRun, plain: ForeignRun) -> str:
    """Return the cell that compares a run with translated functions with one without.

    Args:
        translated: With.
        plain: Without.
    """
    times = f"{translated.cpu_s:.0f} and {plain.cpu_s:.0f} s of processor time"
    if translated.events == plain.events:
        return f"the same record; {times}"
    pairs = zip_longest(translated.events, plain.events, fillvalue="nothing")
    one, other = next(pair for pair in pairs if pair[0] != pair[1])
    return f"DIFFERENT, first {one[:SHOWN]} and {other[:SHOWN]}; {times}"


def firmware_cells(row: FirmwareRow, translated: ForeignRun, plain: ForeignRun, ours: Answers) -> tuple[str, ...]:
    """Return a whole row of the table of foreign firmware.

    Args:
        row: What was run.
        translated: The run with translated functions.
        plain: The run without.
        ours: The answers of this project's engine.
    """
    instructions = translated.record.instructions_per_inference
    return (
        *row.cells,
        figures(row, translated.record),
        "-" if instructions is None else f"{instructions:,.0f}",
        compared_answers(translated.answers, ours, row.noise),
        compared_executors(translated, plain),
    )


def rows_between(text: str, begin: str, end: str) -> list[tuple[str, ...]]:
    """Return the cells of a table in a document, without its head.

    Args:
        text: The document.
        begin: The mark before the table.
        end: The mark after it.
    """
    table = text.partition(begin)[2].partition(end)[0].strip().splitlines()
    return [tuple(cell.strip().replace(r"\|", "|") for cell in _CELL.split(line.strip())[1:-1]) for line in table[2:]]


def merged(
    old: Sequence[tuple[str, ...]], new: Mapping[tuple[str, str], tuple[str, ...]], order: Sequence[tuple[str, str]]
) -> list[tuple[str, ...]]:
    """Return the rows of a table with those replaced that were measured.

    Args:
        old: The rows that are there.
        new: Fixed cells -> the row as measured now.
        order: The fixed cells of all known rows; a row that was not there before comes where it is in this order.
    """
    kept = {row[:FIXED_CELLS]: row for row in old}
    known = [new.get(key) or kept[key] for key in order if key in new or key in kept]
    return [*known, *(row for row in old if row[:FIXED_CELLS] not in set(order))]
