# SPDX-License-Identifier: Apache-2.0
"""What the generated C will do: kernel calls in order, their constants, and the buffers they need.

``lower`` turns a Graph into a Plan, ``place`` gives every buffer an offset in the arena, ``emit_c`` writes the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.graph import Tensor


class Isa(Enum):
    """Which kernels the code will call: portable C (the specification), or the Armv7E-M DSP versions."""

    REF = "ref"
    DSP = "dsp"


@dataclass(frozen=True, eq=False)
class Constant:
    """One ``static const`` array of the generated C."""

    name: str
    ctype: str
    """``int8_t``, ``int16_t``, ``int32_t``, or ``uint8_t`` for tables."""
    values: NDArray[Any]
    """Of any shape; the C array has them in order."""
    comment: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.size) * {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4}[self.ctype]


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One kernel call: ``kernel(&params, input..., output[, scratch])``."""

    title: str
    """One line for the reader of the generated C: ``3: DEPTHWISE_CONV_2D 3x3/1x1  25x5x64 -> 25x5x64``."""
    kernel: str
    """The C function."""
    source: str
    """Its file, relative to ``firmware/engine``."""
    struct: str
    """The type of its parameters."""
    fields: Mapping[str, int | str]
    """Initialises the parameters in order. Text is emitted as it is: the name of a constant, or an array."""
    inputs: tuple[int, ...]
    """Indices of tensors in the arena."""
    output: int
    """The index of a tensor in the arena."""
    constants: tuple[Constant, ...] = ()
    scratch_bytes: int = 0
    """Memory needed during the call only; a multiple of 4."""
    in_place: int | None = None
    """An input of the same size that the output may overwrite, if nothing reads it later."""
    macs: int = 0
    """Multiply-accumulates; 0 for other kernels than convolutions and fully-connected layers."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ArenaBuffer:
    """An activation in the arena."""

    tensor: int
    """Its index in the graph."""
    name: str
    size_bytes: int
    first_use: int
    """The first step that it is needed in."""
    last_use: int
    """The last step that it is needed in."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TensorInfo:
    """The model's input or output, always int8 on the device."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @staticmethod
    def of(tensor: Tensor) -> TensorInfo:
        """Return what the outside needs of an int8 tensor that is quantised as a whole."""
        return TensorInfo(name=tensor.name, shape=tensor.shape, scale=tensor.scale, zero_point=tensor.zero_point)

    @property
    def size_bytes(self) -> int:
        """Bytes, which is also the number of values."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """The lowered model."""

    source: str
    """The model's name in messages, usually the file's."""
    isa: Isa
    steps: tuple[Step, ...]
    buffers: tuple[ArenaBuffer, ...]
    aliases: Mapping[int, int]
    """Tensor to the tensor whose bytes it shares: RESHAPE costs nothing."""
    input_tensor: int
    output_tensor: int
    input: TensorInfo
    output: TensorInfo
    notes: tuple[str, ...] = field(default_factory=tuple)
    """Sentences for the head of the generated C."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference, counted from shapes (convolutions and fully-connected only)."""
        return sum(step.macs for step in self.steps)

    @property
    def constant_bytes(self) -> int:
        """Flash taken by weights, biases, requantisation parameters and tables."""
        return sum(c.size_bytes for step in self.steps for c in step.constants)
