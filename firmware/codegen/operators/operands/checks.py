# SPDX-License-Identifier: Apache-2.0
"""What every lowering function checks before it uses an operator, and the one way to refuse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.ir.requant import activation_range

Lowering = Callable[[Operator, Graph, Isa], tuple[Step, ...]]
"""An operator to its kernel calls. No calls: the output has the bytes of the first input."""


def refuse(op: Operator, graph: Graph, reason: str, tensor: Tensor | None = None) -> NoReturn:
    """Raise UnsupportedOperator naming the layer and a tensor.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        reason: What is wrong, and what is wanted.
        tensor: The tensor to name; without it the operator's output.
    """
    if tensor is None and op.outputs:
        tensor = graph.tensors[op.outputs[0]]
    raise UnsupportedOperator(op.kind, f"layer {op.index}" + (f", {tensor}" if tensor is not None else ""), reason)


def require(condition: bool, op: Operator, graph: Graph, reason: str, tensor: Tensor | None = None) -> None:
    """Raise UnsupportedOperator unless ``condition`` holds.

    Args:
        condition: What must hold.
        op: The operator, for the message.
        graph: The graph it is part of.
        reason: What is wrong, and what is wanted.
        tensor: The tensor to name; without it the operator's output.
    """
    if not condition:
        refuse(op, graph, reason, tensor)


def int8_tensor(op: Operator, graph: Graph, tensor: Tensor) -> Tensor:
    """Return ``tensor`` once it is known to be int8 with one scale > 0 and a zero point in [-128, 127].

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        tensor: The tensor to check.
    """
    if tensor.dtype != "int8":
        refuse(op, graph, f"the tensor is {tensor.dtype}, wanted int8", tensor)
    if tensor.quant is None or tensor.quant.scales.size == 0:
        refuse(op, graph, "the tensor has no quantisation", tensor)
    require(not tensor.quant.per_channel, op, graph, "an activation needs one scale, this one is per channel", tensor)
    # Wide of any real model, and narrow enough for float32 quotients of three scales to stay finite.
    require(1e-16 <= tensor.scale <= 1e10, op, graph, f"its scale is {tensor.scale}, wanted 1e-16 to 1e10", tensor)
    zero_point = tensor.zero_point
    require(-128 <= zero_point <= 127, op, graph, f"its zero point is {zero_point}, outside -128..127", tensor)
    return tensor


def operand(op: Operator, graph: Graph, slot: int = 0) -> Tensor:
    """Return input ``slot``, an int8 tensor quantised as a whole; it may be a constant.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        slot: The input's number.
    """
    present = slot < len(op.inputs) and op.inputs[slot] >= 0
    require(present, op, graph, f"it needs an input {slot} and has {len(op.inputs)}")
    return int8_tensor(op, graph, graph.tensors[op.inputs[slot]])


def activation(op: Operator, graph: Graph, slot: int = 0) -> Tensor:
    """Return input ``slot``, an int8 tensor that is computed at run time, batch 1.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        slot: The input's number.
    """
    tensor = operand(op, graph, slot)
    require(tensor.data is None, op, graph, "its input is a constant; fold it when converting the model", tensor)
    return tensor


def output(op: Operator, graph: Graph) -> Tensor:
    """Return the only output, an int8 tensor quantised as a whole.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
    """
    require(len(op.outputs) == 1, op, graph, f"it has {len(op.outputs)} outputs, 1 wanted")
    return int8_tensor(op, graph, graph.tensors[op.outputs[0]])


def integer_constant(op: Operator, graph: Graph, slot: int, what: str) -> tuple[int, ...]:
    """Return the values of an input that must be an int32 or int64 constant.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        slot: The input's number.
        what: Its name in the message.
    """
    present = slot < len(op.inputs) and op.inputs[slot] >= 0
    require(present, op, graph, f"its {what} (input {slot}) is missing")
    tensor = graph.tensors[op.inputs[slot]]
    if tensor.data is None or tensor.dtype not in ("int32", "int64"):
        refuse(op, graph, f"its {what} must be an integer constant", tensor)
    return tuple(int(value) for value in tensor.data.reshape(-1))


def same_quantization(op: Operator, graph: Graph, a: Tensor, b: Tensor) -> None:
    """Refuse unless both tensors have the same scale and zero point, as TFLite demands where nothing is rescaled.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        a: The tensor to name.
        b: The other tensor.
    """
    same = abs(a.scale - b.scale) <= 1e-6 and a.zero_point == b.zero_point
    got = f"{a.scale:g}/{a.zero_point} and {b.scale:g}/{b.zero_point}"
    require(same, op, graph, f"input and output must share scale and zero point, they have {got}", a)


def same_shape(op: Operator, graph: Graph, wanted: tuple[int, ...]) -> None:
    """Refuse unless the output has the shape that TFLite gives it, whatever the file says.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        wanted: The shape that follows from the inputs and the options.
    """
    got = graph.tensors[op.outputs[0]].shape
    require(got == wanted, op, graph, f"its output is {list(got)}, its inputs give {list(wanted)}")


def output_range(op: Operator, graph: Graph, out: Tensor) -> tuple[int, int]:
    """Return (lowest, highest) int8 value of the fused activation.

    Args:
        op: The operator, for the message.
        graph: The graph it is part of.
        out: The output, whose quantisation decides the values.
    """
    name = op.options.get("activation", "NONE")
    if name not in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        refuse(op, graph, f"fused activation {name} is not one of NONE, RELU, RELU6, RELU_N1_TO_1")
    return activation_range(str(name), out.scale, out.zero_point)


def source(name: str, isa: Isa) -> str:
    """The file of a kernel that has a version of the same name and struct in the ISA's folder.

    Args:
        name: The C file of the portable kernel.
        isa: The instruction set of the core.

    Examples:
        >>> source("avg_pool_s8.c", Isa.DSP)
        'dsp/avg_pool_s8.c'
    """
    return f"dsp/{name}" if isa is Isa.DSP else name
