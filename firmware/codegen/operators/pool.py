# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D. Neither rescales: input and output share their quantisation."""

from __future__ import annotations

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, dims
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    output,
    output_range,
    refuse,
    require,
    same_quantization,
    source,
)
from mlperf_tiny.firmware.codegen.operators.operands.padding import window

KERNELS = {"AVERAGE_POOL_2D": "avg_pool_s8", "MAX_POOL_2D": "max_pool_s8"}


def lower_pool(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """One kernel call; H, W and channels of the input are arbitrary, the window may hang over every edge.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    same_quantization(op, graph, in_, out)
    require(len(in_.shape) == 4, op, graph, "its input must have the axes batch, height, width, channel", in_)
    o = op.options
    geometry = [int(o[name]) for name in ("filter_h", "filter_w", "stride_h", "stride_w")]  # type: ignore[arg-type]
    filter_h, filter_w, stride_h, stride_w = geometry
    require(
        min(geometry) >= 1,
        op,
        graph,
        f"window {filter_h}x{filter_w}, stride {stride_h}x{stride_w}: all must be 1 or more",
    )
    out_h, pad_top = window(str(o["padding"]), in_.shape[1], filter_h, stride_h)
    out_w, pad_left = window(str(o["padding"]), in_.shape[2], filter_w, stride_w)
    if (1, out_h, out_w, in_.shape[3]) != out.shape:
        refuse(op, graph, f"the output should be {out_h}x{out_w}x{in_.shape[3]} and is {dims(out.shape)}")
    low, high = output_range(op, graph, out)
    kernel = KERNELS[op.kind]
    window_text = f"{filter_h}x{filter_w}/{stride_h}x{stride_w}"
    return (
        Step(
            title=f"{op.index}: {op.kind} {window_text}  {dims(in_.shape)} -> {dims(out.shape)}",
            kernel=kernel,
            source=source(f"{kernel}.c", isa),
            struct="pool_s8_t",
            fields={
                "in_h": in_.shape[1],
                "in_w": in_.shape[2],
                "channels": in_.shape[3],
                "out_h": out_h,
                "out_w": out_w,
                "filter_h": filter_h,
                "filter_w": filter_w,
                "stride_h": stride_h,
                "stride_w": stride_w,
                "pad_top": pad_top,
                "pad_left": pad_left,
                "out_min": low,
                "out_max": high,
            },
            inputs=(in_.index,),
            output=out.index,
        ),
    )


OPERATORS: dict[str, Lowering] = {"AVERAGE_POOL_2D": lower_pool, "MAX_POOL_2D": lower_pool}
