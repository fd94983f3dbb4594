# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB and MUL of two int8 tensors, one of which may be a constant or be repeated along axes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor, dims
from mlperf_tiny.firmware.codegen.ir.plan import Constant, Isa, Step
from mlperf_tiny.firmware.codegen.ir.requant import quantize_multiplier
from mlperf_tiny.firmware.codegen.operators.add_linear import CANDIDATES_IN_ALL, Rescale, find_linear
from mlperf_tiny.firmware.codegen.operators.operands.broadcast import BroadcastLoop, broadcast
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    operand,
    output,
    output_range,
    refuse,
    require,
)

# TFLite scales both operands of ADD up by 2^20 so that their common scale loses nothing.
ADD_LEFT_SHIFT = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Operands:
    """The tensors of a two-operand kernel, and how it goes over them."""

    a: Tensor
    b: Tensor
    out: Tensor
    loop: BroadcastLoop


def lower_add(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """out = clamp(round((a + b) / out_scale) + out_zero); SUB is the same with b's multiplier negated.

    Both operands go to twice the larger scale first. Source: TFLite ``kernels/add.cc`` and ``sub.cc``.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    operands = _operands(op, graph)
    a, b, out = operands.a, operands.b, operands.out
    twice_larger = 2 * max(a.scale, b.scale)
    ratio = twice_larger / ((1 << ADD_LEFT_SHIFT) * out.scale)
    require(ratio < 1, op, graph, f"its output scale {out.scale:g} is over 2^19 times finer than its inputs'")
    a_multiplier, a_shift = quantize_multiplier(a.scale / twice_larger)
    b_multiplier, b_shift = quantize_multiplier(b.scale / twice_larger)
    if op.kind == "SUB":
        b_multiplier = -b_multiplier
    rescale = {
        "a_zero": a.zero_point,
        "a_multiplier": a_multiplier,
        "a_shift": a_shift,
        "b_zero": b.zero_point,
        "b_multiplier": b_multiplier,
        "b_shift": b_shift,
    }
    step = _step(op, graph, operands, "add_s8", rescale | _requant_fields(op, graph, out, ratio))
    rows = operands.loop.a[3] == operands.loop.b[3] == 1
    return (_linear(step, operands, graph) if rows and isa is not Isa.REF else step,)


def _linear(step: Step, operands: Operands, graph: Graph) -> Step:
    """The faster kernel for an ADD of whole rows, if its answers are the same for all operands."""
    candidates = CANDIDATES_IN_ALL // sum(op.kind in ("ADD", "SUB") for op in graph.operators)
    linear = find_linear(Rescale(**{f.name: int(step.fields[f.name]) for f in fields(Rescale)}), candidates)
    if linear is None:
        return step
    loop = operands.loop
    constants = {name: step.fields[name] for name in ("a_constant", "b_constant")}
    row = {**asdict(linear), **{name: step.fields[name] for name in ("out_min", "out_max")}}
    values: dict[str, int | str] = {"elements": operands.out.elements, **constants, **row}
    if not loop.flat:
        strides = {"size": loop.sizes, "a_stride": loop.a, "b_stride": loop.b}
        values = {name: _array(each[:3]) for name, each in strides.items()}
        values |= {**constants, "row.elements": loop.sizes[3], **{f"row.{name}": value for name, value in row.items()}}
    kernel = "add_linear_s8" if loop.flat else "add_linear_rows_s8"
    return replace(step, kernel=kernel, source="dsp/add_linear_s8.c", struct=f"{kernel}_t", fields=values)


def lower_mul(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """out = clamp(round(a * b * a_scale * b_scale / out_scale) + out_zero). Source: TFLite ``kernels/mul.cc``.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    operands = _operands(op, graph)
    a, b, out = operands.a, operands.b, operands.out
    # The product and the quotient are float32 ones in TFLite.
    ratio = float(np.float32(a.scale) * np.float32(b.scale) / np.float32(out.scale))
    # A product has 16 bits: above this the requantised one could leave int32.
    require(ratio < 1 << 14, op, graph, f"its output scale {out.scale:g} is too fine for {a.scale:g} * {b.scale:g}")
    zeros = {"a_zero": a.zero_point, "b_zero": b.zero_point}
    return (_step(op, graph, operands, "mul_s8", zeros | _requant_fields(op, graph, out, ratio)),)


def _operands(op: Operator, graph: Graph) -> Operands:
    a, b, out = operand(op, graph, 0), operand(op, graph, 1), output(op, graph)
    require(
        a.data is None or b.data is None, op, graph, "both operands are constants; fold it when converting the model"
    )
    loop = broadcast(a.shape, b.shape, out.shape)
    if loop is None:
        refuse(op, graph, f"{dims(a.shape)} with {dims(b.shape)} does not broadcast to {dims(out.shape)} over 4 axes")
    return Operands(a=a, b=b, out=out, loop=loop)


def _requant_fields(op: Operator, graph: Graph, out: Tensor, ratio: float) -> dict[str, int]:
    """The last fields of a struct: from the accumulator to the output."""
    multiplier, shift = quantize_multiplier(ratio)
    low, high = output_range(op, graph, out)
    return {
        "out_zero": out.zero_point,
        "out_multiplier": multiplier,
        "out_shift": shift,
        "out_min": low,
        "out_max": high,
    }


def _step(op: Operator, graph: Graph, operands: Operands, kernel: str, arithmetic: dict[str, int]) -> Step:
    """The call of a two-operand kernel; ``arithmetic`` are its fields after the shapes and constants."""
    a, b, out, loop = operands.a, operands.b, operands.out, operands.loop
    constants, pointers = [], {}
    for side, tensor in (("a", a), ("b", b)):
        pointers[f"{side}_constant"] = "0"
        if tensor.data is not None:
            constant = Constant(f"op{op.index}_{side}", "int8_t", tensor.data.astype(np.int8), f"{op.kind}: {tensor}")
            constants.append(constant)
            pointers[f"{side}_constant"] = constant.name
    # The kernel takes two pointers in any case; the one of a constant operand is not read.
    activations = [tensor for tensor in (a, b) if tensor.data is None]
    whole = [tensor.index for tensor in activations if tensor.elements == out.elements]
    # An operand that is not read later is the first choice to be overwritten.
    later = {tensor for other in graph.operators if other.index > op.index for tensor in other.inputs}
    whole.sort(key=lambda tensor: tensor in later)
    return Step(
        title=f"{op.index}: {op.kind}  {dims(a.shape)}, {dims(b.shape)} -> {dims(out.shape)}",
        kernel=kernel,
        source=f"{kernel}.c",
        struct=f"{kernel}_t",
        fields={
            "size": _array(loop.sizes),
            "a_stride": _array(loop.a),
            "b_stride": _array(loop.b),
            **pointers,
            **arithmetic,
        },
        inputs=(activations[0].index, activations[-1].index),
        output=out.index,
        constants=tuple(constants),
        in_place=whole[0] if whole else None,
    )


def _array(values: tuple[int, ...]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"


OPERATORS: dict[str, Lowering] = {"ADD": lower_add, "SUB": lower_add, "MUL": lower_mul}
