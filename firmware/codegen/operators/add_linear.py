# SPDX-License-Identifier: Apache-2.0
"""Finds one linear form that equals TFLite's int8 ADD for every pair of operands, if there is one.

TFLite rounds four times between two int8 values and their sum. There are only 65,536 pairs of values: factors near the
real ratios of the scales are tried, and those that give TFLite's sum for every pair are taken. The kernel's formula is
in ``firmware/engine/dsp/add_linear_s8.h``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ldexp

import numpy as np
from numpy.typing import NDArray

FRACTION_BITS = 21
# Operands enter the multiplication times 256, and it drops 16 bits.
FACTOR_BITS = FRACTION_BITS + 8
# Relative errors of both factors to try. TFLite rounds ties away from zero, a shift rounds them up: with a slightly too
# large factor ties of either sign are rounded as in TFLite, and nothing else changes.
SCALE_PERTURBATIONS = (0.0, *(2.0**-e for e in range(28, 15, -1)), *(-(2.0**-e) for e in range(28, 15, -1)))
# Factors up to so many units of the last place from the rounded ratios are tried.
ULP_RADIUS = 2
VALUES = np.arange(-128, 128, dtype=np.int64)
INT32_LIMIT = 1 << 31
UNBOUNDED = 1 << 50
CANDIDATES_IN_ALL = 6000
"""Pairs of factors to try in a whole model, about a second; there are 675 for one ADD."""


@dataclass(frozen=True, kw_only=True)
class Rescale:
    """The requantisation parameters of ``add_s8_t``: zero point, multiplier and shift of both operands and the sum."""

    a_zero: int
    a_multiplier: int
    a_shift: int
    b_zero: int
    b_multiplier: int
    b_shift: int
    out_zero: int
    out_multiplier: int
    out_shift: int


@dataclass(frozen=True, kw_only=True)
class LinearSum:
    """The fields of ``add_linear_s8_t`` that depend on the quantisation."""

    a_factor: int
    """Step of the first operand / step of the output, times 2^29."""
    b_factor: int
    """Step of the second operand / step of the output, times 2^29."""
    constant: int
    """Zero points and one half, times 2^21."""


def exact_sums(r: Rescale) -> NDArray[np.int64]:
    """Return TFLite's sums, saturated to int8 and not otherwise clamped, as int64 ``[256][256]`` for a, b = -128..127.

    All shifts must be 0 or to the right.
    """
    a = _requantize((VALUES - r.a_zero) << 20, r.a_multiplier, r.a_shift)
    b = _requantize((VALUES - r.b_zero) << 20, r.b_multiplier, r.b_shift)
    sums = _requantize(a[:, None] + b[None, :], r.out_multiplier, r.out_shift) + r.out_zero
    return np.clip(sums, -128, 127)


def find_linear(r: Rescale, candidates: int = CANDIDATES_IN_ALL) -> LinearSum | None:
    """Return factors that reproduce ``exact_sums`` everywhere; None where none were found or int32 would overflow.

    Args:
        r: The parameters.
        candidates: The most factors to try.
    """
    if max(r.a_shift, r.b_shift, r.out_shift) > 0:
        return None
    bounds = _bounds(exact_sums(r))
    a_ideal = _factor(r.a_multiplier, r.a_shift, r)
    b_ideal = _factor(r.b_multiplier, r.b_shift, r)
    for a_factor, b_factor in islice(_candidates(a_ideal, b_ideal), candidates):
        constant = _fit(a_factor, b_factor, bounds)
        if constant is not None:
            return LinearSum(a_factor=a_factor, b_factor=b_factor, constant=constant)
    return None


def _bounds(wanted: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The least and the largest sum, with FRACTION_BITS, that gives each answer.

    A saturated sum is right however far the sum lies beyond it.
    """
    least = np.where(wanted > -128, wanted << FRACTION_BITS, -UNBOUNDED)
    return least, np.where(wanted < 127, ((wanted + 1) << FRACTION_BITS) - 1, UNBOUNDED)


def _fit(a_factor: int, b_factor: int, bounds: tuple[NDArray[np.int64], NDArray[np.int64]]) -> int | None:
    """Look for the constant to add: every pair allows an interval, and they must have a value in common."""
    if max(abs(a_factor), abs(b_factor)) >= INT32_LIMIT:
        return None
    a, b = a_factor * VALUES >> 8, b_factor * VALUES >> 8
    x = a[:, None] + b[None, :]
    lowest, highest = max(int((bounds[0] - x).max()), -INT32_LIMIT), min(int((bounds[1] - x).min()), INT32_LIMIT)
    constant = (lowest + highest) // 2
    # The device adds a first, then b, in int32.
    largest = abs(constant) + int(abs(a).max()) + int(abs(b).max())
    return constant if lowest <= highest and largest < INT32_LIMIT else None


def _candidates(a_ideal: float, b_ideal: float) -> Iterator[tuple[int, int]]:
    """Pairs of factors: the ideal ones, then perturbed ones, then neighbours of all of these."""
    steps = [(a, b) for a in range(-ULP_RADIUS, ULP_RADIUS + 1) for b in range(-ULP_RADIUS, ULP_RADIUS + 1)]
    for a, b in sorted(steps, key=lambda step: (abs(step[0]) + abs(step[1]), step)):
        for error in SCALE_PERTURBATIONS:
            yield round(a_ideal * (1 + error)) + a, round(b_ideal * (1 + error)) + b


def _factor(multiplier: int, shift: int, r: Rescale) -> float:
    """The real factor of an operand from its steps to the output's, times 2^FACTOR_BITS."""
    return ldexp(multiplier * r.out_multiplier, shift + r.out_shift + 20 - 62 + FACTOR_BITS)


def _requantize(x: NDArray[np.int64], multiplier: int, shift: int) -> NDArray[np.int64]:
    """``requant.requantize`` for arrays and shifts to the right."""
    high = (x * multiplier + (1 << 30)) >> 31
    mask = (1 << -shift) - 1
    return (high >> -shift) + ((high & mask) > (mask >> 1) + (high < 0))
