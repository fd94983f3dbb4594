# SPDX-License-Identifier: Apache-2.0
"""``benchmark-profile``: the cost of each layer of a model on an emulated board, with stalls by cause."""

from __future__ import annotations

from pathlib import Path

import click

from mlperf_tiny.cli.command import click_command, json_option
from mlperf_tiny.cli.options import DEFAULT_ENGINE, FILE, DataOptions, ImageOptions, data_options, image_options
from mlperf_tiny.cli.output import check_file, echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.disk import write_error


@click_command()
@click.argument("model", metavar="NAME|PATH")
@image_options(model=False, device_required=True)
@data_options()
@click.option("--plot", type=FILE, metavar="FILE", help="Also draw the cycles of the layers, as .svg or .png.")
@json_option
def main(model: str, image: ImageOptions, data: DataOptions, plot: Path | None, as_json: bool) -> None:
    """Profile a model on an emulated board: the second inference, layer by layer.

    The model is a known name or a .tflite file; a file needs --task. Nothing is recorded.
    """
    from mlperf_tiny.harness.profile.measure import ProfileOptions, profile_model
    from mlperf_tiny.harness.profile.plot import check_plot, draw_profile
    from mlperf_tiny.harness.profile.text import render_profile

    if plot is not None:
        check_plot(plot)
        check_file(plot, "--plot")
    printer = ProgressPrinter()
    options = ProfileOptions(
        model=model,
        device=image.devices[0],
        task=image.task,
        engine=image.engine or DEFAULT_ENGINE,
        toolchain=image.toolchain,
        timing=image.timing,
        data=data.data,
    )
    profile = profile_model(options, printer.log)
    if as_json:
        echo_json(profile.to_json(), indent=1)
    else:
        echo(render_profile(profile))
    if plot is not None:
        try:
            draw_profile(profile, plot)
        except OSError as error:
            raise write_error(error, plot, "or name another file with --plot") from error
        printer.log(f"plot: {plot}")
