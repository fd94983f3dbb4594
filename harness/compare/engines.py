# SPDX-License-Identifier: Apache-2.0
"""Engines side by side: the same models, the same inputs and the same emulated boards.

Each image is driven through the ordinary session, with windows of a few inferences instead of the rules' ten seconds:
an emulated core counts exactly however short the window. Outputs are compared as the int8 tensors they are, read from
the board's RAM, not as the rounded text of ``m-results``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlperf_tiny.errors import BuildError, DoesNotFit, ProtocolError, TransportError, UsageError
from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat, own_format
from mlperf_tiny.harness.compare.rows import Answers, Figures, Row, compared
from mlperf_tiny.harness.image.build import Image, build_image
from mlperf_tiny.harness.image.engines import ENGINES, check_engine, missing, toolchain_for
from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.models.catalog.catalog import (
    CatalogModel,
    at_hand,
    benchmark_format,
    find_model,
    model_names,
    own_input_of,
)
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, cache_folder
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Dataset, Sample
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.inputs.feature_inputs import own_dataset
from mlperf_tiny.models.inputs.select import PERFORMANCE_SAMPLES, performance_inputs
from mlperf_tiny.models.tasks import BY_NAME
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, find_level
from mlperf_tiny.runners.emulator.transport import EmulatorTransport

OUTPUT_SYMBOL = "results_tensor"
"""The monitor's pointer to the last output tensor (``firmware/monitor/results.h``)."""

COUNTED = 4
"""Inferences a count is taken over: ``infer 1 0`` and ``infer 5 0`` differ by so many, and by no printing."""

INFER_S = 600.0
"""Host seconds one short window may take, on however busy a machine."""


@dataclass(frozen=True)
class Wish:
    """What the user wants compared; nothing named is "all there are". ``timing`` is how closely time is modelled."""

    task: str | None = None
    models: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    data: Path | None = None
    toolchain: str | None = None
    timing: str | None = None


@dataclass(frozen=True)
class Plan:
    """What will be compared: each model on each board with each engine, the first of which is the reference."""

    models: tuple[CatalogModel, ...]
    boards: tuple[Board, ...]
    engines: tuple[str, ...]
    notes: tuple[str, ...]
    wish: Wish


def plan_comparison(wish: Wish, environ: Mapping[str, str] = os.environ) -> Plan:
    """Find the rows of what is wished for; ``notes`` say what was left out of "all".

    Models that would have to be downloaded, and engines that lack their library, are left out unless they are named.
    Raises UsageError for what does not exist, for a named engine without its library, and for a compiler that does not
    go with an engine.
    """
    notes: list[str] = []
    engines, boards = _engines(wish.engines, notes, environ), _boards(wish.devices)
    for engine in engines:
        toolchain_for(engine, wish.toolchain)
    for board in boards:
        find_level(_level(wish), board)
    return Plan(
        models=_models(wish, notes, environ),
        boards=boards,
        engines=engines,
        notes=tuple(notes),
        wish=wish,
    )


def compare(plan: Plan, listener: Listener) -> Iterator[Row]:
    """Yield one row for each board, model and engine as it is measured.

    What cannot be built or run is a row with a ``problem``. Raises DataError for a model or data that cannot be read.
    """
    total, done = len(plan.boards) * len(plan.models) * len(plan.engines), 0
    for board in plan.boards:
        for model in plan.models:
            content = model.load()
            reference: Row | None = None
            for engine in plan.engines:
                listener.progress(Progress("comparing", done, total, f"{model.name} on {board.device}, {engine}"))
                row = compared(_row(plan, board, model, content, engine), reference)
                reference = row if engine == plan.engines[0] else reference
                yield row
                done += 1
    listener.progress(Progress("comparing", total, total, "done"))


def _models(wish: Wish, notes: list[str], environ: Mapping[str, str]) -> tuple[CatalogModel, ...]:
    if wish.models:
        return tuple(find_model(name, wish.task, data_dir=wish.data) for name in dict.fromkeys(wish.models))
    known = [find_model(name, data_dir=wish.data) for name in model_names()]
    wanted = [model for model in known if wish.task in (None, model.task)]
    if not wanted:
        tasks = ", ".join(sorted({model.task for model in known}))
        raise UsageError(f"there is no model for a task {wish.task!r}; there are models for {tasks}.")
    here = [model for model in wanted if at_hand(model.name, data_dir=wish.data, environ=environ)]
    if away := [model.name for model in wanted if model not in here]:
        notes.append(f"not at hand, so left out: {', '.join(away)}. Name one with --model to download it.")
    if not here:
        raise UsageError(f"no model for task {wish.task} is at hand. Name one with --model to download it.")
    return tuple(here)


def _boards(devices: Sequence[str]) -> tuple[Board, ...]:
    boards = tuple(map(find_board, dict.fromkeys(devices))) or tuple(board for board in BOARDS if not board.is_host)
    if any(board.is_host for board in boards):
        raise UsageError(
            "engines are compared on emulated boards, which count instructions; device host is a process. "
            "Leave it out, or compare finished runs: benchmark-compare runs/A runs/B."
        )
    return boards


