# SPDX-License-Identifier: Apache-2.0
"""``benchmark-run``: one benchmark on one device, from the model file to a record and a leaderboard row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlperf_tiny.cli.command import click_command, json_option
from mlperf_tiny.cli.options import (
    FILE,
    DataOptions,
    ImageOptions,
    RunOptions,
    data_options,
    image_file_option,
    image_options,
    run_options,
)
from mlperf_tiny.cli.output import echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.cli.submission_options import SubmissionOptions, submission_options
from mlperf_tiny.errors import UsageError

if TYPE_CHECKING:
    from mlperf_tiny.harness.record.record import RunRecord
    from mlperf_tiny.harness.run.request import Request
    from mlperf_tiny.results.submission.write import Written


@click_command()
@image_options()
@data_options(synthetic=True)
@run_options
@image_file_option
@click.option(
    "--leaderboard",
    type=FILE,
    default=Path("results/leaderboard.csv"),
    metavar="PATH",
    help="The CSV file that gets a row.",
)
@submission_options
@json_option
def main(
    image: ImageOptions,
    data: DataOptions,
    run: RunOptions,
    submission: SubmissionOptions,
    image_file: Path | None,
    leaderboard: Path,
    as_json: bool,
) -> None:
    """Benchmark a model on a device.

    With --device alone the board is emulated: the firmware that a real one would be flashed with is built and run in
    an emulator; with --image firmware that was built elsewhere runs there. With --port a real board is measured,
    nothing is built or flashed, and --device says which it is.
    """
    from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
    from mlperf_tiny.results.leaderboard.build import update_leaderboard
    from mlperf_tiny.results.leaderboard.file import check_leaderboard

    request = _request(image, data, run, image_file)
    submitter = submission.submitter_of_run()
    check_leaderboard(leaderboard)  # before the run: its row would be lost
    with ProgressPrinter() as printer:
        if submitter is not None:
            submitter.check(request, run.resume, printer.log)
        if run.resume is not None:
            record, folder = resume_benchmark(run.resume, request, printer.listener)
        else:
            record, folder = run_benchmark(request, run.out, printer.listener)
    written = None
    try:
        update_leaderboard(leaderboard, record, folder)
        written = submitter.submit(folder, request) if submitter else None
    except KeyboardInterrupt:
        printer.log(f"the run is complete; add its row with --resume {folder}")
        raise
    finally:
        if as_json:
            echo_json(_values(record, folder, written))
        else:
            echo(_text(record, folder, written))


def _request(image: ImageOptions, data: DataOptions, run: RunOptions, image_file: Path | None) -> Request:
    from mlperf_tiny.harness.run.request import MODES, Request

    build_options = {"--engine": image.engine, "--toolchain": image.toolchain}
    given = [name for name, value in build_options.items() if value]
    if run.port is not None and run.resume is None and given:
        raise UsageError(f"the device at --port already holds its firmware; remove {' and '.join(given)}.")
    if image_file is not None and (given or run.port is not None):
        given += ["--port"] if run.port is not None else []
        raise UsageError(f"--image already is the firmware of an emulated board; remove {' and '.join(given)}.")
    modes = {None: None, "all": MODES, "performance": MODES[:1], "accuracy": MODES[1:]}
    return Request(
        task=image.task,
        device=image.device,
        model=image.model,
        modes=modes[run.mode],
        data=data.data,
        synthetic=data.synthetic,
        port=run.port,
        image=image_file,
        baud=run.baud,
        engine=image.engine,
        toolchain=image.toolchain,
        limit=run.limit,
        iterations=run.iterations,
        timeout_s=run.timeout,
        timing=image.timing,
    )


def _text(record: RunRecord, folder: Path, written: Written | None) -> str:
    from mlperf_tiny.cli.submission_options import submission_line
    from mlperf_tiny.harness.record.text import render

    return "\n".join([render(record, folder), *([submission_line(written)] if written else [])])


def _values(record: RunRecord, folder: Path, written: Written | None) -> dict[str, object]:
    from mlperf_tiny.cli.submission_options import submission_json

    submission = {"submission": submission_json(written)} if written else {}
    return {**record.to_json(), "folder": str(folder), **submission}
