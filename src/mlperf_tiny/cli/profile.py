# SPDX-License-Identifier: Apache-2.0
"""``benchmark-profile``: what each layer of a model costs on an emulated board, and where its cycles go."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import DataError
from mlperf_tiny.harness.image.engines import DEFAULT_ENGINE, ENGINES
from mlperf_tiny.models.tasks import task_names
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS


@click.command()
@click.argument("model", metavar="NAME|PATH")
@click.option("--device", required=True, metavar="DEVICE", help="stm32f746 ...; benchmark-devices lists them.")
@click.option("--task", metavar="TASK", help=f"What a .tflite file is for: {task_names()}.")
@click.option("--engine", default=DEFAULT_ENGINE, show_default=True, metavar="ENGINE", help=f"{' or '.join(ENGINES)}.")
@click.option("--toolchain", metavar="NAME", help="zig or gcc; each engine has its usual one without it.")
@click.option(
    "--timing",
    type=click.Choice(LEVELS),
    default=DEFAULT_LEVEL,
    show_default=True,
    help="How closely time is modelled; full adds the stalls of memory and the bytes read and written.",
)
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the official data and models.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg", help="Also draw the layers' cycles.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
@reports_errors
def main(
    model: str,
    device: str,
    task: str | None,
    engine: str,
    toolchain: str | None,
    timing: str,
    data: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Profile a model on an emulated board: the second inference, layer by layer.

    The model is a known name or a .tflite file; for a file, --task says what it is for. Nothing is recorded.
    """
    # Imported here: the emulator takes a second, and --help does not need it.
    from mlperf_tiny.harness.profile.measure import ProfileOptions, profile_model
    from mlperf_tiny.harness.profile.plot import draw_profile
    from mlperf_tiny.harness.profile.text import render_profile

    printer = ProgressPrinter()
    options = ProfileOptions(
        model=model,
        device=device,
        task=task,
        engine=engine,
        toolchain=toolchain,
        timing=timing,
        data=data,
    )
    profile = profile_model(options, printer.say)
    click.echo(json.dumps(profile.to_json(), indent=1) if as_json else render_profile(profile))
    if plot is not None:
        try:
            plot.write_text(draw_profile(profile), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{plot} cannot be written: {error.strerror}. Name another file with --plot.") from error
        printer.say(f"drawn: {plot}")
