# SPDX-License-Identifier: Apache-2.0
"""The DSP form of DEPTHWISE_CONV_2D: which axis its lines run along, its constants and its scratch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlperf_tiny.firmware.codegen.ir.plan import Constant
from mlperf_tiny.firmware.codegen.operators.convolution.geometry import Window
from mlperf_tiny.firmware.codegen.operators.convolution.packed_weights import EXACT, FAST_SHIFTS, LINEAR, Requantization

GROUP = 4


@dataclass(frozen=True)
class Axis:
    """One axis of the picture, as ``depthwise_axis_t``."""

    in_size: int
    out_size: int
    in_bytes: int
    out_bytes: int
    filter: int
    stride: int
    pad: int


@dataclass(frozen=True, eq=False)
class DepthwiseCall:
    """Fields, constants and scratch of one ``depthwise_conv2d_s8_dsp`` call; ``in_place`` if it may overwrite."""

    fields: dict[str, int | str]
    constants: tuple[Constant, ...]
    scratch_bytes: int
    in_place: bool


def depthwise_call(
    number: int, window: Window, channels: int, in_zero: int, requant: Requantization
) -> DepthwiseCall | None:
    """Return the call for filters in ``requant.values`` (channels, rows * columns), or None where it cannot do it."""
    if requant.kind == EXACT or (window.dilation_h, window.dilation_w) != (1, 1):
        return None
    rows = Axis(
        window.in_h, window.out_h, window.in_w * channels, window.out_w * channels,
        window.filter_h, window.stride_h, window.pad_top,
    )  # fmt: skip
    columns = Axis(window.in_w, window.out_w, channels, channels, window.filter_w, window.stride_w, window.pad_left)
    filters = requant.values.reshape(channels, window.filter_h, window.filter_w)
    lines, places = rows, columns
    if _effort(columns, rows) < _effort(rows, columns):
        lines, places = columns, rows
        filters = filters.transpose(0, 2, 1)
    words = _ring_words(places)
    # As depthwise_line_knows() and its caller decide; the scratch depends on it.
    known = requant.kind != LINEAR or requant.shift in FAST_SHIFTS
    by_hand = known and lines.filter == places.filter == 3 and places.stride <= 2
    pair_words = 10 if by_hand else lines.filter * (places.filter // 2 + 1) * 2
    weights = Constant(f"weights_{number}", "int8_t", filters)
    tails = Constant(f"tails_{number}", "int32_t", _tails(requant))
    fields: dict[str, int | str] = {"channels": channels}
    for name, axis in (("lines", lines), ("places", places)):
        fields |= {f"{name}.{key}": value for key, value in vars(axis).items()}
    fields |= {
        "in_zero": in_zero,
        "requant": requant.kind,
        "linear_shift": requant.shift,
        "ring_words": words,
        "weights": weights.name,
        "tails": tails.name,
    }
    same = all(axis.stride == 1 and axis.in_size == axis.out_size for axis in (rows, columns))
    return DepthwiseCall(fields, (weights, tails), 4 * GROUP * (words * lines.filter + pair_words), same)


def _ring_words(places: Axis) -> int:
    """Words of a line that its last two outputs reach."""
    steps = (places.out_size - 1) // 2
    return steps * places.stride + places.stride // 2 + places.filter // 2 + 1


def _effort(lines: Axis, places: Axis) -> float:
    """Instructions per channel, roughly: set-up, inner loop and widening of each line."""
    inner = 3 + 1.5 * lines.filter * (places.filter // 2 + 1)
    lines_read = min(lines.in_size + 2 * lines.pad, lines.out_size * lines.stride + lines.filter)
    return lines.out_size * (40 + 2 * inner * -(-places.out_size // 2)) + lines_read * (30 + 4 * _ring_words(places))


def _tails(requant: Requantization) -> np.ndarray:
    """Words per channel: slope, offset, bias for the linear kind; multiplier, offset, bias, shift otherwise."""
    columns = [requant.tails[:, 0], requant.tails[:, 1], requant.bias]
    if requant.kind != LINEAR:
        columns.append(requant.tails[:, 2])
    return np.stack(columns, axis=1)
