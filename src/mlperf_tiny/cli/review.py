# SPDX-License-Identifier: Apache-2.0
"""``benchmark-review``: results recomputed from their raw logs and checked against the rules, or reproduced."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlperf_tiny.cli.command import click_command, json_option
from mlperf_tiny.cli.options import COUNT, DIR, FILE, DataOptions, data_options
from mlperf_tiny.cli.output import check_file, echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import UsageError
from mlperf_tiny.whole_file import write_whole

if TYPE_CHECKING:
    from mlperf_tiny.results.reproduce.reproduce import Reproduction
    from mlperf_tiny.results.review.review import Review


@click_command()
@click.argument("path", type=DIR)
@data_options(text="Folder with the official label lists and, for --reproduce, the data.")
@json_option
@click.option("--html", type=FILE, metavar="FILE", help="Also write one self-contained page.")
@click.option("--no-notes", is_flag=True, help="Print only findings that count for the verdicts.")
@click.option("--reproduce", is_flag=True, help="Rebuild the image of each result of this program, rerun and compare.")
@click.option("--limit", type=COUNT, metavar="N", help="With --reproduce: run only N samples.")
@click.option(
    "--work",
    type=DIR,
    metavar="DIR",
    help="With --reproduce: keep the runs in this folder, and continue those that were interrupted.",
)
def main(
    path: Path,
    data: DataOptions,
    as_json: bool,
    html: Path | None,
    no_notes: bool,
    reproduce: bool,
    limit: int | None,
    work: Path | None,
) -> None:
    """Review every MLPerf Tiny result below PATH.

    PATH is a folder or zip of one submission or of a whole round, or run folders of benchmark-run.

    Exit status: 0 all confirmed, 3 something cannot be confirmed, 4 a figure deviates, 5 a rule is violated (the worst
    of all results counts); 1 the review failed, 2 the request is wrong or PATH
    holds no result. With --reproduce: 0 all reproduced, 3 something
    cannot be reproduced here or only in part, 4 something differs.
    """
    result: Review | Reproduction
    if reproduce:
        _check_without("--reproduce", {"--html": html, "--no-notes": no_notes})
        result, text = _reproduce(path, data.data, limit, work)
    else:
        _check_only_with("--reproduce", {"--limit": limit, "--work": work})
        check_file(html, "--html")
        result, text = _review(path, data.data, html, not no_notes)
    if as_json:
        echo_json(result.to_json())
    else:
        echo(text)
    sys.exit(result.exit_code)


def _review(path: Path, data: Path | None, html: Path | None, with_notes: bool) -> tuple[Review, str]:
    from mlperf_tiny.models.data.download.cache import data_folder
    from mlperf_tiny.results.review.review import review_path
    from mlperf_tiny.results.review.text import render_text

    with ProgressPrinter() as printer:
        review = review_path(path, data_folder(data), printer.progress)
    _write_page(review, html)
    return review, render_text(review, with_notes)


def _reproduce(path: Path, data: Path | None, limit: int | None, work: Path | None) -> tuple[Reproduction, str]:
    from mlperf_tiny.models.data.download.cache import data_folder
    from mlperf_tiny.results.reproduce.reproduce import reproduce_path
    from mlperf_tiny.results.reproduce.result import ReproduceOptions
    from mlperf_tiny.results.reproduce.text import render_reproduction

    with ProgressPrinter() as printer:
        try:
            options = ReproduceOptions(data=data_folder(data), limit=limit, work=work)
            result = reproduce_path(path, options, printer.listener)
        except KeyboardInterrupt:
            if work is not None:
                printer.log(f"the finished runs are kept; continue with --work {work}")
            raise
    return result, render_reproduction(result)


def _check_without(option: str, values: dict[str, object]) -> None:
    """Raise UsageError for options that ``option`` excludes."""
    if given := [name for name, value in values.items() if value]:
        verb = "is" if len(given) == 1 else "are"
        raise UsageError(f"{' and '.join(given)} {verb} not supported with {option}; remove one or the other.")


def _check_only_with(option: str, values: dict[str, object]) -> None:
    """Raise UsageError for options that need ``option``."""
    if given := [name for name, value in values.items() if value]:
        raise UsageError(f"{' and '.join(given)} without {option}: add {option}.")


def _write_page(review: Review, html: Path | None) -> None:
    from mlperf_tiny.results.review.html import render_html

    if html is None:
        return
    try:
        write_whole(html, render_html(review).encode(errors="backslashreplace"))
    except OSError as error:
        raise write_error(error, html, "or name another file with --html") from error
