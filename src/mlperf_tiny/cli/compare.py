# SPDX-License-Identifier: Apache-2.0
"""``benchmark-compare``: engines, or finished runs, side by side in one table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError
from mlperf_tiny.harness.compare.engines import compare
from mlperf_tiny.harness.compare.plan import ComparisonOptions, plan_comparison
from mlperf_tiny.harness.compare.rows import ComparisonRow
from mlperf_tiny.harness.compare.runs import compare_runs
from mlperf_tiny.harness.compare.text import render_comparison
from mlperf_tiny.harness.image.engines import ENGINES
from mlperf_tiny.models.tasks import ALL_TASKS, task_names
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS

_TASKS = task_names(task for task in ALL_TASKS if task.default_model)


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--task", metavar="TASK", help=f"Only models for {_TASKS}.")
@click.option("--model", "models", multiple=True, metavar="NAME|PATH", help="May be repeated; all at hand without it.")
@click.option("--device", "devices", multiple=True, metavar="DEVICE", help="May be repeated; all boards without it.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="ENGINE",
    help=f"{' or '.join(ENGINES)}; may be repeated; all at hand without it. The others are compared with the first.",
)
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the official data and models.")
@click.option("--toolchain", metavar="NAME", help="zig or gcc, for all engines; each has its usual one without it.")
@click.option("--timing", type=click.Choice(LEVELS), help=f"How closely time is modelled; {DEFAULT_LEVEL} without it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
@reports_errors
def main(
    runs: tuple[Path, ...],
    task: str | None,
    models: tuple[str, ...],
    devices: tuple[str, ...],
    engines: tuple[str, ...],
    data: Path | None,
    toolchain: str | None,
    timing: str | None,
    as_json: bool,
) -> None:
    """Run each model with each engine on each emulated board, and print what one inference costs and answers.

    With RUN folders nothing is run: their records are put side by side, those of boards too.
    """
    options = ComparisonOptions(
        task=task,
        models=models,
        devices=devices,
        engines=engines,
        data=data,
        toolchain=toolchain,
        timing=timing,
    )
    if runs:
        if options != ComparisonOptions():
            raise UsageError("run folders are compared as they are; leave the other options out.")
        _print(compare_runs(runs), (), as_json)
        return
    plan = plan_comparison(options)
    printer = ProgressPrinter()
    rows: list[ComparisonRow] = []
    try:
        for row in compare(plan, Listener(printer.say, printer.step)):
            rows.append(row)
    finally:
        printer.clear()
        if rows:  # of an interrupted comparison, what was measured
            _print(rows, plan.notes, as_json)
    if not any(row.cost for row in rows):
        sys.exit(1)


def _print(rows: list[ComparisonRow], notes: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"rows": [row.to_json() for row in rows], "notes": notes}, indent=2))
    else:
        click.echo(render_comparison(rows, notes))
