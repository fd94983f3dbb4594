# SPDX-License-Identifier: Apache-2.0
"""An int8 .tflite of a network that was never trained: random weights, plausible ranges.

What a network takes on a device depends on its shapes and, within a few percent, on its weights (the compiled engine
rounds in a shorter way where all channels of a layer allow it), so it can be measured before a minute of training.

The file is written through the schema classes of LiteRT (the ``[search]`` extra) and has the operators, in the order,
of the converter's file of the same network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.layers import INPUT, Layer

if TYPE_CHECKING:
    from mlperf_tiny.models.arch.tflite_builder import Builder

MISSING_LITERT = "LiteRT is not installed; it writes the models of a search. pip install 'mlperf-tiny-harness[search]'."

# A symmetric signal of a standard deviation of 40 steps fills int8 without clipping much.
_SPREAD_STEPS = 40.0
# Uniform int8 weights from -127 to 127 deviate by 127 / sqrt(3).
_WEIGHT_SPREAD = 127 / sqrt(3)


def untrained_tflite(arch: Arch, seed: int = 0) -> bytes:
    """Return the .tflite of a network with random weights.

    Args:
        arch: The network.
        seed: Of the weights and biases; the same seed gives the same bytes.

    Raises:
        UsageError: LiteRT is not installed.
        ValueError: The blocks of ``arch`` do not fit each other.
    """
    try:
        from mlperf_tiny.models.arch.tflite_builder import Builder
    except ImportError as error:
        raise UsageError(MISSING_LITERT) from error
    model = _Model(Builder("untrained"), np.random.default_rng(seed))
    tensors = {INPUT: model.activation(arch.input_shape, _Range(0.25, 0))}
    for number, layer in enumerate(arch.layers):
        tensors[number] = _WRITE[layer.kind](model, layer, [tensors[index] for index in layer.inputs])
    return model.builder.build([tensors[INPUT]], [tensors[len(arch.layers) - 1]])


@dataclass(frozen=True)
class _Range:
    """Scale and zero point of an activation."""

    scale: float
    zero_point: int


_RANGES = {"none": _Range(0.1, 0), "relu": _Range(0.1, -128), "relu6": _Range(6 / 255, -128)}


@dataclass(frozen=True)
class _Model:
    """The file so far."""

    builder: Builder
    random: np.random.Generator
    ranges: dict[int, _Range] = field(default_factory=dict)
    """Of each activation."""

    def activation(self, shape: tuple[int, ...], limits: _Range) -> int:
        name = f"activation_{len(self.ranges)}"
        tensor = self.builder.tensor((1, *shape), scale=limits.scale, zero_point=limits.zero_point, name=name)
        self.ranges[tensor] = limits
        return tensor

    def operator(self, kind: str, inputs: list[int], output: int, **options: Any) -> int:
        self.builder.operator(kind, inputs, [output], options)
        return output

    def weighted(self, layer: Layer, source: int, shape: tuple[int, ...], axis: int) -> list[int]:
        """The inputs of an operator with weights and biases that spread its results over their range."""
        channels = shape[axis]
        # Results deviate by _SPREAD_STEPS steps: that many per accumulated unit, a little different in each channel.
        deviation = sqrt(prod(shape) / channels) * _WEIGHT_SPREAD * _SPREAD_STEPS
        multipliers = self.random.uniform(0.7, 1.3, channels) * _SPREAD_STEPS / deviation
        scales = multipliers * _RANGES[layer.relu].scale / self.ranges[source].scale
        if layer.kind == "dense":  # one scale for all, as the converter's
            scales = scales[:1]
        weights = self.random.integers(-127, 128, shape)
        biases = self.random.normal(0.0, deviation / 2, channels)
        return [
            source,
            self.builder.tensor(shape, scale=scales, data=weights, axis=axis),
            self.builder.tensor((channels,), "int32", scale=scales * self.ranges[source].scale, data=biases),
        ]


def _window(layer: Layer) -> dict[str, Any]:
    return {"padding": layer.padding.upper(), "stride_h": layer.stride[0], "stride_w": layer.stride[1]}


def _result(model: _Model, layer: Layer) -> int:
    return model.activation(layer.out_shape, _RANGES[layer.relu])


def _same_range(model: _Model, layer: Layer, source: int) -> int:
    """The result of an operator that keeps the quantisation of its input."""
    return model.activation(layer.out_shape, model.ranges[source])


def _conv(model: _Model, layer: Layer, sources: list[int]) -> int:
    inputs = model.weighted(layer, sources[0], (layer.out_shape[-1], *layer.kernel, layer.in_shape[-1]), 0)
    return model.operator("CONV_2D", inputs, _result(model, layer), activation=layer.relu.upper(), **_window(layer))


def _depthwise(model: _Model, layer: Layer, sources: list[int]) -> int:
    inputs = model.weighted(layer, sources[0], (1, *layer.kernel, layer.out_shape[-1]), 3)
    dilation = {"dilation_h": layer.dilation[0], "dilation_w": layer.dilation[1]}
    options = {"activation": layer.relu.upper(), **_window(layer), **dilation}
    return model.operator("DEPTHWISE_CONV_2D", inputs, _result(model, layer), **options)


def _dense(model: _Model, layer: Layer, sources: list[int]) -> int:
    inputs = model.weighted(layer, sources[0], (layer.out_shape[0], layer.in_shape[0]), 0)
    return model.operator("FULLY_CONNECTED", inputs, _result(model, layer), activation=layer.relu.upper())


def _pool(model: _Model, layer: Layer, sources: list[int]) -> int:
    options = {"filter_h": layer.kernel[0], "filter_w": layer.kernel[1], **_window(layer)}
    return model.operator("AVERAGE_POOL_2D", sources, _same_range(model, layer, sources[0]), **options)


def _pad(model: _Model, layer: Layer, sources: list[int]) -> int:
    more = layer.out_shape[-1] - layer.in_shape[-1]
    paddings = model.builder.tensor((4, 2), "int32", data=[[0, 0], [0, 0], [0, 0], [0, more]])
    return model.operator("PAD", [sources[0], paddings], _same_range(model, layer, sources[0]))


def _add(model: _Model, layer: Layer, sources: list[int]) -> int:
    return model.operator("ADD", sources, _result(model, layer), activation=layer.relu.upper())


def _reshape(model: _Model, layer: Layer, sources: list[int]) -> int:
    shape = (1, *layer.out_shape)
    inputs = [sources[0], model.builder.tensor((len(shape),), "int32", data=shape)]
    return model.operator("RESHAPE", inputs, _same_range(model, layer, sources[0]), new_shape=shape)


def _softmax(model: _Model, layer: Layer, sources: list[int]) -> int:
    return model.operator("SOFTMAX", sources, model.activation(layer.out_shape, _Range(1 / 256, -128)), beta=1.0)


_WRITE: dict[str, Callable[[_Model, Layer, list[int]], int]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "dense": _dense,
    "pool": _pool,
    "pad": _pad,
    "add": _add,
    "reshape": _reshape,
    "softmax": _softmax,
}
