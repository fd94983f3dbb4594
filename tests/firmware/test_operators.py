# SPDX-License-Identifier: Apache-2.0
"""Every operator against TFLite's reference kernels, bit for bit, with portable and with DSP kernels.

A case is a row: what the one-operator model looks like. All cases share one body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.host_model import build_host_model
from tests.fakes.reference import run_reference

# (scale, zero point) of input and output: usual, extreme zero points, saturating, widening, nearly equal.
QUANTS = ((0.1, 3), (0.05, -128), (0.2, 127), (0.003, -5), (1.7, 0), (0.1000001, 3))


@dataclass(frozen=True)
class Case:
    """``make`` adds the operator(s) and returns the model's input and output tensors."""

    name: str
    make: Callable[[Builder], tuple[int, int]]


def window_case(
    kind: str, shape: tuple[int, int, int], window: tuple[int, int, int, int], padding: str, activation: str
):
    h, w, c = shape
    filter_h, filter_w, stride_h, stride_w = window

    def make(b: Builder) -> tuple[int, int]:
        if padding == "SAME":
            out = (-(-h // stride_h), -(-w // stride_w))
        else:
            out = ((h - filter_h) // stride_h + 1, (w - filter_w) // stride_w + 1)
        x = b.tensor((1, h, w, c), scale=0.05, zero_point=-7)
        y = b.tensor((1, *out, c), scale=0.05, zero_point=-7)
        options = {"padding": padding, "filter_h": filter_h, "filter_w": filter_w}
        b.operator(kind, [x], [y], options | {"stride_h": stride_h, "stride_w": stride_w, "activation": activation})
        return x, y

    return Case(f"{kind} {h}x{w}x{c} {filter_h}x{filter_w}/{stride_h}x{stride_w} {padding} {activation}", make)


def pool_cases() -> list[Case]:
    rows = [
        ((6, 6, 4), (2, 2, 2, 2), "VALID", "NONE"),
        ((5, 5, 3), (3, 2, 2, 2), "SAME", "RELU"),
        ((7, 5, 8), (3, 3, 1, 1), "SAME", "RELU6"),
        ((25, 5, 64), (25, 5, 25, 5), "VALID", "NONE"),
        ((8, 8, 64), (8, 8, 8, 8), "VALID", "NONE"),
        ((1, 1, 1), (1, 1, 1, 1), "VALID", "NONE"),
        ((4, 4, 6), (5, 5, 1, 3), "SAME", "RELU_N1_TO_1"),
        ((3, 9, 7), (2, 4, 3, 1), "SAME", "NONE"),
        ((24, 24, 5), (24, 24, 1, 1), "VALID", "NONE"),
        ((2, 2, 33), (2, 2, 1, 1), "SAME", "NONE"),
    ]
    return [window_case(kind, *row) for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D") for row in rows]


def unary_case(kind: str, shape: tuple[int, ...], source: tuple[float, int], target: tuple[float, int]) -> Case:
    def make(b: Builder) -> tuple[int, int]:
        x = b.tensor(shape, scale=source[0], zero_point=source[1])
        y = b.tensor(shape, scale=target[0], zero_point=target[1])
        b.operator(kind, [x], [y])
        return x, y

    return Case(f"{kind} {source} -> {target}", make)


def lookup_cases() -> list[Case]:
    rows = [(source, target) for i, source in enumerate(QUANTS) for target in QUANTS[i % 2 :: 2]]
    cases = [
        unary_case(kind, (1, 9, 31), s, t) for kind in ("RELU", "RELU6", "RELU_N1_TO_1", "QUANTIZE") for s, t in rows
    ]
    cases += [unary_case("HARD_SWISH", (1, 9, 31), s, t) for s, t in rows if s[0] / t[0] < 100]
    cases += [unary_case("TANH", (1, 9, 31), s, (1 / 128, 0)) for s in QUANTS]
    return cases + [unary_case("LOGISTIC", (1, 9, 31), s, (1 / 256, -128)) for s in QUANTS]


def softmax_case(shape: tuple[int, ...], scale: float, zero_point: int, beta: float) -> Case:
    def make(b: Builder) -> tuple[int, int]:
        x = b.tensor(shape, scale=scale, zero_point=zero_point)
        y = b.tensor(shape, scale=1 / 256, zero_point=-128)
        b.operator("SOFTMAX", [x], [y], {"beta": beta})
        return x, y

    return Case(f"SOFTMAX {shape} {scale} {zero_point} beta {beta}", make)


SOFTMAX_CASES = [
    softmax_case((1, 12), 0.0723, 11, 1.0),
    softmax_case((1, 2), 0.0142, -128, 1.0),
    softmax_case((1, 1), 0.1, 0, 1.0),
    softmax_case((1, 10), 0.15, 127, 0.5),
    softmax_case((1, 3, 5, 7), 0.4, 3, 1.0),
    softmax_case((1, 500), 0.02, 3, 2.0),
    softmax_case((1, 33), 1.3, 3, 1.0),
    softmax_case((1, 257), 1e-4, 3, 1.0),
    softmax_case((1, 100, 100, 3), 0.011, 3, 1.0),
    softmax_case((1, 100, 100, 10), 0.043, 3, 1.0),
]


def mean_case(
    shape: tuple[int, ...], axes: tuple[int, ...], keep: bool, source: tuple[float, int], target: tuple[float, int]
):
    def make(b: Builder) -> tuple[int, int]:
        summed = {axis % len(shape) for axis in axes}
        kept = tuple(1 if axis in summed else size for axis, size in enumerate(shape))
        out = kept if keep else tuple(size for axis, size in enumerate(shape) if axis not in summed)
        x = b.tensor(shape, scale=source[0], zero_point=source[1])
        a = b.tensor((len(axes),), "int32", data=list(axes))
        y = b.tensor(out, scale=target[0], zero_point=target[1])
        b.operator("MEAN", [x, a], [y], {"keep_dims": keep})
        return x, y

    return Case(f"MEAN {shape} over {axes} keep {keep} {source} -> {target}", make)


MEAN_CASES = [
    mean_case((1, 7, 7, 12), (1, 2), True, (0.1, 3), (0.1, 3)),
    mean_case((1, 7, 7, 12), (1, 2), False, (0.1, 3), (0.07, -128)),
    mean_case((1, 25, 5, 64), (2, 1), True, (0.05, -128), (0.03, -128)),
    mean_case((1, 20, 20, 9), (1, 2), False, (0.05, 127), (0.11, 5)),
    mean_case((1, 5, 6, 7), (1,), False, (0.1, 3), (0.2, 3)),
    mean_case((1, 5, 6, 7), (2,), True, (0.1, 3), (0.01, 3)),
    mean_case((1, 5, 6, 7), (3,), False, (0.1, -3), (0.1, 3)),
    mean_case((1, 5, 6, 7), (-1, 1), False, (0.1, -3), (0.1, 3)),
    mean_case((1, 5, 6, 7), (1, 2, 3), True, (0.1, 3), (0.004, 3)),
    mean_case((1, 6, 7), (1, 1), False, (0.1, 3), (0.1, 3)),
    mean_case((1, 40), (1,), True, (0.1, 3), (0.1, 3)),
    mean_case((1, 1, 1, 5), (1, 2), False, (0.1, 3), (0.05, 0)),
]


@dataclass(frozen=True)
class OperandPair:
    """Shapes and quantisations of an elementwise case; a constant operand is drawn from a fixed seed."""

    a: tuple[int, ...]
    b: tuple[int, ...]
    a_quant: tuple[float, int]
    b_quant: tuple[float, int]
    out_quant: tuple[float, int]
    activation: str = "NONE"
    constant: str = ""


def elementwise_case(kind: str, pair: OperandPair) -> Case:
    def make(b: Builder) -> tuple[int, int]:
        rng = np.random.default_rng(5)
        tensors = []
        source = b.tensor(pair.b if pair.constant == "a" else pair.a, scale=0.1, zero_point=4)
        for side, shape, (scale, zero_point) in (("a", pair.a, pair.a_quant), ("b", pair.b, pair.b_quant)):
            if pair.constant == side:
                # Every value for a whole row of 256: against the ramp among the inputs these are all pairs.
                every = np.repeat(np.arange(-128, 128), 256)
                data = every if every.size == np.prod(shape) else rng.integers(-128, 128, shape)
                tensors.append(b.tensor(shape, scale=scale, zero_point=zero_point, data=data))
                continue
            # Two different functions of the input, so that the operands are not the same values: a mirrored copy
            # comes from pooling over a neighbourhood.
            tensor = b.tensor(shape, scale=scale, zero_point=zero_point)
            if side == "a" or len(shape) != 4 or pair.constant:
                b.operator("QUANTIZE", [source], [tensor])
            else:
                pooled = b.tensor(shape, scale=0.1, zero_point=4)
                same = {"padding": "SAME", "filter_h": 2, "filter_w": 2} if shape == pair.a else None
                over = {"padding": "VALID", "filter_h": pair.a[1] // shape[1], "filter_w": pair.a[2] // shape[2]}
                b.operator("MAX_POOL_2D", [source], [pooled], same or over)
                b.operator("QUANTIZE", [pooled], [tensor])
            tensors.append(tensor)
        out = tuple(np.broadcast_shapes(pair.a, pair.b))
        y = b.tensor(out, scale=pair.out_quant[0], zero_point=pair.out_quant[1])
        b.operator(kind, tensors, [y], {} if pair.activation == "NONE" else {"activation": pair.activation})
        return source, y

    return Case(f"{kind} {pair}", make)


FULL = (1, 6, 7, 5)
OPERAND_PAIRS = [
    OperandPair(FULL, FULL, (0.1, 4), (0.05, -10), (0.12, 0)),
    OperandPair(FULL, FULL, (0.03, 127), (0.1, -128), (0.1, -128), "RELU"),
    OperandPair((1, 16, 16, 16), (1, 16, 16, 16), (0.0371, -128), (0.1042, 12), (0.0533, -128), "RELU"),
    OperandPair(FULL, FULL, (0.1, 4), (0.1, 4), (0.1, 4), "RELU6"),
    OperandPair(FULL, FULL, (0.004, 4), (1.5, 0), (0.9, -20), "RELU_N1_TO_1"),
    OperandPair(FULL, FULL, (0.3, -5), (0.2, 60), (0.01, 20)),
    OperandPair((1, 1), (1, 1), (0.3, -5), (0.2, 60), (0.4, 20)),
    OperandPair(FULL, (1, 1, 1, 5), (0.1, 4), (0.05, -10), (0.12, 0)),
    OperandPair(FULL, (1, 1, 1, 5), (0.1, 4), (0.05, -10), (0.12, 0), constant="b"),
    OperandPair(FULL, (1,), (0.1, 4), (0.05, -10), (0.12, 0), constant="b"),
    OperandPair(FULL, (5,), (0.1, 4), (0.05, -10), (0.12, 0), constant="b"),
    OperandPair(FULL, FULL, (0.1, 4), (0.05, -10), (0.12, 0), constant="b"),
    OperandPair((1, 1, 1, 1), FULL, (0.1, 4), (0.05, -10), (0.12, 0), constant="a"),
    OperandPair((1, 6, 1, 1), (1, 1, 7, 5), (0.1, 4), (0.05, -10), (0.12, 0), constant="a"),
    OperandPair((1, 6, 1, 5), FULL, (0.1, 4), (0.05, -10), (0.12, 0), "RELU", constant="a"),
]
TIMES = (1, 6, 1, 8)  # the means over an axis that BC-ResNet adds
OPERAND_PAIRS += [
    OperandPair((1, 6, 7, 8), TIMES, (0.1, 4), (0.05, -10), (0.12, 0), "RELU"),
    OperandPair(TIMES, (1, 6, 7, 8), (0.0371, -128), (0.1042, 12), (0.0533, -128), constant="a"),
    OperandPair((1, 6, 7, 3), (1, 6, 1, 3), (0.1, 4), (0.1, 4), (0.2, -3), "RELU6"),
    OperandPair((1, 1, 7, 5), (1, 6, 1, 5), (0.1, 4), (0.05, -10), (0.12, 0), constant="b"),
]
PAIRS = (1, 256, 256, 1)
OPERAND_PAIRS += [
    OperandPair(PAIRS, PAIRS, (0.1, 4), (0.1, 4), (0.2, -3), constant="b"),
    OperandPair(PAIRS, PAIRS, (0.0371, -128), (0.1042, 12), (0.0533, -128), "RELU6", constant="b"),
    OperandPair(PAIRS, PAIRS, (0.0713, 19), (0.0261, -77), (0.0874, 5), constant="b"),
]
ELEMENTWISE_CASES = [elementwise_case(kind, pair) for kind in ("ADD", "SUB", "MUL") for pair in OPERAND_PAIRS]


def pad_case(kind: str, shape: tuple[int, ...], padding: tuple[tuple[int, int], ...], value: int = 0) -> Case:
    def make(b: Builder) -> tuple[int, int]:
        out = tuple(size + before + after for size, (before, after) in zip(shape, padding, strict=True))
        x = b.tensor(shape, scale=0.1, zero_point=-9)
        inputs = [x, b.tensor((len(shape), 2), "int32", data=padding)]
        if kind == "PADV2":
            inputs.append(b.tensor((1,), scale=0.1, zero_point=-9, data=[value]))
        y = b.tensor(out, scale=0.1, zero_point=-9)
        b.operator(kind, inputs, [y])
        return x, y

    return Case(f"{kind} {shape} {padding}", make)


PAD_CASES = [
    pad_case("PAD", (1, 5, 5, 3), ((0, 0), (0, 1), (0, 1), (0, 0))),
    pad_case("PAD", (1, 5, 4, 3), ((0, 0), (1, 2), (3, 0), (0, 0))),
    pad_case("PAD", (1, 5, 4, 3), ((0, 0), (1, 2), (3, 0), (2, 3))),
    pad_case("PAD", (1, 5, 4, 8), ((0, 0), (0, 0), (0, 0), (0, 8))),
    pad_case("PAD", (1, 17), ((0, 0), (5, 1))),
    pad_case("PAD", (1, 3, 4), ((0, 0), (5, 1), (2, 2))),
    pad_case("PADV2", (1, 5, 4, 3), ((0, 0), (1, 2), (3, 0), (2, 3)), 77),
]


def concatenation_case(shapes: tuple[tuple[int, ...], ...], axis: int) -> Case:
    """Inputs of several sizes along the axis: the model's input and poolings or paddings of it."""

    def make(b: Builder) -> tuple[int, int]:
        x = b.tensor(shapes[0], scale=0.1, zero_point=-9)
        parts = [x]
        for shape in shapes[1:]:
            part = b.tensor(shape, scale=0.1, zero_point=-9)
            grow = [[0, big - small] for small, big in zip(shapes[0], shape, strict=True)]
            b.operator("PAD", [x, b.tensor((len(shape), 2), "int32", data=grow)], [part])
            parts.append(part)
        out = list(shapes[0])
        out[axis] = sum(shape[axis] for shape in shapes)
        y = b.tensor(out, scale=0.1, zero_point=-9)
        b.operator("CONCATENATION", parts, [y], {"axis": axis})
        return x, y

    return Case(f"CONCATENATION {shapes} axis {axis}", make)


CONCATENATION_CASES = [
    concatenation_case(((1, 3, 4, 5), (1, 3, 4, 7), (1, 3, 4, 5)), 3),
    concatenation_case(((1, 3, 4, 5), (1, 3, 4, 6)), -1),
    concatenation_case(((1, 3, 4, 5), (1, 5, 4, 5)), 1),
    concatenation_case(((1, 3, 4, 5), (1, 3, 9, 5)), 2),
    concatenation_case(((1, 3), (1, 8)), 1),
    concatenation_case(((1, 3),), 1),
]


def alias_case(
    kind: str, shape: tuple[int, ...], out: tuple[int, ...], options: dict, extra: list[int] | None = None
) -> Case:
    """The alias between two poolings, so that its input and output are both inside the model."""

    def make(b: Builder) -> tuple[int, int]:
        x = b.tensor(shape, scale=0.1, zero_point=-9)
        middle = b.tensor(shape, scale=0.1, zero_point=-9)
        b.operator("RELU", [x], [middle])
        inputs = [middle]
        if extra is not None:
            inputs.append(b.tensor((len(extra),), "int32", data=extra))
        aliased = b.tensor(out, scale=0.1, zero_point=-9)
        b.operator(kind, inputs, [aliased], options)
        y = b.tensor(out, scale=0.2, zero_point=3)
        b.operator("QUANTIZE", [aliased], [y])
        return x, y

    return Case(f"{kind} {shape} -> {out}", make)


ALIAS_CASES = [
    alias_case("RESHAPE", (1, 3, 4, 5), (1, 60), {"new_shape": (1, 60)}, [1, 60]),
    alias_case("RESHAPE", (1, 3, 4, 5), (1, 12, 5), {"new_shape": (1, 12, 5)}),
    alias_case("SQUEEZE", (1, 1, 4, 5), (1, 4, 5), {"squeeze_dims": (1,)}),
    alias_case("EXPAND_DIMS", (1, 4, 5), (1, 1, 4, 5), {}, [1]),
]


def transpose_case(shape: tuple[int, ...], order: tuple[int, ...]) -> Case:
    def make(b: Builder) -> tuple[int, int]:
        x = b.tensor(shape, scale=0.1, zero_point=-9)
        y = b.tensor([shape[axis] for axis in order], scale=0.1, zero_point=-9)
        b.operator("TRANSPOSE", [x, b.tensor((len(order),), "int32", data=order)], [y])
        return x, y

    return Case(f"TRANSPOSE {shape} to {order}", make)


TRANSPOSE_CASES = [
    transpose_case((1, 3, 4, 5), (0, 3, 1, 2)),
    transpose_case((1, 3, 4, 5), (0, 3, 2, 1)),
    transpose_case((1, 3, 5), (0, 2, 1)),
    transpose_case((1, 1, 7, 5), (0, 2, 1, 3)),
    transpose_case((1, 7, 1, 5), (0, 3, 2, 1)),
]

CASES = [
    *pool_cases(),
    *lookup_cases(),
    *SOFTMAX_CASES,
    *MEAN_CASES,
    *ELEMENTWISE_CASES,
    *PAD_CASES,
    *CONCATENATION_CASES,
    *ALIAS_CASES,
    *TRANSPOSE_CASES,
]


def inputs_for(count: int, rows: int = 12) -> np.ndarray:
    """Random rows, the extremes, a ramp through all values, and two-valued noise that drives sums to their limits."""
    rng = np.random.default_rng(count)
    random = rng.integers(-128, 128, (rows, count))
    flat = [np.full(count, value) for value in (-128, -1, 0, 127)]
    ramp = np.arange(count) % 256 - 128
    noise = rng.choice([-128, 127], (2, count))
    return np.vstack([random, flat, ramp[None], noise]).astype(np.int8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_the_reference_kernels(case: Case) -> None:
    b = Builder()
    x, y = case.make(b)
    model = b.build([x], [y])
    graph = read_tflite(model, case.name)
    inputs = inputs_for(graph.tensors[x].elements)
    wanted = run_reference(model, inputs)
    portable, fast = lower(graph, Isa.REF), lower(graph, Isa.DSP)
    np.testing.assert_array_equal(build_host_model(portable).run(inputs), wanted)
    if [step.source for step in fast.steps] != [step.source for step in portable.steps]:
        np.testing.assert_array_equal(build_host_model(fast).run(inputs), wanted)


def test_softmax_of_many_equal_classes() -> None:
    """TFLite ends the process where the exponentials add up to 512; ours gives all classes the same."""
    case = softmax_case((1, 1000), 0.02, 3, 1.0)
    b = Builder()
    x, y = case.make(b)
    plan = lower(read_tflite(b.build([x], [y]), case.name), Isa.REF)
    assert (build_host_model(plan).run(np.zeros((1, 1000))) == -128).all()
