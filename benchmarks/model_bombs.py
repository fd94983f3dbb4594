# SPDX-License-Identifier: Apache-2.0
"""Compiles small files that ask for much: huge dimensions, one table used thousands of times, long chains.

    python -m benchmarks.model_bombs

Wanted of each, for both instruction sets: the refusal that is named here, or C; within 2 s of processor time, and all
together within 256 MB. Exit status 1 when anything of that is not so.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np

from mlperf_tiny.errors import BuildError
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.arch.tflite_builder import Builder

LIMIT_S = 2.0
LIMIT_BYTES = 256 << 20
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Bomb:
    """One file."""

    name: str
    make: Callable[[], bytes]
    refusal: str = ""
    """Part of the sentence with which it is refused; empty for a file that is compiled."""


def layer(kind: str, channels: int, inputs: int = 1, per_channel: bool = False, last_scale: float = 0.0) -> bytes:
    """Return a convolution or fully-connected layer with random weights.

    Args:
        kind: TFLite's name of the operator.
        channels: Its outputs.
        inputs: Its input channels.
        per_channel: A scale for each channel, all different.
        last_scale: Small scales, and this one for the last channel, for which no cheap requantisation exists: it is
            searched for with every shift, for all channels before it.
    """
    draw, b = np.random.default_rng(1), Builder()
    dense = kind == "FULLY_CONNECTED"
    shape = (channels, inputs) if dense else (channels, 1, 1, inputs)
    shape = (1, 1, 1, channels) if kind == "DEPTHWISE_CONV_2D" else shape
    scale: Any = draw.uniform(0.01, 0.02, channels).astype(np.float32) if per_channel else np.float32(0.3)
    if last_scale:
        scale = np.array([3e-4] * (channels - 1) + [last_scale], np.float32)
    x = b.tensor((1, inputs) if dense else (1, 1, 1, inputs), scale=0.5, zero_point=3)
    y = b.tensor((1, channels) if dense else (1, 1, 1, channels), scale=0.7, zero_point=-5)
    weights = b.tensor(shape, scale=scale, data=draw.integers(-127, 128, shape))
    bias = b.tensor((channels,), "int32", scale=np.float32(0.5) * scale, data=draw.integers(-999, 999, channels))
    b.operator(kind, [x, weights, bias], [y], {})
    return b.build([x], [y])


def chain(kind: str, length: int, shape: tuple[int, ...] = (1, 8)) -> bytes:
    """Return ``length`` operators, each of the former one's output; every scale is another.

    Args:
        kind: TFLite's name; ADD takes the model's input too.
        length: Number of operators.
        shape: Of every tensor.
    """
    draw, b = np.random.default_rng(2), Builder()
    x = last = b.tensor(shape, scale=0.1)
    for _ in range(length):
        scale, zero = (1 / 256, -128) if kind == "LOGISTIC" else (draw.uniform(0.01, 0.1), draw.integers(-128, 128))
        y = b.tensor(shape, scale=float(scale), zero_point=int(zero), name="")
        b.operator(kind, [last, x] if kind == "ADD" else [last], [y])
        last = y
    return b.build([x], [last])


def one_buffer() -> bytes:
    """Return fully-connected layers that share their weights: a hundred kilobytes that are 17 MB as C."""
    b = Builder()
    x = last = b.tensor((1, 256), scale=0.5)
    weights = b.tensor((256, 256), scale=0.1, data=np.ones((256, 256)))
    for _ in range(255):
        y = b.tensor((1, 256), scale=0.5, name="")
        b.operator("FULLY_CONNECTED", [last, weights], [y], {})
        last = y
    return b.build([x], [last])


def joined(operators: int, operands: int) -> bytes:
    """Return concatenations of one value with itself.

    Args:
        operators: How many.
        operands: Of each.
    """
    b = Builder()
    x = b.tensor((1, 1), scale=0.5)
    for _ in range(operators):
        y = b.tensor((1, operands), scale=0.5, name="")
        b.operator("CONCATENATION", [x] * operands, [y], {"axis": 1})
    return b.build([x], [y])


def all_alive(tensors: int, shape: tuple[int, ...]) -> bytes:
    """Return a model that computes many tensors before it adds them.

    Args:
        tensors: How many.
        shape: Of each.
    """
    b = Builder()
    x = last = b.tensor(shape, scale=0.5)
    made = [b.tensor(shape, scale=0.5, name="") for _ in range(tensors)]
    for y in made:
        b.operator("RELU", [x], [y])
    for y in made:
        total = b.tensor(shape, scale=0.5, name="")
        b.operator("ADD", [last, y], [total])
        last = total
    return b.build([x], [last])


class _Once:
    """A table that is written once, however often it is named."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._at: int | None = None

    def Pack(self, writer: flatbuffers.Builder) -> int:
        if self._at is None:
            self._at = int(self._table.Pack(writer))
        return self._at


