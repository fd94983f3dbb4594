# SPDX-License-Identifier: Apache-2.0
"""Titles and work of a model's layers, in the order in which an engine runs them."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, dims
from mlperf_tiny.firmware.codegen.ir.plan import Plan


@dataclass(frozen=True, kw_only=True)
class LayerLabel:
    """What is known of a layer before it runs."""

    title: str
    """Number, operator and shapes, such as ``0: FULLY_CONNECTED  490 -> 12``."""
    macs: int
    """Multiply-accumulates; of convolutions and fully-connected layers only, else 0."""


def plan_labels(plan: Plan) -> tuple[LayerLabel, ...]:
    """Return one label for each kernel call of the compiled engine."""
    return tuple(LayerLabel(title=step.title, macs=step.macs) for step in plan.steps)


def graph_labels(graph: Graph) -> tuple[LayerLabel, ...]:
    """Return one label for each operator, as an interpreter runs them."""
    return tuple(LayerLabel(title=_title(op, graph), macs=_macs(op, graph)) for op in graph.operators)


def _title(op: Operator, graph: Graph) -> str:
    ends = (index for index in (*op.inputs[:1], *op.outputs[:1]) if index >= 0)
    shapes = (dims(graph.tensors[index].shape) for index in ends)
    return f"{op.index}: {op.kind}{_window(op, graph)}  {' -> '.join(shapes)}"


def _window(op: Operator, graph: Graph) -> str:
    """`` 3x3/2x2``: a filter and its strides, as the compiled engine's titles have it; "" without one."""
    options = op.options
    if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        size = "x".join(map(str, graph.tensors[op.inputs[1]].shape[1:3]))
    elif "filter_h" in options:
        size = f"{options['filter_h']}x{options['filter_w']}"
    else:
        return ""
    return f" {size}/{options['stride_h']}x{options['stride_w']}"


def _macs(op: Operator, graph: Graph) -> int:
    """Each output value is a sum over one filter: all weights but the axis of the outputs."""
    if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return 0
    weights, output = graph.tensors[op.inputs[1]], graph.tensors[op.outputs[0]]
    filters = weights.shape[3] if op.kind == "DEPTHWISE_CONV_2D" else weights.shape[0]
    return output.elements * weights.elements // filters
