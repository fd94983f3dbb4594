# SPDX-License-Identifier: Apache-2.0
"""Operators that map every int8 value on its own: the host works out all 256 answers, the device looks them up.

RELU, RELU6, RELU_N1_TO_1 and QUANTIZE (int8 to int8) are integer arithmetic in TFLite; LOGISTIC and TANH are tables
there too, filled in float32. Sources: TFLite ``kernels/activations.cc``, ``kernels/quantize.cc``,
``kernels/internal/common.h`` (LUTPopulate).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor, dims
from mlperf_tiny.firmware.codegen.ir.plan import Constant, Isa, Step
from mlperf_tiny.firmware.codegen.ir.requant import (
    activation_range,
    clamp_int8,
    quantize_multiplier,
    requantize,
    round_half_away,
    rounding_shift_right,
)
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    output,
    require,
    same_shape,
)


def lower_relu(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """Rescale to the output's quantisation, then clamp.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    # The quotient is a float32 one here, in QUANTIZE a double.
    multiplier, shift = quantize_multiplier(float(np.float32(in_.scale) / np.float32(out.scale)))
    low, high = activation_range(op.kind, out.scale, out.zero_point)

    def value(q: int) -> int:
        rescaled = out.zero_point + requantize(q - in_.zero_point, multiplier, shift)
        return min(max(rescaled, low), high)

    return _step(op, graph, in_, out, value)


def lower_quantize(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """int8 to int8 of another scale and zero point. The float QUANTIZE at the model's input never comes here.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    multiplier, shift = quantize_multiplier(in_.scale / out.scale)

    def value(q: int) -> int:
        return clamp_int8(out.zero_point + requantize(q - in_.zero_point, multiplier, shift))

    return _step(op, graph, in_, out, value)


def lower_float_function(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """LOGISTIC and TANH, every step in float32 as TFLite fills its own table.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    if op.kind == "LOGISTIC":
        fixed = out.scale == 1 / 256 and out.zero_point == -128
        require(
            fixed, op, graph, f"its output is {out.scale:g}/{out.zero_point}, TFLite wants scale 1/256, zero point -128"
        )
    function = _logistic if op.kind == "LOGISTIC" else _tanh
    inverse_scale = np.float32(1) / np.float32(out.scale)

    def value(q: int) -> int:
        real = np.float32(in_.scale) * np.float32(q - in_.zero_point)
        rounded = round_half_away(float(function(real) * inverse_scale))
        return clamp_int8(rounded + out.zero_point)

    return _step(op, graph, in_, out, value)


def lower_hard_swish(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """x * relu6(x + 3) / 6 in 16-bit fixed point. Source: TFLite ``kernels/internal/reference/hard_swish.h``.

    The input gets 7 more bits. One factor is rescaled to the output, the other to steps of 3 / 2^15, in which relu6
    is the saturation of int16; the exponent of the first is applied last.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    fine = np.float32(1 / 128) * np.float32(in_.scale)
    out_multiplier, out_shift = _multiplier_16(float(fine / np.float32(out.scale)))
    relu_multiplier, relu_shift = _multiplier_16(float(fine / (np.float32(3) / np.float32(1 << 15))))
    require(out_shift <= 0, op, graph, f"its output scale {out.scale:g} is over 128 times finer than its input's")

    def value(q: int) -> int:
        x = (q - in_.zero_point) << 7
        relu = x
        if relu_shift > 0:
            relu = clamp_int16(relu << (relu_shift - 1))
        relu = _high_mul_16(relu, relu_multiplier)
        if relu_shift > 0:
            relu = clamp_int16(relu << 1)
        if relu_shift < 0:
            relu = rounding_shift_right(relu, -relu_shift)
        factor = _high_mul_16(x, out_multiplier)
        # This one product is cut off towards zero.
        magnitude = (((relu + (1 << 15)) >> 1) * abs(factor)) >> 15
        product = magnitude if factor >= 0 else -magnitude
        return clamp_int8(out.zero_point + rounding_shift_right(product, -out_shift))

    return _step(op, graph, in_, out, value)


def clamp_int16(value: int) -> int:
    """Saturate to 16 bits."""
    return max(-(1 << 15), min((1 << 15) - 1, value))


def _multiplier_16(real: float) -> tuple[int, int]:
    """``quantize_multiplier`` with the multiplier rounded to its upper 16 bits."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


def _high_mul_16(a: int, b: int) -> int:
    """round(a * b / 2^15), halves upward."""
    return clamp_int16((a * b + (1 << 14)) >> 15)


def _logistic(x: np.float32) -> np.float32:
    # exp(-x) overflows to infinity in float32 for very negative x, and 1 / infinity is the 0 that is wanted.
    with np.errstate(over="ignore"):
        exponential = np.float32(np.exp(-np.float64(x)))
    return np.float32(1) / (np.float32(1) + exponential)


def _tanh(x: np.float32) -> np.float32:
    return np.float32(math.tanh(float(x)))


def _step(op: Operator, graph: Graph, in_: Tensor, out: Tensor, value: Callable[[int], int]) -> tuple[Step, ...]:
    same_shape(op, graph, in_.shape)
    # The index is the value's byte, so the negative half comes after the other one.
    values = np.array([value(q) for q in (*range(128), *range(-128, 0))], dtype=np.int8)
    table = Constant(f"op{op.index}_table", "int8_t", values, f"{op.kind} of 0..127, then of -128..-1")
    return (
        Step(
            title=f"{op.index}: {op.kind}  {dims(in_.shape)}",
            kernel="lookup_s8",
            source="lookup_s8.c",
            struct="lookup_s8_t",
            fields={"elements": in_.elements, "table": table.name},
            inputs=(in_.index,),
            output=out.index,
            constants=(table,),
            in_place=in_.index,
        ),
    )


OPERATORS: dict[str, Lowering] = {
    "RELU": lower_relu,
    "RELU6": lower_relu,
    "RELU_N1_TO_1": lower_relu,
    "QUANTIZE": lower_quantize,
    "LOGISTIC": lower_float_function,
    "TANH": lower_float_function,
    "HARD_SWISH": lower_hard_swish,
}
