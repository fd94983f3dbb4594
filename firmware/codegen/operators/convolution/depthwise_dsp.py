# SPDX-License-Identifier: Apache-2.0
"""The call of ``depthwise_conv2d_s8_dsp``: which axis is its inner one, its constants and its scratch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.plan import Constant, Step
from mlperf_tiny.firmware.codegen.operators.convolution.geometry import Geometry
from mlperf_tiny.firmware.codegen.operators.convolution.layer import ConvLayer
from mlperf_tiny.firmware.codegen.operators.convolution.requantization import (
    EXACT,
    FAST_SHIFTS,
    LINEAR,
    Requantization,
    requantization,
)

GROUP = 4
"""Channels that the kernel computes at a time."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of the image, as ``depthwise_axis_t``."""

    in_size: int
    out_size: int
    in_bytes: int
    """Bytes from one input position to the next along the axis."""
    out_bytes: int
    """Bytes from one output position to the next along the axis."""
    filter: int
    stride: int
    pad: int


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseCall:
    """What one ``depthwise_conv2d_s8_dsp`` call needs."""

    fields: dict[str, int | str]
    constants: tuple[Constant, ...]
    scratch_bytes: int
    in_place: bool
    """The output may overwrite the input."""


def lower_depthwise_dsp(layer: ConvLayer) -> Step | None:
    """Return the call, or None for a depth multiplier, or arithmetic that would not be exact.

    A dilation is None too where the padding before the input is no multiple of it, or where there is a stride.
    """
    if layer.weights.channels != layer.in_channels:
        return None
    requant = requantization(layer)
    if requant is None:
        return None
    call = depthwise_call(layer.op.index, layer.geometry, layer.in_.zero_point, requant)
    if call is None:
        return None
    kernel = "depthwise_dilated_s8_dsp" if _is_dilated(layer.geometry) else "depthwise_conv2d_s8_dsp"
    return Step(
        title=layer.title,
        kernel=kernel,
        source="dsp/depthwise_conv2d_s8_dsp.c",
        struct=f"{kernel}_t",
        fields=call.fields,
        inputs=(layer.in_.index,),
        output=layer.out.index,
        constants=call.constants,
        scratch_bytes=call.scratch_bytes,
        in_place=layer.in_.index if call.in_place else None,
        macs=layer.macs,
    )


