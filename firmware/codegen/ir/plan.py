# SPDX-License-Identifier: Apache-2.0
"""What the generated C will do: kernel calls in order, their constants, and the buffers they need.

``lower`` turns a Graph into a Plan, ``place`` gives every buffer an offset in the arena, ``emit_c`` writes the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np


class Isa(Enum):
    """Which kernels the code will call: portable C (the specification), or the Armv7E-M DSP versions."""

    REF = "ref"
    DSP = "dsp"


@dataclass(frozen=True, eq=False)
class Constant:
    """One ``static const`` array: C type ``int8_t``, ``int16_t`` or ``int32_t`` (``uint8_t`` for tables)."""

    name: str
    ctype: str
    values: np.ndarray
    comment: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.size) * {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4}[self.ctype]


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call: ``kernel(&params, input..., output[, scratch])``.

    ``fields`` initialises the parameter struct in order; a str value is emitted as it is (the name of one of
    ``constants``, or of an array). ``inputs`` and ``output`` are tensor indices living in the arena; ``scratch_bytes``
    (multiple of 4) is memory needed during the call only. ``in_place`` names an input tensor of the same size which
    the output may overwrite, if nothing reads it afterwards. ``source`` is the file in ``firmware/engine`` or in its
    ISA folder. ``title`` is one line for the reader of the generated C, for example
    ``3: DEPTHWISE_CONV_2D 3x3/1  25x5x64 -> 25x5x64``.
    """

    title: str
    kernel: str
    source: str
    struct: str
    fields: Mapping[str, int | str]
    inputs: tuple[int, ...]
    output: int
    constants: tuple[Constant, ...] = ()
    scratch_bytes: int = 0
    in_place: int | None = None
    macs: int = 0


@dataclass(frozen=True, eq=False)
class Buffer:
    """An activation in the arena. ``first_use`` and ``last_use`` are step numbers, both inclusive."""

    tensor: int
    name: str
    size_bytes: int
    first_use: int
    last_use: int


@dataclass(frozen=True, eq=False)
class TensorInfo:
    """What the outside must know of the model's input or output (always int8 on the device)."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def size_bytes(self) -> int:
        """Bytes, which is also the number of values."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Plan:
    """The lowered model. ``aliases`` maps a tensor to the one whose bytes it shares (RESHAPE costs nothing)."""

    source: str
    isa: Isa
    steps: tuple[Step, ...]
    buffers: tuple[Buffer, ...]
    aliases: Mapping[int, int]
    input_tensor: int
    output_tensor: int
    input: TensorInfo
    output: TensorInfo
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference, counted from shapes (convolutions and fully-connected only)."""
        return sum(step.macs for step in self.steps)

    @property
    def constant_bytes(self) -> int:
        """Flash taken by weights, biases, requantisation parameters and tables."""
        return sum(c.size_bytes for step in self.steps for c in step.constants)
