# SPDX-License-Identifier: Apache-2.0
"""Latency of a network as a sum over its layers of what their loops take, with coefficients of one target.

Cycles of a layer are a sum of how often the parts of its loops run (``mlperf_tiny.search.cost.loops``), times
coefficients that are not negative, fitted to measured layers of random networks
(``mlperf_tiny.search.characterize.predictor``). The counts are arithmetic that also holds for expected widths, so one
model is the prediction for a plain network and a differentiable cost of a search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.search.cost.cost import Cost, CostRow, GatedLayer
from mlperf_tiny.search.cost.loops import Memories, loop_counts, memories_of
from mlperf_tiny.search.cost.numbers import Value


def kind_of(layer: Layer) -> str:
    """Return the kind whose coefficients are for a layer: kinds differ in the loops that run."""
    if layer.kind == "depthwise":
        dilated = "" if layer.dilation == (1, 1) else f" dilated {layer.dilation[0]}x{layer.dilation[1]}"
        return f"depthwise {layer.kernel[0]}x{layer.kernel[1]}/{layer.stride[0]}{dilated}"
    if layer.kind == "add" and layer.repeats != 1:
        return "broadcast add"
    if layer.kind == "pool" and layer.out_shape[:-1] == (1, 1):
        return "global pool"
    return layer.kind


@dataclass(frozen=True, kw_only=True)
class LatencyModel:
    """Coefficients of one target."""

    settings: Mapping[str, object]
    """Of the characterisations it was fitted to: device, engine, timing model, versions."""
    clock_hz: float
    """The core's clock."""
    outside_cycles: float
    """What an inference takes besides its layers."""
    cycles: Mapping[str, Mapping[str, float]]
    """Kind of layer to name of a part of its loops to cycles for each time that it runs."""

    @cached_property
    def memories(self) -> Memories:
        """Of the core of ``settings``."""
        target = self.settings.get("target")
        return memories_of(target.get("device") if isinstance(target, Mapping) else None)

    def layer_cycles(self, layer: Layer) -> Value:
        """Return the cycles of a layer; raises ValueError for a kind that was not measured."""
        kind = kind_of(layer)
        if kind not in self.cycles:
            raise ValueError(f"no layer of kind {kind} was measured, only {', '.join(self.cycles)}")
        counts = loop_counts(layer, self.memories)
        return sum(each * counts[name] for name, each in self.cycles[kind].items() if name in counts)

    def cost(self) -> Cost:
        """Return the latency of a network as a cost, in ms; a kind of layer that was not measured is an error."""
        to_ms = 1e3 / self.clock_hz

        def value(gated: GatedLayer) -> Value:
            return to_ms * self.layer_cycles(gated.layer)

        rows = (
            CostRow(name="measured", matches=lambda layer: kind_of(layer) in self.cycles, value=value),
            CostRow(name="reshape", matches=lambda layer: layer.kind == "reshape", value=lambda gated: 0.0),
        )
        return Cost(name="latency", unit="ms", rows=rows, constant=to_ms * self.outside_cycles, unmatched="fail")
