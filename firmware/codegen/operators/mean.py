# SPDX-License-Identifier: Apache-2.0
"""MEAN over any axes of an int8 tensor.

Source: TFLite ``kernels/internal/reference/reduce.h`` (QuantizedMeanOrSum): the division by the number of elements is
folded into the multiplier, which loses its last bits.
"""

from __future__ import annotations

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, dims
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.ir.requant import quantize_multiplier
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    integer_constant,
    output,
    require,
    same_shape,
    source,
)

# (2^31 - 1) / 255: more summed elements could overflow int32.
MAX_ELEMENTS = ((1 << 31) - 1) // 255


def lower_mean(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """out = clamp(requantize(sum - n * in_zero) + out_zero); keep_dims changes the shape only.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    rank = len(in_.shape)
    given = integer_constant(op, graph, 1, "list of axes")
    require(
        all(-rank <= axis < rank for axis in given), op, graph, f"its axes {given} are not those of {dims(in_.shape)}"
    )
    kept, summed = _loops(in_.shape, {axis % rank for axis in given})
    fits = max(len(kept), len(summed)) <= 2
    require(fits, op, graph, f"{dims(in_.shape)} over axes {given} needs more than 4 loops", in_)
    (keep_0, keep_1), (sum_0, sum_1) = ([(1, 0), (1, 0), *part][-2:] for part in (kept, summed))
    count = sum_0[0] * sum_1[0]
    axes = {axis % rank for axis in given}
    kept_shape = [1 if axis in axes else size for axis, size in enumerate(in_.shape)]
    dropped = tuple(size for axis, size in enumerate(kept_shape) if axis not in axes)
    same_shape(op, graph, tuple(kept_shape) if op.options["keep_dims"] else dropped)
    require(count <= MAX_ELEMENTS, op, graph, f"{count} elements in one sum, at most {MAX_ELEMENTS} fit int32", in_)
    ratio = in_.scale / out.scale
    require(ratio < 1 << 14, op, graph, f"its input's scale is {ratio:.3g} times that of its output, wanted below 2^14")
    multiplier, shift = quantize_multiplier(ratio)
    precision = min(count.bit_length() - 1, 32, 31 + shift)
    return (
        Step(
            title=f"{op.index}: MEAN of {count}  {dims(in_.shape)} -> {dims(out.shape)}",
            kernel="mean_s8",
            source=source("mean_s8.c", isa),
            struct="mean_s8_t",
            fields={
                "kept": f"{{{keep_0[0]}, {keep_1[0]}}}",
                "kept_stride": f"{{{keep_0[1]}, {keep_1[1]}}}",
                "summed": f"{{{sum_0[0]}, {sum_1[0]}}}",
                "summed_stride": f"{{{sum_0[1]}, {sum_1[1]}}}",
                "zero_sum": count * in_.zero_point,
                "out_zero": out.zero_point,
                "out_multiplier": (multiplier << precision) // count,
                "out_shift": shift - precision,
            },
            inputs=(in_.index,),
            output=out.index,
        ),
    )


def _loops(shape: tuple[int, ...], axes: set[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(size, stride) of the loops over kept and over summed axes, outermost first.

    Neighbouring axes of one kind are merged, axes of size 1 skipped: four axes give two loops of each kind at most.
    """
    runs: list[tuple[bool, int]] = []  # (is summed, size)
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        if runs and runs[-1][0] == (axis in axes):
            runs[-1] = (runs[-1][0], runs[-1][1] * size)
        else:
            runs.append((axis in axes, size))
    kept: list[tuple[int, int]] = []
    summed: list[tuple[int, int]] = []
    stride = 1
    for is_summed, size in reversed(runs):
        (summed if is_summed else kept).insert(0, (size, stride))
        stride *= size
    return kept, summed


OPERATORS: dict[str, Lowering] = {"MEAN": lower_mean}
