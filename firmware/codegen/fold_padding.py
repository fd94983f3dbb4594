# SPDX-License-Identifier: Apache-2.0
"""Lets a convolution do the PAD before it: the same zeros, without a padded copy of its input.

Frameworks that pad alike on both sides are converted to PAD and a VALID convolution. The copy is often the largest
buffer of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator

# Operator -> axes of height and width in its filter.
FILTER_AXES: Mapping[str, tuple[int, int]] = {"CONV_2D": (1, 2), "DEPTHWISE_CONV_2D": (1, 2)}


def fold_padding(graph: Graph) -> tuple[Graph, int]:
    """Return the graph without the PADs that a convolution can do, and how many these were; pure.

    Such a convolution gets the option ``border``: rows above and below, columns left and right. A PAD that is not
    plainly valid is left for its own lowering, which does or refuses it.
    """
    operators = list(graph.operators)
    folded = 0
    for pad in graph.operators:
        border = _border(graph, pad)
        readers = [op for op in operators if pad.outputs[0] in op.inputs] if border else []
        if border is None or len(readers) != 1 or pad.outputs[0] in graph.outputs:
            continue
        (reader,) = readers
        if not _can_take(graph, reader, pad.outputs[0], border):
            continue
        options = {**reader.options, "border": border}
        inputs = (pad.inputs[0], *reader.inputs[1:])
        operators[operators.index(reader)] = replace(reader, inputs=inputs, options=options)
        operators.remove(pad)
        folded += 1
    return replace(graph, operators=tuple(operators)), folded


def _border(graph: Graph, op: Operator) -> tuple[int, int, int, int] | None:
    """Rows above and below, columns left and right; None when ``op`` is not a PAD of just these."""
    if op.kind != "PAD" or len(op.inputs) != 2 or min(op.inputs) < 0 or len(op.outputs) != 1:
        return None
    source, amounts, target = (graph.tensors[index] for index in (*op.inputs, *op.outputs))
    if amounts.data is None or amounts.shape != (4, 2) or len(source.shape) != 4 or len(target.shape) != 4:
        return None
    batch, rows, columns, channels = (tuple(int(n) for n in pair) for pair in amounts.data.reshape(4, 2))
    (above, below), (left, right) = rows, columns
    height, width = source.shape[1] + above + below, source.shape[2] + left + right
    sound = source.dtype == target.dtype == "int8" and source.data is None
    sound = sound and min(*rows, *columns) >= 0 and batch == channels == (0, 0)
    sound = sound and target.shape == (1, height, width, source.shape[3])
    for tensor in (source, target):
        sound = sound and tensor.quant is not None and tensor.quant.scales.size == 1
    if not sound or source.scale != target.scale or source.zero_point != target.zero_point:
        return None
    return above, below, left, right


def _can_take(graph: Graph, op: Operator, padded: int, border: tuple[int, int, int, int]) -> bool:
    """True when ``op`` is an unpadded convolution of ``padded`` with a filter larger than the border."""
    if op.kind not in FILTER_AXES or op.options.get("padding") != "VALID" or "border" in op.options:
        return False
    if op.inputs[0] != padded or padded in op.inputs[1:] or len(op.inputs) not in (2, 3) or op.inputs[1] < 0:
        return False
    shape = graph.tensors[op.inputs[1]].shape
    for axis, name, sides in zip(
        FILTER_AXES[op.kind], ("dilation_h", "dilation_w"), (border[:2], border[2:]), strict=True
    ):
        span = (shape[axis] - 1) * int(op.options[name]) + 1 if len(shape) == 4 else 0  # type: ignore[arg-type]
        if max(sides) >= span:
            return False
    return True
