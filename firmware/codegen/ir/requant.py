# SPDX-License-Identifier: Apache-2.0
"""TFLite's quantisation arithmetic on the host, bit for bit: multipliers, activation ranges, fixed-point exp.

Facts from TensorFlow Lite ``kernels/internal/quantization_util.cc``, ``kernels/internal/common.h``,
``kernels/kernel_util.cc`` and gemmlowp ``fixedpoint/fixedpoint.h``. The C half is ``firmware/engine/requant.h``.
All fixed-point values are Python integers that stay inside int32.
"""

from __future__ import annotations

import math

import numpy as np

INT8_MIN, INT8_MAX = -128, 127
INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
# What the exponential takes: Q5.26, as TFLite's softmax has it.
EXP_INTEGER_BITS, EXP_FRACTION_BITS = 5, 26


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) with real ~ multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) or 0.

    ``real`` is a double >= 0. shift > 0 is to the left. Below 2^-32 everything is 0; above 2^30 it saturates.

    Examples:
        >>> quantize_multiplier(0.75)
        (1610612736, 0)
    """
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return INT32_MAX, 30
    return multiplier, shift


def round_half_away(value: float) -> int:
    """Round to the nearest integer, halves away from zero, as C's ``round``."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def clamp_int8(value: int) -> int:
    """Saturate to [-128, 127]."""
    return max(INT8_MIN, min(INT8_MAX, value))


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Return (lowest, highest) int8 output of a fused activation: "NONE", "RELU", "RELU6" or "RELU_N1_TO_1".

    The division is a float32 one, as in TFLite.

    Args:
        activation: TFLite's name; raises KeyError for any other.
        scale: The output's scale.
        zero_point: The output's zero point.

    Examples:
        >>> activation_range("RELU6", 6 / 255, -128)
        (-128, 127)
    """
    low, high = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}[
        activation
    ]

    def quantize(real: float) -> int:
        return zero_point + round_half_away(float(np.float32(real) / np.float32(scale)))

    lowest = INT8_MIN if low is None else max(INT8_MIN, quantize(low))
    highest = INT8_MAX if high is None else min(INT8_MAX, quantize(high))
    return lowest, highest


def wrap_int32(value: int) -> int:
    """Keep the low 32 bits, as a two's complement number."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def high_mul(a: int, b: int) -> int:
    """Saturating rounding doubling high multiply: round(a * b / 2^31), halves upward; (min, min) saturates.

    Args:
        a: An int32.
        b: An int32.
    """
    if a == b == INT32_MIN:
        return INT32_MAX
    return (a * b + (1 << 30)) >> 31


def rounding_shift_right(value: int, exponent: int) -> int:
    """round(value / 2^exponent), halves away from zero.

    Args:
        value: An int32.
        exponent: 0 to 31.

    Examples:
        >>> rounding_shift_right(-3, 1), rounding_shift_right(3, 1)
        (-2, 2)
    """
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> exponent) + ((value & mask) > threshold)


def requantize(value: int, multiplier: int, shift: int) -> int:
    """TFLite's MultiplyByQuantizedMultiplier with two roundings: value * multiplier * 2^(shift - 31).

    Args:
        value: An int32.
        multiplier: 0 or in [2^30, 2^31), from ``quantize_multiplier``.
        shift: -31 to 30; positive is to the left.
    """
    shifted = wrap_int32(value << max(shift, 0))
    return rounding_shift_right(high_mul(shifted, multiplier), max(-shift, 0))


def exp_on_negative_values(value: int) -> int:
    """gemmlowp: exp(value / 2^26) in Q0.31 for an int32 that is at most 0."""
    if value == 0:
        return INT32_MAX
    one_quarter = 1 << (EXP_FRACTION_BITS - 2)
    mod_quarter_minus_quarter = value % one_quarter - one_quarter
    result = _exp_on_interval_minus_quarter_to_0(mod_quarter_minus_quarter << EXP_INTEGER_BITS)
    remainder = mod_quarter_minus_quarter - value
    for exponent, multiplier in _EXP_BARREL:
        if remainder & (1 << (EXP_FRACTION_BITS + exponent)):
            result = high_mul(result, multiplier)
    return result


# exp(-2^exponent) in Q0.31 for exponent -2..4.
_EXP_BARREL = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
_EXP_OF_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883


def _exp_on_interval_minus_quarter_to_0(a: int) -> int:
    """exp(a) for a in [-1/4, 0) in Q0.31: a Taylor series of order 4 around -1/8."""
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3 = high_mul(x2, x)
    x4 = high_mul(x2, x2)
    x4_over_4 = rounding_shift_right(x4, 2)
    tail = rounding_shift_right(high_mul(x4_over_4 + x3, _ONE_THIRD) + x2, 1)
    return _EXP_OF_MINUS_EIGHTH + high_mul(_EXP_OF_MINUS_EIGHTH, x + tail)
