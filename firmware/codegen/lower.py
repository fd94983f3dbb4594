# SPDX-License-Identifier: Apache-2.0
"""Graph in, Plan out: every operator becomes kernel calls with all their constants, or is refused by name.

A family of operators is one file in ``operators`` with a table kind -> lowering function; adding an operator is a row
there, its kernel in ``firmware/engine`` and its test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.fold_padding import fold_padding
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor
from mlperf_tiny.firmware.codegen.ir.plan import ArenaBuffer, Isa, Plan, Step, TensorInfo
from mlperf_tiny.firmware.codegen.operators import alias, elementwise, lookup, mean, move, pool, softmax
from mlperf_tiny.firmware.codegen.operators.convolution import conv
from mlperf_tiny.firmware.codegen.operators.operands.checks import Lowering, int8_tensor, refuse, require
from mlperf_tiny.firmware.codegen.quantisation_scheme import scheme_problem

FAMILIES = (alias, conv, elementwise, lookup, mean, move, pool, softmax)
OPERATORS: Mapping[str, Lowering] = {
    kind: lowering for family in FAMILIES for kind, lowering in family.OPERATORS.items()
}
# TFLite refuses any other number of operands. CONCATENATION takes any number, and what is not listed takes one.
OPERANDS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(conv.OPERATORS, (2, 3)),
    **dict.fromkeys(elementwise.OPERATORS, (2,)),
    **dict.fromkeys(("PAD", "TRANSPOSE", "MEAN", "EXPAND_DIMS"), (2,)),
    "PADV2": (3,),
    "RESHAPE": (1, 2),
}


def lower(graph: Graph, isa: Isa) -> Plan:
    """Return the kernel calls for ``graph``; pure.

    Args:
        graph: A model.
        isa: The instruction set of the core, which decides the kernels.

    Raises:
        UnsupportedOperator: Names operator, layer and tensor, and the reason: something that the kernels do not do
            exactly as TFLite's reference kernels, such as other operators, other types than int8, or batches.
    """
    graph, folded = fold_padding(graph)
    input_, output, inner, notes = _strip_edges(graph)
    if folded:
        notes += (f"{folded} PAD done by the convolutions after them",)
    steps: list[Step] = []
    aliases: dict[int, int] = {}

    def root(tensor: int) -> int:
        return aliases.get(tensor, tensor)

    for op in inner:
        lowered = _lower_operator(op, graph, isa)
        if not lowered:
            aliases[op.outputs[0]] = root(op.inputs[0])
        for step in lowered:
            steps.append(
                replace(
                    step,
                    inputs=tuple(root(tensor) for tensor in step.inputs),
                    output=root(step.output),
                    in_place=None if step.in_place is None else root(step.in_place),
                )
            )
    return Plan(
        source=graph.source,
        isa=isa,
        steps=tuple(steps),
        buffers=_buffers(graph, steps, root(input_.index), root(output.index)),
        aliases=aliases,
        input_tensor=root(input_.index),
        output_tensor=root(output.index),
        input=TensorInfo.of(input_),
        output=TensorInfo.of(output),
        notes=notes,
    )


def _lower_operator(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    if op.kind not in OPERATORS:
        refuse(op, graph, f"the compiler does not support it; it supports {', '.join(sorted(OPERATORS))}")
    wanted = OPERANDS.get(op.kind, (1,))
    fits = len(op.inputs) in wanted or op.kind == "CONCATENATION"
    require(fits, op, graph, f"it has {len(op.inputs)} inputs, wanted {' or '.join(map(str, wanted))}")
    for index in op.outputs:
        shape = graph.tensors[index].shape
        require(len(shape) < 3 or shape[0] == 1, op, graph, f"batch {shape[0] if shape else 1}, wanted 1")
    return OPERATORS[op.kind](op, graph, isa)


def _strip_edges(graph: Graph) -> tuple[Tensor, Tensor, tuple[Operator, ...], tuple[str, ...]]:
    """Return the int8 input and output, the operators between them, and notes on what was removed.

    A QUANTIZE after a float (or uint8) model input and a DEQUANTIZE (or QUANTIZE) before such an output are left to
    the host: the device takes and gives the int8 tensors inside.
    """
    for what, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if len(indices) != 1:
            raise UnsupportedOperator("MODEL", graph.source, f"it has {len(indices)} {what}, wanted 1")
    input_, output = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    operators = list(graph.operators)
    notes: list[str] = []
    readers = [op for op in operators if input_.index in op.inputs]
    if len(readers) == 1 and _converts(graph, input_, readers[0], readers[0].outputs):
        operators.remove(readers[0])
        inner = graph.tensors[readers[0].outputs[0]]
        notes.append(f"input {input_.name!r} is {input_.dtype}; the device takes int8 {inner.name!r} after QUANTIZE")
        input_ = inner
    writers = [op for op in operators if output.index in op.outputs]
    if len(writers) == 1 and _converts(graph, output, writers[0], writers[0].inputs):
        operators.remove(writers[0])
        inner = graph.tensors[writers[0].inputs[0]]
        notes.append(
            f"output {output.name!r} is {output.dtype}; the device gives int8 {inner.name!r} before {writers[0].kind}"
        )
        output = inner
    for what, tensor in (("input", input_), ("output", output)):
        try:
            int8_tensor(Operator(-1, "MODEL", (), ()), graph, tensor)
        except UnsupportedOperator as refusal:
            reason = scheme_problem(graph) or refusal.reason
            raise UnsupportedOperator("MODEL", f"its {what}, {tensor}", reason) from None
        if tensor.shape and tensor.shape[0] != 1:
            raise UnsupportedOperator(
                "MODEL", f"its {what}, {tensor}", f"it has a batch of {tensor.shape[0]}, wanted 1"
            )
    return input_, output, tuple(operators), tuple(notes)


def _converts(graph: Graph, outer: Tensor, op: Operator, far_side: tuple[int, ...]) -> bool:
    """True when ``op`` does nothing but change the type of the model's edge ``outer`` to or from an int8 tensor."""
    if op.kind not in ("QUANTIZE", "DEQUANTIZE") or (len(op.inputs), len(op.outputs)) != (1, 1):
        return False
    inner = graph.tensors[far_side[0]]
    if inner.dtype != "int8" or inner.shape != outer.shape:
        return False
    if outer.dtype == "uint8":
        # The same real numbers, 128 steps apart; anything else would need a rescale.
        return outer.scale == inner.scale and outer.zero_point == inner.zero_point + 128
    return outer.dtype == "float32"


def _buffers(graph: Graph, steps: list[Step], input_tensor: int, output_tensor: int) -> tuple[ArenaBuffer, ...]:
    """Lifetimes: the input lives from the start, the output until the end."""
    last = max(len(steps) - 1, 0)
    first_use: dict[int, int] = {input_tensor: 0}
    last_use: dict[int, int] = {input_tensor: 0}
    for number, step in enumerate(steps):
        for tensor in (*step.inputs, step.output):
            first_use.setdefault(tensor, number)
            last_use[tensor] = number
    last_use[output_tensor] = last
    return tuple(
        ArenaBuffer(
            tensor=tensor,
            name=graph.tensors[tensor].name,
            size_bytes=graph.tensors[tensor].elements,
            first_use=first,
            last_use=last_use[tensor],
        )
        for tensor, first in first_use.items()
    )
