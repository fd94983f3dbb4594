# SPDX-License-Identifier: Apache-2.0
"""Where one layer ends and the next begins, from the visits to the function that runs them one after the other.

The compiled engine's ``model_invoke`` is straight-line code with one call for each kernel: a layer is what happens from
one return to the next, the few instructions that hand over the arguments included. TFLM's interpreter goes through a
loop once for each operator: a layer is one turn of it, so what the interpreter does for an operator counts as its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator
from mlperf_tiny.firmware.codegen.ir.plan import Plan
from mlperf_tiny.firmware.codegen.operators.operands.checks import dims
from mlperf_tiny.runners.emulator.function_trace import Visit
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.runners.emulator.timing.decode.thumb import is_wide

COMPILED_RUNNER = "model_invoke"
TFLM_RUNNER = "_ZN6tflite21MicroInterpreterGraph14InvokeSubgraphEi"


@dataclass(frozen=True)
class Label:
    """What is known of a layer before it runs. ``macs`` counts convolutions and fully-connected layers only."""

    title: str
    macs: int


@dataclass(frozen=True)
class Layer:
    """One layer, and what it took."""

    title: str
    macs: int
    counts: Counts


def plan_labels(plan: Plan) -> tuple[Label, ...]:
    """One label for each kernel call of the compiled engine."""
    return tuple(Label(step.title, step.macs) for step in plan.steps)


def graph_labels(graph: Graph) -> tuple[Label, ...]:
    """One label for each operator, as the interpreter runs them."""
    return tuple(Label(_title(op, graph), _macs(op, graph)) for op in graph.operators)


def return_addresses(code: bytes, address: int) -> tuple[int, ...]:
    """Where the calls in a function at ``address`` return to, in the order in which they stand in its ``code``.

    Calls are BL, and BLX with a register. Literals behind the code may look like some.
    Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), A7.7.18 and A7.7.19.
    """
    found, at = [], 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        if is_wide(first):
            second = int.from_bytes(code[at + 2 : at + 4], "little")
            is_call = first >> 11 == 0b11110 and second >> 14 == 0b11 and second >> 12 & 1 == 1
            at += 4
        else:
            is_call = first & 0xFF87 == 0x4780
            at += 2
        if is_call:
            found.append(address + at)
    return tuple(found)


def straight_line_edges(visits: Sequence[Visit], returns: Sequence[int], layers: int) -> tuple[Counts, ...] | None:
    """Counts at the ``layers + 1`` edges of the layers of code that calls each once, from the visits of one inference.

    None when it did not return from as many calls.
    """
    back = [visit.counts for visit in visits if visit.address in returns]
    return (visits[0].counts, *back) if len(back) == layers else None


def loop_edges(visits: Sequence[Visit], layers: int) -> tuple[Counts, ...] | None:
    """The same of code that runs the layers in a loop: edges lie where the first block that ran once for each began.

    The last layer ends with the last visit. None when no block ran as often.
    """
    times = Counter(visit.address for visit in visits)
    body = next((visit.address for visit in visits if times[visit.address] == layers), None)
    if body is None or visits[-1].address == body:
        return None
    return (*(visit.counts for visit in visits if visit.address == body), visits[-1].counts)


def layers_between(edges: Sequence[Counts], labels: Sequence[Label]) -> tuple[Layer, ...]:
    """The layers that lie between ``edges``; there is one edge more than there are ``labels``."""
    spans = (end.since(start) for start, end in pairwise(edges))
    return tuple(Layer(label.title, label.macs, counts) for label, counts in zip(labels, spans, strict=True))


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
