# SPDX-License-Identifier: Apache-2.0
"""From an Arch row to a Keras model, and from a trained model to one with batch normalisation folded away.

Needs TensorFlow (the ``[train]`` extra), which is imported only when a function is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.arch import Arch


def build(arch: Arch) -> Any:
    """Return an untrained keras.Model of ``arch``: float32 in, float32 out."""
    import keras

    tensor = inputs = keras.Input(arch.input_shape)
    for number, block in enumerate(arch.blocks):
        tensor = keras.layers.Dense(block.units, name=f"dense_{number}")(tensor)
        if block.batch_norm:
            tensor = keras.layers.BatchNormalization(name=f"norm_{number}")(tensor)
        if block.relu:
            tensor = keras.layers.ReLU(name=f"relu_{number}")(tensor)
    return keras.Model(inputs, tensor, name=arch.name.replace("-", "_"))


def fold(arch: Arch, trained: Any) -> Any:
    """Return a model that computes the same as ``trained`` (a ``build`` of ``arch``) does in inference, without norms.

    A norm after a dense layer is a scale and a shift of each output, so both go into its weights and bias.
    """
    import keras

    tensor = inputs = keras.Input(arch.input_shape)
    folded = []
    for number, block in enumerate(arch.blocks):
        kernel, bias = trained.get_layer(f"dense_{number}").get_weights()
        if block.batch_norm:
            norm = trained.get_layer(f"norm_{number}")
            gamma, beta, mean, variance = norm.get_weights()
            scale = gamma / np.sqrt(variance + norm.epsilon)
            kernel, bias = kernel * scale, (bias - mean) * scale + beta
        layer = keras.layers.Dense(block.units, activation="relu" if block.relu else None, name=f"dense_{number}")
        tensor = layer(tensor)
        folded.append((layer, kernel, bias))
    model = keras.Model(inputs, tensor, name=trained.name)
    for layer, kernel, bias in folded:
        layer.set_weights([kernel, bias])
    return model
