# SPDX-License-Identifier: Apache-2.0
"""From an Arch row to a Keras model, and from a trained model to one with batch normalisation folded away.

Needs TensorFlow (the ``[train]`` extra), which is imported only when a function is called. Layer number n of the row is
called ``conv_n``, ``depthwise_n``, ``dense_n`` ... in the model, its norm ``norm_n``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.layers import INPUT, Layer

WEIGHTED = ("conv", "depthwise", "dense")


def build(arch: Arch) -> Any:
    """Return an untrained keras.Model of ``arch``: float32 in, float32 out, a softmax at its end left out.

    The outputs are logits, which the losses take; a softmax does not change which class is first.
    """
    return _connected(arch, folded=False, softmax=False)


def fold(arch: Arch, trained: Any, softmax: bool = False) -> Any:
    """Return a model without batch normalisation that computes the same in inference.

    A norm after a layer is a scale and a shift of each output channel, so both go into its weights and bias.

    Args:
        arch: The network.
        trained: A trained ``build`` of ``arch``.
        softmax: Whether to add the softmax of the row, which ``build`` leaves out.

    Returns:
        A keras.Model.
    """
    model = _connected(arch, folded=True, softmax=softmax)
    for number, layer in enumerate(arch.layers):
        if layer.kind not in WEIGHTED:
            continue
        name = f"{layer.kind}_{number}"
        kernel, bias = trained.get_layer(name).get_weights()
        if layer.batch_norm:
            norm = trained.get_layer(f"norm_{number}")
            gamma, beta, mean, variance = norm.get_weights()
            scale = gamma / np.sqrt(variance + norm.epsilon)
            kernel, bias = _scaled(kernel, scale, layer), (bias - mean) * scale + beta
        model.get_layer(name).set_weights([kernel, bias])
    return model


def _scaled(kernel: NDArray[np.floating], scale: NDArray[np.floating], layer: Layer) -> NDArray[np.floating]:
    # Keras keeps depthwise kernels as (height, width, channels, 1), all others with the outputs last.
    return kernel * (scale[:, None] if layer.kind == "depthwise" else scale)


def _connected(arch: Arch, folded: bool, softmax: bool) -> Any:
    import keras

    inputs = keras.Input(arch.input_shape)
    tensors: list[Any] = []
    for number, layer in enumerate(arch.layers):
        sources = [inputs if index == INPUT else tensors[index] for index in layer.inputs]
        if layer.kind == "softmax" and not softmax:
            tensors.append(sources[0])
            continue
        tensor = _operator(keras, layer, number, sources)
        if layer.batch_norm and not folded:
            tensor = keras.layers.BatchNormalization(name=f"norm_{number}")(tensor)
        if layer.relu != "none":
            limit = 6.0 if layer.relu == "relu6" else None
            tensor = keras.layers.ReLU(max_value=limit, name=f"relu_{number}")(tensor)
        tensors.append(tensor)
    return keras.Model(inputs, tensors[-1], name=arch.name.replace("-", "_"))


def _operator(keras: Any, layer: Layer, number: int, sources: list[Any]) -> Any:
    name = f"{layer.kind}_{number}"
    window = {"strides": layer.stride, "padding": layer.padding, "name": name}
    source = sources[0]
    if layer.kind == "conv":
        return keras.layers.Conv2D(layer.out_shape[-1], layer.kernel, **window)(source)
    if layer.kind == "depthwise":
        return keras.layers.DepthwiseConv2D(layer.kernel, dilation_rate=layer.dilation, **window)(source)
    if layer.kind == "dense":
        return keras.layers.Dense(layer.out_shape[0], name=name)(source)
    if layer.kind == "pool":
        return keras.layers.AveragePooling2D(layer.kernel, padding=layer.padding, name=name)(source)
    if layer.kind == "pad":
        more = layer.out_shape[-1] - layer.in_shape[-1]
        return keras.ops.pad(source, [[0, 0], [0, 0], [0, 0], [0, more]])
    if layer.kind == "add":
        return keras.layers.Add(name=name)(sources)
    if layer.kind == "reshape":
        return keras.layers.Reshape(layer.out_shape, name=name)(source)
    return keras.layers.Softmax(name=name)(source)
