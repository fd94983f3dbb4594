# SPDX-License-Identifier: Apache-2.0
"""``benchmark-review``: published results computed anew from their raw lines and held to the rules."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from harness.cli.errors import reports_errors
from harness.cli.progress import ProgressPrinter
from harness.errors import BenchError
from models.data.cache import data_folder
from results.review.html import render_html
from results.review.review import review_path
from results.review.text import render_text


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the official label lists; MLPERF_TINY_DATA without it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write one self-contained page.")
@click.option("--no-notes", is_flag=True, help="Leave out notes: print only what counts for the verdicts.")
@reports_errors
def main(path: Path, data: Path | None, as_json: bool, html: Path | None, no_notes: bool) -> None:
    """Review every MLPerf Tiny result below PATH: a folder or zip of one submission or of a whole round.

    Exit status: 0 all confirmed, 3 something cannot be confirmed, 4 a figure deviates, 5 a rule is broken (the worst
    of all results counts); 1 PATH cannot be reviewed, 2 wrong usage.
    """
    printer = ProgressPrinter()
    try:
        review = review_path(path, data_folder(data), printer.step)
    finally:
        printer.clear()
    if html is not None:
        try:
            html.write_text(render_html(review), encoding="utf-8")
        except OSError as error:
            raise BenchError(f"{html} cannot be written: {error.strerror}. Name another file with --html.") from error
    click.echo(json.dumps(review.to_json(), indent=2) if as_json else render_text(review, not no_notes))
    sys.exit(review.exit_code)
