# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: checks, geometry, and the call of the portable kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor
from mlperf_tiny.firmware.codegen.ir.plan import Constant, Isa, Step
from mlperf_tiny.firmware.codegen.operators.convolution.depthwise import depthwise_call
from mlperf_tiny.firmware.codegen.operators.convolution.geometry import Window, read_filter, read_window
from mlperf_tiny.firmware.codegen.operators.convolution.packed_weights import (
    FAST_SHIFTS,
    SLOW_SHIFTS,
    can_join,
    pair_order,
    requantization,
    stream,
)
from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import fit_rounded, thresholds_of_real
from mlperf_tiny.firmware.codegen.operators.convolution.weights import Weights, read_weights, reference_constants
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    dims,
    output,
    output_range,
    refuse,
    require,
)


def lower_conv(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """CONV_2D: weights [out channels][height][width][in channels]."""
    in_, out = activation(op, graph), output(op, graph)
    filter_ = read_filter(op, graph, in_)
    if filter_.shape[3] != in_.shape[3]:
        refuse(
            op, graph, f"groups: each filter sees {filter_.shape[3]} of {in_.shape[3]} channels, wanted all", filter_
        )
    geometry = read_window(op, graph, in_, out, filter_, filter_.shape[0])
    weights = read_weights(op, graph, in_, out, axis=0)
    if isa is Isa.DSP:
        fast = _dsp_step(op, graph, geometry, weights, in_, out, in_.shape[3], rounds_once=False)
        if fast is not None:
            return (fast,)
    return (
        _step(
            op, graph, geometry, weights, in_, out,
            kernel="conv2d_s8",
            channels={"in_channels": in_.shape[3], "out_channels": out.shape[3]},
            values=weights.values,
        ),
    )  # fmt: skip


def lower_depthwise(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """DEPTHWISE_CONV_2D: weights [1][height][width][in channels * depth multiplier]."""
    in_, out = activation(op, graph), output(op, graph)
    filter_ = read_filter(op, graph, in_)
    if filter_.shape[0] != 1 or filter_.shape[3] % in_.shape[3]:
        refuse(op, graph, f"{filter_.shape[3]} filters do not share out to {in_.shape[3]} channels", filter_)
    geometry = read_window(op, graph, in_, out, filter_, filter_.shape[3])
    weights = read_weights(op, graph, in_, out, axis=3)
    if isa is Isa.DSP and filter_.shape[3] == in_.shape[3]:
        fast = _dsp_depthwise_step(op, graph, geometry, weights, in_, out)
        if fast is not None:
            return (fast,)
    return (
        _step(
            op, graph, geometry, weights, in_, out,
            kernel="depthwise_conv2d_s8",
            channels={"in_channels": in_.shape[3], "depth_multiplier": filter_.shape[3] // in_.shape[3]},
            values=weights.values.T,
        ),
    )  # fmt: skip


def lower_fully_connected(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """FULLY_CONNECTED: weights [outputs][inputs]; the input is taken as rows of as many values as a filter has."""
    in_, out = activation(op, graph), output(op, graph)
    require(op.options.get("weights_format", "DEFAULT") == "DEFAULT", op, graph, "its weights are shuffled")
    require(len(op.inputs) > 1 and op.inputs[1] >= 0, op, graph, "it has no weights")
    filter_ = graph.tensors[op.inputs[1]]
    require(len(filter_.shape) == 2, op, graph, "its weights must have two axes", filter_)
    outputs, inputs = filter_.shape
    rows = in_.elements // inputs
    if in_.elements % inputs or out.elements != rows * outputs:
        refuse(
            op, graph, f"{dims(in_.shape)} times weights {outputs}x{inputs} does not give {dims(out.shape)}", filter_
        )
    weights = read_weights(op, graph, in_, out, axis=0)
    if isa is Isa.DSP:
        picture = Window(rows, 1, rows, 1, 1, 1, 1, 1, 1, 1, 0, 0)
        fast = _dsp_step(op, graph, picture, weights, in_, out, inputs, rounds_once=True)
        if fast is not None:
            return (fast,)
    low, high = output_range(op, graph, out)
    smallest, largest = weights.sum_range()
    scales = []
    for ratio, *ends in zip(weights.ratios.tolist(), smallest.tolist(), largest.tolist(), strict=True):
        scale = fit_rounded(thresholds_of_real(ratio, out.zero_point, low, high), ratio, out.zero_point, *ends)
        if scale is None:
            refuse(op, graph, f"its scale {ratio!r} cannot be done in 32-bit fixed point without an error")
        scales.append(scale)
    multiplier, shift = np.array(scales).T
    rounded_once = replace(weights, multiplier=multiplier, shift=shift)
    constants = reference_constants(op, rounded_once, weights.values)
    return (
        Step(
            title=f"{op.index}: {op.kind}  {dims(in_.shape)} -> {dims(out.shape)}",
            kernel="fully_connected_s8",
            source="fully_connected_s8.c",
            struct="fully_connected_s8_t",
            fields={
                "rows": rows,
                "in_size": inputs,
                "out_size": outputs,
                "in_zero": in_.zero_point,
                "out_zero": out.zero_point,
                "out_min": low,
                "out_max": high,
            }
            | {c.name.rsplit("_", 1)[0]: c.name for c in constants},
            inputs=(in_.index,),
            output=out.index,
            constants=constants,
            macs=rows * inputs * outputs,
        ),
    )


def _title(op: Operator, geometry: Window, in_: Tensor, out: Tensor) -> str:
    window_text = "" if op.kind == "FULLY_CONNECTED" else f" {geometry.text}"
    return f"{op.index}: {op.kind}{window_text}  {dims(in_.shape)} -> {dims(out.shape)}"


def _step(
    op: Operator,
    graph: Graph,
    geometry: Window,
    weights: Weights,
    in_: Tensor,
    out: Tensor,
    *,
    kernel: str,
    channels: dict[str, int],
    values: np.ndarray,
) -> Step:
    low, high = output_range(op, graph, out)
    constants = reference_constants(op, weights, values)
    return Step(
        title=_title(op, geometry, in_, out),
        kernel=kernel,
        source=f"{kernel}.c",
        struct=f"{kernel}_t",
        fields=channels
        | vars(geometry)
        | {"in_zero": in_.zero_point, "out_zero": out.zero_point, "out_min": low, "out_max": high}
        | {c.name.rsplit("_", 1)[0]: c.name for c in constants},
        inputs=(in_.index,),
        output=out.index,
        constants=constants,
        macs=geometry.out_h * geometry.out_w * weights.channels * weights.taps,
    )


def _dsp_step(
    op: Operator,
    graph: Graph,
    geometry: Window,
    weights: Weights,
    in_: Tensor,
    out: Tensor,
    in_channels: int,
    *,
    rounds_once: bool,
) -> Step | None:
    """conv2d_s8_dsp, or None where its arithmetic is not exact. Columns next to each other make one run."""
    low, high = output_range(op, graph, out)
    shifts = FAST_SHIFTS + (SLOW_SHIFTS if rounds_once else ())
    requant = requantization(weights, out.zero_point, low, high, rounds_once=rounds_once, shifts=shifts)
    if requant is None:
        return None
    run_columns = geometry.filter_w if geometry.dilation_w == 1 else 1
    runs_per_row = geometry.filter_w // run_columns
    run_values = run_columns * in_channels
    order = pair_order(geometry.filter_h * runs_per_row, run_values)
    patches = 4 if geometry.out_h * geometry.out_w >= 4 else 1
    plain = (geometry.filter_h, geometry.filter_w, geometry.stride_h, geometry.stride_w) == (1, 1, 1, 1)
    plain = plain and (geometry.out_h, geometry.out_w) == (geometry.in_h, geometry.in_w)
    joined = can_join(requant, len(order))
    constant = Constant(f"stream_{op.index}", "int32_t", stream(requant, order, joined))
    return Step(
        title=_title(op, geometry, in_, out),
        kernel="conv2d_s8_dsp",
        source="dsp/conv2d_s8_dsp.c",
        struct="conv2d_s8_dsp_t",
        fields={
            "in_h": geometry.in_h,
            "in_w": geometry.in_w,
            "in_channels": in_channels,
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
            "in_zero": in_.zero_point,
            "dot.requant": requant.kind,
            "dot.linear_shift": requant.shift,
            "dot.joined": int(joined),
            "dot.pairs": len(order),
            "dot.filters": weights.channels,
            "dot.out_zero": out.zero_point,
            "dot.out_min": low,
            "dot.out_max": high,
            "dot.stream": constant.name,
        },
        inputs=(in_.index,),
        output=out.index,
        constants=(constant,),
        scratch_bytes=4 * patches * (len(order) + 1) + (0 if plain else (run_values + 3) // 4 * 4),
        macs=geometry.out_h * geometry.out_w * weights.channels * weights.taps,
    )


def _dsp_depthwise_step(
    op: Operator, graph: Graph, geometry: Window, weights: Weights, in_: Tensor, out: Tensor
) -> Step | None:
    low, high = output_range(op, graph, out)
    requant = requantization(weights, out.zero_point, low, high, rounds_once=False)
    if requant is None:
        return None
    call = depthwise_call(op.index, geometry, weights.channels, in_.zero_point, requant)
    if call is None:
        return None
    return Step(
        title=_title(op, geometry, in_, out),
        kernel="depthwise_conv2d_s8_dsp",
        source="dsp/depthwise_conv2d_s8_dsp.c",
        struct="depthwise_conv2d_s8_dsp_t",
        fields=call.fields,
        inputs=(in_.index,),
        output=out.index,
        constants=call.constants,
        scratch_bytes=call.scratch_bytes,
        in_place=in_.index if call.in_place else None,
        macs=geometry.out_h * geometry.out_w * weights.channels * weights.taps,
    )


OPERATORS: dict[str, Lowering] = {
    "CONV_2D": lower_conv,
    "DEPTHWISE_CONV_2D": lower_depthwise,
    "FULLY_CONNECTED": lower_fully_connected,
}
