# SPDX-License-Identifier: Apache-2.0
"""Filters, biases and requantisation in the order ``firmware/engine/dsp/dot.h`` reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import fit_layer, thresholds, thresholds_of_real
from mlperf_tiny.firmware.codegen.operators.convolution.weights import Weights

LINEAR, ROUNDING, EXACT = 0, 1, 2
# Shifts of the linear kind, best first: dot_asm.h has functions for these two.
FAST_SHIFTS = (4, 2)
SLOW_SHIFTS = (6, 8, 3, 5, 7, 1, 9, 10, 0)
_INT32_LIMIT = 1 << 31


@dataclass(frozen=True, eq=False)
class Requantization:
    """How a layer's sums become outputs: ``kind`` and ``shift`` as in dot.h, one row of ``tails`` per channel.

    ``bias`` int64 (channels,) has the input's zero point and the linear kind's share folded in. ``values`` are the
    filters; those whose output never changes may have become 0.
    """

    kind: int
    shift: int
    values: np.ndarray
    bias: np.ndarray
    tails: np.ndarray


def requantization(
    weights: Weights, out_zero: int, low: int, high: int, *, rounds_once: bool, shifts: tuple[int, ...] = FAST_SHIFTS
) -> Requantization | None:
    """Return the cheapest exact requantisation, or None if there is none but the portable kernel's.

    ``rounds_once`` is for layers that TFLite computes in double precision (fully-connected ones).
    """
    smallest, largest = weights.sum_range()
    ratios = weights.ratios.tolist()
    wraps = np.maximum(np.abs(smallest), np.abs(largest)) << np.maximum(weights.shift, 0) >= _INT32_LIMIT
    if wraps.any() and not rounds_once:
        return None
    if rounds_once:
        steps = [thresholds_of_real(ratio, out_zero, low, high) for ratio in ratios]
    else:
        pairs = zip(weights.multiplier.tolist(), weights.shift.tolist(), strict=True)
        steps = [thresholds(multiplier, shift, out_zero, low, high) for multiplier, shift in pairs]
    fits = fit_layer(steps, ratios, smallest, largest, shifts)
    if fits is not None:
        tails = np.array([(fit.slope, fit.offset) for fit in fits], np.int64)
        bias = weights.folded_bias + [fit.bias for fit in fits]
        moved = bias - weights.folded_bias
        words = (tails, bias, smallest + moved, largest + moved)
        if max(int(np.abs(word).max()) for word in words) < _INT32_LIMIT:
            return Requantization(LINEAR, fits[0].shift, weights.values, bias, tails)
    if rounds_once:
        return None
    return _rounding(weights, steps, out_zero, low, high) or Requantization(
        EXACT, 0, weights.values, weights.folded_bias, np.stack([weights.multiplier, weights.shift], axis=1)
    )


def _rounding(weights: Weights, steps: list[np.ndarray], out_zero: int, low: int, high: int) -> Requantization | None:
    """TFLite's two roundings in five instructions; needs a right shift and no bounds but int8's own."""
    smallest, largest = weights.sum_range()
    constant = np.array([not ((s > a) & (s <= b)).any() for s, a, b in zip(steps, smallest, largest, strict=True)])
    level = np.array([np.count_nonzero(s <= a) - 128 for s, a in zip(steps, smallest, strict=True)])
    right = np.where(constant, 1, -weights.shift)
    offset = np.where(constant, level * 2, (1 << np.maximum(right, 1) >> 1) + (out_zero << np.clip(right, 0, 40)))
    reach = np.maximum(np.abs(smallest), np.abs(largest)) + np.abs(offset) + 1
    if (low, high) != (-128, 127) or (right < 1).any() or (np.where(constant, 0, reach) >= _INT32_LIMIT).any():
        return None
    # 2 * multiplier as a signed word: sum + round(sum * it / 2^32) puts back what the sign took away.
    factor = np.where(constant, 0, 2 * weights.multiplier - (1 << 32))
    values = np.where(constant[:, None], 0, weights.values).astype(np.int8)
    bias = np.where(constant, 0, weights.folded_bias)
    return Requantization(ROUNDING, 0, values, bias, np.stack([factor, offset, right], axis=1))


def pair_order(runs: int, run_values: int) -> np.ndarray:
    """Return (pairs, 2): which value of the patch stands where; -1 for none. The order conv2d_s8_dsp.h describes."""
    run: list[tuple[int, int]] = []
    for start in range(0, run_values - 3, 4):
        run += [(start, start + 2), (start + 1, start + 3)]
    rest = list(range(run_values & ~3, run_values))
    if len(rest) >= 2:
        run.append((rest[0], rest[1]))
        rest = rest[2:]
    if rest:
        run.append((rest[0], -1))
    one = np.array(run)
    return np.concatenate([np.where(one < 0, -1, one + index * run_values) for index in range(runs)])


def can_join(requant: Requantization, pairs: int) -> bool:
    """True where two filters may share an int16 as 256 * second + first, and where that is a gain.

    Splitting costs eight instructions for eight outputs, widening one for each pair of values.
    """
    first, second = _twos(requant.values)
    w, bias = second.astype(np.int64), requant.bias[1 : 2 * len(second) : 2]
    largest = np.maximum(np.abs(bias + np.where(w > 0, w * 127, w * -128).sum(axis=1)),
                         np.abs(bias + np.where(w > 0, w * -128, w * 127).sum(axis=1)))  # fmt: skip
    exists = not np.any((second == -128) & (first < 0))
    return pairs > 8 and len(second) > 0 and exists and bool((largest < 1 << 23).all())


def stream(requant: Requantization, order: np.ndarray, joined: bool) -> np.ndarray:
    """Return the words, int32, for filters whose pairs come in ``order``; ``joined`` as in dot.h."""
    channels = requant.values.shape[0]
    values, bias_values = requant.values, requant.bias
    if joined:
        first, second = _twos(values)
        values, bias_values = values.copy(), bias_values.copy()
        values[1 : 2 * len(second) : 2] = second - (first < 0)
        bias_values[1 : 2 * len(second) : 2] = (
            256 * requant.bias[1 : 2 * len(second) : 2] + (requant.bias[0 : 2 * len(second) : 2])
        )
    padded = np.concatenate([values, np.zeros((channels, 1), np.int8)], axis=1)
    pairs = padded[:, order]  # (channels, pairs, 2); -1 picks the zero
    tails = (requant.tails & 0xFFFFFFFF).astype(np.uint32)
    bias = (bias_values & 0xFFFFFFFF).astype(np.uint32)
    words: list[np.ndarray] = []
    for first_channel in range(0, channels - 1, 2):
        both = slice(first_channel, first_channel + 2)
        bytes_ = pairs[both].transpose(1, 2, 0)  # pair, half, filter
        words += [bias[both], _words(bytes_), tails[both].reshape(-1)]
    if channels % 2:
        last = pairs[-1]
        if len(last) % 2:
            last = np.concatenate([last, np.zeros((1, 2), np.int8)])
        words += [bias[-1:], _words(last.reshape(-1, 2, 2).transpose(0, 2, 1)), tails[-1]]
    return np.concatenate(words).view(np.int32)


def _twos(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the second filters of all twos; an odd last one is left out."""
    whole = len(values) & ~1
    return values[0:whole:2], values[1:whole:2]


def _words(bytes_: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(bytes_).reshape(-1).view("<u4").astype(np.uint32)
