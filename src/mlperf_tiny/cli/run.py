# SPDX-License-Identifier: Apache-2.0
"""``benchmark-run``: one benchmark on one device, from the model file to a record and a leaderboard row."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.cli.submission_options import submission_json, submission_line, submission_options, submitting
from mlperf_tiny.errors import UsageError
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.text import render
from mlperf_tiny.harness.run.prepare import MODES, Request
from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
from mlperf_tiny.models.tasks import task_names
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.leaderboard.build import update_leaderboard
from mlperf_tiny.results.leaderboard.file import check_leaderboard
from mlperf_tiny.results.submission.write import Written
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS

SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 0.1, 86_400.0

_MODES = {"all": MODES, "performance": MODES[:1], "accuracy": MODES[1:]}


@click.command()
@click.option("--task", metavar="TASK", help=f"{task_names()}. With --port the device may say it.")
@click.option("--device", metavar="DEVICE", help="What to run on: stm32f746 ...; benchmark-devices lists them.")
@click.option("--model", metavar="NAME|PATH", help="A known model or a .tflite file; the task's own without it.")
@click.option("--mode", type=click.Choice(list(_MODES)), help="Without it: all, as far as the data can be scored.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the official data.")
@click.option("--synthetic", is_flag=True, help="Take made-up data even where official data is at hand.")
@click.option(
    "--port", metavar="URL", help="A board that holds its firmware: /dev/ttyACM0, COM3, socket://host:port ..."
)
@click.option("--baud", type=click.IntRange(min=1), help="Rate of the serial line; 115200 without it.")
@click.option("--engine", metavar="ENGINE", help="What runs the model: compiled, or tflm (needs TFLM_DIR).")
@click.option("--toolchain", metavar="NAME", help="zig (comes with this program) or gcc (arm-none-eabi-gcc; for tflm).")
@click.option(
    "--timing",
    type=click.Choice(LEVELS),
    help=f"How closely an emulated board's time is modelled: one constant a class of instruction, the core's pipeline, "
    f"or also caches and wait states. Without it: {DEFAULT_LEVEL}.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Answer only the first N files; never ranked.")
@click.option("--iterations", type=click.IntRange(min=1), metavar="N", help="Per window; chosen by a trial without it.")
@click.option(
    "--timeout",
    type=click.FloatRange(SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S),
    metavar="S",
    help="Seconds an answer may take (5; 120 for a first inference). Timed windows get theirs on top.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Where the run's own folder is made.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Go on with the run in this folder; a complete one is computed again.",
)
@click.option(
    "--leaderboard",
    type=click.Path(path_type=Path),
    default=Path("results/leaderboard.csv"),
    show_default=True,
    metavar="PATH",
    help="The CSV file that gets a row.",
)
@submission_options
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON instead of a table.")
@reports_errors
def main(
    task: str | None,
    device: str | None,
    model: str | None,
    mode: str | None,
    data: Path | None,
    synthetic: bool,
    port: str | None,
    baud: int | None,
    engine: str | None,
    toolchain: str | None,
    timing: str | None,
    limit: int | None,
    iterations: int | None,
    timeout: float | None,
    out: Path,
    resume: Path | None,
    leaderboard: Path,
    as_json: bool,
    **submission_values: Any,
) -> None:
    """Benchmark a model on a device.

    With --device alone the board is emulated: the firmware that a real one would be flashed with is built and run in
    an emulator. With --port a real board is measured, nothing is built or flashed, and --device says which it is.
    """
    if data is not None and synthetic:
        raise UsageError("--data and --synthetic do not go together; give one of them.")
    built_here = {"--engine": engine, "--toolchain": toolchain}
    if port is not None and resume is None and (named := [name for name, value in built_here.items() if value]):
        raise UsageError(f"the device behind --port holds its firmware already; leave {' and '.join(named)} out.")
    if timeout is not None and math.isnan(timeout):
        raise UsageError("--timeout nan is not a number of seconds; give one.")
    request = Request(
        task=task,
        device=device,
        model=model,
        modes=None if mode is None else _MODES[mode],
        data=data,
        synthetic=synthetic,
        port=port,
        baud=baud,
        engine=engine,
        toolchain=toolchain,
        limit=limit,
        iterations=iterations,
        timeout_s=timeout,
        timing=timing,
    )
    submission = submitting(**submission_values)
    check_leaderboard(leaderboard)  # a file that cannot take the row should not be found out after the run
    printer = ProgressPrinter()
    if submission is not None:
        submission.check(request, resume, printer.say)
    listener = Listener(printer.say, printer.step)
    try:
        if resume is not None:
            record, folder = resume_benchmark(resume, request, listener)
        else:
            record, folder = run_benchmark(request, out, listener)
    finally:
        printer.clear()
    written = None
    try:
        update_leaderboard(leaderboard, record, folder)
        written = submission.submit(folder, request) if submission else None
    finally:
        click.echo(_json(record, folder, written) if as_json else _table(record, folder, written))


def _table(record: RunRecord, folder: Path, written: Written | None) -> str:
    return "\n".join([render(record, folder), *([submission_line(written)] if written else [])])


def _json(record: RunRecord, folder: Path, written: Written | None) -> str:
    submission = {"submission": submission_json(written)} if written else {}
    return json.dumps({**record.to_json(), "folder": str(folder), **submission}, indent=2)
