# SPDX-License-Identifier: Apache-2.0
"""Working memory of the compiled engine: a bound of its arena that its planner reaches in nearly all networks.

Of a layer it counts what ``firmware/codegen`` places at the same time: inputs, output and scratch, and what a branch
keeps for later. A depthwise convolution that keeps the size of its map writes over its input, and so do additions and
softmax. A convolution gathers the values under four pixels, a depthwise one keeps as many lines as its filter has, four
channels at a time.
"""

from __future__ import annotations

from math import prod

from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.search.cost.analytic import input_bytes
from mlperf_tiny.search.cost.cost import Cost, CostRow, GatedLayer
from mlperf_tiny.search.cost.loops import depthwise_scratch_bytes, pairs_of, runs_by_parts
from mlperf_tiny.search.cost.numbers import Value, multiple_above

ALIGNMENT_BYTES = 8
"""What the planner rounds buffers up to."""


def _gathered_bytes(layer: Layer) -> Value:
    """Scratch of a convolution or of a fully-connected layer, which is one of a single pixel."""
    columns = 4 if prod(layer.out_shape[:-1]) >= 4 else 1
    pointwise = layer.kind == "dense" or (layer.kernel == (1, 1) and layer.stride == (1, 1))
    run = 0 if pointwise else multiple_above(layer.kernel[1] * layer.in_shape[-1], 4)
    return 4 * columns * (pairs_of(layer) + 1) + run


def _aligned(size_bytes: Value) -> Value:
    return multiple_above(size_bytes, ALIGNMENT_BYTES)


def _bytes(gated: GatedLayer) -> Value:
    layer = gated.layer
    inputs = sum(map(_aligned, input_bytes(layer)))
    output = _aligned(prod(layer.out_shape[:-1]) * layer.out_shape[-1])
    scratch: Value = 0
    # Else in the portable kernel, which needs no scratch and does not write over its input.
    fast_depthwise = layer.kind == "depthwise" and (layer.dilation == (1, 1) or runs_by_parts(layer))
    if layer.kind in ("conv", "dense"):
        scratch = _gathered_bytes(layer)
    elif fast_depthwise:
        scratch = depthwise_scratch_bytes(layer)
    in_place = layer.kind in ("add", "softmax")
    in_place |= fast_depthwise and layer.stride == (1, 1) and layer.in_shape[:-1] == layer.out_shape[:-1]
    return inputs + (0 if in_place and not gated.kept else output) + _aligned(scratch) + gated.held


ARENA = Cost(
    name="arena",
    unit="bytes",
    rows=(CostRow(name="all", matches=lambda layer: layer.kind != "reshape", value=_bytes),),
    combine="max",
)
"""Arena of the compiled engine, from shapes alone."""
