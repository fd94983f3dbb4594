# SPDX-License-Identifier: Apache-2.0
"""The calls of the portable kernels, which do every convolution and fully-connected layer that was not refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.plan import Constant, Step
from mlperf_tiny.firmware.codegen.operators.convolution.layer import ConvLayer
from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import fit_rounded
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
    weights, out_zero = layer.weights, layer.out.zero_point
    smallest, largest = weights.sum_range()
    scales: list[tuple[int, int]] = []
    ratios, ends = weights.ratios.tolist(), zip(smallest.tolist(), largest.tolist(), strict=True)
    for table, ratio, end in zip(layer.thresholds, ratios, ends, strict=True):
        scale = fit_rounded(table, ratio, out_zero, *end)
        if scale is None:
            refuse(layer.op, layer.graph, f"its scale {ratio!r} has no exact form in 32-bit fixed point")
        scales.append(scale)
    multiplier, shift = np.array(scales).T
    return replace(weights, multiplier=multiplier, shift=shift)
