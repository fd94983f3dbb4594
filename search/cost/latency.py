# SPDX-License-Identifier: Apache-2.0
"""Latency of a network as a sum over its layers of what their loops take, with coefficients of one target.

Each kind of layer has a few features: how often the parts of its loops run (for each output pixel, output value, input
value, step of four channels, ...). Cycles are a sum of these, times coefficients that are not negative, fitted to
measured layers of random networks (``mlperf_tiny.search.characterize.predictor``). A feature is arithmetic that also
holds for expected widths, so one model is the prediction for a plain network and a differentiable cost of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.search.cost.cost import Cost, CostRow, GatedLayer
from mlperf_tiny.search.cost.numbers import Value, multiple_above

Feature = Callable[[Layer], Value]


def _pixels(layer: Layer) -> Value:
    return prod(layer.out_shape[:-1])


def _out(layer: Layer) -> Value:
    return prod(layer.out_shape[:-1]) * layer.out_shape[-1]


def _in(layer: Layer) -> Value:
    return prod(layer.in_shape[:-1]) * layer.in_shape[-1]


def _column(layer: Layer) -> Value:
    """Values that one output of a convolution is the sum over."""
    return prod(layer.kernel) * layer.in_shape[-1]


def _one(layer: Layer) -> Value:
    return 1.0


_CONVOLUTION: dict[str, Feature] = {
    "layer": _one,
    "pixels": _pixels,
    "outputs": _out,
    "columns": lambda layer: _pixels(layer) * _column(layer),
    "products": lambda layer: _out(layer) * _column(layer),
    "products in fours": lambda layer: _out(layer) * multiple_above(_column(layer), 4),
    "products for fours": lambda layer: _pixels(layer) * multiple_above(layer.out_shape[-1], 4) * _column(layer),
    "weights": lambda layer: layer.weights,
}
_DEPTHWISE: dict[str, Feature] = {
    "layer": _one,
    "channels": lambda layer: layer.out_shape[-1],
    "pixels": _pixels,
    "outputs": _out,
    "outputs in fours": lambda layer: _pixels(layer) * multiple_above(layer.out_shape[-1], 4),
    "products": lambda layer: _out(layer) * prod(layer.kernel),
    "inputs": _in,
}
_MOVE: dict[str, Feature] = {"layer": _one, "pixels": _pixels, "outputs": _out, "inputs": _in}
_DENSE: dict[str, Feature] = {
    "layer": _one,
    "outputs": _out,
    "inputs": _in,
    "products": lambda layer: _out(layer) * layer.in_shape[-1],
}


def kind_of(layer: Layer) -> str:
    """Return the kind whose coefficients are for a layer: those of a convolution depend on how its inner loop runs."""
    if layer.kind == "conv":
        return "conv 1x1" if layer.kernel == (1, 1) else "conv"
    if layer.kind == "depthwise":
        return f"depthwise {layer.kernel[0]}x{layer.kernel[1]}/{layer.stride[0]}"
    return layer.kind


def features_of(kind: str) -> Mapping[str, Feature]:
    """Return the features of a kind of layer, by name."""
    if kind.startswith("conv"):
        return _CONVOLUTION
    if kind.startswith("depthwise"):
        return _DEPTHWISE
    return _DENSE if kind == "dense" else _MOVE


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
    """Kind of layer to name of a feature to cycles for each."""

    def layer_cycles(self, layer: Layer) -> Value:
        """Return the cycles of a layer; raises ValueError for a kind that was not measured."""
        kind = kind_of(layer)
        if kind not in self.cycles:
            raise ValueError(f"no layer of kind {kind} was measured, only {', '.join(self.cycles)}")
        features = features_of(kind)
        return sum(each * features[name](layer) for name, each in self.cycles[kind].items())

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