def _engines(wished: Sequence[str], notes: list[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    for engine in wished:
        if problem := missing(check_engine(engine), environ):
            raise UsageError(problem)
    if wished:
        return tuple(dict.fromkeys(wished))
    lacks = {engine: missing(engine, environ) for engine in ENGINES}
    notes += [f"left out: {problem}" for problem in lacks.values() if problem]
    return tuple(engine for engine, problem in lacks.items() if not problem)


def _row(plan: Plan, board: Board, model: CatalogModel, content: bytes, engine: str) -> Row:
    """Build and measure one row. A model the engine or the board cannot take, or that fails there, says why."""
    level = _level(plan.wish)
    row = Row(model.name, board.device, engine, timing_model=find_level(level, board).model)
    try:
        made = ENGINES[engine](board, content, model.name)
        row = replace(row, engine_version=made.engine_version, kernels=made.kernels)
        input_format = input_format_of(model, made)
        wire = wire_of(model, input_format)
        samples, words = inputs_of(plan.wish.data, model, made, input_format)
        toolchain = toolchain_for(engine, plan.wish.toolchain)
        image = build_image(made, wire, board, toolchain, None, cache_folder())
        row = replace(row, compiler=image.facts.compiler, inputs=words)
        figures, answers = measure_image(board, image, made, samples, level)
        return replace(row, figures=figures, answers=answers)
    except DoesNotFit as error:
        need, have = f"{error.need_bytes:,}", f"{error.have_bytes:,}"
        return replace(row, problem=f"does not fit: {error.region} needs {need} bytes, has {have}")
    except (BuildError, ProtocolError, TransportError) as error:
        return replace(row, problem=str(error).splitlines()[0])  # a compiler's own words and a crash's report follow


def _level(wish: Wish) -> str:
    return wish.timing or DEFAULT_LEVEL


def input_format_of(model: CatalogModel, made: EngineModel) -> str:
    """Whether ``made`` takes the task's files ("benchmark") or only its own int8 tensor ("own")."""
    tensor = made.input
    return model.input_format or benchmark_format(model.task, tensor.size_bytes, tensor.scale, tensor.zero_point)


def wire_of(model: CatalogModel, input_format: str) -> WireFormat:
    """What the firmware of ``model`` takes and answers."""
    task = BY_NAME.get(model.task)
    if task is None:  # a model of a benchmark that cannot be run here yet can still be compared
        return WireFormat(model.task, InputFormat.INT8, ResultFormat.FINE)
    row = wire_format(task)
    return row if input_format == "benchmark" else own_format(row)


def inputs_of(
    data: Path | None, model: CatalogModel, made: EngineModel, input_format: str
) -> tuple[tuple[Sample, ...], str]:
    """The inputs of one inference each, and what they are in words; ``data`` is the folder the user named, if any."""
    size_bytes = made.input.size_bytes
    dataset = _dataset(data, model, input_format)
    if dataset is None:
        return random_inputs(size_bytes), f"{PERFORMANCE_SAMPLES} random int8 inputs"
    samples = performance_inputs(dataset, "benchmark", size_bytes)
    return samples, f"{len({sample.name for sample in samples})} {dataset.source} inputs of {dataset.name}"


def _dataset(data: Path | None, model: CatalogModel, input_format: str) -> Dataset | None:
    """The task's data as the model takes it; None for a model whose own inputs nothing here can make."""
    task = BY_NAME.get(model.task)
    if task is None:
        return None
    # A folder that is named must have a task's samples; here it may have those of some tasks.
    environ = os.environ if data is None else {**os.environ, DATA_VARIABLE: str(data)}
    if input_format == "benchmark":
        return load_dataset(task, environ=environ)
    own_input = own_input_of(model.sha256)
    return None if own_input is None else own_dataset(own_input, task, environ=environ)


def random_inputs(size_bytes: int) -> tuple[Sample, ...]:
    """Uniform int8 values of an input tensor of ``size_bytes``; in the last one only the two extremes."""

    def sample(number: int) -> Sample:
        random = np.random.default_rng([number, size_bytes])
        extreme = number == PERFORMANCE_SAMPLES - 1
        values = random.choice([-128, 127], size_bytes) if extreme else random.integers(-128, 128, size_bytes)
        return Sample(f"random_{number}", NO_LABEL, values.astype(np.int8).tobytes)

    return tuple(map(sample, range(PERFORMANCE_SAMPLES)))


def measure_image(
    board: Board, image: Image, made: EngineModel, samples: Sequence[Sample], level: str
) -> tuple[Figures, Answers]:
    """Run an image on its emulated board, timed at ``level``: figures on the first of ``samples``, answers to each.

    Raises ProtocolError or TransportError when the firmware does not come up, refuses or crashes.
    """
    emulated = EmulatedBoard(board, image.elf, level)
    transport = EmulatorTransport(emulated)
    try:
        session = Session(transport, Timeouts(infer_s=INFER_S))
        session.start()
        answers: Answers = {}
        for sample in samples:
            session.load(sample.load())
            session.infer(1, 0)
            answers[sample.name] = np.frombuffer(_output(emulated, made.output.size_bytes), np.int8)
        latency_us, instructions, cycles = _count(session, transport, samples[0])
    finally:
        transport.close()
    figures = Figures(
        latency_us=latency_us,
        instructions=instructions,
        cycles=cycles,
        arena_bytes=image.facts.arena_bytes,
        ram_bytes=image.facts.ram_bytes,
        flash_bytes=image.facts.flash_bytes,
        constant_bytes=made.constant_bytes,
    )
    return figures, answers


def _count(session: Session, transport: EmulatorTransport, sample: Sample) -> tuple[float, float, float]:
    """Device microseconds, instructions and cycles of one inference."""
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
