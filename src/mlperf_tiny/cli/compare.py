# SPDX-License-Identifier: Apache-2.0
"""``benchmark-compare``: engines, or finished runs, side by side in one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlperf_tiny.cli.command import click_command, json_option
from mlperf_tiny.cli.options import DIR, DataOptions, ImageOptions, data_options, image_options
from mlperf_tiny.cli.output import echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError

if TYPE_CHECKING:
    from mlperf_tiny.harness.compare.rows import ComparisonRow


@click_command()
@click.argument("runs", nargs=-1, type=DIR, metavar="[RUN]...")
@image_options(several=True)
@data_options()
@json_option
def main(runs: tuple[Path, ...], image: ImageOptions, data: DataOptions, as_json: bool) -> None:
    """Run each model with each engine on each emulated board, and print the cost and the outputs of one inference.

    The first engine is the reference for the others; when one fails on every model, the
    exit status is 1. With RUN folders nothing is run: their records, of emulated or
    real boards, are compared.
    """
    from mlperf_tiny.harness.compare.engines import compare
    from mlperf_tiny.harness.compare.plan import ComparisonOptions, plan_comparison
    from mlperf_tiny.harness.compare.runs import compare_runs

    options = ComparisonOptions(
        task=image.task,
        models=image.models,
        devices=image.devices,
        engines=image.engines,
        data=data.data,
        toolchain=image.toolchain,
        timing=image.timing,
    )
    if runs:
        if options != ComparisonOptions():
            raise UsageError("run folders are compared as they are; remove the other options.")
        _print(compare_runs(runs), (), as_json)
        return
    plan = plan_comparison(options)
    rows: list[ComparisonRow] = []
    printer = ProgressPrinter()
    try:
        for row in compare(plan, printer.listener):
            rows.append(row)
    finally:
        printer.clear()
        if rows:  # of an interrupted comparison, what was measured
            _print(rows, plan.notes, as_json)
    measured = {row.engine for row in rows if row.cost}
    if any(row.engine not in measured for row in rows) or not rows:
        sys.exit(1)


def _print(rows: list[ComparisonRow], notes: tuple[str, ...], as_json: bool) -> None:
    from mlperf_tiny.harness.compare.text import render_comparison

    if as_json:
        echo_json({"rows": [row.to_json() for row in rows], "notes": notes})
    else:
        echo(render_comparison(rows, notes))
