# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes under another shape. They cost nothing."""

from __future__ import annotations

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, dims
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    Lowering,
    activation,
    integer_constant,
    output,
    require,
    same_shape,
)


def lower_alias(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """No steps. The target of a RESHAPE has been compared with the output's shape when the file was read.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    require(in_.elements == out.elements, op, graph, f"it turns {in_.elements} values into {out.elements}")
    if op.kind == "SQUEEZE":
        same_shape(op, graph, _squeezed(op, graph, in_.shape))
    if op.kind == "EXPAND_DIMS":
        axes, rank = integer_constant(op, graph, 1, "axis"), len(in_.shape)
        known = len(axes) == 1 and -rank - 1 <= axes[0] <= rank
        require(known, op, graph, f"its axis {axes} is not one of those of {dims(out.shape)}")
        at = axes[0] % (rank + 1)
        same_shape(op, graph, (*in_.shape[:at], 1, *in_.shape[at:]))
    return ()


def _squeezed(op: Operator, graph: Graph, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the axes that are named, or without all of size 1 where none is."""
    given = op.options["squeeze_dims"]
    assert isinstance(given, tuple)
    known = all(-len(shape) <= axis < len(shape) and shape[axis] == 1 for axis in given)
    require(known, op, graph, f"its axes {given} are not axes of size 1 of {dims(shape)}")
    named = {axis % len(shape) for axis in given}
    return tuple(size for axis, size in enumerate(shape) if (axis not in named if given else size != 1))


OPERATORS: dict[str, Lowering] = {"RESHAPE": lower_alias, "SQUEEZE": lower_alias, "EXPAND_DIMS": lower_alias}
