# SPDX-License-Identifier: Apache-2.0
"""A network that computes in floats what its int8 form will compute in integers, so that it can be trained as such.

Weights: one scale per output channel, after batch normalisation is folded into them; rounding passes the gradient
straight through. Activations: one trained range per tensor. Norms are folded with the statistics of the float
training, which stay as they are; their gains and offsets are trained on. See Jacob et al., "Quantization and Training
of Neural Networks for Efficient Integer-Arithmetic-Only Inference", and Krishnamoorthi, arXiv 1806.08342.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mlperf_tiny.models.training.qat.fake_quant import (
    MIN_RANGE,
    calibrated_range,
    fake_quant_activation,
    fake_quant_kernel,
)
from mlperf_tiny.models.training.qat.fold import fold_norm, layer_weights, reduction_axes
from mlperf_tiny.models.training.qat.graph import WEIGHTED, FusedLayer, fuse_layers

Weights = Callable[[FusedLayer], tuple[Any, Any]]
"""Kernel and bias of a layer."""
Ranges = Callable[[int], tuple[Any, Any]]
"""Lower and upper end of the output of the layer with an index."""

_NAME = "int8"
_RELU = {"none": tf.identity, "relu": tf.nn.relu, "relu6": tf.nn.relu6}


def quantised_model(trained: Any, calibration: NDArray[np.float32]) -> Any:
    """Return a keras.Model that computes what the int8 form of ``trained`` will.

    Args:
        trained: A functional keras.Model of layers that ``qat.graph`` supports.
        calibration: Inputs, shape (n, *input_shape), that the ranges of activations start from.

    Raises:
        UsageError: A layer is not supported.
    """
    fused = fuse_layers(trained)
    inputs = keras.Input(trained.input_shape[1:])
    network = QuantisedNetwork(fused, name=_NAME)
    model = keras.Model(inputs, network(inputs), name=trained.name)
    network.take_weights()
    network.calibrate(calibration)
    return model


def quantised_network_of(model: Any) -> QuantisedNetwork:
    """Return the layer of a ``quantised_model`` that holds all its weights and ranges."""
    network = model.get_layer(_NAME)
    assert isinstance(network, QuantisedNetwork)
    return network


class QuantisedNetwork(keras.layers.Layer):
    """All fused layers of a network with their weights and ranges, as one Keras layer."""

    def __init__(self, fused: tuple[FusedLayer, ...], **options: Any) -> None:
        super().__init__(**options)
        self.fused = fused
        self._own: dict[str, dict[str, Any]] = {}
        for layer in fused:
            own: dict[str, Any] = {}
            if layer.kind in WEIGHTED:
                own |= self._add_weights(layer)
            if layer.kind in (*WEIGHTED, "input", "add"):
                own["low"] = self._add(layer, "low", (), trainable=layer.relu == "none")
                own["high"] = self._add(layer, "high", ())
            self._own[layer.name] = own
        self.built = True

    def _add_weights(self, layer: FusedLayer) -> dict[str, Any]:
        channels = (layer.channels,)
        return {
            "kernel": self._add(layer, "kernel", tuple(layer.layer.kernel.shape)),
            "gain": self._add(layer, "gain", channels, trainable=layer.norm is not None),
            "offset": self._add(layer, "offset", channels),
            "mean": self._add(layer, "mean", channels, trainable=False),
            "deviation": self._add(layer, "deviation", channels, trainable=False),
        }

    def _add(self, layer: FusedLayer, name: str, shape: tuple[int, ...], trainable: bool = True) -> Any:
        return self.add_weight(name=f"{layer.name}_{name}", shape=shape, initializer="zeros", trainable=trainable)

    def variables_of(self, layer: FusedLayer) -> dict[str, Any]:
        """Return a layer's variables: those of kernel, gain, offset, mean, deviation, low, high that it has."""
        return self._own[layer.name]

    def take_weights(self) -> None:
        """Copy kernels, norms and biases from the Keras layers."""
        for layer in self.fused:
            if layer.kind in WEIGHTED:
                for name, value in layer_weights(layer).items():
                    self.variables_of(layer)[name].assign(value)

    def calibrate(self, samples: NDArray[np.float32]) -> None:
        """Set each range to nearly all values that the float network has for ``samples``."""
        outputs: list[Any] = []
        self.forward(tf.constant(samples), self.folded, observe=outputs.append)
        for layer, output in zip(self.fused, outputs, strict=True):
            own = self.variables_of(layer)
            if "high" in own:
                low, high = calibrated_range(output.numpy())
                own["low"].assign(low)
                own["high"].assign(high)

    def folded(self, layer: FusedLayer) -> tuple[Any, Any]:
        """Return kernel, shaped as in Keras, and bias of a layer with its norm folded in."""
        return fold_norm(layer, self.variables_of(layer))

    def rounded(self, layer: FusedLayer) -> tuple[Any, Any]:
        """Return the same with the kernel on the int8 grid of each output channel."""
        kernel, bias = self.folded(layer)
        return fake_quant_kernel(kernel, reduction_axes(layer)), bias

    def range_of(self, index: int) -> tuple[Any, Any]:
        """Return the range of a layer's output: its own, or that of the layer whose tensor it passes on."""
        layer = self.fused[index]
        own = self.variables_of(layer)
        if "high" not in own:
            return self.range_of(layer.inputs[0])
        return tf.minimum(own["low"], 0.0), tf.maximum(own["high"], MIN_RANGE)

    def constants(self) -> tuple[Weights, Ranges]:
        """Return weights and ranges as plain values, in the form ``forward`` takes, for a converter."""
        weights: dict[str, tuple[Any, Any]] = {}
        for layer in self.fused:
            if layer.kind in WEIGHTED:
                kernel, bias = self.rounded(layer)
                weights[layer.name] = np.asarray(kernel), np.asarray(bias)
        ranges = [(float(low), float(high)) for low, high in map(self.range_of, range(len(self.fused)))]
        return (lambda layer: weights[layer.name]), ranges.__getitem__

    def call(self, inputs: Any) -> Any:
        """Return the outputs as the int8 network computes them."""
        return self.forward(inputs, self.rounded, self.range_of)

    def forward(
        self, inputs: Any, weights: Weights, ranges: Ranges | None = None, observe: Callable[[Any], None] | None = None
    ) -> Any:
        """Compute the network.

        Args:
            inputs: Tensor, shape (n, *input_shape).
            weights: Kernel and bias of each layer with weights.
            ranges: Range of each output, to which it is rounded; None: not rounded.
            observe: Called with the output of every layer, in order.
        """
        tensors: list[Any] = []
        for index, layer in enumerate(self.fused):
            sources = [tensors[source] for source in layer.inputs] or [inputs]
            tensor = _output(layer, sources, weights)
            if ranges is not None and layer.kind not in ("pad", "reshape"):
                tensor = fake_quant_activation(tensor, *ranges(index))
            if observe is not None:
                observe(tensor)
            tensors.append(tensor)
        return tensors[-1]


def _output(layer: FusedLayer, sources: list[Any], weights: Weights) -> Any:
    if layer.kind == "input":
        return sources[0]
    if layer.kind in WEIGHTED:
        kernel, bias = weights(layer)
        tensor = _product(layer, sources[0], kernel) + bias
    elif layer.kind == "add":
        tensor = sources[0] + sources[1]
    else:
        return layer.layer(sources[0])
    return _RELU[layer.relu](tensor)


def _product(layer: FusedLayer, tensor: Any, kernel: Any) -> Any:
    if layer.kind == "dense":
        return tf.matmul(tensor, kernel)
    padding, strides = layer.layer.padding.upper(), [1, *layer.layer.strides, 1]
    if layer.kind == "depthwise":
        return tf.nn.depthwise_conv2d(tensor, kernel, strides, padding, dilations=layer.layer.dilation_rate)
    return tf.nn.conv2d(tensor, kernel, strides, padding)
