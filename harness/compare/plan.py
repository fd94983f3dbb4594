# SPDX-License-Identifier: Apache-2.0
"""What a comparison of engines covers: models, boards and engines, found or refused before anything is built."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.harness.image.engines import ENGINES, find_engine
from mlperf_tiny.models.catalog.catalog import available_locally, find_model, model_names
from mlperf_tiny.models.catalog.model import CatalogModel
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, find_level


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions:
    """What the user asked for."""

    task: str | None = None
    """Only models of this task."""
    models: tuple[str, ...] = ()
    """Names or .tflite paths; () for all that are available locally."""
    devices: tuple[str, ...] = ()
    """Boards; () for all that can be emulated."""
    engines: tuple[str, ...] = ()
    """Engines, the reference first; () for all that are available locally."""
    data: Path | None = None
    """Data folder, if one was named."""
    toolchain: str | None = None
    """Compiler of all engines; None for each engine's default."""
    timing: str | None = None
    """Timing level; None for the default."""

    @property
    def level(self) -> str:
        """The timing level, the default one where none was named."""
        return self.timing or DEFAULT_LEVEL


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """Each model is measured on each board with each engine, the first of which is the reference."""

    models: tuple[CatalogModel, ...]
    """The models."""
    boards: tuple[Board, ...]
    """The boards."""
    engines: tuple[str, ...]
    """Names of the engines."""
    notes: tuple[str, ...]
    """One sentence for each thing that was skipped."""
    options: ComparisonOptions
    """What the user asked for."""


def plan_comparison(options: ComparisonOptions, environ: Mapping[str, str] = os.environ) -> ComparisonPlan:
    """Find the rows of what is to be compared.

    Models that would have to be downloaded, and engines without their library, are skipped unless they are named.

    Args:
        options: What the user asked for.
        environ: Names the cache, the data folder and the engines' libraries.

    Raises:
        UsageError: for a name that does not exist, a named engine without its library, and a compiler that cannot
            build an engine.
    """
    notes: list[str] = []
    engines, boards = _engines(options.engines, notes, environ), _boards(options.devices)
    for engine in engines:
        find_engine(engine).toolchain(options.toolchain)
    for board in boards:
        find_level(options.level, board)
    return ComparisonPlan(
        models=_models(options, notes, environ), boards=boards, engines=engines, notes=tuple(notes), options=options
    )


def _models(options: ComparisonOptions, notes: list[str], environ: Mapping[str, str]) -> tuple[CatalogModel, ...]:
    if options.models:
        return tuple(find_model(name, options.task, data_dir=options.data) for name in dict.fromkeys(options.models))
    known = [find_model(name, data_dir=options.data) for name in model_names()]
    wanted = [model for model in known if options.task in (None, model.task)]
    if not wanted:
        tasks = sorted({model.task for model in known})
        raise UsageError(
            f"there is no model for a task {options.task!r}; there are models for {', '.join(tasks)}."
            + did_you_mean(options.task or "", tasks)
        )
    here = [model for model in wanted if available_locally(model.name, data_dir=options.data, environ=environ)]
    if away := [model.name for model in wanted if model not in here]:
        notes.append(f"skipped, not found locally: {', '.join(away)}. Name one with --model to download it.")
    if not here:
        raise UsageError(f"no model for task {options.task} is found locally. Name one with --model to download it.")
    return tuple(here)


def _boards(devices: Sequence[str]) -> tuple[Board, ...]:
    boards = tuple(map(find_board, dict.fromkeys(devices))) or tuple(board for board in BOARDS if not board.is_host)
    if any(board.is_host for board in boards):
        raise UsageError(
            "engines are compared on emulated boards, which count instructions; device host is a process. "
            "Omit it, or compare finished runs: benchmark-compare runs/A runs/B."
        )
    return boards


def _engines(named: Sequence[str], notes: list[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    for engine in named:
        if problem := find_engine(engine).unavailable_reason(environ):
            raise UsageError(problem)
    if named:
        return tuple(dict.fromkeys(named))
    problems = {name: engine.unavailable_reason(environ) for name, engine in ENGINES.items()}
    notes += [f"skipped: {problem}" for problem in problems.values() if problem]
    return tuple(name for name, problem in problems.items() if not problem)