def depthwise_call(number: int, geometry: Geometry, in_zero: int, requant: Requantization) -> DepthwiseCall | None:
    """Return the call, or None for what the kernel has not: the exact requantisation, and some dilations.

    Args:
        number: The layer's index, for the names of the constants.
        geometry: The window; its in_h x in_w pixels have one channel for each row of ``requant.values``.
        in_zero: The input's zero point.
        requant: Requantisation and filters, int8 (channels, rows * columns).
    """
    if requant.kind == EXACT or (_is_dilated(geometry) and not _has_parts(geometry)):
        return None
    channels = requant.values.shape[0]
    rows, columns = _axes(geometry, channels)
    filters = requant.values.reshape(channels, geometry.filter_h, geometry.filter_w)
    outer, inner = rows, columns
    swapped = _effort(columns, rows) < _effort(rows, columns)
    if swapped:
        outer, inner = columns, rows
        filters = filters.transpose(0, 2, 1)
    words = _line_words(inner)
    # As depthwise_line_has() and its caller decide; the scratch depends on it.
    known = requant.kind != LINEAR or requant.shift in FAST_SHIFTS
    in_assembler = known and outer.filter == inner.filter == 3 and inner.stride <= 2
    pair_words = 10 if in_assembler else outer.filter * (inner.filter // 2 + 1) * 2
    weights = Constant(f"weights_{number}", "int8_t", filters)
    parameters = Constant(f"requant_parameters_{number}", "int32_t", _requant_parameters(requant))
    fields: dict[str, int | str] = {"channels": channels}
    for name, axis in (("outer", outer), ("inner", inner)):
        fields |= {f"{name}.{key}": value for key, value in vars(axis).items()}
    fields |= {
        "in_zero": in_zero,
        "requant": requant.kind,
        "linear_shift": requant.shift,
        "line_words": words,
        "weights": weights.name,
        "requant_parameters": parameters.name,
    }
    if _is_dilated(geometry):
        names = ("inner", "outer") if swapped else ("outer", "inner")
        parts = {f"part.{name}": value for name, value in fields.items()}
        fields = {
            f"{name}.{key}": value
            for name, axis in zip(names, _whole_axes(geometry, channels), strict=True)
            for key, value in axis.items()
        }
        fields |= parts
    return DepthwiseCall(
        fields=fields,
        constants=(weights, parameters),
        scratch_bytes=4 * GROUP * (words * outer.filter + pair_words),
        in_place=(geometry.in_h, geometry.in_w) == (geometry.out_h, geometry.out_w)
        and (geometry.stride_h, geometry.stride_w) == (1, 1),
    )


def _is_dilated(geometry: Geometry) -> bool:
    return (geometry.dilation_h, geometry.dilation_w) != (1, 1)


def _has_parts(geometry: Geometry) -> bool:
    """Whether outputs a dilation apart read inputs a dilation apart, as a convolution without a dilation does."""
    paddings = geometry.pad_top % geometry.dilation_h, geometry.pad_left % geometry.dilation_w
    return (geometry.stride_h, geometry.stride_w) == (1, 1) and paddings == (0, 0)


def _axes(geometry: Geometry, channels: int) -> tuple[Axis, Axis]:
    """Rows and columns of an image with ``channels`` bytes a pixel; of a dilated one those of its first part."""
    rows = Axis(
        in_size=-(-geometry.in_h // geometry.dilation_h),
        out_size=-(-geometry.out_h // geometry.dilation_h),
        in_bytes=geometry.in_w * channels * geometry.dilation_h,
        out_bytes=geometry.out_w * channels * geometry.dilation_h,
        filter=geometry.filter_h,
        stride=geometry.stride_h,
        pad=geometry.pad_top // geometry.dilation_h,
    )
    columns = Axis(
        in_size=-(-geometry.in_w // geometry.dilation_w),
        out_size=-(-geometry.out_w // geometry.dilation_w),
        in_bytes=channels * geometry.dilation_w,
        out_bytes=channels * geometry.dilation_w,
        filter=geometry.filter_w,
        stride=geometry.stride_w,
        pad=geometry.pad_left // geometry.dilation_w,
    )
    return rows, columns


def _whole_axes(geometry: Geometry, channels: int) -> tuple[dict[str, int], dict[str, int]]:
    """Rows and columns of a dilated convolution, as ``depthwise_dilated_axis_t``."""
    rows = {
        "in_size": geometry.in_h,
        "out_size": geometry.out_h,
        "in_bytes": geometry.in_w * channels,
        "out_bytes": geometry.out_w * channels,
        "dilation": geometry.dilation_h,
    }
    columns = {
        "in_size": geometry.in_w,
        "out_size": geometry.out_w,
        "in_bytes": channels,
        "out_bytes": channels,
        "dilation": geometry.dilation_w,
    }
    return rows, columns


def _line_words(inner: Axis) -> int:
    """Words of a line that its last two outputs read."""
    steps = (inner.out_size - 1) // 2
    return steps * inner.stride + inner.stride // 2 + inner.filter // 2 + 1


def _effort(outer: Axis, inner: Axis) -> float:
    """Instructions per channel, roughly: set-up, inner loop and widening of each line."""
    loop = 3 + 1.5 * outer.filter * (inner.filter // 2 + 1)
    lines_read = min(outer.in_size + 2 * outer.pad, outer.out_size * outer.stride + outer.filter)
    return outer.out_size * (40 + 2 * loop * -(-inner.out_size // 2)) + lines_read * (30 + 4 * _line_words(inner))


def _requant_parameters(requant: Requantization) -> NDArray[np.int64]:
    """Words per channel: slope, offset, bias for the linear kind; multiplier, offset, bias, shift otherwise."""
    columns = [requant.parameters[:, 0], requant.parameters[:, 1], requant.bias]
    if requant.kind != LINEAR:
        columns.append(requant.parameters[:, 2])
    return np.stack(columns, axis=1)
