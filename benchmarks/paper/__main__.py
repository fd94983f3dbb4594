# SPDX-License-Identifier: Apache-2.0
"""The MicroNets paper's tables with what is measured here beside what it prints.

    python -m benchmarks.paper [--measure] [--refresh]

``--measure`` runs every network with random weights on the emulated boards (some minutes) and keeps the figures in
results/paper/networks.json; with TFLM_DIR in the environment TFLM is measured too. ``--refresh`` writes the tables into
docs/paper.md.
"""

from __future__ import annotations

import sys

import click

from benchmarks.doc_tables import DOCS, refresh
from benchmarks.paper.measure import DEVICES, measure_all, store, stored
from benchmarks.paper.tables import contents_table, latency_table, size_table, uptime_table
from mlperf_tiny.models.data.download.cache import cache_folder

NAME = "python -m benchmarks.paper"


def tables() -> dict[str, str]:
    """Return all tables by the name in their marks."""
    found = stored()
    latencies = {f"{NAME}, {device}": latency_table(found, device) for device in DEVICES}
    timing = "; ".join(f"{device}: {model}" for device, model in found["timing_models"].items())
    return {
        f"{NAME}, contents": contents_table(),
        f"{NAME}, sizes": size_table(found),
        **latencies,
        f"{NAME}, duty cycles": uptime_table(found),
        f"{NAME}, timing models": timing,
    }


@click.command()
@click.option("--measure", "again", is_flag=True, help="Measure all networks again.")
@click.option("--refresh", "into_docs", is_flag=True, help="Write the tables into docs/paper.md.")
def main(again: bool, into_docs: bool) -> None:
    """Print the tables."""
    if again:
        store(measure_all(cache_folder() / "objects", lambda text: print(text, file=sys.stderr, flush=True)))
    for name, table in tables().items():
        click.echo(f"{name}\n\n{table}\n")
        if into_docs:
            refresh(DOCS / "paper.md", name, table)


if __name__ == "__main__":
    main()
