# SPDX-License-Identifier: Apache-2.0
"""TFLite's quantisation arithmetic against exact fractions, C's int32, IEEE floats, and values computed by gemmlowp."""

from __future__ import annotations

import ctypes
import math
import random
import struct
from fractions import Fraction

import pytest

from mlperf_tiny.firmware.codegen.ir.requant import (
    INT8_MAX,
    INT8_MIN,
    INT32_MAX,
    INT32_MIN,
    activation_range,
    clamp_int8,
    exp_on_negative_values,
    high_mul,
    quantize_multiplier,
    requantize,
    round_half_away,
    rounding_shift_right,
    wrap_int32,
)

# Bounds, powers of two and their neighbours, and seeded numbers of every length.
_DRAW = random.Random(7)
WORDS = sorted(
    {
        value
        for power in range(32)
        for near in (-1, 0, 1)
        for value in ((1 << power) + near, -(1 << power) + near)
        if -(1 << 31) <= value < 1 << 31
    }
    | {_DRAW.randrange(-(1 << bits), 1 << bits) for bits in range(2, 32) for _ in range(3)}
)


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def half_away(value: Fraction) -> int:
    return half_up(value) if value >= 0 else -half_up(-value)


def float32(value: Fraction | float) -> float:
    """Rounded to binary32; the way over a double changes nothing for a quotient of two float32."""
    return float(struct.unpack("<f", struct.pack("<f", float(value)))[0])


def test_limits_are_those_of_the_types() -> None:
    assert struct.unpack("2b", b"\x80\x7f") == (INT8_MIN, INT8_MAX)
    assert struct.unpack("<2i", b"\0\0\0\x80\xff\xff\xff\x7f") == (INT32_MIN, INT32_MAX)


# Worked by hand from TFLite's definition: real = multiplier * 2^(shift - 31).
MULTIPLIERS = [
    (0.0, (0, 0)),
    (0.5, (1 << 30, 0)),
    (1.0, (1 << 30, 1)),
    (0.75, (3 << 29, 0)),
    (2.0**-32, (1 << 30, -31)),
    (2.0**-33, (0, 0)),
    (2.0**-32 * (1 - 2.0**-30), (0, 0)),
    (2.0**-32 * (1 - 2.0**-40), (1 << 30, -31)),
    (1 - 2.0**-40, (1 << 30, 1)),
    (1 - 2.0**-32, (1 << 30, 1)),
    (1 - 2.0**-31, ((1 << 31) - 1, 0)),
    (0.5 + 2.0**-32, ((1 << 30) + 1, 0)),
    (0.5 + 2.0**-32 - 2.0**-50, (1 << 30, 0)),
    (2.0**29, (1 << 30, 30)),
    (2.0**30 * (1 - 2.0**-31), ((1 << 31) - 1, 30)),
    (2.0**30 * (1 - 2.0**-40), ((1 << 31) - 1, 30)),
    (2.0**30, ((1 << 31) - 1, 30)),
    (2.0**31, ((1 << 31) - 1, 30)),
]


@pytest.mark.parametrize(("real", "wanted"), MULTIPLIERS)
def test_quantize_multiplier(real: float, wanted: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == wanted


def test_a_multiplier_is_the_nearest_of_31_bits() -> None:
    draw = random.Random(1)
    for _ in range(300):
        real = math.ldexp(draw.uniform(0.5, 1.0), draw.randrange(-30, 30))
        multiplier, shift = quantize_multiplier(real)
        unit = Fraction(2) ** (shift - 31)
        assert 1 << 30 <= multiplier < 1 << 31 and half_up(Fraction(real) / unit) == multiplier


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(0.0, 0), (0.25, 0), (0.5, 1), (-0.5, -1), (-0.25, 0), (1.5, 2), (2.5, 3), (-2.5, -3), (-2.75, -3), (7.25, 7)],
)
def test_round_half_away(value: float, wanted: int) -> None:
    rounded = round_half_away(value)
    assert rounded == wanted and isinstance(rounded, int)  # C is written from it


@pytest.mark.parametrize(
    ("value", "wanted"), [(-1000, -128), (-129, -128), (-128, -128), (0, 0), (127, 127), (128, 127), (1000, 127)]
)
def test_clamp_int8(value: int, wanted: int) -> None:
    assert clamp_int8(value) == wanted


# Lowest and highest real value of TFLite's fused activations.
ACTIVATIONS = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_ranges_are_float32_quotients_rounded_away_from_zero(activation: str) -> None:
    draw = random.Random(2)
    scales = [6 / 255, 0.1, 0.5, 2.0, 4.0, 0.3, 12.0, *(draw.uniform(0.005, 0.5) for _ in range(12))]
    for scale, zero_point in ((s, z) for s in scales for z in (-128, -3, 0, 100, 127)):
        wanted = []
        for real, limit in zip(ACTIVATIONS[activation], (-128, 127), strict=True):
            quotient = float32(Fraction(real or 0) / Fraction(float32(scale)))
            wanted.append(limit if real is None else half_away(Fraction(quotient)) + zero_point)
        low, high = activation_range(activation, scale, zero_point)
        assert (low, high) == (max(wanted[0], -128), min(wanted[1], 127)), (scale, zero_point)


def test_an_activation_range_where_float32_rounds_otherwise() -> None:
    """6 / scale is a little below 2.5 in double precision, and 2.5 as a float32: 3, not 2."""
    scale = 2.4000000953674316  # a float32
    assert 6 / scale < 2.5 and float32(6 / scale) == 2.5
    assert activation_range("RELU6", scale, 0) == (0, 3)


