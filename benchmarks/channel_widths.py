# SPDX-License-Identifier: Apache-2.0
"""Convolutions of 136 to 140 channels: what it costs that a count is not divisible by four.

    python -m benchmarks.channel_widths [--engine tflm ...] [--refresh]

The MicroNets paper (section 3.2, figure 3): a convolution of 138 to 138 channels takes 37.5 ms on an STM32F767ZI, one
of 140 to 140 channels 21.5 ms. The shape of its map is not printed; here it is that of the keyword networks, 25 x 5,
for a 1x1 convolution, and 5 x 5 for one of 3x3. ``--refresh`` writes the table into docs/search.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import click

from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Conv, Flatten, GlobalPool
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.search.characterize.measure import Target, measure

NAME = "python -m benchmarks.channel_widths"
WIDTHS = (136, 137, 138, 139, 140)
MAPS = {(1, 1): (25, 5), (3, 3): (5, 5)}
"""Filter to the map that it is applied to."""
DEVICES = ("stm32f446", "stm32f746")


def layer_ms(kernel: tuple[int, int], target: Target, width: int) -> float:
    """Return the latency of a convolution, the first layer of a network.

    Args:
        kernel: Height and width of its filters.
        target: Board and engine.
        width: Its input and its output channels.
    """
    blocks = (Conv(width, kernel), GlobalPool(), Conv(2, (1, 1), relu="none"), Flatten())
    arch = Arch(name=f"conv-{width}", input_shape=(*MAPS[kernel], width), blocks=blocks)
    measured = measure(arch, target, cache_folder() / "objects")
    return 1e3 * measured.layers[0].cycles / target.board.clock_hz


def rows_of(engines: Sequence[str], workers: int) -> list[list[str]]:
    """Return a row for each filter, board and engine.

    Args:
        engines: Names of engines.
        workers: Processes.
    """
    rows = []
    with ProcessPoolExecutor(workers) as pool:
        for kernel, (height, width) in MAPS.items():
            for target in (Target(device=device, engine=engine) for engine in engines for device in DEVICES):
                latency = dict(zip(WIDTHS, pool.map(partial(layer_ms, kernel, target), WIDTHS), strict=True))
                name = f"{kernel[0]}x{kernel[1]} on {height}x{width}"
                gain = f"{latency[138] / latency[140]:.2f}"
                rows.append([name, target.device, target.engine, *(f"{latency[w]:.2f}" for w in WIDTHS), gain])
    return rows


@click.command()
@click.option("--engine", "engines", multiple=True, default=("compiled",), help="Engine. May be repeated.")
@click.option("--workers", default=2, type=click.IntRange(1), help="Processes.")
@click.option("--refresh", "refreshes", is_flag=True, help="Write the table into docs/search.md.")
def main(engines: tuple[str, ...], workers: int, refreshes: bool) -> None:
    """Print what convolutions take whose channels are not divisible by four."""
    header = ("convolution", "board", "engine", *(f"{width}, ms" for width in WIDTHS), "138 / 140")
    text = markdown_table(header, rows_of(engines, workers), left=3)
    print(text)
    if refreshes:
        refresh(DOCS / "search.md", NAME, text)


if __name__ == "__main__":
    main()
