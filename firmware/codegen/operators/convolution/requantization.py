# SPDX-License-Identifier: Apache-2.0
"""How the DSP kernels turn a layer's int32 sums into int8 outputs: the cheapest of three kinds that is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.operators.convolution.effort import layer_effort
from mlperf_tiny.firmware.codegen.operators.convolution.layer import ConvLayer
from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import fit_layer
from mlperf_tiny.firmware.codegen.operators.convolution.weights import Weights

LINEAR, ROUNDING, EXACT = 0, 1, 2
"""REQUANT_LINEAR, REQUANT_ROUNDING and REQUANT_EXACT of ``dsp/dot.h``."""

FAST_SHIFTS = (4, 2)
"""Shifts of the linear kind that ``dsp/dot_asm.h`` has functions for, best first."""
SLOW_SHIFTS = (6, 8, 3, 5, 7, 1, 9, 10, 0)
"""The other shifts of the linear kind, in the order in which they are tried."""
_INT32_LIMIT = 1 << 31


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantization:
    """The requantisation of one layer, as ``dsp/dot.h`` describes it."""

    kind: int
    """LINEAR, ROUNDING or EXACT."""
    shift: int
    """The right shift of the linear kind; 0 for the others."""
    values: NDArray[np.int8]
    """The filters (channels, taps); those whose output never changes may have become 0."""
    bias: NDArray[np.int64]
    """(channels,): the bias with the input's zero point and the linear kind's share folded in."""
    parameters: NDArray[np.int64]
    """(channels, 2 or 3): slope, offset; or multiplier, offset, shift; or multiplier, shift."""


def requantization(layer: ConvLayer, shifts: tuple[int, ...] = FAST_SHIFTS) -> Requantization | None:
    """Return the cheapest exact requantisation, or None if there is none but the portable kernel's.

    Args:
        layer: The layer, whose ``rounds_once`` says how TFLite rounds.
        shifts: The shifts of the linear kind to try, in order.
    """
    weights, out_zero, low, high = layer.weights, layer.out.zero_point, layer.out_min, layer.out_max
    smallest, largest = weights.sum_range()
    ratios = weights.ratios.tolist()
    wraps = np.maximum(np.abs(smallest), np.abs(largest)) << np.maximum(weights.shift, 0) >= _INT32_LIMIT
    if wraps.any() and not layer.rounds_once:
        return None
    tables = layer.thresholds
    fits = fit_layer(tables, ratios, smallest, largest, shifts, layer_effort(layer.graph, layer.op))
    if fits is not None:
        parameters = np.array([(fit.slope, fit.offset) for fit in fits], np.int64)
        bias = weights.folded_bias + np.array([fit.bias for fit in fits], np.int64)
        moved = bias - weights.folded_bias
        words = (parameters, bias, smallest + moved, largest + moved)
        if max(int(np.abs(word).max()) for word in words) < _INT32_LIMIT:
            return Requantization(
                kind=LINEAR, shift=fits[0].shift, values=weights.values, bias=bias, parameters=parameters
            )
    if layer.rounds_once:
        return None
    if (low, high) == (-128, 127):
        rounding = _rounding(weights, tables, out_zero)
        if rounding is not None:
            return rounding
    exact = np.stack([weights.multiplier, weights.shift], axis=1)
    return Requantization(kind=EXACT, shift=0, values=weights.values, bias=weights.folded_bias, parameters=exact)


def _rounding(weights: Weights, tables: list[NDArray[np.int64]], out_zero: int) -> Requantization | None:
    """TFLite's two roundings in five instructions; needs right shifts, and no output range but int8's own."""
    smallest, largest = weights.sum_range()
    constant = np.array([not ((t > a) & (t <= b)).any() for t, a, b in zip(tables, smallest, largest, strict=True)])
    level = np.array([np.count_nonzero(t <= a) - 128 for t, a in zip(tables, smallest, strict=True)])
    right = np.where(constant, 1, -weights.shift)
    offset = np.where(constant, level * 2, (1 << np.maximum(right, 1) >> 1) + (out_zero << np.clip(right, 0, 40)))
    magnitude = np.maximum(np.abs(smallest), np.abs(largest)) + np.abs(offset) + 1
    if (right < 1).any() or (np.where(constant, 0, magnitude) >= _INT32_LIMIT).any():
        return None
    # 2 * multiplier as a signed word: sum + round(sum * it / 2^32) puts back what the sign took away.
    factor = np.where(constant, 0, 2 * weights.multiplier - (1 << 32))
    return Requantization(
        kind=ROUNDING,
        shift=0,
        values=np.where(constant[:, None], 0, weights.values).astype(np.int8),
        bias=np.where(constant, 0, weights.folded_bias),
        parameters=np.stack([factor, offset, right], axis=1),
    )
