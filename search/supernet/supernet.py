# SPDX-License-Identifier: Apache-2.0
"""All networks of a search space as one network with shared weights.

The weights are those of the largest network. ``Chosen`` decisions use the first channels of each layer and the middle
of each kernel; probabilities (``Mixed``) use all, each in part. Where a block may be left out, its input goes around
it, through an average pool where the block has a stride.

Values are rounded to int8 steps as they will be on the device (Krishnamoorthi, arXiv 1806.08342): weights for each
output channel, activations within a range that is trained. Norms are not folded into the weights before they are
rounded, as training after the search does; a search only compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mlperf_tiny.models.arch.layers import INPUT
from mlperf_tiny.models.training.qat.fake_quant import MIN_RANGE, fake_quant_activation, fake_quant_kernel
from mlperf_tiny.search.space.space import SearchSpace
from mlperf_tiny.search.supernet.channels import Channels, First, mixed, pad_channels, wider
from mlperf_tiny.search.supernet.gates import Chosen, Gates
from mlperf_tiny.search.supernet.nodes import Node, NodeLayer, nodes_of

EPSILON = 1e-3
"""Added to variances, as Keras's norms have it."""
RELU6_MAX = 6.0
Statistics = Mapping[str, tuple[Any, Any]]
"""Mean and variance of each norm's input, by the name of its layer."""


class Supernet(keras.layers.Layer):
    """The shared weights of a space, and its networks' outputs."""

    def __init__(self, space: SearchSpace, seed: int, *, int8: bool = True) -> None:
        """Make the weights.

        Args:
            space: The networks.
            seed: Of the first weights.
            int8: Whether values are rounded to int8 steps.

        Raises:
            UsageError: The space has blocks that cannot share weights.
        """
        super().__init__(name="supernet")
        self.space = space
        self.nodes = nodes_of(space)
        self._int8 = int8
        self._own: dict[str, dict[str, Any]] = {}
        random = np.random.default_rng(seed)
        for node in self.nodes:
            for row in node.layers:
                self._own[row.name] = self._variables(row, random)
        self.built = True

    def _variables(self, row: NodeLayer, random: np.random.Generator) -> dict[str, Any]:
        layer = row.layer
        if not layer.weights:
            return {}
        depthwise = layer.kind == "depthwise"
        fan_in = layer.kernel[0] * layer.kernel[1] * (1 if depthwise else layer.in_shape[-1])
        channels = layer.out_shape[-1]
        shape = (*layer.kernel, channels, 1) if depthwise else (*layer.kernel, layer.in_shape[-1], channels)
        own = {"kernel": self._add(row, "kernel", random.normal(0.0, (2.0 / fan_in) ** 0.5, shape))}
        own["offset"] = self._add(row, "offset", np.zeros(channels))
        if layer.batch_norm:
            own["gain"] = self._add(row, "gain", np.ones(channels))
        if layer.relu == "relu6":
            own["high"] = self._add(row, "high", np.array(RELU6_MAX))
        return own

    def _add(self, row: NodeLayer, name: str, value: NDArray[np.floating[Any]]) -> Any:
        made = self.add_weight(name=f"{row.name}_{name}", shape=value.shape)
        made.assign(value.astype(np.float32))
        return made

    def variables_of(self, row: NodeLayer) -> Mapping[str, Any]:
        """Return a layer's variables: those of kernel, offset, gain, high that it has."""
        return self._own[row.name]

    def forward(
        self,
        inputs: Any,
        gates: Gates,
        *,
        statistics: Statistics | None = None,
        collect: dict[str, tuple[Any, Any]] | None = None,
    ) -> Any:
        """Return the outputs.

        Norms have no statistics of their own: what they would follow is a mixture of many networks.

        Args:
            inputs: Tensor, shape (n, height, width, channels); resized where the network has another side.
            gates: Which network, or probabilities of all.
            statistics: Mean and variance for each norm, by the layer's name; None: those of the batch.
            collect: Gets those of the batch.

        Returns:
            Logits, shape (n, classes).
        """
        tensor: Any = gates.sized(inputs)
        channels: Channels = First(inputs.shape[-1])
        step = _Pass(self, gates, _Norms(statistics, collect), self._int8)
        for node in self.nodes:
            tensor, channels = step.node(node, tensor, channels)
        return tensor


@dataclass(frozen=True)
class _Norms:
    """Which statistics norms use, and where those of the batch go."""

    statistics: Statistics | None
    collect: dict[str, tuple[Any, Any]] | None


