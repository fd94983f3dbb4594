# SPDX-License-Identifier: Apache-2.0
"""Which optimisation of TensorFlow Lite Micro's kernels is fastest on which core.

    python -m benchmarks.tflm_optimization Os=DIR O2=DIR O3=DIR [--model mlperf-kws ...] [--device stm32f746 ...]

Each DIR is what ``TFLM_DIR`` may name: a source tree with its library built, or a folder below its ``gen``. It may hold
a library for each core; a board without one is left out for that name. Every model is built with every library and
runs on the emulated boards at each timing level, on the inputs that ``benchmark-compare`` takes. ``--refresh`` puts the
tables into ``docs/engines.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean

import click
import numpy as np

from benchmarks.doc_tables import DOCS, markdown_table, refresh
from mlperf_tiny.errors import BenchError, DoesNotFit, LibraryUnusable, UsageError
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.tflm.tree import VARIABLE
from mlperf_tiny.harness.compare.engines import measure_image
from mlperf_tiny.harness.compare.rows import Answers, InferenceCost
from mlperf_tiny.harness.image.engines import TFLM
from mlperf_tiny.harness.image.parts import resolve_parts
from mlperf_tiny.harness.run.short_inputs import short_inputs
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.catalog.model import CatalogModel
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.runners.emulator.timing.levels import LEVELS

COMMAND = "python -m benchmarks.tflm_optimization"
MODELS = ("mlperf-kws", "mlperf-vww", "mlperf-ic", "mlperf-ad")
BOARDS = ("stm32f746", "stm32f446")
TIMINGS = ("full",)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One model with one library on one board."""

    library: str
    """What the command line calls it."""
    device: str
    """Name of the board."""
    cpu: str
    """Its core."""
    model: str
    """Name of the model."""
    costs: dict[str, InferenceCost]
    """Of one inference, by timing level; empty where there is a ``problem``."""
    problem: str = ""
    """Why there are no costs."""
    answers: Answers = field(default_factory=dict, repr=False)
    """Name of an input to the output tensor."""


Figure = Callable[[InferenceCost], float]


def measure(
    libraries: dict[str, Path], models: Sequence[CatalogModel], devices: Sequence[str], timings: Sequence[str]
) -> Iterator[Measured]:
    """Yield a row for each board, model and library, in this order.

    Args:
        libraries: Name to the folder that ``TFLM_DIR`` would name.
        models: The models.
        devices: Names of boards.
        timings: Timing levels.

    Raises:
        UsageError: for a name or folder that does not exist.
        LibraryUnusable: for a board for whose core no folder has a library.
    """
    for board in map(find_board, devices):
        usable = _usable(libraries, board)
        for model in models:
            for library, folder in usable.items():
                yield _measured(library, folder, board, model, timings)


def _usable(libraries: dict[str, Path], board: Board) -> dict[str, Path]:
    """The folders with a library for the board's core."""
    problems, found = [], {}
    for name, folder in libraries.items():
        try:
            TFLM.check_board(board, {VARIABLE: str(folder)})
            found[name] = folder
        except UsageError:
            raise
        except LibraryUnusable as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return found


def _measured(library: str, folder: Path, board: Board, model: CatalogModel, timings: Sequence[str]) -> Measured:
    costs: dict[str, InferenceCost] = {}
    answers: Answers = {}
    problem = ""
    try:
        parts = resolve_parts(TFLM.name, board, model, environ={**os.environ, VARIABLE: str(folder)})
        samples, _ = short_inputs(None, model, parts)
        image = parts.build(cache_folder())
        for timing in timings:
            costs[timing], answers = measure_image(board, image, parts.model, samples, timing)
    except DoesNotFit as error:
        problem = f"does not fit: {error.region} needs {error.need_bytes:,}"
    return Measured(
        library=library,
        device=board.device,
        cpu=board.cpu,
        model=model.name,
        costs=costs,
        answers=answers,
        problem=problem,
    )


def report(rows: Sequence[Measured], libraries: Sequence[str], timings: Sequence[str]) -> str:
    """Return the tables in Markdown, and which library is fastest on which board.

    Args:
        rows: As ``measure`` yields them.
        libraries: Names of the libraries, in order of the columns.
        timings: Timing levels; the last is the one that the libraries are ranked by.
    """
    blocks = []
    for timing in timings:
        latency = _table(rows, libraries, timing, lambda cost: cost.latency_us / 1000, 2, means=True)
        blocks.append(f"Latency in ms, emulated, `--timing {timing}`:\n\n{latency}")
    instructions = _table(rows, libraries, timings[-1], lambda cost: cost.instructions or 0, 0)
    blocks.append(f"Instructions of one inference:\n\n{instructions}")
    flash = _table(rows, libraries, timings[-1], lambda cost: cost.flash_bytes or 0, 0)
    blocks.append(f"Flash of the whole image in bytes, with the model:\n\n{flash}")
    return "\n\n".join([*blocks, "\n".join(_conclusions(rows, libraries, timings))])


