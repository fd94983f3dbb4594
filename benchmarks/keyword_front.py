# SPDX-License-Identifier: Apache-2.0
"""Keyword networks of later papers beside the MicroNet, in int8 with random weights on emulated boards.

    python -m benchmarks.keyword_front [--workers N] [--refresh]

Two tables: what each network takes, and what share of the cycles of bcresnet-1 each kind of layer takes. ``--refresh``
writes them into docs/search.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import click

from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.search.characterize.measure import Measurement, Target, measure

NAME = "python -m benchmarks.keyword_front"
NETWORKS = ("bcresnet-1", "micronet-kws-s", "mlperf-kws")
DEVICES = ("stm32f446", "stm32f746")
DIVIDED = "bcresnet-1"
"""The network whose cycles are divided by kinds of layers."""
Rows = Mapping[tuple[str, str], Measurement]
"""What a network took on a board."""


def measure_all(workers: int) -> Rows:
    """Return what each network takes on each board, from so many processes."""
    cases = list(product(NETWORKS, DEVICES))
    with ProcessPoolExecutor(workers) as pool:
        return dict(zip(cases, pool.map(_measure, *zip(*cases, strict=True)), strict=True))


def _measure(name: str, device: str) -> Measurement:
    return measure(find_arch(name), Target(device=device), cache_folder() / "objects")


def kind_of(layer: Layer) -> str:
    """Return what a layer is called in the table: layers of one kind run in the same kernel."""
    if layer.kind == "add":
        return "addition" if layer.repeats == 1 else "addition that repeats an operand"
    if layer.kind == "depthwise":
        return "depthwise" if layer.dilation == (1, 1) else "depthwise, dilated"
    if layer.kind == "conv":
        return f"conv {layer.kernel[0]}x{layer.kernel[1]}"
    return layer.kind


def figures(found: Rows) -> str:
    """Return the table of networks."""
    rows = []
    for (name, device), row in found.items():
        macs = find_arch(name).macs
        sizes = [f"{size / 1024:.1f}" for size in (row.arena_bytes, row.ram_bytes, row.flash_bytes)]
        rows.append([name, device, f"{macs / 1e6:.2f}", f"{row.latency_ms:.2f}", f"{row.cycles / macs:.2f}", *sizes])
    head = ("network", "board", "M MACs", "latency, ms", "cycles / MAC", "arena, KiB", "RAM, KiB", "flash, KiB")
    return markdown_table(head, rows, left=2)


def shares(found: Rows) -> str:
    """Return the table of kinds of layers."""
    layers = find_arch(DIVIDED).layers
    kinds = dict.fromkeys(kind_of(layer) for layer in layers if layer.kind != "reshape")
    taken = {device: dict.fromkeys(kinds, 0) for device in DEVICES}
    for device in DEVICES:
        for row in found[DIVIDED, device].layers:
            if layers[row.layer].kind != "reshape":
                taken[device][kind_of(layers[row.layer])] += row.cycles
    macs = {kind: sum(layer.macs for layer in layers if kind_of(layer) == kind) for kind in kinds}
    rows = [
        [kind, f"{100 * macs[kind] / sum(macs.values()):.1f}", *(f"{_percent(taken[d], kind):.1f}" for d in DEVICES)]
        for kind in kinds
    ]
    return markdown_table((f"layers of {DIVIDED}", "% of MACs", *(f"% of cycles, {d}" for d in DEVICES)), rows)


def _percent(taken: Mapping[str, int], kind: str) -> float:
    return 100 * taken[kind] / sum(taken.values())


@click.command()
@click.option("--workers", default=2, type=click.IntRange(1), help="Processes.")
@click.option("--refresh", "refreshes", is_flag=True, help="Write the tables into docs/search.md.")
def main(workers: int, refreshes: bool) -> None:
    """Print what keyword networks take on emulated boards."""
    found = measure_all(workers)
    models = "; ".join(f"{device}: {Target(device=device).timing_model}" for device in DEVICES)
    text = f"Compiled engine, emulated ({models}), random weights.\n\n{figures(found)}\n\n{shares(found)}"
    print(text)
    if refreshes:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
