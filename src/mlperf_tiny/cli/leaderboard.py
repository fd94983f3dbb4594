# SPDX-License-Identifier: Apache-2.0
"""``benchmark-leaderboard``: runs and reviewed published results as one table, CSV and page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlperf_tiny.cli.command import OneOf, click_command, json_option
from mlperf_tiny.cli.options import DIR, FILE, DataOptions, data_options
from mlperf_tiny.cli.output import check_file, echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import RecordError, WrongRequest
from mlperf_tiny.results.leaderboard.rows.columns import TASKS
from mlperf_tiny.results.mlperf.layout import DIVISIONS
from mlperf_tiny.whole_file import write_whole

if TYPE_CHECKING:
    from mlperf_tiny.results.leaderboard.build import Leaderboard
    from mlperf_tiny.results.leaderboard.check import Check
    from mlperf_tiny.results.leaderboard.rows.columns import Row

DEFAULT_FOLDERS = (Path("runs"), Path("results"))
DIFFERS = 4
"""Exit status when ``--check`` finds a difference; a review's "deviates" has the same."""


@click_command()
@click.argument("paths", nargs=-1, type=DIR, metavar="[PATH]...")
@click.option(
    "--csv",
    type=FILE,
    default=Path("results/leaderboard.csv"),
    metavar="FILE",
    help="The CSV file to write; it always has all rows.",
)
@click.option("--html", type=FILE, metavar="FILE", help="Also write one self-contained page.")
@json_option
@click.option("--task", type=OneOf(TASKS), help="Show only this task, in tables, page and JSON.")
@click.option(
    "--all", "partial", is_flag=True, help="Also show runs that are not whole: unfinished, --limit, one mode."
)
@click.option("--division", type=OneOf(DIVISIONS), help="Show only this division, in tables, page and JSON.")
@data_options(text="Folder with the official label lists, for reviews.")
@click.option(
    "--check",
    "table_path",
    type=FILE,
    metavar="FILE",
    help="Compare the published rows with this table of the same rounds (CSV) and print the differences.",
)
def main(
    paths: tuple[Path, ...],
    csv: Path,
    html: Path | None,
    as_json: bool,
    task: str | None,
    division: str | None,
    partial: bool,
    data: DataOptions,
    table_path: Path | None,
) -> None:
    """Make one leaderboard of everything at PATH.

    A PATH is a run folder or a folder of them, a submission or a whole round (folder or zip), which is reviewed, or
    another leaderboard CSV file, which is merged. Without PATH: runs/, results/ and the rows of the CSV file.

    Exit status: 0 done, 1 something was skipped or cannot be written, 2 the request is wrong, 4 --check found a
    difference.
    """
    from mlperf_tiny.models.data.download.cache import data_folder
    from mlperf_tiny.results.leaderboard.build import build_leaderboard
    from mlperf_tiny.results.leaderboard.check import check_rows, read_table
    from mlperf_tiny.results.leaderboard.file import check_leaderboard
    from mlperf_tiny.results.leaderboard.ranking import is_partial_run

    check_leaderboard(csv)
    check_file(html, "--html")
    table = read_table(table_path) if table_path else None
    places = paths or _default_places(csv)
    with ProgressPrinter() as printer:
        board = build_leaderboard(places, csv.parent, data_folder(data.data), printer.progress)
    for note in board.notes:
        printer.log(f"note: {note}")
    for problem in board.problems:
        printer.log(f"skipped: {problem}")
    if not board.rows and board.problems:
        sys.exit(WrongRequest.exit_code if board.wrong_request else 1)
    check = check_rows(board.rows, table) if table else None
    chosen = [row for row in board.rows if task in (None, row["MlperfModel"]) and division in (None, row["Division"])]
    shown = [row for row in chosen if partial or not is_partial_run(row)]
    if hidden := len(chosen) - len(shown):
        runs = f"{hidden} runs that are" if hidden > 1 else "one run that is"
        printer.log(f"note: {runs} not whole (unfinished, limited or of one mode), not shown; show with --all")
    _print(board, shown, check, as_json)
    if html is not None:
        _write_page(html, shown, csv.parent)
    _write_csv(csv, board)
    sys.exit(1 if board.problems else DIFFERS if check and check.differences else 0)


def _default_places(csv: Path) -> list[Path]:
    """Return the default folders that hold results, and the file itself."""
    from mlperf_tiny.results.leaderboard.sources import FoundSources, below

    places = [place for place in DEFAULT_FOLDERS if place.is_dir() and below(place) != FoundSources()]
    if csv.is_file():
        places.append(csv)
    if not places:
        names = " and ".join(f"{place}/" for place in DEFAULT_FOLDERS)
        raise WrongRequest(f"no results in {names}. Make a run with benchmark-run, or name runs or submissions.")
    return places


def _print(board: Leaderboard, rows: Sequence[Row], check: Check | None, as_json: bool) -> None:
    from mlperf_tiny.results.leaderboard.check import render_check
    from mlperf_tiny.results.leaderboard.json_text import leaderboard_json
    from mlperf_tiny.results.leaderboard.text import render_leaderboard

    if as_json:
        echo_json(leaderboard_json(board, rows, check))
        return
    echo(render_leaderboard(rows))
    if check is not None:
        echo(f"\n{render_check(check)}")


def _write_page(html: Path, rows: Sequence[Row], base: Path) -> None:
    from mlperf_tiny.results.leaderboard.page.document import render_page

    try:
        write_whole(html, render_page(rows, base, html.parent).encode(errors="backslashreplace"))
    except OSError as error:
        raise write_error(error, html, "or name another file with --html") from error


def _write_csv(csv: Path, board: Leaderboard) -> None:
    """Write the rows; a file with rows that would be lost is left unchanged."""
    from mlperf_tiny.results.leaderboard.build import lost_rows
    from mlperf_tiny.results.leaderboard.file import only_writer, read_leaderboard, write_leaderboard
    from mlperf_tiny.results.leaderboard.titles import row_title

    try:
        with only_writer(csv):
            lost = lost_rows(read_leaderboard(csv), board.rows)
            if lost:
                raise RecordError(
                    f"{csv} was not written: {len(lost)} of its rows would be lost, the first is "
                    f"{row_title(lost[0])}. Name it among the PATHs to keep them, or another file with --csv."
                )
            write_leaderboard(csv, board.rows)
    except OSError as error:
        raise write_error(error, csv, "or name another file with --csv") from error
