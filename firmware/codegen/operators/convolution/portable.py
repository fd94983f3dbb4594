# SPDX-License-Identifier: Apache-2.0
"""The calls of the portable kernels, which do every convolution and fully-connected layer that was not refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.plan import Constant, Step
from mlperf_tiny.firmware.codegen.operators.convolution.layer import ConvLayer
from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import CHANNELS_AT_A_TIME, LEVELS, UNREACHABLE
from mlperf_tiny.firmware.codegen.operators.convolution.weights import Weights, reference_constants
from mlperf_tiny.firmware.codegen.operators.operands.checks import refuse


def lower_conv(layer: ConvLayer) -> Step:
    """Return the call of ``conv2d_s8``."""
    channels = {"in_channels": layer.in_channels, "out_channels": layer.weights.channels}
    return _window_step(layer, "conv2d_s8", channels, layer.weights.values)


def lower_depthwise(layer: ConvLayer) -> Step:
    """Return the call of ``depthwise_conv2d_s8``, whose weights are ``[height][width][out channels]``."""
    channels = {
        "in_channels": layer.in_channels,
        "depth_multiplier": layer.weights.channels // layer.in_channels,
    }
    return _window_step(layer, "depthwise_conv2d_s8", channels, layer.weights.values.T)


def lower_dense(layer: ConvLayer) -> Step:
    """Return the call of ``fully_connected_s8``.

    Raises UnsupportedOperator when a scale has no 32-bit multiplier that rounds every sum as TFLite does.
    """
    rounded_once = _with_single_rounding(layer)
    sizes = {"rows": layer.geometry.in_h, "in_size": layer.in_channels, "out_size": layer.weights.channels}
    return _step(layer, "fully_connected_s8", sizes, reference_constants(layer.op, rounded_once, rounded_once.values))


def _window_step(layer: ConvLayer, kernel: str, channels: dict[str, int], values: NDArray[np.int8]) -> Step:
    return _step(layer, kernel, channels | vars(layer.geometry), reference_constants(layer.op, layer.weights, values))


def _step(layer: ConvLayer, kernel: str, sizes: dict[str, int], constants: tuple[Constant, ...]) -> Step:
    return Step(
        title=layer.title,
        kernel=kernel,
        source=f"{kernel}.c",
        struct=f"{kernel}_t",
        fields=sizes
        | {
            "in_zero": layer.in_.zero_point,
            "out_zero": layer.out.zero_point,
            "out_min": layer.out_min,
            "out_max": layer.out_max,
        }
        | {c.name.rsplit("_", 1)[0]: c.name for c in constants},
        inputs=(layer.in_.index,),
        output=layer.out.index,
        constants=constants,
        macs=layer.macs,
    )


def _with_single_rounding(layer: ConvLayer) -> Weights:
    """The weights with (multiplier, shift) such that one rounding gives every output of TFLite's double precision."""
    weights = layer.weights
    multiplier, shift, exists = fit_rounded(
        layer.thresholds, weights.ratios, layer.out.zero_point, *weights.sum_range()
    )
    if not exists.all():
        ratio = float(weights.ratios[~exists][0])
        refuse(layer.op, layer.graph, f"its scale {ratio!r} has no exact form in 32-bit fixed point")
    return replace(weights, multiplier=multiplier, shift=shift)


def fit_rounded(
    tables: list[NDArray[np.int64]],
    ratios: NDArray[np.float64],
    out_zero: int,
    smallest: NDArray[np.int64],
    largest: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Find the multipliers and shifts with these thresholds for out_zero + round(sum * multiplier / 2^shift).

    Halves are rounded away from zero. The multipliers are in [0, 2^31), the shifts in [1, 62].

    Args:
        tables: Thresholds of each channel.
        ratios: (channels,): the real factors of the requantisation.
        out_zero: The output's zero point.
        smallest: (channels,): the smallest sum of each.
        largest: (channels,): the largest sum of each.

    Returns:
        (channels,) each: multipliers, shifts, and whether there are such numbers for a channel.
    """
    mantissa, exponent = np.frexp(ratios)
    wanted = 31 - exponent.astype(np.int64)
    shift = np.clip(wanted, 1, 62)
    lowest, highest = np.empty_like(shift), np.empty_like(shift)
    for first in range(0, len(tables), CHANNELS_AT_A_TIME):
        some = slice(first, first + CHANNELS_AT_A_TIME)
        columns = (column[some, None] for column in (shift, smallest, largest))
        lowest[some], highest[some] = _multipliers(np.stack(tables[some]), out_zero, *columns)
    nothing = (wanted > 62) | ((smallest == 0) & (largest == 0))
    exists = nothing | ((wanted >= 1) & (lowest < highest))
    nearest = np.rint(mantissa * 2.0**31).astype(np.int64)
    multiplier = np.minimum(np.maximum(nearest, lowest), highest - 1)
    return np.where(nothing, 0, multiplier), np.where(nothing, 1, shift), exists


def _multipliers(
    table: NDArray[np.int64],
    out_zero: int,
    shift: NDArray[np.int64],
    smallest: NDArray[np.int64],
    largest: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From which multiplier on, and below which, a channel has the thresholds of its row; columns otherwise."""
    # In magnitudes: |sum| >= threshold exactly if |sum| * multiplier >= half.
    level = LEVELS - out_zero
    threshold = np.where(level > 0, table, 1 - table)
    most = np.where(level > 0, largest, -smallest)
    known = np.abs(table) != UNREACHABLE
    before = np.minimum(threshold - 1, most)
    reached, between = known & (threshold <= most), known & (before > 0)
    halves = np.abs(2 * level - 1)
    lowest = np.where(reached, _shifted_quotient(halves, shift - 1, np.where(reached, threshold, 1)), 0)
    highest = np.where(between, _shifted_quotient(halves, shift - 1, np.where(between, before, 1)), 1 << 31)
    return lowest.max(axis=1), np.minimum(highest.min(axis=1), 1 << 31)


def _shifted_quotient(
    halves: NDArray[np.int64], shift: NDArray[np.int64], divisors: NDArray[np.int64]
) -> NDArray[np.int64]:
    """ceil(halves * 2^shift / divisors), exact below 2^50, halves < 2^10, divisors <= 2^41, shift <= 62."""
    first = np.minimum(shift, 50)
    whole, rest = np.divmod(halves << first, divisors)
    more = shift - first
    return (np.minimum(whole, 1 << 50) << more) - (-(rest << more) // divisors)
