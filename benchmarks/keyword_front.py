# SPDX-License-Identifier: Apache-2.0
"""Keyword networks of later papers beside the MicroNet, in int8 with random weights on emulated boards.

    python -m benchmarks.keyword_front [--workers N] [--refresh]

Tables: what each network takes, what share of the cycles of two of them each kind of layer takes, and how accurate
those are that were trained here (``results/keyword_front/trainings.json``). ``--refresh`` writes them into
docs/search.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import click

from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.search.characterize.measure import Measurement, Target, measure

NAME = "python -m benchmarks.keyword_front"
NETWORKS = ("sparknet-16", "sparknet-32", "bcresnet-1", "bcresnet-1-logmel", "micronet-kws-s", "mlperf-kws")
DEVICES = ("stm32f446", "stm32f746")
DIVIDED = ("bcresnet-1", "sparknet-16")
"""The networks whose cycles are divided by kinds of layers."""
PUBLISHED = {"sparknet-16": 95.7, "sparknet-32": 97.0, "bcresnet-1-logmel": 96.9, "micronet-kws-s": 95.3}
"""Accuracy on the test set of Speech Commands v0.02 as published, in %; of floats, but for the MicroNet."""
TRAININGS = Path(__file__).parents[1] / "results" / "keyword_front" / "trainings.json"
"""Figures of networks trained here, from their cards."""
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
        length = f"depthwise {layer.kernel[0]}x{layer.kernel[1]}"
        return length if layer.dilation == (1, 1) else f"{length}, dilated"
    if layer.kind == "conv":
        return f"conv {layer.kernel[0]}x{layer.kernel[1]}"
    return layer.kind


def figures(found: Rows) -> str:
    """Return the table of networks."""
    rows = []
    for (name, device), row in found.items():
        macs = find_arch(name).macs
        sizes = [f"{size / 1024:.1f}" for size in (row.arena_bytes, row.ram_bytes, row.flash_bytes)]
        accuracy = f"{PUBLISHED[name]:.1f}" if name in PUBLISHED else ""
        shown = [f"{macs / 1e6:.2f}", f"{row.latency_ms:.2f}", f"{row.cycles / macs:.2f}", *sizes, accuracy]
        rows.append([name, device, *shown])
    head = ("network", "board", "M MACs", "latency, ms", "cycles / MAC", "arena, KiB", "RAM, KiB", "flash, KiB")
    return markdown_table((*head, "published, %"), rows, left=2)


def shares(found: Rows, name: str) -> str:
    """Return the table of a network's kinds of layers."""
    layers = find_arch(name).layers
    kinds = dict.fromkeys(kind_of(layer) for layer in layers if layer.kind != "reshape")
    taken = {device: dict.fromkeys(kinds, 0) for device in DEVICES}
    for device in DEVICES:
        for row in found[name, device].layers:
            if layers[row.layer].kind != "reshape":
                taken[device][kind_of(layers[row.layer])] += row.cycles
    macs = {kind: sum(layer.macs for layer in layers if kind_of(layer) == kind) for kind in kinds}
    rows = []
    for kind in kinds:
        cycles = [text for d in DEVICES for text in (f"{taken[d][kind]:,}", f"{_percent(taken[d], kind):.1f}")]
        rows.append([kind, f"{100 * macs[kind] / sum(macs.values()):.1f}", *cycles])
    columns = [text for d in DEVICES for text in (f"cycles, {d}", "%")]
    return markdown_table((f"layers of {name}", "% of MACs", *columns), rows)


def _percent(taken: Mapping[str, int], kind: str) -> float:
    return 100 * taken[kind] / sum(taken.values())


def trainings(cards: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of trained networks: right answers of the forms of each, on validation and on test rows."""
    rows = []
    for card in cards:
        figures = card["figures"]
        clips = {split: figures["tflite"][split]["clips"] for split in ("validation", "test")}
        shown = [
            f"{100 * figures[form][split]['accuracy']:.1f}"
            for split in clips
            for form in ("float", "int8_in_training", "tflite")
        ]
        recipe = card["recipe"]
        epochs = f"{recipe['epochs']} + {recipe['int8_epochs']}"
        rows.append([card["network"], epochs, str(recipe["seed"]), *shown, f"{clips['validation']}, {clips['test']}"])
    forms = [
        f"{split}, {form}" for split in ("validation", "test") for form in ("float", "int8 in training", ".tflite")
    ]
    return markdown_table(("network", "epochs", "seed", *forms, "clips"), rows)


@click.command()
@click.option("--workers", default=2, type=click.IntRange(1), help="Processes.")
@click.option("--refresh", "refreshes", is_flag=True, help="Write the tables into docs/search.md.")
def main(workers: int, refreshes: bool) -> None:
    """Print what keyword networks take on emulated boards."""
    found = measure_all(workers)
    models = "; ".join(f"{device}: {Target(device=device).timing_model}" for device in DEVICES)
    tables = [figures(found), *(shares(found, name) for name in DIVIDED)]
    text = "\n\n".join([f"Compiled engine, emulated ({models}), random weights.", *tables])
    if TRAININGS.is_file():
        stored = json.loads(TRAININGS.read_text(encoding="utf-8"))
        text += f"\n\n{stored['note']}\n\n{trainings(stored['cards'])}"
    print(text)
    if refreshes:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
