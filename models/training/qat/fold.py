# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation folded into the weights of the layer before it, with statistics that no longer change.

A norm computes gain * (x - mean) / deviation + offset per channel, so kernel and bias of the layer take it over:
kernel * gain / deviation, offset - mean * gain / deviation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mlperf_tiny.models.training.qat.graph import FusedLayer


def layer_weights(fused: FusedLayer) -> dict[str, NDArray[np.float32]]:
    """Return kernel, and per output channel gain, offset, mean, deviation, of a trained layer with weights.

    The mean is without the layer's own bias. Without a norm gain and deviation are 1, the mean is 0 and the offset is
    the bias.
    """
    channels = fused.channels
    bias = fused.layer.bias.numpy() if fused.layer.use_bias else np.zeros(channels, np.float32)
    gain, offset, mean, deviation = np.ones(channels), bias, np.zeros(channels), np.ones(channels)
    if fused.norm is not None:
        norm = fused.norm
        mean = norm.moving_mean.numpy() - bias
        deviation = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
        gain = norm.gamma.numpy() if norm.scale else gain
        offset = norm.beta.numpy() if norm.center else np.zeros(channels)
    values = {"kernel": fused.layer.kernel.numpy(), "gain": gain, "offset": offset, "mean": mean}
    return {name: value.astype(np.float32) for name, value in {**values, "deviation": deviation}.items()}


def fold_norm(fused: FusedLayer, weights: dict[str, Any]) -> tuple[Any, Any]:
    """Return kernel and bias with the norm folded in.

    Args:
        fused: The layer; its kind says which axes of the kernel are output channels.
        weights: Tensors by the names of ``layer_weights``.
    """
    scale = weights["gain"] / weights["deviation"]
    kernel = weights["kernel"] * tf.reshape(scale, channel_shape(fused))
    return kernel, weights["offset"] - weights["mean"] * scale


def channel_shape(fused: FusedLayer) -> list[int]:
    """Return the shape that aligns one value per output channel with the kernel."""
    if fused.kind == "depthwise":
        multiplier = int(fused.layer.kernel.shape[-1])
        return [1, 1, fused.channels // multiplier, multiplier]
    return [*([1] * (len(fused.layer.kernel.shape) - 1)), fused.channels]


def reduction_axes(fused: FusedLayer) -> list[int]:
    """Return the axes of the kernel that belong to one output channel."""
    if fused.kind == "depthwise":
        return [0, 1]
    return [axis for axis, size in enumerate(channel_shape(fused)) if size == 1]
