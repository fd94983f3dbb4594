# SPDX-License-Identifier: Apache-2.0
"""An int8 output as a staircase of its int32 sum, and cheaper arithmetic with the very same steps.

Requantisation is a rising function of the sum with at most 255 steps. Where the steps are is computed here from
TFLite's own arithmetic; whether a cheaper formula puts every one of them at the same sum is then a finite question,
and the host answers it for each channel. The kernels so need two instructions an output where TFLite's arithmetic,
taken literally, needs about ten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlperf_tiny.firmware.codegen.ir.requant import INT8_MAX, INT8_MIN

LEVELS = np.arange(INT8_MIN + 1, INT8_MAX + 1, dtype=np.int64)
FAR = 1 << 40
_SLOPES = (0, 1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 9, -9, 14, -14, 20, -20, 30, -30)
_SHIFTS_OF_SUM = np.arange(-(1 << 15), (1 << 15) + 1, dtype=np.int64)


@dataclass(frozen=True)
class Linear:
    """out = saturate((offset + round((sum + bias) * slope / 2^32)) >> shift), halves upward."""

    slope: int
    bias: int
    offset: int
    shift: int


def thresholds(multiplier: int, shift: int, out_zero: int, low: int, high: int) -> np.ndarray:
    """Return int64 (255,): the smallest sum whose output reaches each level -127..127, by TFLite's two roundings.

    ``low`` and ``high`` are the fused activation's range; a level that is always or never reached stands at -FAR or
    FAR. The left shift must not overflow for the sums in question.
    """
    right, left = max(-shift, 0), max(shift, 0)
    if multiplier == 0:
        steps = np.where(out_zero >= LEVELS, -FAR, FAR)
    else:
        level = (LEVELS - out_zero).astype(object if right > 20 else np.int64)
        # rounding_shift_right(v) >= level for v >= middle; halves go away from zero.
        middle = level * (1 << right) - (1 << right >> 1) + ((level <= 0) & (right > 0))
        steps = -((-(middle * (1 << 31) - (1 << 30))) // (multiplier << left))
        steps = np.clip(steps, -FAR, FAR).astype(np.int64)
    return _clamp(steps, low, high)


def thresholds_of_real(real: float, out_zero: int, low: int, high: int) -> np.ndarray:
    """The same for out = out_zero + round(sum * real) in double precision, halves away from zero."""
    if real <= 0.0:
        return _clamp(np.where(out_zero >= LEVELS, -FAR, FAR), low, high)
    level = LEVELS - out_zero
    guess = np.clip(np.ceil((level - 0.5) / real), -FAR, FAR).astype(np.int64) + 3
    for _ in range(6):
        product = (guess - 1) * real
        whole = np.floor(np.abs(product))
        rounded = np.copysign(whole + (np.abs(product) - whole >= 0.5), product)
        guess = guess - (rounded >= level)
    return _clamp(guess, low, high)


def fit_linear(steps: np.ndarray, ratio: float, smallest: int, largest: int, shift: int) -> Linear | None:
    """Return a Linear with exactly these ``steps`` for every sum in [smallest, largest], or None.

    ``ratio`` is what the requantisation multiplies with.
    With O = offset * 2^32 + 2^31 + bias * slope the formula reaches ``level`` from sum T on if, and only if,
    level * 2^(32 + shift) - slope * T <= O < level * 2^(32 + shift) - slope * (T - 1). For a slope near the ratio of
    the scales that leaves an interval for O; ``bias`` then supplies the fraction of 2^32 that ``offset`` cannot.
    """
    inside = (steps > smallest) & (steps <= largest)
    if not inside.any():
        constant = int(np.count_nonzero(steps <= smallest)) + INT8_MIN
        return Linear(0, 0, constant << shift, shift)
    level, step = LEVELS[inside] << (32 + shift), steps[inside]
    ideal = ratio * 2.0 ** (32 + shift)
    above, below = LEVELS[steps > largest], LEVELS[steps <= smallest]
    if not 0 < ideal < 2**31 - 64:
        return None
    for change in _SLOPES:
        slope = round(ideal) + change
        if slope <= 0:
            continue
        start, end = int((level - slope * step).max()), int((level - slope * (step - 1)).min())
        if above.size:
            end = min(end, (int(above[0]) << (32 + shift)) - slope * largest)
        if below.size:
            start = max(start, (int(below[-1]) << (32 + shift)) - slope * smallest)
        if start >= end:
            continue
        part = (1 << 31) + _SHIFTS_OF_SUM * slope
        offset = -((part - start) >> 32)
        fits = np.flatnonzero((offset << 32) + part < end)
        if fits.size:
            best = fits[np.argmin(np.abs(_SHIFTS_OF_SUM[fits]))]
            return Linear(slope, int(_SHIFTS_OF_SUM[best]), int(offset[best]), shift)
    return None


def fit_layer(
    steps: list[np.ndarray], ratios: list[float], smallest: np.ndarray, largest: np.ndarray, shifts: tuple[int, ...]
) -> list[Linear] | None:
    """Return a Linear for every channel, all with the same shift, the first of ``shifts`` that does; or None."""
    for shift in shifts:
        fits: list[Linear] = []
        for step, ratio, low, high in zip(steps, ratios, smallest.tolist(), largest.tolist(), strict=True):
            fit = fit_linear(step, ratio, low, high, shift)
            if fit is None:
                break
            fits.append(fit)
        else:
            return fits
    return None


def _clamp(steps: np.ndarray, low: int, high: int) -> np.ndarray:
    return np.where(low >= LEVELS, -FAR, np.where(high < LEVELS, FAR, steps))


def fit_rounded(steps: np.ndarray, ratio: float, out_zero: int, smallest: int, largest: int) -> tuple[int, int] | None:
    """Return (multiplier, shift) with these ``steps`` for out_zero + round(sum * multiplier / 2^shift), or None.

    Halves are rounded away from zero. The multiplier is in [0, 2^31), the shift in [1, 62].
    """
    mantissa, exponent = np.frexp(ratio)
    shift = 31 - int(exponent)
    if not 1 <= shift <= 62:
        return (0, 1) if shift > 62 else None
    # In magnitudes: |sum| >= reach exactly if |sum| * multiplier >= half.
    lowest, highest = 0, 1 << 31
    for step, level in zip(steps.tolist(), (LEVELS - out_zero).tolist(), strict=True):
        if step in (-FAR, FAR):
            continue
        half = abs(2 * level - 1) << (shift - 1)
        reach, most = (step, largest) if level > 0 else (1 - step, -smallest)
        if reach <= most:
            lowest = max(lowest, -(-half // reach))
        if min(reach - 1, most) > 0:
            highest = min(highest, -(-half // min(reach - 1, most)))
    if lowest >= highest:
        return None
    return min(max(round(float(mantissa) * 2**31), lowest), highest - 1), shift
