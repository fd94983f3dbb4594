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
_FAR = 1 << 62


TABLES_KEPT = 4096
"""Of 2 KB each: layers often have one scale, and both builds ask for the same."""
CHANNELS_AT_A_TIME = 64
"""Their tables, and what is computed from them, stay in a processor's cache."""


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


def thresholds_of_reals(reals: NDArray[np.float64], out_zero: int, low: int, high: int) -> list[NDArray[np.int64]]:
    """Return the same for out = out_zero + round(sum * real) in double precision, halves away from zero.

    Args:
        reals: (channels,): the factor from the sum to the output; channels often have the same one.
        out_zero: The output's zero point.
        low: Lowest output of the fused activation.
        high: Highest output of the fused activation.

    Returns:
        (255,) for each channel.

    Examples:
        >>> thresholds_of_reals(np.array([0.5]), 0, -128, 127)[0][127:131].tolist()  # outputs 0, 1, 2, 3
        [0, 1, 3, 5]
    """
    different, channel = np.unique(reals, return_inverse=True)
    tables: list[NDArray[np.int64]] = []
    for first in range(0, different.size, CHANNELS_AT_A_TIME):
        some = different[first : first + CHANNELS_AT_A_TIME, None]
        table = np.where(out_zero < LEVELS, UNREACHABLE, -UNREACHABLE)
        tables += list(_clamp(np.where(some > 0.0, _first_reached(some, LEVELS - out_zero), table), low, high))
    return [tables[index] for index in channel.tolist()]


def _first_reached(real: NDArray[np.float64], level: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest sum with round(sum * real) >= level, for positive factors; a guess that is too large is lowered."""
    with np.errstate(all="ignore"):
        quotient = np.nan_to_num((level - 0.5) / real, copy=False)
    guess = np.clip(np.ceil(quotient), -UNREACHABLE, UNREACHABLE).astype(np.int64) + 2
    for _ in range(6):
        product = (guess - 1) * real
        size = np.abs(product)
        whole = np.floor(size)
        reached = np.copysign(whole + (size - whole >= 0.5), product) >= level
        if not reached.any():
            break
        guess -= reached
    return guess


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
    above, below = LEVELS[table > largest][:1].tolist(), LEVELS[table <= smallest][-1:].tolist()
    if not 0 < ideal < 2**31 - 64:
        return None
    for change in _SLOPES:
        slope = round(ideal) + change
        if slope <= 0:
            continue
        ends = level - slope * threshold
        start, end = int(ends.max()), int(ends.min()) + slope
        if above:
            end = min(end, (above[0] << (32 + shift)) - slope * largest)
        if below:
            start = max(start, (below[0] << (32 + shift)) - slope * smallest)
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
        fits = _SHIFTS_OF_SUM[first:last] * np.uint32(slope) + constant <= width
        nearest = int(fits.argmax())
        if fits[nearest]:
            return int(_SHIFTS_OF_SUM[first + nearest].astype(np.int32))
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
        for first in range(0, len(tables), CHANNELS_AT_A_TIME):
            some = slice(first, first + CHANNELS_AT_A_TIME)
            low, high = smallest[some], largest[some]
            near = _near_fits(np.stack(tables[some]), np.array(ratios[some]), low, high, shift)
            channels = zip(tables[some], ratios[some], low.tolist(), high.tolist(), near, strict=True)
            for table, ratio, least, most, (quick, cost) in channels:
                known = quick is not None and effort.left >= cost and effort.spend(cost)
                fit = quick if known else fit_linear(table, ratio, least, most, shift, effort)
                if fit is None:
                    break
                fits.append(fit)
            if fit is None:
                break
        else:
            return fits
    return None


def _near_fits(
    table: NDArray[np.int64],
    ratio: NDArray[np.float64],
    smallest: NDArray[np.int64],
    largest: NDArray[np.int64],
    shift: int,
) -> list[tuple[LinearRequant | None, int]]:
    """For some channels at a time: what ``fit_linear`` finds with the first slope and a near bias, and its effort."""
    ideal = ratio * 2.0 ** (32 + shift)
    valid = (ideal > 0.5) & (ideal < 2**31 - 64)
    slope = np.rint(np.where(valid, ideal, 1)).astype(np.int64)
    low, high = table <= smallest[:, None], table > largest[:, None]
    ends = (LEVELS << (32 + shift)) - slope[:, None] * table
    inside = ~(low | high)
    start = np.where(inside, ends, -_FAR).max(axis=1)
    end = np.where(inside, ends, _FAR).min(axis=1) + slope
    # The tables rise: below the first level inside is the last one that every sum reaches, and above likewise.
    below, above = low.sum(axis=1) - 1, LEVELS.size - high.sum(axis=1)
    level = np.concatenate([LEVELS, [0]]) << (32 + shift)
    start = np.where(below >= 0, np.maximum(start, level[below] - slope * smallest), start)
    end = np.where(above < LEVELS.size, np.minimum(end, level[above] - slope * largest), end)
    possible = valid & inside.any(axis=1) & (start < end)
    bias, cost = _near_biases(slope, start, end, np.flatnonzero(possible))
    offset = -(((1 << 31) + bias * slope - start) // _WORD)
    rows = zip(cost.tolist(), slope.tolist(), bias.tolist(), offset.tolist(), strict=True)
    return [
        (LinearRequant(slope=s, bias=b, offset=o, shift=shift), ATTEMPT + spent) if spent else (None, 0)
        for spent, s, b, o in rows
    ]


def _near_biases(
    slope: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What ``_find_bias`` finds in all pieces but the last, for some rows, and what it spends; 0 for no bias."""
    bias, cost = np.zeros_like(slope), np.zeros_like(slope)
    width = (np.minimum(end - start, _WORD) - 1).astype(np.uint32)
    constant = ((1 << 31) - start).astype(np.uint32)
    for first, last in _PIECES[:-1]:
        shifts = _SHIFTS_OF_SUM[first:last]
        fits = shifts * slope[rows, None].astype(np.uint32) + constant[rows, None] <= width[rows, None]
        nearest = fits.argmax(axis=1)
        found = fits[np.arange(rows.size), nearest]
        bias[rows[found]] = shifts[nearest[found]].astype(np.int32)
        cost[rows[found]] = last
        rows = rows[~found]
    return bias, cost


def _clamp(table: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    return np.where(low >= LEVELS, -UNREACHABLE, np.where(high < LEVELS, UNREACHABLE, table))
