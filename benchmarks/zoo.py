# SPDX-License-Identifier: Apache-2.0
"""The networks of the zoo against the MicroNets paper: operations, flash and RAM, predicted, published and measured.

    python -m benchmarks.zoo

``file`` and ``arena`` are of the published model of that name where it is found (MLPERF_TINY_DATA): the size of the
.tflite, and the RAM of activations and scratch in this project's engine, which may write results over their inputs and
so go below ``peak``, the most that is alive at once. The rest is computed from the rows, and from Table 4 of
arXiv 2010.11267, whose KB are 1024 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import click

from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.memory import peak_bytes, tflite_bytes, tflm_ram_bytes
from mlperf_tiny.models.arch.zoo import ARCHS
from mlperf_tiny.models.catalog.catalog import available_locally, find_model
from mlperf_tiny.models.catalog.official import OFFICIAL

KIB = 1024


@dataclass(frozen=True)
class Published:
    """A row of Table 4: operations in millions, the model's file and its SRAM in KB."""

    mops: float
    flash_kib: float
    sram_kib: float


TABLE_4: dict[str, Published] = {
    "micronet-kws-l": Published(129, 612, 208.8),
    "micronet-kws-m": Published(30.6, 163, 103.3),
    "micronet-kws-s": Published(16.4, 102, 53.2),
    "micronet-vww-2": Published(5.3, 230, 69.5),
    "micronet-vww-3": Published(45.2, 458, 133.7),
    "micronet-vww-4": Published(37.7, 416, 118.7),
    "micronet-ad-l": Published(129, 442, 383.7),
    "micronet-ad-m": Published(124.7, 464, 274.5),
    "micronet-ad-s": Published(37.5, 253, 114.2),
    "dscnn-l": Published(107.2, 490, 201.3),
    "dscnn-m": Published(37.3, 181, 123.3),
    "dscnn-s": Published(7.1, 49, 47.2),
    "mobilenetv2-kws-l": Published(276.8, 988, 530),
    "mobilenetv2-kws-m": Published(59.26, 233, 266),
    "mobilenetv2-kws-s": Published(16.1, 87, 134.2),
    "ad-autoencoder": Published(0.52, 270, 4.7),
}

# The published file of a row with another name. The catalogue's dscnn-s and -m are other networks than the paper's.
PUBLISHED_AS = {"ad-autoencoder": "mlperf-ad", "hello-edge-dscnn-s": "dscnn-s", "hello-edge-dscnn-m": "dscnn-m"}
OTHERS = {"dscnn-s", "dscnn-m"}


def row_of(arch: Arch) -> str:
    """One line of the table."""
    paper = TABLE_4.get(arch.name)
    file, arena = _at_hand(arch.name)
    return (
        f"| {arch.name} | {2 * arch.macs / 1e6:.2f} | {paper.mops if paper else '-'} | {arch.parameters:,} "
        f"| {tflite_bytes(arch) / KIB:.0f} | {paper.flash_kib if paper else '-'} | {file} "
        f"| {tflm_ram_bytes(arch) / KIB:.1f} | {paper.sram_kib if paper else '-'} "
        f"| {peak_bytes(arch) / KIB:.1f} | {arena} |"
    )


def _at_hand(name: str) -> tuple[str, str]:
    """KB of the published file and of its arena in our engine; "-" where it was not found."""
    official = PUBLISHED_AS.get(name, name)
    known = name not in OTHERS and official in {row.name for row in OFFICIAL}
    if not known or not available_locally(official):
        return "-", "-"
    content = find_model(official).load()
    arena_bytes = compile_model(content, official, Isa.DSP).arena_bytes
    return f"{len(content) / KIB:.0f}", f"{arena_bytes / KIB:.1f}"


@click.command()
def main() -> None:
    """Print the table."""
    click.echo(
        "| network | Mops | paper | parameters | flash KB, predicted | paper | file "
        "| RAM KB in TFLM, predicted | paper | peak KB | arena KB here |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for arch in ARCHS:
        click.echo(row_of(arch))


if __name__ == "__main__":
    main()
