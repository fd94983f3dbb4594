# SPDX-License-Identifier: Apache-2.0
"""Engines side by side: the same models, the same inputs and the same emulated boards.

Each image is driven through the ordinary session, with a window of one second instead of the rules' ten:
an emulated core counts exactly, and what it prints is little of that. Outputs are compared as the int8 tensors they
are, read from the board's RAM, not as the rounded text of ``m-results``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlperf_tiny.errors import BuildError, DoesNotFit, ProtocolError, TransportError, UsageError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.harness.compare.plan import ComparisonPlan
from mlperf_tiny.harness.compare.rows import Answers, ComparisonRow, InferenceCost, compared
from mlperf_tiny.harness.image.build import BuiltImage
from mlperf_tiny.harness.image.parts import resolve_parts
from mlperf_tiny.harness.record.compute import count_per_inference
from mlperf_tiny.harness.record.measured import Timed
from mlperf_tiny.harness.run.calibration import counted_inferences
from mlperf_tiny.harness.run.emulated import emulated_session
from mlperf_tiny.harness.run.short_inputs import short_inputs
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.models.catalog.model import CatalogModel
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.levels import find_level

OUTPUT_SYMBOL = "results_tensor"
"""The monitor's pointer to the last output tensor (``firmware/monitor/results.h``)."""

WINDOW_US = 1_000_000
"""Device microseconds that are counted: some digits more, printed at 115200 baud, are a thousandth of that at most."""


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
    except UsageError:
        raise
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
        session, answers = emulated.session, Answers()
        for sample in samples:
            session.load(sample.load())
            session.infer(1, 0)
            answers[sample.name] = np.frombuffer(_output(emulated.board, model.output.size_bytes), np.int8)
        latency_us, instructions, cycles = measure_cost(session, emulated.transport.counters, samples[0])
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


def measure_cost(
    session: Session, counters: Callable[[], dict[str, int]], sample: Sample
) -> tuple[float, float, float]:
    """Return device microseconds, instructions and cycles of one inference, counted as in a run.

    Args:
        session: With the device.
        counters: Reads the ``instructions`` and ``cycles`` of the device.
        sample: The input.

    Raises:
        ProtocolError: when the firmware does not answer as it should.
    """
    session.load(sample.load())

    def timed(count: int) -> Timed:
        before = counters()
        inference = session.infer(count, 0)
        moved = {name: value - before[name] for name, value in counters().items()}
        return Timed(sample.name, inference, count, moved)

    one = timed(1)
    # A clock of milliseconds may not have moved: then its first step tells how long an inference is at most.
    many = timed(counted_inferences(max(one.inference.elapsed_us, 1), WINDOW_US))
    instructions, cycles = (count_per_inference(one, [many], name) for name in ("instructions", "cycles"))
    return many.inference.elapsed_us / many.inference.count, instructions, cycles


def _output(board: EmulatedBoard, size_bytes: int) -> bytes:
    """The output tensor of the last inference, from the emulated RAM."""
    symbol = board.image.symbols[OUTPUT_SYMBOL]
    pointer = int.from_bytes(board.read_memory(symbol, 4), "little")
    return board.read_memory(pointer, size_bytes)
