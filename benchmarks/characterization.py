# SPDX-License-Identifier: Apache-2.0
"""Characterisation tables that are kept, the paper's comparison of them, and the command that measures them again.

    python -m benchmarks.characterization                       # the report, from the tables in results/
    python -m benchmarks.characterization --docs                # the same, written into docs/search.md
    python -m benchmarks.characterization --plot plots          # latency against operations, as the paper's figures
    python -m benchmarks.characterization --refresh [--only NAME] [--work build/characterization]

``--refresh`` runs ``micronet-characterize`` for each row of ``ROWS`` and keeps its tables; after an interruption the
same command continues. It takes a second or two for a network. Rows of TensorFlow Lite Micro need ``TFLM_DIR``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.characterization_report import PARTS, text_of
from benchmarks.doc_tables import DOCS, ROOT, refresh
from mlperf_tiny.errors import BenchError
from mlperf_tiny.harness.image.engines import find_engine
from mlperf_tiny.search.characterize.table import SETTINGS, Characterization, read_characterization
from mlperf_tiny.search.characterize.table import store_characterization as store

KEPT = ROOT / "results" / "characterization"
NAME = "python -m benchmarks.characterization"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One table."""

    space: str
    """Where its networks are drawn from."""
    device: str
    """The board."""
    engine: str = "compiled"
    """The engine."""
    models: int
    """Networks that fit."""
    seed: int = 1
    """Of the networks."""
    widest: float = 1.0
    """Share of the options of each decision that are drawn from."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.space}-{self.device}-{self.engine}-{self.seed}"

    @property
    def command(self) -> list[str]:
        """Arguments of ``micronet-characterize``, without --out."""
        options = {name: getattr(self, name) for name in ("device", "engine", "models", "seed", "widest")}
        return [self.space, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


ROWS = (
    *(
        Kept(space=space, device=board, models=400)
        for space in ("kws", "cifar10")
        for board in ("stm32f446", "stm32f746")
    ),
    Kept(space="vww-50", device="stm32f446", models=400, widest=0.6),
    Kept(space="vww-50", device="stm32f746", models=400),
    *(Kept(space="ad", device=board, models=60) for board in ("stm32f446", "stm32f746")),
    Kept(space="vww-160", device="stm32f446", models=24, widest=0.3),
    Kept(space="vww-160", device="stm32f746", models=24, widest=0.5),
    *(
        Kept(space=space, device=board, models=60, seed=2)
        for space in ("kws", "cifar10")
        for board in ("stm32f446", "stm32f746")
    ),
    Kept(space="vww-50", device="stm32f446", models=24, seed=2, widest=0.6),
    Kept(space="vww-50", device="stm32f746", models=24, seed=2),
    *(Kept(space="kws", device=board, engine="tflm", models=24) for board in ("stm32f446", "stm32f746")),
)
"""Seed 1 of kws, cifar10 and vww-50 is what latency models are fitted to; the others judge them."""


def kept_tables(folder: Path = KEPT) -> dict[str, Characterization]:
    """Return the tables that are kept, by name; raises DataError for one that cannot be read."""
    return {
        row.name: read_characterization(folder / row.name) for row in ROWS if (folder / row.name / SETTINGS).is_file()
    }


def measure_again(rows: Sequence[Kept], work: Path, folder: Path = KEPT) -> list[str]:
    """Measure tables and keep them; return the names of those whose engine cannot be used here.

    Args:
        rows: Which.
        work: Folder in which tables are made; what it has of them is continued.
        folder: Where they are kept.

    Raises:
        SystemExit: A measurement failed, with the status of the command.
    """
    left = []
    for number, row in enumerate(rows, 1):
        if find_engine(row.engine).unavailable_reason(os.environ):
            left.append(row.name)
            continue
        print(f"{number}/{len(rows)} {row.name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "mlperf_tiny", "characterize", *row.command, "--out", str(work / row.name)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise SystemExit(done.returncode)
        store(work / row.name, folder / row.name)
    return left


@click.command()
@click.option("--refresh", "again", is_flag=True, help="Measure the tables again.")
@click.option(
    "--only", multiple=True, type=click.Choice([row.name for row in ROWS]), help="These tables. May be repeated."
)
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "characterization",
    help="Folder for measurements; the same command continues there.",
)
@click.option("--plot", type=click.Path(path_type=Path, file_okay=False), help="Folder for plots, as SVG.")
@click.option("--docs", is_flag=True, help="Write the tables into docs/search.md.")
def main(again: bool, only: tuple[str, ...], work: Path, plot: Path | None, docs: bool) -> None:
    """Print what random networks take, beside the paper's figures."""
    if again:
        for name in measure_again([row for row in ROWS if not only or row.name in only], work):
            print(f"{name}: not measured, its engine cannot be used here", file=sys.stderr)
    try:
        tables = {name: table for name, table in kept_tables().items() if not only or name in only}
        for part in PARTS:
            text = text_of(part, tables)
            print(f"{text}\n")
            if docs:
                refresh(DOCS / "search.md", f"{NAME}, {part.name}", text)
    except BenchError as error:
        raise click.UsageError(str(error)) from error
    if plot is not None:
        from benchmarks.characterization_plots import draw

        for path in draw(tables, plot):
            print(path)


if __name__ == "__main__":
    main()
