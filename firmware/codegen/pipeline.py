# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a .tflite to C text: read, lower, place, emit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.emit_c import emit_c
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Plan, TensorInfo
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.place import Placement, place
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.firmware.engine_model import Library

ENGINE = Path(__file__).parents[1] / "engine"
INCLUDE_FOLDERS = ("engine", "engine/dsp")  # of a folder made by ``self_contained``, besides the folder itself

# The deepest any official model and MicroNet went on the emulated boards is 472 bytes (both compilers). Nothing
# recurses and no interrupt is taken.
STACK_BYTES = 1536

MAX_ARENA_BYTES = 512 * 1024 * 1024
"""The RAM region of Armv7-M. C compilers refuse an array that a pointer cannot reach, in words of their own."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CompiledModel:
    """A model as C, which is an ``EngineModel``."""

    plan: Plan
    placement: Placement
    files: Mapping[str, str]
    """The generated text by file name."""
    sources: tuple[str, ...]
    """The kernels it calls, relative to ``firmware``."""
    model_sha256: str
    """Hash of the .tflite."""
    engine: str = "compiled"
    engine_version: str = ""
    library: Library | None = None
    stack_bytes: int = STACK_BYTES

    @property
    def kernels(self) -> str:
        """Which kernels it calls: ``ref`` or ``dsp``."""
        return self.plan.isa.value

    @property
    def input(self) -> TensorInfo:
        """The int8 input tensor."""
        return self.plan.input

    @property
    def output(self) -> TensorInfo:
        """The int8 output tensor."""
        return self.plan.output

    @property
    def arena_bytes(self) -> int:
        """RAM for activations and scratch."""
        return self.placement.arena_bytes

    @property
    def constant_bytes(self) -> int:
        """Flash for weights, biases, requantisation parameters and tables."""
        return self.plan.constant_bytes


def compile_model(data: bytes, source: str, isa: Isa) -> CompiledModel:
    """Compile a .tflite; pure, the same input gives the same text.

    Args:
        data: The file's bytes.
        source: Its name in messages and comments.
        isa: The instruction set of the core.

    Raises:
        ModelInvalid: The file is broken.
        UnsupportedOperator: The kernels do not do something of it.
    """
    plan = lower(read_tflite(data, source), isa)
    placement = place(plan)
    if placement.arena_bytes > MAX_ARENA_BYTES:
        needed = (
            f"its tensors need {placement.arena_bytes:,} bytes at a time, at most {MAX_ARENA_BYTES:,} can be addressed"
        )
        raise UnsupportedOperator("MODEL", source, needed)
    return CompiledModel(
        plan=plan,
        placement=placement,
        files=emit_c(plan, placement),
        sources=tuple(sorted({f"engine/{step.source}" for step in plan.steps})),
        model_sha256=hashlib.sha256(data).hexdigest(),
    )


def self_contained(compiled: CompiledModel) -> dict[str, str]:
    """``compiled.files`` together with the kernels and every header they need, under ``engine/``.

    Compile all .c files with ``-I. -Iengine -Iengine/dsp``.
    """
    files = dict(compiled.files)
    waiting = list(compiled.sources)
    waiting += [name for text in compiled.files.values() for name in _headers(text, ".", files)]
    while waiting:
        name = waiting.pop()
        if name not in files:
            text = (ENGINE.parent / name).read_text(encoding="utf-8")
            files[name] = text
            waiting += _headers(text, str(PurePosixPath(name).parent), files)
    return dict(sorted(files.items()))


def _headers(text: str, folder: str, generated: Mapping[str, str]) -> list[str]:
    """The project's headers that ``text``, a file in ``folder``, includes; found where the compiler would."""
    found = []
    for header in re.findall(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"', text, re.MULTILINE):
        paths = [str(PurePosixPath(place) / header) for place in (folder, *INCLUDE_FOLDERS)]
        found += [path for path in paths if path not in generated and (ENGINE.parent / path).is_file()][:1]
    return found
