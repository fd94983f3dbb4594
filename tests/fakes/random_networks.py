# SPDX-License-Identifier: Apache-2.0
"""Networks at random: convolutions, depthwise and pointwise ones, sums, pools, dense layers; shapes, weights vary."""

from __future__ import annotations

import random

import numpy as np

from tests.fakes.tflite_builder import Builder

_SCALE = 0.05


class _Network:
    def __init__(self, rng: random.Random) -> None:
        self.rng, self.random = rng, np.random.default_rng(rng.getrandbits(32))
        self.b = Builder()
        self.size, self.channels = rng.choice([8, 12, 16]), rng.choice([1, 3, 4])
        self.input = self.last = self.activation()

    def activation(self) -> int:
        return self.b.tensor((1, self.size, self.size, self.channels), scale=_SCALE, zero_point=self.rng.randint(-9, 9))

    def weights(self, shape: tuple[int, ...], filters: int, axis: int = 0) -> list[int]:
        scales = self.random.uniform(0.001, 0.01, filters)
        data = self.random.integers(-127, 128, shape)
        bias = self.random.integers(-999, 1000, filters)
        return [
            self.b.tensor(shape, scale=scales, data=data, axis=axis),
            self.b.tensor((filters,), "int32", scale=scales * _SCALE, data=bias),
        ]

    def convolution(self, kernel: int, filters: int, stride: int) -> None:
        weights = self.weights((filters, kernel, kernel, self.channels), filters)
        self.size, self.channels = -(-self.size // stride), filters
        self.layer("CONV_2D", weights, stride)

    def depthwise(self, stride: int) -> None:
        weights = self.weights((1, 3, 3, self.channels), self.channels, axis=3)
        self.size = -(-self.size // stride)
        self.layer("DEPTHWISE_CONV_2D", weights, stride)

    def layer(self, kind: str, weights: list[int], stride: int) -> None:
        after = self.activation()
        options = {"stride_h": stride, "stride_w": stride, "padding": "SAME", "activation": "RELU"}
        self.b.operator(kind, [self.last, *weights], [after], options)
        self.last = after

    def residual(self) -> None:
        before = self.last
        self.convolution(1, self.channels, 1)
        after = self.activation()
        self.b.operator("ADD", [before, self.last], [after])
        self.last = after


def random_network(seed: int) -> bytes:
    """A small network; of two seeds it has other operators, sizes and weights."""
    rng = random.Random(seed)
    net = _Network(rng)
    net.convolution(3, 4 * rng.randint(1, 6), rng.choice([1, 2]))
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.6:
            net.depthwise(rng.choice([1, 1, 2]))
        net.convolution(rng.choice([1, 1, 3]), 4 * rng.randint(1, 8), 1)
        if rng.random() < 0.3:
            net.residual()
    if rng.random() < 0.7:
        side = net.size
        net.size = 1
        pooled = net.b.tensor((1, 1, 1, net.channels), scale=_SCALE)
        window = {"stride_h": side, "stride_w": side, "filter_h": side, "filter_w": side, "padding": "VALID"}
        # A pool keeps the quantisation of its input.
        quantization = net.b.subgraph.tensors[net.last].quantization
        net.b.subgraph.tensors[pooled].quantization = quantization
        net.b.operator("AVERAGE_POOL_2D", [net.last], [pooled], window)
        net.last = pooled
    inputs, classes = net.size * net.size * net.channels, rng.randint(2, 12)
    logits = net.b.tensor((1, classes), scale=0.3, zero_point=3)
    net.b.operator("FULLY_CONNECTED", [net.last, *net.weights((classes, inputs), classes)], [logits], {})
    if rng.random() < 0.7:
        last = net.b.tensor((1, classes), scale=1 / 256, zero_point=-128)
        net.b.operator("SOFTMAX", [logits], [last], {"beta": 1.0})
        logits = last
    return net.b.build([net.input], [logits])
