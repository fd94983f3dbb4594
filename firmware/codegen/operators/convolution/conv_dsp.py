# SPDX-License-Identifier: Apache-2.0
"""The call of ``conv2d_s8_dsp``, for convolutions and fully-connected layers."""

from __future__ import annotations

from mlperf_tiny.firmware.codegen.ir.plan import Constant, Step
from mlperf_tiny.firmware.codegen.operators.convolution.layer import ConvLayer
from mlperf_tiny.firmware.codegen.operators.convolution.packed_weights import can_pack_pairs, pack_weights, pair_order
from mlperf_tiny.firmware.codegen.operators.convolution.requantization import FAST_SHIFTS, SLOW_SHIFTS, requantization


def lower_conv_dsp(layer: ConvLayer) -> Step | None:
    """Return the call, or None where its arithmetic is not exact. Neighbouring columns make one run of values."""
    geometry, weights = layer.geometry, layer.weights
    shifts = FAST_SHIFTS + (SLOW_SHIFTS if layer.rounds_once else ())
    requant = requantization(layer, shifts)
    if requant is None:
        return None
    run_columns = geometry.filter_w if geometry.dilation_w == 1 else 1
    runs_per_row = geometry.filter_w // run_columns
    run_values = run_columns * layer.in_channels
    order = pair_order(geometry.filter_h * runs_per_row, run_values)
    im2col_columns = 4 if geometry.out_pixels >= 4 else 1
    packed_pairs = can_pack_pairs(requant, len(order))
    constant = Constant(f"packed_weights_{layer.op.index}", "int32_t", pack_weights(requant, order, packed_pairs))
    run_bytes = 0 if geometry.is_pointwise else (run_values + 3) // 4 * 4
    return Step(
        title=layer.title,
        kernel="conv2d_s8_dsp",
        source="dsp/conv2d_s8_dsp.c",
        struct="conv2d_s8_dsp_t",
        fields={
            "in_h": geometry.in_h,
            "in_w": geometry.in_w,
            "in_channels": layer.in_channels,
            "out_h": geometry.out_h,
            "out_w": geometry.out_w,
            "filter_h": geometry.filter_h,
            "runs_per_row": runs_per_row,
            "run_columns": run_columns,
            "run_values": run_values,
            "stride_h": geometry.stride_h,
            "stride_w": geometry.stride_w,
            "dilation_h": geometry.dilation_h,
            "dilation_w": geometry.dilation_w,
            "pad_top": geometry.pad_top,
            "pad_left": geometry.pad_left,
            "in_zero": layer.in_.zero_point,
            "dot.requant": requant.kind,
            "dot.linear_shift": requant.shift,
            "dot.packed_pairs": int(packed_pairs),
            "dot.pairs": len(order),
            "dot.filters": weights.channels,
            "dot.out_zero": layer.out.zero_point,
            "dot.out_min": layer.out_min,
            "dot.out_max": layer.out_max,
            "dot.packed_weights": constant.name,
        },
        inputs=(layer.in_.index,),
        output=layer.out.index,
        constants=(constant,),
        scratch_bytes=4 * im2col_columns * (len(order) + 1) + run_bytes,
        macs=layer.macs,
    )
