# SPDX-License-Identifier: Apache-2.0
"""Emulated time against published measurements.

``python -m benchmarks.timing_validation --images DIR [--level pipeline|full] [--build NAME] [--json] [--plot FILE]``
runs every image of a folder on the emulated board and sets the cycle model's latency beside the one measured on
silicon. ``DIR/images.csv`` (columns image, row, build) names the row of ``published_latency.csv`` for each image.
The images are built elsewhere from public sources; docs/timing.md lists them, and how the images must answer.

Exit status 1 when a regression row is off by more than 10 %. Test rows are reported, whatever comes out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from benchmarks.timing_validation_report import (
    MAX_ERROR,
    MAX_MEDIAN_ERROR,
    MAX_REGRESSION_ERROR,
    core_ratios,
    counted,
    plot,
    ratio_table,
    summaries,
    summary_table,
    table,
)
from benchmarks.timing_validation_rows import read_manifest, read_published
from benchmarks.timing_validation_run import Prediction, predict
from mlperf_tiny.errors import BenchError


@click.command()
@click.option("--images", "folder", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--level", default="full", show_default=True, help="Timing level of the emulator.")
@click.option("--build", "builds", multiple=True, help="Only images of this build.")
@click.option("--group", "groups", multiple=True, help="Only published rows of this group.")
@click.option("--operators", is_flag=True, help="List the cycles of each operator.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--plot", "plot_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a plot here, .svg or .png."
)
def main(
    folder: Path,
    level: str,
    builds: tuple[str, ...],
    groups: tuple[str, ...],
    operators: bool,
    as_json: bool,
    plot_file: Path | None,
) -> None:
    """Predict the latency of every image in a folder and compare."""
    try:
        images = read_manifest(folder, read_published())
        wanted = [one for one in images if (not builds or one.build in builds)]
        wanted = [one for one in wanted if not groups or one.row.group in groups]
        predictions = []
        for number, image in enumerate(wanted, 1):
            print(f"{number}/{len(wanted)} {image.path.name}", file=sys.stderr, flush=True)
            predictions.append(predict(image, level))
    except BenchError as error:
        print(f"timing_validation: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    predictions.sort(key=lambda one: (one.image.row.group, one.image.build, one.image.row.device, one.image.row.model))
    if as_json:
        for one in predictions:
            print(json.dumps(as_dict(one, level)))
    else:
        print(report(predictions, operators))
    if plot_file is not None:
        draw(predictions, level, plot_file)
    bad = [one for one in counted(predictions, ("regression",)) if abs(one.error) > MAX_REGRESSION_ERROR]
    sys.exit(1 if bad else 0)


def draw(predictions: list[Prediction], level: str, path: Path) -> None:
    """Write the plot of ``--plot``; ends the program where that cannot be drawn."""
    try:
        plot(predictions, f"Latency of one inference, --timing {level}", path)
    except BenchError as error:
        print(f"timing_validation: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def as_dict(one: Prediction, level: str) -> dict[str, object]:
    """A prediction as plain data."""
    row = one.image.row
    return {
        "row": row.row,
        "build": one.image.build,
        "device": row.device,
        "model": row.model,
        "counted": row.counted,
        "level": level,
        "published_ms": row.latency_ms,
        "predicted_ms": one.predicted_ms,
        "error": one.error,
        "cycles": one.cycles,
        "instructions": one.instructions,
        "operators": [list(operator) for operator in one.operators],
    }


def report(predictions: list[Prediction], operators: bool) -> str:
    """All tables, as Markdown."""
    parts = [table(predictions)]
    if operators:
        for one in predictions:
            parts.append(f"{one.image.path.name}\n" + "\n".join(f"    {n:24} {c:12,}" for n, c in one.operators))
    for kind, title in (("regression", "Regression rows"), ("test", "Test rows, not used for any parameter")):
        rows = counted(predictions, (kind,))
        if rows:
            parts.append(f"{title}:\n\n{summary_table(summaries(rows))}")
    tests = counted(predictions, ("test",))
    for build in sorted({one.image.build for one in tests}):
        errors = sorted(abs(one.error) for one in tests if one.image.build == build)
        middle = (errors[(len(errors) - 1) // 2] + errors[len(errors) // 2]) / 2
        parts.append(
            f"{build}: {len(errors)} pairs, median absolute error {middle:.1%} (maximum {MAX_MEDIAN_ERROR:.0%}), "
            f"worst {errors[-1]:.1%} (maximum {MAX_ERROR:.0%})"
        )
    ratios = core_ratios(tests)
    if ratios:
        parts.append(ratio_table(ratios))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
