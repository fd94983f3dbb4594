# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX along the last axis, int8 to int8, in TFLite's fixed point.

Sources: TFLite ``kernels/internal/reference/softmax.h``, ``kernels/internal/quantization_util.cc``
(PreprocessSoftmaxScaling, CalculateInputRadius). The exponential depends on (value - largest in the row) alone, so the
host tabulates it; the sum, its reciprocal and the product are computed on the device.
"""

from __future__ import annotations

import math

import numpy as np

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, dims
from mlperf_tiny.firmware.codegen.ir.plan import Constant, Isa, Step
from mlperf_tiny.firmware.codegen.ir.requant import (
    EXP_FRACTION_BITS,
    EXP_INTEGER_BITS,
    exp_on_negative_values,
    high_mul,
    quantize_multiplier,
)
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    output,
    require,
)


def exp_table(scale: float, beta: float) -> list[int]:
    """Return exp(-beta * scale * n) in Q0.31 for n = 0, 1, ... until TFLite takes it for 0; at most 256 entries.

    Args:
        scale: The input's scale.
        beta: The operator's beta.
    """
    real = min(beta * scale * (1 << EXP_FRACTION_BITS), float((1 << 31) - 1))
    multiplier, shift = quantize_multiplier(real)
    # Differences below the range of the exponential's argument count as exp = 0.
    radius = math.floor(((1 << EXP_INTEGER_BITS) - 1) * (1 << EXP_FRACTION_BITS) / (1 << shift))
    return [exp_on_negative_values(high_mul(-n << shift, multiplier)) for n in range(min(radius, 255) + 1)]


def lower_softmax(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """Rows of any number; the output has scale 1/256 and zero point -128.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    require(len(in_.shape) >= 1 and in_.shape == out.shape, op, graph, f"{dims(in_.shape)} becomes {dims(out.shape)}")
    fixed = out.zero_point == -128 and abs(out.scale - 1 / 256) <= 0.001 / 256
    require(
        fixed, op, graph, f"its output is {out.scale:g}/{out.zero_point}, TFLite wants scale 1/256, zero point -128"
    )
    beta = float(op.options["beta"])  # type: ignore[arg-type]
    fine = beta * in_.scale * (1 << EXP_FRACTION_BITS) > 1
    require(fine, op, graph, f"beta {beta:g} times input scale {in_.scale:g} is too small for TFLite's fixed point")
    depth = in_.shape[-1]
    require(depth < 1 << 12, op, graph, f"{depth} classes, TFLite's sum holds fewer than 4096", in_)
    values = exp_table(in_.scale, beta)
    table = Constant(f"op{op.index}_exp", "int32_t", np.array(values, np.int32), "exp(-n * scale * beta), Q0.31")
    return (
        Step(
            title=f"{op.index}: SOFTMAX  {dims(in_.shape)}",
            kernel="softmax_s8",
            source="softmax_s8.c",
            struct="softmax_s8_t",
            fields={
                "rows": in_.elements // depth,
                "depth": depth,
                "exp_entries": len(values),
                "exp": table.name,
            },
            inputs=(in_.index,),
            output=out.index,
            constants=(table,),
            in_place=in_.index,
        ),
    )


OPERATORS: dict[str, Lowering] = {"SOFTMAX": lower_softmax}