def _table(
    rows: Sequence[Measured], libraries: Sequence[str], timing: str, figure: Figure, digits: int, means: bool = False
) -> str:
    """A row for each board and model, a column for each library; the least of a row is bold."""
    lines: list[tuple[str, ...]] = []
    for device in dict.fromkeys(row.device for row in rows):
        of_board = [row for row in rows if row.device == device]
        for model in dict.fromkeys(row.model for row in of_board):
            found = {row.library: row for row in of_board if row.model == model}
            lines.append((device, model, *_cells(found, libraries, timing, figure, digits)))
        if means and (ratios := mean_ratios(of_board, timing)):
            cells = (f"{ratios[name]:.3f}" if name in ratios else "-" for name in libraries)
            lines.append((device, f"mean against {next(iter(ratios))}", *cells))
    return markdown_table(("board", "model", *libraries), lines, left=2)


def _cells(
    found: dict[str, Measured], libraries: Sequence[str], timing: str, figure: Figure, digits: int
) -> Iterator[str]:
    texts = {name: f"{figure(row.costs[timing]):,.{digits}f}" for name, row in found.items() if timing in row.costs}
    least = min(texts.values(), key=lambda text: float(text.replace(",", "")), default="")
    for name in libraries:
        if name not in texts:
            yield found[name].problem if name in found else "-"
        else:
            yield f"**{least}**" if texts[name] == least and len(set(texts.values())) > 1 else texts[name]


def mean_ratios(rows: Sequence[Measured], timing: str) -> dict[str, float]:
    """Return each library's latency against that of the first, as the geometric mean over the models that all ran.

    Args:
        rows: Of one board.
        timing: The timing level.
    """
    names = list(dict.fromkeys(row.library for row in rows))
    latency = {(row.model, row.library): row.costs[timing].latency_us for row in rows if timing in row.costs}
    models = [
        model for model in dict.fromkeys(row.model for row in rows) if all((model, name) in latency for name in names)
    ]
    if not models:
        return {}
    return {
        name: geometric_mean([latency[model, name] / latency[model, names[0]] for model in models]) for name in names
    }


def _conclusions(rows: Sequence[Measured], libraries: Sequence[str], timings: Sequence[str]) -> Iterator[str]:
    for device in dict.fromkeys(row.device for row in rows):
        of_board = [row for row in rows if row.device == device]
        for timing in timings:
            ratios = mean_ratios(of_board, timing)
            order = sorted(ratios, key=lambda name: ratios[name])
            if order:
                slower = ", ".join(f"{name} {100 * (ratios[name] / ratios[order[0]] - 1):.1f} %" for name in order[1:])
                yield (
                    f"* Fastest on the {device} ({of_board[0].cpu}) at `{timing}`, in the mean of the models: "
                    f"**{order[0]}**{f'. The others take longer: {slower}' if slower else ''}."
                )
    yield from _equality(rows)


def _equality(rows: Sequence[Measured]) -> Iterator[str]:
    """Which outputs are not those of the first library that ran the model on the board."""
    differ = []
    firsts: dict[tuple[str, str], Measured] = {}
    for row in rows:
        if row.answers:
            first = firsts.setdefault((row.device, row.model), row)
            count = sum(int(np.count_nonzero(row.answers[name] != values)) for name, values in first.answers.items())
            if count:
                differ.append(f"{row.model} with {row.library} on the {row.device} ({count:,} values)")
    yield f"* Outputs differ: {', '.join(differ)}." if differ else "* The outputs are equal with all of them."


def _libraries(values: Sequence[str]) -> dict[str, Path]:
    """``NAME=DIR`` words; raises click.UsageError."""
    found: dict[str, Path] = {}
    for value in values:
        name, equals, folder = value.partition("=")
        if not (name and equals and folder) or name in found:
            raise click.UsageError(f"{value!r} is not NAME=DIR with a name of its own, as in O3=tflite-micro/gen/o3.")
        found[name] = Path(folder)
    return found


@click.command()
@click.argument("libraries", nargs=-1, required=True, metavar="NAME=DIR...")
@click.option("--model", "models", multiple=True, default=MODELS, show_default=True, help="Name or path.")
@click.option("--task", help="Of models that are named by their path.")
@click.option("--device", "devices", multiple=True, default=BOARDS, show_default=True)
@click.option("--timing", "timings", multiple=True, type=click.Choice(LEVELS), default=TIMINGS, show_default=True)
@click.option("--refresh", "into_document", is_flag=True, help="Also put the tables into docs/engines.md.")
def main(
    libraries: tuple[str, ...],
    models: tuple[str, ...],
    task: str | None,
    devices: tuple[str, ...],
    timings: tuple[str, ...],
    into_document: bool,
) -> None:
    """Compare libraries of TensorFlow Lite Micro by what they were optimised for."""
    named = _libraries(libraries)
    rows: list[Measured] = []
    try:
        found = [find_model(model, task) for model in models]
        for row in measure(named, found, devices, timings):
            click.echo(f"{row.device} {row.model} {row.library}: {row.problem or 'measured'}", err=True)
            rows.append(row)
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    text = report(rows, tuple(named), timings)
    click.echo(text)
    if into_document:
        refresh(DOCS / "engines.md", COMMAND, text)


if __name__ == "__main__":
    main()