def test_a_quotient_just_below_a_half_is_rounded_down() -> None:
    """As ``round`` does; in single precision it is 1 with a half added."""
    scale = 12.000000953674316  # a float32
    assert 0.4999999 < float32(6 / scale) < 0.5
    assert activation_range("RELU6", scale, 0) == (0, 0)


def test_an_unknown_activation_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        activation_range("TANH", 0.1, 0)


def test_wrap_int32_is_a_conversion_to_int32() -> None:
    for value in (*WORDS, *(v << 7 for v in WORDS), 1 << 31, 1 << 32, (1 << 32) + 5, -(1 << 31) - 1):
        assert wrap_int32(value) == ctypes.c_int32(value).value


def test_high_mul_is_the_exact_product_rounded_half_up() -> None:
    for a in (*WORDS[::3], -(1 << 31)):
        for b in [*WORDS[::11], -(1 << 31), 1 << 30]:
            wanted = half_up(Fraction(a * b, 1 << 31))
            assert high_mul(a, b) == min(wanted, (1 << 31) - 1), (a, b)


def test_rounding_shift_right_is_the_exact_quotient_rounded_half_away() -> None:
    for exponent in range(32):
        halves = [odd * (1 << exponent) // 2 + near for odd in (-3, -1, 1, 3) for near in (-1, 0, 1)]
        for value in (*WORDS[::9], *(h for h in halves if abs(h) < 1 << 31)):
            wanted = half_away(Fraction(value, 1 << exponent))
            assert rounding_shift_right(value, exponent) == wanted, (value, exponent)


@pytest.mark.parametrize("shift", [-31, -30, -7, -1, 0, 1, 7, 30])
@pytest.mark.parametrize("multiplier", [0, 1 << 30, 1_518_500_250, (1 << 31) - 1])
def test_requantize_has_two_roundings(multiplier: int, shift: int) -> None:
    """The left shift is one of int32; the product is rounded half up, the right shift half away from zero."""
    for value in WORDS[::7]:
        shifted = ctypes.c_int32(value << shift).value if shift > 0 else value
        product = half_up(Fraction(shifted * multiplier, 1 << 31))
        wanted = half_away(Fraction(product, 1 << -shift)) if shift < 0 else product
        assert requantize(value, multiplier, shift) == wanted, value


@pytest.mark.parametrize(
    ("value", "real", "wanted"),
    [(5, 0.5, 3), (-5, 0.5, -2), (3, 0.25, 1), (-6, 0.25, -2), (2, 0.25, 1), (-2, 0.25, -1), (7, 2.0, 14)],
)
def test_requantize_rounds_twice(value: int, real: float, wanted: int) -> None:
    """0.5 is one high multiplication, which rounds halves up; 0.25 a shift as well, which rounds them away from 0."""
    assert requantize(value, *quantize_multiplier(real)) == wanted


# What gemmlowp's own exp_on_negative_values returned for FixedPoint<int32_t, 5> (fixedpoint/fixedpoint.h at 16e8662,
# compiled by g++): raw argument, raw result.
GEMMLOWP_EXP = [
    (0, 2147483647), (-1, 2147483124), (-2, 2147483093), (-3, 2147483061), (-5, 2147482996), (-9, 2147482868),
    (-17, 2147482613), (-33, 2147482101), (-65, 2147481076), (-129, 2147479029), (-257, 2147474932),
    (-513, 2147466741), (-1025, 2147450357), (-2049, 2147417590), (-4097, 2147352058), (-8193, 2147220999),
    (-16385, 2146958905), (-32769, 2146434814), (-65537, 2145387015), (-131073, 2143292951), (-262145, 2139110951),
    (-524289, 2130771411), (-1048577, 2114189717), (-2097153, 2081412375), (-4194303, 2017374206),
    (-4194304, 2017374176), (-4194305, 2017374146), (-8388607, 1895147696), (-8388608, 1895147668),
    (-8388609, 1895147640), (-16777215, 1672462444), (-16777216, 1672462419), (-16777217, 1672461539),
    (-17802690, 1647099540), (-22539272, 1534854264), (-33554431, 1302515061), (-33554432, 1302515042),
    (-33554433, 1302514356), (-48220766, 1046814160), (-49016701, 1034471964), (-53975489, 960788752),
    (-67108863, 790015319), (-67108864, 790015308), (-67108865, 790014891), (-88840155, 571480617),
    (-134217727, 290630394), (-134217728, 290630390), (-134217729, 290630237), (-139598945, 268235589),
    (-194809658, 117820458), (-254921930, 48106594), (-268435455, 39332547), (-268435456, 39332546),
    (-268435457, 39332525), (-281231309, 32504514), (-536870911, 720401), (-536870912, 720401),
    (-536870913, 720401), (-730115280, 40457), (-1073741823, 242), (-1073741824, 242), (-1073741825, 242),
    (-1488994656, 0), (-2147483647, 0), (-2147483648, 0),
]  # fmt: skip


def test_the_exponential_is_gemmlowps_and_near_the_real_one() -> None:
    for value, wanted in GEMMLOWP_EXP:
        assert exp_on_negative_values(value) == wanted, value
        assert wanted == pytest.approx(math.exp(value / 2**26) * 2**31, abs=1100), value
