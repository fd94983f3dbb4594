# SPDX-License-Identifier: Apache-2.0
"""Costs that follow from shapes alone: operations, parameters, flash and working memory.

The MicroNets paper's limits (arXiv 2010.11267, section 4.1): model size for flash, inputs plus outputs of the largest
node for SRAM (the model of SpArSe), and operations for latency. One multiply-accumulate is two operations.
"""

from __future__ import annotations

from math import prod

from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.search.cost.cost import Cost, CostRow, GatedLayer
from mlperf_tiny.search.cost.numbers import Value

# Of a channel with weights the compiled engine keeps a bias, a multiplier and a shift, 32 bits each.
ENGINE_CHANNEL_BYTES = 12


def _weighted(layer: Layer) -> bool:
    return layer.kind in ("conv", "depthwise", "dense")


def _any(layer: Layer) -> bool:
    return layer.kind != "reshape"


def _volume(layer: Layer) -> Value:
    return prod(layer.out_shape[:-1]) * layer.out_shape[-1]


def input_bytes(layer: Layer) -> tuple[Value, ...]:
    """Return the size of each int8 input of a layer."""
    first = prod(layer.in_shape[:-1]) * layer.in_shape[-1]
    second = first if layer.repeats == 1 else first // layer.repeats
    return (first, second)[: len(layer.inputs)]


def _ops(gated: GatedLayer) -> Value:
    return 2 * gated.layer.macs


def _parameters(gated: GatedLayer) -> Value:
    layer = gated.layer
    return layer.weights + layer.out_shape[-1]


def _flash(gated: GatedLayer) -> Value:
    layer = gated.layer
    return layer.weights + ENGINE_CHANNEL_BYTES * layer.out_shape[-1]


def _in_and_out(gated: GatedLayer) -> Value:
    layer = gated.layer
    return sum(input_bytes(layer)) + _volume(layer)


def _live(gated: GatedLayer) -> Value:
    return _in_and_out(gated) + gated.held


OPS = Cost(name="ops", unit="operations", rows=(CostRow(name="weights", matches=_weighted, value=_ops),))
"""Operations; the paper's stand-in for latency."""

PARAMETERS = Cost(
    name="parameters", unit="values", rows=(CostRow(name="weights", matches=_weighted, value=_parameters),)
)
"""Weights and biases."""

CONSTANTS = Cost(name="constants", unit="bytes", rows=(CostRow(name="weights", matches=_weighted, value=_flash),))
"""Flash that the compiled engine needs for weights and what requantises their results."""

IN_AND_OUT = Cost(
    name="in and out", unit="bytes", rows=(CostRow(name="all", matches=_any, value=_in_and_out),), combine="max"
)
"""Working memory as the paper has it: int8 inputs plus output of the largest layer."""

LIVE = Cost(name="live", unit="bytes", rows=(CostRow(name="all", matches=_any, value=_live),), combine="max")
"""The same with what a branch keeps for later: the least arena of an engine that does not overwrite inputs in place."""
