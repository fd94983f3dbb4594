# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes under another shape. They cost nothing."""

from __future__ import annotations

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Step
from mlperf_tiny.firmware.codegen.operators.operands.checks import Lowering, activation, output, require


def lower_alias(op: Operator, graph: Graph, isa: Isa) -> tuple[Step, ...]:
    """No steps. A target shape computed at run time needs no look: the output's shape is known.

    Args:
        op: The operator.
        graph: The graph it is part of.
        isa: The instruction set of the core.

    Raises:
        UnsupportedOperator: Shapes, types or options that the kernel does not do.
    """
    in_, out = activation(op, graph), output(op, graph)
    require(in_.elements == out.elements, op, graph, f"it turns {in_.elements} values into {out.elements}")
    return ()


OPERATORS: dict[str, Lowering] = {"RESHAPE": lower_alias, "SQUEEZE": lower_alias, "EXPAND_DIMS": lower_alias}
