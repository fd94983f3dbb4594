# SPDX-License-Identifier: Apache-2.0
"""``benchmark-review``: results computed anew from their raw lines and held to the rules, or made once more."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import BenchError, UsageError
from mlperf_tiny.models.data.download.cache import data_folder
from mlperf_tiny.results.reproduce.reproduce import Reproduction, reproduce_path
from mlperf_tiny.results.reproduce.result import Wish
from mlperf_tiny.results.reproduce.text import render_reproduction
from mlperf_tiny.results.review.html import render_html
from mlperf_tiny.results.review.review import Review, review_path
from mlperf_tiny.results.review.text import render_text


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the official label lists; to reproduce, of the data. MLPERF_TINY_DATA without it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write one self-contained page.")
@click.option("--no-notes", is_flag=True, help="Leave out notes: print only what counts for the verdicts.")
@click.option("--reproduce", is_flag=True, help="Build each image of this program anew, run it again and compare.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="To reproduce: answer only N samples, for a quick look."
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="To reproduce: keep the runs here, and go on with those that were interrupted.",
)
@reports_errors
def main(
    path: Path,
    data: Path | None,
    as_json: bool,
    html: Path | None,
    no_notes: bool,
    reproduce: bool,
    limit: int | None,
    work: Path | None,
) -> None:
    """Review every MLPerf Tiny result below PATH: a folder or zip of one submission or of a whole round, or run folders
    of benchmark-run.

    Exit status: 0 all confirmed, 3 something cannot be confirmed, 4 a figure deviates, 5 a rule is broken (the worst
    of all results counts); 1 PATH cannot be reviewed, 2 wrong usage. With --reproduce: 0 all reproduced, 3 something
    cannot be reproduced here or only in part, 4 something differs.
    """
    _check(reproduce, {"--limit": limit, "--work": work}, {"--html": html, "--no-notes": no_notes})
    printer = ProgressPrinter()
    result: Review | Reproduction
    try:
        if reproduce:
            wish = Wish(data_folder(data), limit, work)
            result = reproduce_path(path, wish, printer.say, printer.step)
            text = render_reproduction(result)
        else:
            result = review_path(path, data_folder(data), printer.step)
            text = render_text(result, not no_notes)
            _write_page(result, html)
    except KeyboardInterrupt:
        if reproduce and work is not None:
            printer.say(f"what was run is kept; go on with --work {work}")
        raise
    finally:
        printer.clear()
    click.echo(json.dumps(result.to_json(), indent=2) if as_json else text)
    sys.exit(result.exit_code)


def _check(reproduce: bool, with_it: dict[str, object], without_it: dict[str, object]) -> None:
    """Raise UsageError for options of the other kind."""
    if named := [name for name, value in (without_it if reproduce else with_it).items() if value]:
        one = len(named) == 1
        words = ("does not go" if one else "do not go") + " with" if reproduce else "is for" if one else "are for"
        raise UsageError(f"{' and '.join(named)} {words} --reproduce; leave {'it' if one else 'them'} out.")


def _write_page(review: Review, html: Path | None) -> None:
    if html is None:
        return
    try:
        html.write_text(render_html(review), encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{html} cannot be written: {error.strerror}. Name another file with --html.") from error
