# SPDX-License-Identifier: Apache-2.0
"""Engines side by side: the same models, the same inputs and the same emulated boards.

Each image is driven through the ordinary session, with windows of a few inferences instead of the rules' ten seconds:
an emulated core counts exactly however short the window. Outputs are compared as the int8 tensors they are, read from
the board's RAM, not as the rounded text of ``m-results``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlperf_tiny.errors import BuildError, DoesNotFit, ProtocolError, TransportError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.harness.compare.plan import ComparisonPlan
from mlperf_tiny.harness.compare.rows import Answers, ComparisonRow, InferenceCost, compared
from mlperf_tiny.harness.image.build import BuiltImage
from mlperf_tiny.harness.image.parts import resolve_parts
from mlperf_tiny.harness.run.emulated import EmulatedSession, emulated_session
from mlperf_tiny.harness.run.short_inputs import short_inputs
from mlperf_tiny.models.catalog.model import CatalogModel
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.levels import find_level

OUTPUT_SYMBOL = "results_tensor"
"""The monitor's pointer to the last output tensor (``firmware/monitor/results.h``)."""

COUNTED = 4
"""Inferences a count is taken over: ``infer 1 0`` and ``infer 5 0`` differ by so many, and by no printing."""


def compare(plan: ComparisonPlan, listener: Listener) -> Iterator[ComparisonRow]:
    """Yield one row for each board, model and engine as it is measured.

    What cannot be built or run is a row with a ``problem``.

    Args:
        plan: What is to be measured.
        listener: Takes the progress.

    Raises:
        DataError: for a model or data that cannot be read.
    """
    total, done = len(plan.boards) * len(plan.models) * len(plan.engines), 0
    for board in plan.boards:
        for model in plan.models:
            reference: ComparisonRow | None = None
            for engine in plan.engines:
                listener.progress(Progress("comparing", done, total, f"{model.name} on {board.device}, {engine}"))
                row = compared(_row(plan, board, model, engine), reference)
                reference = row if engine == plan.engines[0] else reference
                yield row
                done += 1
    listener.progress(Progress("comparing", total, total, "done"))


def _row(plan: ComparisonPlan, board: Board, model: CatalogModel, engine: str) -> ComparisonRow:
    """Build and measure one row; a model that cannot be built or fails on the board gives the reason."""
    options = plan.options
    row = ComparisonRow(
        model=model.name,
        device=board.device,
        engine=engine,
        timing_model=find_level(options.level, board).model,
    )
    try:
        parts = resolve_parts(engine, board, model, options.toolchain)
        row = replace(row, engine_version=parts.model.engine_version, kernels=parts.model.kernels)
        samples, inputs = short_inputs(options.data, model, parts)
        image = parts.build(cache_folder())
        row = replace(row, compiler=image.info.compiler, inputs=inputs)
        cost, answers = measure_image(board, image, parts.model, samples, options.level)
        return replace(row, cost=cost, answers=answers)
    except DoesNotFit as error:
        need, have = f"{error.need_bytes:,}", f"{error.have_bytes:,}"
        return replace(row, problem=f"does not fit: {error.region} needs {need} bytes, has {have}")
    except (BuildError, ProtocolError, TransportError) as error:
        # Only the first line: the compiler's output or a crash report follows.
        return replace(row, problem=str(error).splitlines()[0])


def measure_image(
    board: Board, image: BuiltImage, model: EngineModel, samples: Sequence[Sample], level: str
) -> tuple[InferenceCost, Answers]:
    """Run an image on its emulated board: the cost of the first sample, and the answers to all.

    Args:
        board: The board's row.
        image: The image.
        model: The model in it.
        samples: Inputs of one inference each.
        level: Name of the timing level.

    Raises:
        ProtocolError: when the firmware does not answer as it should.
        TransportError: when it does not boot, or crashes.
    """
    with emulated_session(board, image.elf, level) as emulated:
        answers: Answers = {}
        for sample in samples:
            emulated.session.load(sample.load())
            emulated.session.infer(1, 0)
            answers[sample.name] = np.frombuffer(_output(emulated.board, model.output.size_bytes), np.int8)
        latency_us, instructions, cycles = _count(emulated, samples[0])
    cost = InferenceCost(
        latency_us=latency_us,
        instructions=instructions,
        cycles=cycles,
        arena_bytes=image.info.arena_bytes,
        ram_bytes=image.info.ram_bytes,
        flash_bytes=image.info.flash_bytes,
        constant_bytes=model.constant_bytes,
    )
    return cost, answers


def _count(emulated: EmulatedSession, sample: Sample) -> tuple[float, float, float]:
    """Device microseconds, instructions and cycles of one inference."""
    session, transport = emulated.session, emulated.transport
    session.load(sample.load())
    spent: list[dict[str, int]] = []
    for count in (1, 1 + COUNTED):
        before = transport.counters()
        inference = session.infer(count, 0)
        spent.append({name: value - before[name] for name, value in transport.counters().items()})
    instructions, cycles = ((spent[1][name] - spent[0][name]) / COUNTED for name in ("instructions", "cycles"))
    return inference.elapsed_us / inference.count, instructions, cycles


def _output(board: EmulatedBoard, size_bytes: int) -> bytes:
    """The output tensor of the last inference, from the emulated RAM."""
    symbol = board.image.symbols[OUTPUT_SYMBOL]
    pointer = int.from_bytes(board.read_memory(symbol, 4), "little")
    return board.read_memory(pointer, size_bytes)
