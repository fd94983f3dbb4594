# SPDX-License-Identifier: Apache-2.0
"""The engines: everything that differs between them is in one row of ``ENGINES``.

To add an engine, write its ``EngineModel`` in a folder of ``firmware`` and add a row here; nothing else in the project
asks which engine a model is of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, Generic, TypeVar

from mlperf_tiny.errors import LibraryUnusable, UsageError, did_you_mean
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import CompiledModel, compile_model
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.firmware.engine_model import EngineModel, Library
from mlperf_tiny.firmware.tflm.model import TflmModel, tflm_model
from mlperf_tiny.firmware.tflm.operators import read_resolver
from mlperf_tiny.firmware.tflm.tree import SourceTree, find_library, find_tree
from mlperf_tiny.firmware.toolchain import Toolchain, find_toolchain
from mlperf_tiny.harness.image.arena import BuildWithArena, build_planned, build_with_least_arena
from mlperf_tiny.harness.image.layer_labels import LayerLabel, graph_labels, plan_labels

M = TypeVar("M", bound=EngineModel)


class LayerOrder(Enum):
    """How the function that runs a model goes through its layers, by which their boundaries are found."""

    CALLS = "straight-line code with one call for each layer"
    LOOP = "a loop with one turn for each layer"


@dataclass(frozen=True, kw_only=True)
class LayerBoundaries(Generic[M]):
    """Where the layers of a model are found in its image."""

    symbol: str
    """Symbol of the function that runs all layers, as the linker has it."""
    order: LayerOrder
    """How this function goes through them."""
    labels: Callable[[M, bytes], tuple[LayerLabel, ...]]
    """(model, its .tflite) -> one label for each layer, in order."""


def _nothing_missing(environ: Mapping[str, str]) -> str:
    return ""


def _any_board(board: Board, environ: Mapping[str, str]) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Engine(Generic[M]):
    """One engine: how its models are made and built, and where their layers are found."""

    name: str
    """As ``--engine`` names it and ``EngineModel.engine`` returns it."""
    make_model: Callable[[Board, bytes, str, Mapping[str, str]], M]
    """(board, the .tflite's bytes, name in messages, environment) -> model for the board's core. Raises BuildError."""
    build: BuildWithArena[M]
    """Links a model with its arena: planned by the generator, or the least its interpreter boots with."""
    layers: LayerBoundaries[M]
    """For ``benchmark-profile``."""
    default_toolchain: str
    """Compiler where none is named."""
    toolchains: tuple[str, ...] = ()
    """The only compilers it can be built with; () for any."""
    sources_redistributable: bool
    """Whether an image is made of this project's sources only, which a submission may enclose."""
    unavailable_reason: Callable[[Mapping[str, str]], str] = field(default=_nothing_missing)
    """(environment) -> what the engine lacks on this machine; "" when it can be used."""
    check_board: Callable[[Board, Mapping[str, str]], None] = field(default=_any_board)
    """(board, environment): raises UsageError or LibraryUnusable when it cannot be built for the board here."""

    def toolchain(self, name: str | None) -> Toolchain:
        """Return the compiler called ``name``, or the default one; raises UsageError for one that cannot build it."""
        found = find_toolchain(name or self.default_toolchain)
        if self.toolchains and name not in (None, *self.toolchains):
            raise UsageError(
                f"toolchain {name} cannot build engine {self.name} (it can be built with "
                f"{', '.join(self.toolchains)}). Omit --toolchain."
            )
        return found


def compile_for(board: Board, content: bytes, source: str) -> CompiledModel:
    """Compile a model with the kernels of a board's core.

    Args:
        board: Decides the kernels: C reference on the host, DSP extension on a Cortex-M.
        content: The .tflite file.
        source: Its name in messages and comments.

    Raises:
        ModelInvalid: for a broken file.
        UnsupportedOperator: for what the kernels do not do.
    """
    return compile_model(content, source, Isa.REF if board.is_host else Isa.DSP)


def interpret_on(board: Board, content: bytes, source: str, environ: Mapping[str, str] = os.environ) -> TflmModel:
    """Make a model for TensorFlow Lite Micro; its arena is not known yet (0 bytes).

    Args:
        board: Decides the library of the tree.
        content: The .tflite file.
        source: Its name in messages and comments.
        environ: ``TFLM_DIR`` in it names the tree.

    Raises:
        UsageError: when there is no tree, or no board.
        LibraryUnusable: when the tree has no library for the board's core.
        ModelInvalid: for a broken file.
        UnsupportedOperator: for what this version of the library does not do.
    """
    tree = find_tree(environ)
    library = _library(tree, board)
    return tflm_model(content, source, library, read_resolver(tree.root))


def _tflm_unavailable(environ: Mapping[str, str]) -> str:
    try:
        find_tree(environ)
    except (UsageError, LibraryUnusable) as error:
        return str(error)
    return ""


def _check_tflm_library(board: Board, environ: Mapping[str, str]) -> None:
    _library(find_tree(environ), board)


def _library(tree: SourceTree, board: Board) -> Library:
    """As ``find_library``, which takes seconds: a process reads archives again when they have changed."""
    try:
        states = tuple((path.stat().st_size, path.stat().st_mtime_ns) for path in tree.archives)
    except OSError:
        return find_library(tree, board)
    return _read_library(tree, board, states)


@lru_cache(maxsize=8)
def _read_library(tree: SourceTree, board: Board, states: tuple[tuple[int, int], ...]) -> Library:
    return find_library(tree, board)


COMPILED = Engine[CompiledModel](
    name="compiled",
    make_model=lambda board, content, source, environ: compile_for(board, content, source),
    build=build_planned,
    layers=LayerBoundaries(
        symbol="model_invoke",
        order=LayerOrder.CALLS,
        labels=lambda model, content: plan_labels(model.plan),
    ),
    default_toolchain="zig",
    sources_redistributable=True,
)

TFLM = Engine[TflmModel](
    name="tflm",
    make_model=interpret_on,
    build=build_with_least_arena,
    layers=LayerBoundaries(
        symbol="_ZN6tflite21MicroInterpreterGraph14InvokeSubgraphEi",
        order=LayerOrder.LOOP,
        labels=lambda model, content: graph_labels(read_tflite(content, model.engine)),
    ),
    default_toolchain="gcc",
    # Its C++ library is made by the Arm GNU toolchain: the packaged compiler has none for boards.
    toolchains=("gcc",),
    sources_redistributable=False,
    unavailable_reason=_tflm_unavailable,
    check_board=_check_tflm_library,
)

ENGINES: dict[str, Engine[Any]] = {engine.name: engine for engine in (COMPILED, TFLM)}
DEFAULT_ENGINE = COMPILED.name


def find_engine(name: str) -> Engine[Any]:
    """Return the row of the engine called ``name``; raises UsageError naming the engines there are."""
    if name not in ENGINES:
        raise UsageError(
            f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}.{did_you_mean(name, ENGINES)}"
        )
    return ENGINES[name]
