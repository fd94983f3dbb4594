# SPDX-License-Identifier: Apache-2.0
"""``benchmark-leaderboard``: runs and reviewed published results as one table, CSV and page."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import BenchError, DataError, RecordError
from mlperf_tiny.models.data.download.cache import data_folder
from mlperf_tiny.results.leaderboard.build import Leaderboard, build_leaderboard, lost_rows
from mlperf_tiny.results.leaderboard.check import Check, check_rows, read_table, render_check
from mlperf_tiny.results.leaderboard.file import check_leaderboard, only_writer, read_leaderboard, write_leaderboard
from mlperf_tiny.results.leaderboard.json_text import leaderboard_json
from mlperf_tiny.results.leaderboard.page.document import render_page
from mlperf_tiny.results.leaderboard.rows.columns import TASKS, Row
from mlperf_tiny.results.leaderboard.sources import Found, below
from mlperf_tiny.results.leaderboard.text import render_leaderboard
from mlperf_tiny.results.leaderboard.titles import row_title
from mlperf_tiny.results.mlperf.layout import DIVISIONS

USUAL_PLACES = (Path("runs"), Path("results"))
DIFFERS = 4
"""Exit status when ``--check`` finds a difference; it is that of a review's "deviates"."""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--csv",
    type=click.Path(path_type=Path),
    default=Path("results/leaderboard.csv"),
    show_default=True,
    metavar="FILE",
    help="The CSV file to write; it always has all rows.",
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write one self-contained page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--task", type=click.Choice(TASKS), help="Show only this task, in tables, page and JSON.")
@click.option("--division", type=click.Choice(DIVISIONS), help="Show only this division, in tables, page and JSON.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the official label lists, for reviews; MLPERF_TINY_DATA without it.",
)
@click.option(
    "--check",
    "table_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Hold the published rows against this table of the same rounds (CSV) and print what differs.",
)
@reports_errors
def main(
    paths: tuple[Path, ...],
    csv: Path,
    html: Path | None,
    as_json: bool,
    task: str | None,
    division: str | None,
    data: Path | None,
    table_path: Path | None,
) -> None:
    """Make one leaderboard of everything at PATH: run folders and folders of them, submissions and whole rounds
    (folders or zips), which are reviewed on the way, and other leaderboard CSV files, which are merged.

    Without PATH: runs/, results/ and the rows that the CSV file has already.

    Exit status: 0; 1 something was left out or cannot be written; 2 wrong usage; 4 --check found a difference.
    """
    check_leaderboard(csv)
    _check_place(html)
    table = read_table(table_path) if table_path else None
    places = paths or _usual_places(csv)
    printer = ProgressPrinter()
    try:
        board = build_leaderboard(places, csv.parent, data_folder(data), printer.step)
    finally:
        printer.clear()
    for note in board.notes:
        printer.say(f"note: {note}")
    for problem in board.problems:
        printer.say(f"left out: {problem}")
    if not board.rows and board.problems:
        sys.exit(1)
    check = check_rows(board.rows, table) if table else None
    shown = [row for row in board.rows if task in (None, row["MlperfModel"]) and division in (None, row["Division"])]
    _print(board, shown, check, as_json)
    if html is not None:
        _write_page(html, shown, csv.parent)
    _write_csv(csv, board)
    sys.exit(1 if board.problems else DIFFERS if check and check.differences else 0)


def _usual_places(csv: Path) -> list[Path]:
    """The usual folders, as far as there is something in them, and the file itself."""
    places = [place for place in USUAL_PLACES if place.is_dir() and below(place) != Found()]
    if csv.is_file():
        places.append(csv)
    if not places:
        words = " and ".join(f"{place}/" for place in USUAL_PLACES)
        raise DataError(f"there are no results in {words}. Make a run with benchmark-run, or name runs or submissions.")
    return places


def _check_place(html: Path | None) -> None:
    """Find out before the work, not after it, that the page has no place."""
    if html is not None and (html.is_dir() or not html.absolute().parent.is_dir()):
        what = "it is a folder" if html.is_dir() else f"there is no folder {html.parent}"
        raise BenchError(f"{html} cannot be written: {what}. Name another file with --html.")


def _print(board: Leaderboard, rows: Sequence[Row], check: Check | None, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(leaderboard_json(board, rows, check), indent=2))
        return
    click.echo(render_leaderboard(rows))
    if check is not None:
        click.echo(f"\n{render_check(check)}")


def _write_page(html: Path, rows: Sequence[Row], base: Path) -> None:
    try:
        html.write_text(render_page(rows, base, html.parent), encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{html} cannot be written: {error.strerror}. Name another file with --html.") from error


def _write_csv(csv: Path, board: Leaderboard) -> None:
    """Write the rows; a file whose rows would be lost with that is left as it is."""
    try:
        with only_writer(csv):
            lost = lost_rows(read_leaderboard(csv), board.rows)
            if lost:
                raise RecordError(
                    f"{csv} was not written: it has {len(lost)} rows that are not among these, for one "
                    f"{row_title(lost[0])}. Name it among the PATHs to keep them, or another file with --csv."
                )
            write_leaderboard(csv, board.rows)
    except OSError as error:
        raise BenchError(f"{csv} cannot be written: {error.strerror}. Name another file with --csv.") from error
