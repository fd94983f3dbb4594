# SPDX-License-Identifier: Apache-2.0
"""Requantisation as a table of thresholds of the int32 sum, and cheaper arithmetic with the very same thresholds.

The int8 output is a rising function of the sum with at most 255 thresholds. They are computed here from TFLite's own
arithmetic. Whether a cheaper formula has every threshold at the same sum is then a finite question, which the host
answers for each channel. The kernels so need two instructions an output where TFLite's arithmetic, taken literally,
needs about ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.requant import INT8_MAX, INT8_MIN
from mlperf_tiny.firmware.codegen.operators.convolution.effort import ATTEMPT, Effort

LEVELS = np.arange(INT8_MIN + 1, INT8_MAX + 1, dtype=np.int64)
"""The outputs that have a threshold: -127 to 127."""
UNREACHABLE = 1 << 40
"""The threshold of an output that no sum reaches; negative for one that every sum reaches."""
_SLOPES = (0, 1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 9, -9, 14, -14, 20, -20, 30, -30)
# The smallest first, and looked through in pieces: most channels have their answer in the first one.
_SHIFTS_OF_SUM = np.array(sorted(range(-(1 << 15), (1 << 15) + 1), key=abs), dtype=np.int64).astype(np.uint32)
_PIECES = ((0, 256), (256, 4096), (4096, _SHIFTS_OF_SUM.size))
_WORD = 1 << 32


TABLES_KEPT = 4096
"""Of 2 KB each: layers often have one scale, and both builds ask for the same."""


@dataclass(frozen=True, kw_only=True)
class LinearRequant:
    """out = saturate((offset + round((sum + bias) * slope / 2^32)) >> shift), halves upward."""

    slope: int
    bias: int
    offset: int
    shift: int


@lru_cache(TABLES_KEPT)
def thresholds(multiplier: int, shift: int, out_zero: int, low: int, high: int) -> NDArray[np.int64]:
    """Return (255,): the smallest sum whose output reaches each of ``LEVELS``, by TFLite's two roundings.

    The left shift must not overflow for the sums in question.

    Args:
        multiplier: Fixed-point multiplier, 0 or in [2^30, 2^31).
        shift: Its exponent in [-31, 30]; positive is to the left.
        out_zero: The output's zero point.
        low: Lowest output of the fused activation; levels up to it are always reached.
        high: Highest output of the fused activation; levels above it are never reached.

    Returns:
        Thresholds in rising order, -UNREACHABLE for a level that is always reached, UNREACHABLE for never.
    """
    right, left = max(-shift, 0), max(shift, 0)
    if multiplier == 0:
        table = np.where(out_zero >= LEVELS, -UNREACHABLE, UNREACHABLE)
    else:
        level = (LEVELS - out_zero).astype(object if right > 20 else np.int64)
        # rounding_shift_right(v) >= level for v >= middle; halves go away from zero.
        middle = level * (1 << right) - (1 << right >> 1) + ((level <= 0) & (right > 0))
        table = -((-(middle * (1 << 31) - (1 << 30))) // (multiplier << left))
        table = np.clip(table, -UNREACHABLE, UNREACHABLE).astype(np.int64)
    return _clamp(table, low, high)


@lru_cache(TABLES_KEPT)
def thresholds_of_real(real: float, out_zero: int, low: int, high: int) -> NDArray[np.int64]:
    """Return the same for out = out_zero + round(sum * real) in double precision, halves away from zero.

    Args:
        real: The factor from the sum to the output.
        out_zero: The output's zero point.
        low: Lowest output of the fused activation.
        high: Highest output of the fused activation.

    Examples:
        >>> thresholds_of_real(0.5, 0, -128, 127)[127:131].tolist()  # outputs 0, 1, 2, 3
        [0, 1, 3, 5]
    """
    if real <= 0.0:
        return _clamp(np.where(out_zero >= LEVELS, -UNREACHABLE, UNREACHABLE), low, high)
    level = LEVELS - out_zero
    guess = np.clip(np.ceil((level - 0.5) / real), -UNREACHABLE, UNREACHABLE).astype(np.int64) + 3
    for _ in range(6):
        product = (guess - 1) * real
        whole = np.floor(np.abs(product))
        rounded = np.copysign(whole + (np.abs(product) - whole >= 0.5), product)
        reached = rounded >= level
        if not reached.any():
            break
        guess = guess - reached
    return _clamp(guess, low, high)


def fit_linear(
    table: NDArray[np.int64], ratio: float, smallest: int, largest: int, shift: int, effort: Effort
) -> LinearRequant | None:
    """Return a formula with exactly these thresholds for every sum in [smallest, largest], or None.

    With O = offset * 2^32 + 2^31 + bias * slope the formula reaches ``level`` from sum T on if, and only if,
    level * 2^(32 + shift) - slope * T <= O < level * 2^(32 + shift) - slope * (T - 1). For a slope near the ratio of
    the scales that leaves an interval for O; ``bias`` then supplies the fraction of 2^32 that ``offset`` cannot.

    Args:
        table: Thresholds of ``LEVELS``.
        ratio: The real factor of the requantisation.
        smallest: The smallest sum that can occur.
        largest: The largest sum that can occur.
        shift: The formula's right shift.
        effort: What the search may cost; without any left there is no formula.
    """
    inside = (table > smallest) & (table <= largest)
    if not inside.any():
        constant = int(np.count_nonzero(table <= smallest)) + INT8_MIN
        return LinearRequant(slope=0, bias=0, offset=constant << shift, shift=shift)
    level, threshold = LEVELS[inside] << (32 + shift), table[inside]
    ideal = ratio * 2.0 ** (32 + shift)
    above, below = LEVELS[table > largest], LEVELS[table <= smallest]
    if not 0 < ideal < 2**31 - 64:
        return None
    for change in _SLOPES:
        slope = round(ideal) + change
        if slope <= 0:
            continue
        start, end = int((level - slope * threshold).max()), int((level - slope * (threshold - 1)).min())
        if above.size:
            end = min(end, (int(above[0]) << (32 + shift)) - slope * largest)
        if below.size:
            start = max(start, (int(below[-1]) << (32 + shift)) - slope * smallest)
        if not effort.spend(ATTEMPT):
            return None
        bias = _find_bias(slope, start, end, effort) if start < end else None
        if bias is not None:
            return LinearRequant(
                slope=slope, bias=bias, offset=-(((1 << 31) + bias * slope - start) // _WORD), shift=shift
            )
    return None


def _find_bias(slope: int, start: int, end: int, effort: Effort) -> int | None:
    """The smallest bias for which a multiple of 2^32, plus 2^31 + bias * slope, lies in [start, end)."""
    width = np.uint32(min(end - start, _WORD) - 1)
    constant = np.uint32(((1 << 31) - start) % _WORD)
    for first, last in _PIECES:
        if not effort.spend(last - first):
            return None
        # Unsigned words wrap: this is the distance from ``start`` to the first such number above it.
        fits = np.flatnonzero(_SHIFTS_OF_SUM[first:last] * np.uint32(slope) + constant <= width)
        if fits.size:
            return int(_SHIFTS_OF_SUM[first + int(fits[0])].astype(np.int32))
    return None


def fit_layer(
    tables: list[NDArray[np.int64]],
    ratios: list[float],
    smallest: NDArray[np.int64],
    largest: NDArray[np.int64],
    shifts: tuple[int, ...],
    effort: Effort,
) -> list[LinearRequant] | None:
    """Return a formula for every channel, all with the same shift, the first of ``shifts`` that does; or None.

    Args:
        tables: Thresholds of each channel.
        ratios: The real factor of each channel.
        smallest: The smallest sum of each channel.
        largest: The largest sum of each channel.
        shifts: Right shifts to try, in order.
        effort: What the search may cost.
    """
    for shift in shifts:
        fits: list[LinearRequant] = []
        for table, ratio, low, high in zip(tables, ratios, smallest.tolist(), largest.tolist(), strict=True):
            fit = fit_linear(table, ratio, low, high, shift, effort)
            if fit is None:
                break
            fits.append(fit)
        else:
            return fits
    return None


def fit_rounded(
    table: NDArray[np.int64], ratio: float, out_zero: int, smallest: int, largest: int
) -> tuple[int, int] | None:
    """Return (multiplier, shift) with these thresholds for out_zero + round(sum * multiplier / 2^shift), or None.

    Halves are rounded away from zero. The multiplier is in [0, 2^31), the shift in [1, 62].

    Args:
        table: Thresholds of ``LEVELS``.
        ratio: The real factor of the requantisation.
        out_zero: The output's zero point.
        smallest: The smallest sum that can occur.
        largest: The largest sum that can occur.
    """
    mantissa, exponent = np.frexp(ratio)
    shift = 31 - int(exponent)
    if shift > 62 or smallest == largest == 0:
        return 0, 1
    if shift < 1:
        return None
    # In magnitudes: |sum| >= threshold exactly if |sum| * multiplier >= half.
    known = np.abs(table) != UNREACHABLE
    signed, level = table[known], (LEVELS - out_zero)[known]
    threshold = np.where(level > 0, signed, 1 - signed)
    most = np.where(level > 0, largest, -smallest)
    reached, before = threshold <= most, np.minimum(threshold - 1, most)
    halves = np.abs(2 * level - 1)
    lowest = int(_shifted_quotient(halves[reached], shift - 1, threshold[reached]).max(initial=0))
    between = before > 0
    highest = int(_shifted_quotient(halves[between], shift - 1, before[between]).min(initial=1 << 31))
    if lowest >= highest:
        return None
    return min(max(round(float(mantissa) * 2**31), lowest), highest - 1), shift


def _shifted_quotient(halves: NDArray[np.int64], shift: int, divisors: NDArray[np.int64]) -> NDArray[np.int64]:
    """ceil(halves * 2^shift / divisors), exact below 2^50, halves < 2^10, divisors <= 2^41, shift <= 62."""
    first = min(shift, 50)
    whole, rest = np.divmod(halves << first, divisors)
    more = shift - first
    return (np.minimum(whole, 1 << 50) << more) - (-(rest << more) // divisors)


def _clamp(table: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    return np.where(low >= LEVELS, -UNREACHABLE, np.where(high < LEVELS, UNREACHABLE, table))
