# SPDX-License-Identifier: Apache-2.0
"""Measures both tables of docs/interop.md again and writes them into the document.

    python -m benchmarks.interop [--elf NAME=FILE[@BAUD] ...] [--mlcommons TREE] [--document docs/interop.md]

``--elf`` names an image of foreign firmware, which cannot be shipped; docs/interop.md says how they were built. NAME is
the name of a row (``--help`` lists them). BAUD is the rate of the host's end of the line, which the firmware must set.
Each image runs twice, with functions translated to native code and without, and its answers are compared with those of
this project's engine. ``--mlcommons`` names a tree of MLCommons' repository: its runner and ours drive the same image
of this project. Both options can come from the environment: MLPERF_TINY_INTEROP_ELF (words separated by blanks) and
MLPERF_TINY_INTEROP_MLCOMMONS. Samples come from the folder that MLPERF_TINY_DATA names.

A row is written as soon as it is measured. Rows for which something is missing stay as they are and are named on
stderr.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from benchmarks.doc_tables import DOCS, markdown_table, marks, refresh, with_table
from benchmarks.interop_firmware import ROWS, measure_firmware, missing_for, parse_elves
from benchmarks.interop_results import RUNNER_HEAD, RUNNER_TABLE
from benchmarks.interop_rows import FIRMWARE_HEAD, FIRMWARE_ROWS, FIRMWARE_TABLE, merged, rows_between
from benchmarks.interop_runner import check_tree, measure_runner
from mlperf_tiny.cli.command import click_command
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError
from mlperf_tiny.progress import Listener

PAGE = DOCS / "interop.md"
RUNNER_MINUTES = 4.0
"""That MLCommons' runner and ours take, about."""


class Page:
    """The document and its two tables; what is written meanwhile in other places of it stays."""

    def __init__(self, document: Path) -> None:
        """Raise UsageError unless the document can be written and has both tables."""
        self._document = document
        try:
            for name, table in ((FIRMWARE_TABLE, self.firmware), (RUNNER_TABLE, self.runner)):
                with_table(self._text, name, table)
            with document.open("r+"):
                pass
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"{document} cannot be refreshed: {reason}. Name a page with --document.") from error

    @property
    def _text(self) -> str:
        return self._document.read_text(encoding="utf-8")

    @property
    def firmware(self) -> str:
        """The table of foreign firmware."""
        return self._firmware({})

    @property
    def runner(self) -> str:
        """The table of MLCommons' runner."""
        return markdown_table(RUNNER_HEAD, rows_between(self._text, *marks(RUNNER_TABLE)))

    def _firmware(self, new: Mapping[tuple[str, str], tuple[str, ...]]) -> str:
        rows = merged(rows_between(self._text, *marks(FIRMWARE_TABLE)), new, [row.cells for row in FIRMWARE_ROWS])
        return markdown_table(FIRMWARE_HEAD, rows, left=len(FIRMWARE_HEAD))

    def take_firmware(self, cells: tuple[str, ...]) -> None:
        """Write a row of the table of foreign firmware."""
        refresh(self._document, FIRMWARE_TABLE, self._firmware({(cells[0], cells[1]): cells}))

    def take_runner(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Write the table of MLCommons' runner."""
        refresh(self._document, RUNNER_TABLE, markdown_table(RUNNER_HEAD, rows))


class Steps:
    """Says which step has begun and how long the others will take, from how long those before took."""

    def __init__(self, log: Callable[[str], None], minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin.

        Args:
            log: Takes a sentence.
            minutes: What all steps take, about.
            clock: Seconds that never run backwards.
        """
        self._log, self._minutes, self._clock = log, minutes, clock
        self._start_s, self._done = clock(), 0.0

    def begin(self, text: str, minutes: float) -> None:
        """Say that a step begins.

        Args:
            text: What it is.
            minutes: What it takes, about.
        """
        scale = (self._clock() - self._start_s) / 60 / self._done if self._done else 1.0
        left = scale * (self._minutes - self._done)
        self._done += minutes
        self._log(f"--- {text}; about {max(1, round(left))} min left")


@click_command(epilog=f"Rows: {', '.join(ROWS)}.")
@click.option(
    "--elf", "elves", multiple=True, metavar="NAME=FILE[@BAUD]", envvar="MLPERF_TINY_INTEROP_ELF", help="A row's image."
)
@click.option(
    "--mlcommons",
    type=click.Path(path_type=Path),
    metavar="TREE",
    envvar="MLPERF_TINY_INTEROP_MLCOMMONS",
    help="A tree of MLCommons' repository.",
)
@click.option(
    "--document", type=click.Path(path_type=Path), default=PAGE, show_default="docs/interop.md", help="The page."
)
def main(elves: tuple[str, ...], mlcommons: Path | None, document: Path) -> None:
    """Refresh the tables of docs/interop.md, and print them."""
    images = parse_elves(elves)
    if mlcommons is not None:
        check_tree(mlcommons)
    page = Page(document)
    missing = {row.name: missing_for(row, images.get(row.name)) for row in FIRMWARE_ROWS}
    wanted = [row for row in FIRMWARE_ROWS if not missing[row.name]]
    minutes = sum(row.minutes for row in wanted) + RUNNER_MINUTES * (mlcommons is not None)
    with ProgressPrinter() as printer:
        listener = Listener(lambda text: None if "--resume" in text else printer.log(text), printer.progress)
        for row in FIRMWARE_ROWS:
            if missing[row.name]:
                printer.log(f"not measured: {row.firmware} on {row.device}: {missing[row.name]}")
        steps = Steps(printer.log, minutes)
        if mlcommons is None:
            printer.log("not measured: MLCommons' runner: no tree (--mlcommons TREE)")
        else:
            steps.begin("MLCommons' runner", RUNNER_MINUTES)
            rows = measure_runner(mlcommons, listener)
            if rows is None:
                printer.log("not measured: MLCommons' runner: no keyword files (MLPERF_TINY_DATA)")
            else:
                page.take_runner(rows)
        for row in wanted:
            steps.begin(f"{row.firmware} on {row.device}", row.minutes)
            page.take_firmware(measure_firmware(images[row.name], listener))
    print(f"{page.firmware}\n\n{page.runner}")


if __name__ == "__main__":
    main()
