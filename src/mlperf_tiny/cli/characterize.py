# SPDX-License-Identifier: Apache-2.0
"""``micronet-characterize``: what random networks of a search space take on an emulated board."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlperf_tiny.cli.command import OneOf, click_command, json_option
from mlperf_tiny.cli.options import COUNT, DEFAULT_ENGINE, DIR, device_option, help_text
from mlperf_tiny.cli.output import echo, echo_json
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS
from mlperf_tiny.terminal import text_table

if TYPE_CHECKING:
    from mlperf_tiny.search.characterize.table import Characterization


@click_command()
@click.argument("space")
@device_option(required=True)
@click.option("--engine", default=DEFAULT_ENGINE, metavar="ENGINE", help="Inference engine: compiled, or tflm.")
@click.option("--timing", type=OneOf(LEVELS), default=DEFAULT_LEVEL, help="Timing model of the emulated board.")
@click.option(
    "--models", type=COUNT, default=400, metavar="N", help="Networks to measure, without those that do not fit."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, metavar="N", help="Of the networks that are drawn."
)
@click.option(
    "--widest",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    default=1.0,
    metavar="SHARE",
    help="Draw from this share of the options of each decision, from the cheapest.",
)
@click.option("--out", type=DIR, required=True, metavar="DIR", help="Folder for the tables; what it has is continued.")
@click.option("--workers", type=COUNT, metavar="N", help=help_text("Processes on this machine.", "one for each core"))
@click.option("--scheduler", default="", metavar="ADDRESS", help="Measure on the workers of a Dask scheduler instead.")
@json_option
def main(
    space: str,
    device: str,
    engine: str,
    timing: str,
    models: int,
    seed: int,
    widest: float,
    out: Path,
    workers: int | None,
    scheduler: str,
    as_json: bool,
) -> None:
    """Measure random networks of the search space SPACE on an emulated board, before any is trained.

    Writes models.csv and layers.csv into the --out folder and prints the line of latency against operations. The same
    command continues what was interrupted. Needs pip install 'mlperf-tiny-harness[search]'.
    """
    from mlperf_tiny.firmware.boards import find_board
    from mlperf_tiny.models.data.download.cache import cache_folder
    from mlperf_tiny.search.characterize.campaign import Campaign, characterize
    from mlperf_tiny.search.characterize.measure import Target
    from mlperf_tiny.search.characterize.table import read_characterization
    from mlperf_tiny.search.characterize.workers import worker_pool
    from mlperf_tiny.search.space.spaces import find_space

    if find_board(device).is_host:
        raise UsageError("networks are characterised on emulated boards; device host is a process. Name a board.")
    target = Target(device=device, engine=engine, timing=timing)
    campaign = Campaign(space=find_space(space), target=target, models=models, seed=seed, widest=widest)
    campaign.settings()  # refuses a device, engine or level that cannot be used before processes are started
    printer = ProgressPrinter()
    objects = None if scheduler else cache_folder() / "objects"
    try:
        with worker_pool(workers, scheduler) as (executor, count):
            characterize(campaign, out, (executor, count), objects, printer.listener)
    except KeyboardInterrupt:
        printer.log(f"what was measured is kept in {out}; the same command continues")
        raise
    printer.clear()
    report = _report(read_characterization(out), find_board(device).clock_hz)
    if as_json:
        echo_json(report, indent=1)
    else:
        echo(_text(report))
        printer.log(f"tables: {out}")


def _report(found: Characterization, clock_hz: float) -> dict[str, Any]:
    from mlperf_tiny.search.characterize.linear_fit import fit_layers, fit_networks

    networks = fit_networks(found.models)
    return {
        **found.settings,
        "drawn": len(found.models),
        "too_large": int((~found.models["fits"]).sum()),
        "networks": None if networks is None else asdict(networks),
        "layers": {kind: asdict(line) for kind, line in fit_layers(found.layers, clock_hz).items()},
    }


def _text(report: dict[str, Any]) -> str:
    target = report["target"]
    rows = [["latency against operations", "points", "Mops/s", "intercept, ms", "r2"]]
    for name, line in [("networks", report["networks"]), *report["layers"].items()]:
        if line is not None:
            rows.append(
                [
                    name,
                    f"{line['points']:,}",
                    f"{line['mops_per_s']:.1f}",
                    f"{line['intercept_ms']:.3f}",
                    f"{line['r2']:.4f}",
                ]
            )
    head = f"{report['space']} on {target['device']}, {target['engine']}, emulated ({report['timing_model']})"
    count = (
        f"{report['drawn'] - report['too_large']} networks measured, {report['too_large']} of those drawn are too large"
    )
    return "\n".join([head, count, "", text_table(rows, align="<>>>>")])
