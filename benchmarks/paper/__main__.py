# SPDX-License-Identifier: Apache-2.0
"""The tables of the MicroNets paper and of MCUNet with what is measured here beside what they print.

    python -m benchmarks.paper [--measure] [--network NAME ...] [--co-design] [--refresh]

``--measure`` runs the networks with random weights on the emulated boards (about half an hour) and keeps the figures in
results/paper/networks.json; with TFLM_DIR in the environment TFLM is measured too, without it its rows stay.
``--co-design`` draws the networks of the co-design tables again. ``--refresh`` writes the tables into docs/paper.md.
"""

from __future__ import annotations

import sys

import click

from benchmarks.doc_tables import DOCS, refresh
from benchmarks.paper import tables, tables_mcunet
from benchmarks.paper.codesign import co_design
from benchmarks.paper.measure import CO_DESIGN, DEVICES, measure_all, store, stored
from mlperf_tiny.errors import BenchError
from mlperf_tiny.models.data.download.cache import cache_folder

NAME = "python -m benchmarks.paper"


def all_tables() -> dict[str, str]:
    """Return all tables by the name in their marks."""
    found, designed = stored(), stored(CO_DESIGN)
    latencies = {device: tables.latency_table(found, device) for device in DEVICES}
    by_name = {
        "contents": tables.contents_table(),
        "not measured": tables.absent_table(),
        "sizes": tables.size_table(found),
        **latencies,
        "stm32f767": tables.large_board_table(found),
        "ratios": tables.ratio_table(found),
        "machine sounds": tables.machine_sound_table(found),
        "memory of KWS-L": tables.memory_parts_table(found),
        "MCUNet measured": tables_mcunet.measured_table(found),
        "MCUNet STM32F746": tables_mcunet.f746_table(found),
        "MCUNet STM32H743": tables_mcunet.h743_table(found),
        "MCUNet claims": tables_mcunet.co_design_claims_table(),
        "co-design": tables_mcunet.co_design_table(designed),
        "co-design, TinyNAS": tables_mcunet.first_stage_table(designed),
        "co-design, overheads": tables_mcunet.overhead_text(designed),
        "timing models": "; ".join(f"{device}: {model}" for device, model in found["timing_models"].items()),
    }
    return {f"{NAME}, {name}": table for name, table in by_name.items()}


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@click.command()
@click.option("--measure", "again", is_flag=True, help="Measure the networks again; TFLM's rows stay without TFLM_DIR.")
@click.option("--network", "names", multiple=True, metavar="NAME", help="Measure only this network; may be repeated.")
@click.option("--co-design", "draw", is_flag=True, help="Draw the networks of the co-design tables again.")
@click.option("--refresh", "into_docs", is_flag=True, help="Write the tables into docs/paper.md.")
def main(again: bool, names: tuple[str, ...], draw: bool, into_docs: bool) -> None:
    """Print the tables."""
    try:
        if again or names:
            store(measure_all(cache_folder() / "objects", _log, stored(), names))
        if draw or (again and not names):
            store(co_design(stored()["networks"], DEVICES, _log), CO_DESIGN)
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    for name, table in all_tables().items():
        click.echo(f"{name}\n\n{table}\n")
        if into_docs:
            refresh(DOCS / "paper.md", name, table)


if __name__ == "__main__":
    main()
