# SPDX-License-Identifier: Apache-2.0
"""The engines there are: for each, how a .tflite becomes its model, and which compiler builds it when none is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from mlperf_tiny.errors import LibraryUnusable, UsageError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import CompiledModel, compile_model
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.tflm.model import TflmModel, tflm_model
from mlperf_tiny.firmware.tflm.operators import read_resolver
from mlperf_tiny.firmware.tflm.tree import find_library, find_tree
from mlperf_tiny.firmware.toolchain import Toolchain, find_toolchain

MakeModel = Callable[[Board, bytes, str], EngineModel]
"""(board, the .tflite's bytes, what messages call it) -> its model for that board's core. Raises BuildError."""


def compile_for(board: Board, content: bytes, source: str) -> CompiledModel:
    """Compile a model with the kernels of ``board``'s core; raises ModelInvalid or UnsupportedOperator."""
    return compile_model(content, source, Isa.REF if board.is_host else Isa.DSP)


def interpret_on(board: Board, content: bytes, source: str, environ: Mapping[str, str] = os.environ) -> TflmModel:
    """Make a model for TensorFlow Lite Micro from the tree that ``TFLM_DIR`` names; its arena is yet to be found.

    Raises UsageError when there is no tree or no board, LibraryUnusable, ModelInvalid or UnsupportedOperator.
    """
    tree = find_tree(environ)
    library = find_library(tree, board)
    return tflm_model(content, source, library, read_resolver(tree.root))


ENGINES: Mapping[str, MakeModel] = {"compiled": compile_for, "tflm": interpret_on}
USUAL_TOOLCHAIN = {"tflm": "gcc"}


def check_engine(name: str) -> str:
    """Return ``name``; raises UsageError naming the engines there are."""
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}.")
    return name


def missing(engine: str, environ: Mapping[str, str] = os.environ) -> str:
    """What ``engine`` lacks on this machine, or what is wrong with it; "" when it can be used."""
    try:
        if engine == "tflm":
            find_tree(environ)
    except (UsageError, LibraryUnusable) as error:
        return str(error)
    return ""


def check_at_hand(engine: str, board: Board, environ: Mapping[str, str] = os.environ) -> None:
    """Raise UsageError or LibraryUnusable when ``engine`` cannot be built for ``board`` on this machine.

    Asked before anything is downloaded or compiled.
    """
    if engine == "tflm":
        find_library(find_tree(environ), board)


def toolchain_for(engine: str, name: str | None) -> Toolchain:
    """Return the compiler called ``name``, or the usual one; raises UsageError for one the engine cannot be built with.

    A C++ library made by the Arm GNU toolchain is linked by it: the packaged compiler has no C++ library for boards.
    """
    if engine == "tflm" and name not in (None, "gcc"):
        raise UsageError(
            f"engine tflm is built with arm-none-eabi-gcc; --toolchain {name} does not go with it. Leave it out."
        )
    return find_toolchain(name or USUAL_TOOLCHAIN.get(engine, "zig"))