class _Pass:
    """One use of a supernet."""

    def __init__(self, supernet: Supernet, gates: Gates, norms: _Norms, int8: bool) -> None:
        self._supernet, self._gates, self._norms, self._int8 = supernet, gates, norms, int8

    def node(self, node: Node, tensor: Any, channels: Channels) -> tuple[Any, Channels]:
        """Outputs of a block, or what goes around it."""
        keep = self._kept(node)
        if keep is False:
            return _around(node, tensor), channels
        inside, out = self._block(node, tensor, channels)
        if keep is True:
            return inside, out
        around = _around(node, tensor)
        width = max(inside.shape[-1], around.shape[-1])
        both = keep * pad_channels(inside, width) + (1.0 - keep) * pad_channels(around, width)
        return both, mixed(channels, out, keep, width)

    def _kept(self, node: Node) -> Any:
        """True, False, or a probability."""
        if node.depth:
            return self._gates.deep(node.depth, node.place)
        return self._gates.keep(node.keep) if node.keep else True

    def _block(self, node: Node, tensor: Any, channels: Channels) -> tuple[Any, Channels]:
        entry = tensor, channels
        outputs = {INPUT: entry}
        for place, row in enumerate(node.layers):
            sources = [outputs[source] for source in row.layer.inputs]
            outputs[place] = self._sum(row, sources) if row.layer.kind == "add" else self._layer(row, *sources[0])
        tensor, channels = outputs[len(node.layers) - 1]
        if not node.residual:
            return tensor, channels
        width = max(tensor.shape[-1], entry[0].shape[-1])
        total = pad_channels(tensor, width) + pad_channels(entry[0], width)
        return total, wider(entry[1], channels, width)

    def _sum(self, row: NodeLayer, sources: list[tuple[Any, Channels]]) -> tuple[Any, Channels]:
        """An addition within a block; both operands have the same channels."""
        (first, channels), (second, _) = sources
        total = _activated(row, first + second)
        return (_rounded(total, None) if self._int8 else total), channels

    def _layer(self, row: NodeLayer, tensor: Any, channels: Channels) -> tuple[Any, Channels]:
        kind = row.layer.kind
        if kind == "reshape":
            return tf.reshape(tensor, (-1, int(np.prod(tensor.shape[1:])))), channels
        if kind == "pool":
            return _pool(row, tensor), channels
        own = self._supernet.variables_of(row)
        out = channels if kind == "depthwise" else self._out(row, channels)
        kernel = own["kernel"]
        if row.kernel_decision:
            kernel = self._gates.crop(kernel, row.kernel_decision, row.kernels)
        kernel = out.cut(kernel, 2) if kind == "depthwise" else out.cut(channels.cut(kernel, 2), 3)
        if self._int8:
            kernel = fake_quant_kernel(kernel, [0, 1] if kind == "depthwise" else [0, 1, 2])
        tensor = self._normed(row, _product(row, tensor, kernel), lambda name: out.cut(own[name], 0))
        tensor = _activated(row, tensor)
        if self._int8:
            tensor = _rounded(tensor, own.get("high"))
        return out.gate(tensor), out

    def _out(self, row: NodeLayer, channels: Channels) -> Channels:
        """Channels of a convolution's output."""
        widest = row.layer.out_shape[-1]
        if row.same:
            return channels
        if not row.decision and not row.factors:
            return First(widest)
        if not row.factors:
            return self._gates.channels(row.decision, row.widths)
        if isinstance(self._gates, Chosen) and isinstance(channels, First):
            factor = self._gates.decisions[row.decision] if row.decision else row.factors[0]
            return First(round(factor * channels.count))
        widths = tuple(round(factor * row.layer.in_shape[-1]) for factor in row.factors)
        return self._gates.channels(row.decision, widths) if row.decision else First(widest)

    def _normed(self, row: NodeLayer, tensor: Any, own: Callable[[str], Any]) -> Any:
        if not row.layer.batch_norm:
            return tensor + own("offset")
        gain, offset = own("gain"), own("offset")
        if self._norms.statistics is not None:
            mean, variance = self._norms.statistics[row.name]
            scale = gain * tf.math.rsqrt(variance + EPSILON)
            return tensor * scale + (offset - mean * scale)
        tensor, mean, variance = tf.compat.v1.nn.fused_batch_norm(tensor, gain, offset, epsilon=EPSILON)
        if self._norms.collect is not None:
            self._norms.collect[row.name] = mean, variance
        return tensor


def _around(node: Node, tensor: Any) -> Any:
    if node.stride == (1, 1):
        return tensor
    return tf.nn.avg_pool2d(tensor, node.stride, node.stride, "SAME")


def _pool(row: NodeLayer, tensor: Any) -> Any:
    layer = row.layer
    if layer.out_shape[:2] == (1, 1):
        return tf.reduce_mean(tensor, axis=[1, 2], keepdims=True)
    return tf.nn.avg_pool2d(tensor, layer.kernel, layer.stride, layer.padding.upper())


def _product(row: NodeLayer, tensor: Any, kernel: Any) -> Any:
    layer = row.layer
    if layer.kind == "depthwise":
        return tf.nn.depthwise_conv2d(
            tensor, kernel, [1, *layer.stride, 1], layer.padding.upper(), dilations=layer.dilation
        )
    if layer.kernel == (1, 1) and layer.stride == (1, 1):
        # The same as a convolution, and faster on a CPU.
        flat = tf.matmul(tf.reshape(tensor, (-1, tensor.shape[-1])), kernel[0, 0])
        return tf.reshape(flat, (-1, *tensor.shape[1:3], kernel.shape[-1]))
    return tf.nn.conv2d(tensor, kernel, layer.stride, layer.padding.upper())


def _activated(row: NodeLayer, tensor: Any) -> Any:
    if row.layer.relu == "relu6":
        return tf.nn.relu6(tensor)
    return tf.nn.relu(tensor) if row.layer.relu == "relu" else tensor


def _rounded(tensor: Any, high: Any) -> Any:
    if high is not None:
        return fake_quant_activation(tensor, 0.0, tf.maximum(high, MIN_RANGE))
    low, most = tf.minimum(tf.reduce_min(tensor), 0.0), tf.maximum(tf.reduce_max(tensor), MIN_RANGE)
    return fake_quant_activation(tensor, tf.stop_gradient(low), tf.stop_gradient(most))
