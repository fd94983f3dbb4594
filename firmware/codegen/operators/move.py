# SPDX-License-Identifier: Apache-2.0
"""PAD, PADV2, CONCATENATION and TRANSPOSE: bytes move, no value changes."""

from __future__ import annotations

from math import prod

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, dims
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    integer_constant,
    operand,
    output,
    refuse,
    require,
    same_quantization,
)


def lower_pad(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """A border of the real value 0, or of PADV2's constant, around up to four axes.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    same_quantization(op, graph, in_, out)
    flat = integer_constant(op, graph, 1, "padding")
    rank = len(in_.shape)
    require(
        rank <= 4 and len(flat) == 2 * rank,
        op,
        graph,
        f"{len(flat)} padding amounts for {dims(in_.shape)}, wanted 2 per axis and at most 4 axes",
        in_,
    )
    shape_given = graph.tensors[op.inputs[1]].shape
    require(shape_given == (rank, 2), op, graph, f"its padding has shape {dims(shape_given)}, wanted {rank}x2")
    before, after = flat[0::2], flat[1::2]
    require(min(flat, default=0) >= 0, op, graph, f"its padding {flat} has negative entries")
    padded = tuple(b + size + a for b, size, a in zip(before, in_.shape, after, strict=True))
    require(padded == out.shape, op, graph, f"{dims(in_.shape)} padded by {flat} is not {dims(out.shape)}")
    value = out.zero_point
    if op.kind == "PADV2":
        constant = operand(op, graph, 2)
        same_quantization(op, graph, constant, out)
        if constant.data is None or constant.elements != 1:
            refuse(op, graph, "its padding value must be one constant", constant)
        value = int(constant.data.reshape(-1)[0])
    shape, front = (1,) * (4 - rank) + in_.shape, (0,) * (4 - rank) + before
    total = (1,) * (4 - rank) + out.shape
    return (
        Step(
            title=f"{op.index}: {op.kind}  {dims(in_.shape)} -> {dims(out.shape)}",
            kernel="pad_s8",
            source="pad_s8.c",
            struct="pad_s8_t",
            fields={
                "in_h": shape[1],
                "in_w": shape[2],
                "in_c": shape[3],
                "out_h": total[1],
                "out_w": total[2],
                "out_c": total[3],
                "before_h": front[1],
                "before_w": front[2],
                "before_c": front[3],
                "value": value,
            },
            inputs=(in_.index,),
            output=out.index,
        ),
    )


def lower_concatenation(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """One copy per input into its slice of the output.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    out = output(op, graph)
    require(op.options.get("activation", "NONE") == "NONE", op, graph, "TFLite has no fused activation here")
    rank = len(out.shape)
    axis = int(op.options["axis"])  # type: ignore[arg-type]
    require(-rank <= axis < rank, op, graph, f"axis {axis} of {dims(out.shape)}")
    axis %= rank
    parts = [activation(op, graph, slot) for slot in range(len(op.inputs))]
    for part in parts:
        same_quantization(op, graph, part, out)
        other = part.shape[:axis] + part.shape[axis + 1 :] == out.shape[:axis] + out.shape[axis + 1 :]
        require(
            len(part.shape) == rank and other, op, graph, f"{dims(part.shape)} does not fit {dims(out.shape)}", part
        )
    total = sum(part.shape[axis] for part in parts)
    require(
        total == out.shape[axis],
        op,
        graph,
        f"its inputs give {total} along axis {axis}, the output has {dims(out.shape)}",
    )
    inner = prod(out.shape[axis + 1 :])
    steps, at = [], 0
    for number, part in enumerate(parts):
        block = part.shape[axis] * inner
        steps.append(
            Step(
                title=f"{op.index}: {op.kind} {number + 1} of {len(parts)}  {dims(part.shape)} -> {dims(out.shape)}",
                kernel="copy_blocks_s8",
                source="copy_blocks_s8.c",
                struct="copy_blocks_s8_t",
                fields={
                    "blocks": prod(out.shape[:axis]),
                    "block": block,
                    "out_first": at,
                    "out_stride": out.shape[axis] * inner,
                },
                inputs=(part.index,),
                output=out.index,
            )
        )
        at += block
    return tuple(steps)


def lower_transpose(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """Any order of up to four axes; costs nothing where only axes of size 1 move.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    same_quantization(op, graph, in_, out)
    order = integer_constant(op, graph, 1, "order of axes")
    rank = len(in_.shape)
    require(
        sorted(order) == list(range(rank)), op, graph, f"{order} is not a permutation of the axes of {dims(in_.shape)}"
    )
    require(tuple(in_.shape[axis] for axis in order) == out.shape, op, graph, f"{dims(in_.shape)} in order {order}")
    moving = [axis for axis in order if in_.shape[axis] > 1]
    if moving == sorted(moving):
        return ()
    require(len(moving) <= 4, op, graph, f"{len(moving)} axes longer than 1, maximum 4", in_)
    sizes = [1] * (4 - len(moving)) + [in_.shape[axis] for axis in moving]
    strides = [0] * (4 - len(moving)) + [prod(in_.shape[axis + 1 :]) for axis in moving]
    return (
        Step(
            title=f"{op.index}: TRANSPOSE {order}  {dims(in_.shape)} -> {dims(out.shape)}",
            kernel="transpose_s8",
            source="transpose_s8.c",
            struct="transpose_s8_t",
            fields={
                "size": "{" + ", ".join(map(str, sizes)) + "}",
                "stride": "{" + ", ".join(map(str, strides)) + "}",
            },
            inputs=(in_.index,),
            output=out.index,
        ),
    )


OPERATORS: dict[str, Lowering] = {
    "PAD": lower_pad,
    "PADV2": lower_pad,
    "CONCATENATION": lower_concatenation,
    "TRANSPOSE": lower_transpose,
}
