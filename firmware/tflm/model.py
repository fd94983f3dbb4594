# SPDX-License-Identifier: Apache-2.0
"""A .tflite and a TensorFlow Lite Micro library in, an ``EngineModel`` out: the generated half of ``engine.cc``."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Tensor
from mlperf_tiny.firmware.codegen.ir.plan import TensorInfo
from mlperf_tiny.firmware.codegen.quantisation_scheme import scheme_problem
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.firmware.engine_model import Library
from mlperf_tiny.firmware.tflm.operators import Call, Resolver, resolver_calls

# Room for the interpreter, its op resolver and the kernels' calls. The deepest that any of the benchmark's models and
# MicroNets went on the emulated boards is 908 bytes (CMSIS-NN kernels); an overflow is a fault, not silence.
STACK_BYTES = 1920
# The interpreter aligns both ends of its arena to as much.
ARENA_ALIGNMENT_BYTES = 16


@dataclass(frozen=True, eq=False, kw_only=True)
class TflmModel:
    """A model for the interpreter."""

    source: str
    """The model's name in messages."""
    content: bytes
    """The .tflite."""
    input: TensorInfo
    output: TensorInfo
    calls: tuple[Call, ...]
    library: Library
    kernels: str
    """``CMSIS-NN`` or ``reference``."""
    arena_bytes: int = 0
    """0 until it has been measured how much the interpreter needs."""
    stack_bytes: int = STACK_BYTES
    engine: str = "tflm"
    sources: tuple[str, ...] = ("tflm/engine.cc", "tflm/errno.c")

    @property
    def engine_version(self) -> str:
        """The tree's commit, and the archive's hash: two builds of one commit are not the same."""
        return f"tflite-micro {self.library.version[:12]}, library {self.library.digest[:12]}"

    @property
    def constant_bytes(self) -> int:
        """Flash that holds the whole .tflite."""
        return len(self.content)

    @property
    def model_sha256(self) -> str:
        """Hash of the .tflite file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def files(self) -> Mapping[str, str]:
        """The header that ``engine.cc`` includes."""
        return {"tflm_model.h": _header(self)}

    def with_arena(self, arena_bytes: int) -> TflmModel:
        """The same with an arena of at least ``arena_bytes``."""
        return replace(self, arena_bytes=-(-arena_bytes // ARENA_ALIGNMENT_BYTES) * ARENA_ALIGNMENT_BYTES)


def tflm_model(content: bytes, source: str, library: Library, resolver: Resolver) -> TflmModel:
    """Return the model for the interpreter; pure.

    Args:
        content: The .tflite.
        source: Its name in messages.
        library: The library to link.
        resolver: The operators that the library's version can add.

    Raises:
        ModelInvalid: The file is broken.
        UnsupportedOperator: This version of TFLM does not support an operator, or the model has other than one int8
            input and one int8 output.
    """
    graph = read_tflite(content, source)
    return TflmModel(
        source=source,
        content=content,
        input=_edge(graph, "input", graph.inputs),
        output=_edge(graph, "output", graph.outputs),
        calls=resolver_calls(graph, resolver),
        library=library,
        kernels="CMSIS-NN" if "CMSIS_NN" in library.defines else "reference",
    )


def _edge(graph: Graph, what: str, indices: tuple[int, ...]) -> TensorInfo:
    if len(indices) != 1:
        raise UnsupportedOperator("MODEL", graph.source, f"it has {len(indices)} {what}s, wanted 1")
    tensor = graph.tensors[indices[0]]
    if problem := _problem(tensor):
        reason = scheme_problem(graph) or f"{problem}, engine tflm needs int8 with one scale; {_advice(what, tensor)}"
        raise UnsupportedOperator("MODEL", f"its {what}, {tensor}", reason)
    return TensorInfo.of(tensor)


def _problem(tensor: Tensor) -> str:
    if tensor.dtype != "int8":
        return f"it is {tensor.dtype}"
    return "it is not quantised as a whole" if tensor.quant is None or tensor.quant.per_channel else ""


def _advice(what: str, tensor: Tensor) -> str:
    if tensor.dtype in ("float32", "uint8"):
        return f"convert the model with inference_{what}_type = tf.int8, or take engine compiled"
    return "convert the model again"


def _header(model: TflmModel) -> str:
    values = {
        "TFLM_ARENA_BYTES": f"{model.arena_bytes}u",
        "TFLM_INPUT_BYTES": f"{model.input.size_bytes}u",
        "TFLM_INPUT_SCALE": _float(model.input.scale),
        "TFLM_INPUT_ZERO_POINT": str(model.input.zero_point),
        "TFLM_OUTPUT_BYTES": f"{model.output.size_bytes}u",
        "TFLM_OUTPUT_SCALE": _float(model.output.scale),
        "TFLM_OUTPUT_ZERO_POINT": str(model.output.zero_point),
    }
    name = PurePosixPath(model.source).name
    title = "".join(c if " " <= c <= "~" and c not in "\\?" else "_" for c in name).replace("*/", "* /")
    adds = "".join(
        f"    if (resolver.{call.text} != kTfLiteOk) {{\n        return kTfLiteError;\n    }}\n" for call in model.calls
    )
    return (
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        f"/* Generated from {title}: the model, and the {len(model.calls)} operators it has. */\n"
        "#ifndef TFLM_MODEL_H\n#define TFLM_MODEL_H\n\n"
        + "".join(f'#include "{header}"\n' for header in sorted({call.header for call in model.calls} - {""}))
        + "\n"
        + "".join(f"#define {key} {value}\n" for key, value in values.items())
        + f"\nusing TflmResolver = tflite::MicroMutableOpResolver<{len(model.calls)}>;\n\n"
        f"static TfLiteStatus tflm_add_operators(TflmResolver &resolver)\n{{\n{adds}    return kTfLiteOk;\n}}\n\n"
        f"alignas({ARENA_ALIGNMENT_BYTES}) static const unsigned char tflm_model[] = {{\n"
        f"{_bytes(model.content)}\n}};\n\n#endif\n"
    )


def _float(value: float) -> str:
    """A C++ literal that gives this float32 back."""
    text = str(np.float32(value))
    return text + ("f" if any(c in text for c in ".e") else ".0f")


def _bytes(content: bytes) -> str:
    lines = (content[at : at + 24] for at in range(0, len(content), 24))
    return textwrap.indent("\n".join(",".join(map(str, line)) + "," for line in lines), "    ")