def repeated(what: str, count: int) -> bytes:
    """Return a model of one RELU whose vector of operators or tensors names one table many times.

    Args:
        what: ``operators`` or ``tensors``.
        count: How many times.
    """
    b = Builder()
    x, y = b.tensor((1, 8), scale=0.5), b.tensor((1, 8), scale=0.5)
    b.operator("RELU", [x], [y])
    tables = getattr(b.subgraph, what)
    tables += [_Once(tables[0])] * count
    return b.build([x], [y])


def shared_scales(tensors: int, scales: int) -> bytes:
    """Return operators that read thousands of tensors, all of one table with thousands of scales.

    Args:
        tensors: How many.
        scales: How many each has.
    """
    import ai_edge_litert.schema_py_generated as s

    w = flatbuffers.Builder(1 << 16)

    def vector(values: list[int], prepend: Callable[[int], None]) -> int:
        w.StartVector(4, len(values), 4)
        for value in reversed(values):
            prepend(value)
        return int(w.EndVector())

    def table(name: str, **fields: int) -> int:
        getattr(s, f"{name}Start")(w)
        for field, value in fields.items():
            getattr(s, f"{name}Add{field}")(w, value)
        return int(getattr(s, f"{name}End")(w))

    def ints(values: list[int]) -> int:
        return vector(values, w.PrependInt32)

    def tables(values: list[int]) -> int:
        return vector(values, w.PrependUOffsetTRelative)

    w.StartVector(4, scales, 4)
    for _ in range(scales):
        w.PrependFloat32(0.5)
    quantization = table("QuantizationParameters", Scale=w.EndVector())
    tensor = table("Tensor", Shape=ints([scales]), Type=s.TensorType.INT8, Quantization=quantization)
    operators = [
        table("Operator", Inputs=ints(list(range(first, first + 255))), Outputs=ints([tensors - 1 - first // 255]))
        for first in range(0, tensors - 256, 255)
    ]
    lists = {"Tensors": [tensor] * tensors, "Operators": operators}
    vectors = {name: tables(values) for name, values in lists.items()}
    subgraph = table("SubGraph", **vectors, Inputs=ints([0]), Outputs=ints([tensors - 1]))
    code = table("OperatorCode", BuiltinCode=s.BuiltinOperator.RELU)
    parts = {"OperatorCodes": [code], "Subgraphs": [subgraph], "Buffers": [table("Buffer")]}
    w.Finish(
        table("Model", Version=3, **{name: tables(values) for name, values in parts.items()}), file_identifier=b"TFL3"
    )
    return bytes(w.Output())


HUGE = (1, 8192, 8192, 1)
TOO_LARGE = "at most 67,108,864 are read"
BOMBS = (
    *(
        Bomb(name=f"{kind}, 131,072 channels", make=lambda kind=kind: layer(kind, 131_072), refusal="131,072 channels")
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ),
    *(
        Bomb(name=f"{kind}, as many scales as are read", make=lambda kind=kind: layer(kind, 12_288, 16, True))
        for kind in ("CONV_2D", "FULLY_CONNECTED")
    ),
    Bomb(name="8 MB, CONV_2D", make=lambda: layer("CONV_2D", 2880, 2880)),
    Bomb(name="8 MB, FULLY_CONNECTED", make=lambda: layer("FULLY_CONNECTED", 2880, 2880)),
    Bomb(name="8 MB, as many scales as are read", make=lambda: layer("FULLY_CONNECTED", 12_288, 675, True)),
    Bomb(name="8 MB, a long search", make=lambda: layer("FULLY_CONNECTED", 12_288, 675, last_scale=0.9)),
    Bomb(name="131,072 inputs", make=lambda: layer("FULLY_CONNECTED", 1, 131_072)),
    *(Bomb(name=f"512 {kind}", make=lambda kind=kind: chain(kind, 512)) for kind in ("LOGISTIC", "ADD", "QUANTIZE")),
    Bomb(name="4,000 RELU", make=lambda: chain("RELU", 4000), refusal="operators number 4,000, at most 512"),
    Bomb(name="65,536 operators", make=lambda: repeated("operators", 65_535), refusal="operators number 65,536"),
    Bomb(name="65,536 tensors", make=lambda: repeated("tensors", 65_534), refusal="tensors number 65,536"),
    Bomb(name="a buffer 255 times", make=one_buffer, refusal="bytes of constants out of a file of"),
    Bomb(name="131,584 operands", make=lambda: joined(512, 256), refusal="131,584 operands in all, at most 4,096"),
    Bomb(name="scales 15,872 times", make=lambda: shared_scales(16_000, 16_384), refusal="15,872 operands in all"),
    Bomb(name="scales 3,840 times", make=lambda: shared_scales(4_000, 16_384), refusal="no operator writes"),
    Bomb(name="250 tensors alive", make=lambda: all_alive(250, (1, 8))),
    Bomb(name="64 MB", make=lambda: chain("RELU", 1, HUGE)),
    Bomb(name="6.7 GB alive", make=lambda: all_alive(100, HUGE), refusal="at most 536,870,912 can be addressed"),
    *(
        Bomb(name=f"shape {shape}", make=lambda shape=shape: chain("RELU", 1, shape), refusal=TOO_LARGE)
        for shape in ((1, 2**16, 2**16), (1, 2**30 + 1, 4), (1, 2**31 - 1, 2**31 - 1, 8), (1, *(2**16,) * 4))
    ),
)


def try_bomb(bomb: Bomb, isa: Isa, limit_s: float = LIMIT_S) -> str:
    """Compile a file; return a sentence with what is not as wanted, empty for none.

    Args:
        bomb: The file.
        isa: For which instruction set.
        limit_s: Most processor time.
    """
    model, start = bomb.make(), time.process_time()
    try:
        compile_model(model, bomb.name, isa)
        got = ""
    except BuildError as error:
        got = str(error)
    took_s = time.process_time() - start
    if bool(got) != bool(bomb.refusal) or bomb.refusal not in got:
        return f"wanted {bomb.refusal or 'C'!r}, got {got or 'C'!r}"
    return f"{took_s:.1f} s" if took_s > limit_s else ""


def main() -> None:
    """Compile all files and print what came of them."""

    def peak_bytes() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT

    compile_model(chain("RELU", 1), "first", Isa.DSP)  # loads what all of them need
    before, faults = peak_bytes(), 0
    for bomb in BOMBS:
        for isa in Isa:
            problem = try_bomb(bomb, isa)
            faults += bool(problem)
            print(f"{bomb.name}, {isa.value}: {problem or 'as wanted'}")
    grown = peak_bytes() - before
    print(f"{len(BOMBS)} files, {grown >> 20} MB, {faults} faults")
    sys.exit(1 if faults or grown > LIMIT_BYTES else 0)


if __name__ == "__main__":
    main()
