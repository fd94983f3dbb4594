# SPDX-License-Identifier: Apache-2.0
"""How much the weights of a network change its latency: trained against random ones, and random against random ones.

    python -m benchmarks.weights_and_latency [--again 30] [--refresh]

The compiled engine rounds each layer in the shortest way that is exact for its weights. First the networks that are
shipped, beside the same networks with random weights; then networks of kept characterisations (those of
``python -m benchmarks.characterization``), measured again with other random weights: what no prediction from shapes
can be better than. ``--refresh`` writes the tables into docs/search.md. A network takes a second or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial

import click
import numpy as np

from benchmarks.characterization import kept_tables
from benchmarks.characterization_report import arch_of
from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.harness.image.parts import RecordedModel, resolve_parts
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.search.characterize.measure import Target, measure, measure_parts
from mlperf_tiny.search.characterize.predictor import prediction_error
from mlperf_tiny.search.characterize.table import Characterization

NAME = "python -m benchmarks.weights_and_latency"
DEVICES = ("stm32f446", "stm32f746")
SHIPPED = {name: f"micronet-{name}" for name in ("kws-s", "kws-m", "ad-s", "ad-m", "vww-2")}
"""Name of a shipped model to its network."""
SEEDS = range(5)
OTHER_SEED = 1_000_000
"""What is added to the seed of a network that is measured again."""
AGAIN = ("kws", "cifar10", "vww-50")
"""Spaces whose networks are measured again."""


def trained_ms(name: str, device: str) -> float:
    """Return the latency of a shipped model.

    Args:
        name: The model.
        device: The board.
    """
    target = Target(device=device)
    content = find_model(name).load()
    model = RecordedModel(name=name, task="", input_format="features", content=content)
    parts = resolve_parts(target.engine, target.board, model)
    return measure_parts(parts, target.timing, cache_folder() / "objects").latency_ms


def random_ms(network: str, device: str, seed: int) -> float:
    """Return the latency of a network of the zoo with random weights.

    Args:
        network: Its name.
        device: The board.
        seed: Of the weights.
    """
    return measure(find_arch(network), Target(device=device), cache_folder() / "objects", seed).latency_ms


def trained_rows(pool: Executor) -> Iterator[list[str]]:
    """Yield a row for each shipped model and board."""
    for device in DEVICES:
        for name, network in SHIPPED.items():
            trained = pool.submit(trained_ms, name, device)
            others = np.array(list(pool.map(partial(random_ms, network, device), SEEDS)))
            if not others.all():
                continue  # it does not fit
            change = trained.result() / others.mean() - 1
            span = f"{others.min():.2f} to {others.max():.2f}"
            yield [name, device, f"{trained.result():.2f}", f"{others.mean():.2f}", span, f"{100 * change:+.1f} %"]


def measured_again(table: Characterization, count: int, pool: Executor) -> list[str]:
    """Return the row of a table whose networks are measured again with other weights.

    Args:
        table: The table.
        count: How many of its networks that fit.
        pool: Where they are measured.
    """
    target = Target(**table.settings["target"])
    models = table.models[table.models["fits"]].head(count)
    jobs = [
        pool.submit(measure, arch_of(table, text), target, cache_folder() / "objects", OTHER_SEED + int(index))
        for index, text in zip(models["index"], models["decisions"], strict=True)
    ]
    again = np.array([job.result().latency_ms for job in jobs])
    error = prediction_error(again, models["latency_ms"].to_numpy())
    figures = [f"{100 * error.mape:.2f} %", f"{100 * error.worst:.2f} %", f"{error.kendall_tau:.4f}"]
    return [table.settings["space"], target.device, str(len(models)), *figures]


def text_of(trained: Sequence[list[str]], again: Sequence[list[str]]) -> str:
    """Return both tables.

    Args:
        trained: Rows of the first.
        again: Rows of the second.
    """
    first = ("shipped", "board", "trained, ms", "random, ms", "5 random ones", "trained / random")
    second = ("networks of", "board", "networks", "mean difference", "largest", "Kendall's tau")
    return f"{markdown_table(first, trained, left=2)}\n\n{markdown_table(second, again, left=2)}"


@click.command()
@click.option("--again", "count", default=30, type=click.IntRange(2), help="Networks of a table to measure again.")
@click.option("--workers", default=2, type=click.IntRange(1), help="Processes.")
@click.option("--refresh", "refreshes", is_flag=True, help="Write the tables into docs/search.md.")
def main(count: int, workers: int, refreshes: bool) -> None:
    """Print how much weights change latency."""
    tables = kept_tables()
    with ProcessPoolExecutor(workers) as pool:
        trained = list(trained_rows(pool))
        names = [f"{space}-{device}-compiled-1" for space in AGAIN for device in DEVICES]
        again = [measured_again(tables[name], count, pool) for name in names if name in tables]
    text = text_of(trained, again)
    print(text)
    if refreshes:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
