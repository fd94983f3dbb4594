# SPDX-License-Identifier: Apache-2.0
"""The rows that networks are made of. Plain data; ``models.arch.layers`` says what layers each of them stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Relu = Literal["none", "relu", "relu6"]
Padding = Literal["same", "valid"]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with bias, then batch normalisation and ReLU where asked for."""

    units: int
    batch_norm: bool = True
    relu: bool = True


@dataclass(frozen=True)
class Conv:
    """A convolution, then batch normalisation and an activation. ``kernel`` and ``stride`` are height, width."""

    filters: int
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    relu: Relu = "relu6"
    batch_norm: bool = True
    padding: Padding = "same"


@dataclass(frozen=True)
class Depthwise:
    """A convolution of each channel by itself, then batch normalisation and an activation."""

    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    relu: Relu = "relu6"
    batch_norm: bool = True
    padding: Padding = "same"


@dataclass(frozen=True)
class Separable:
    """A depthwise convolution with ``stride``, then a 1x1 convolution to ``filters`` channels, both activated."""

    filters: int
    stride: Pair = (1, 1)
    kernel: Pair = (3, 3)
    relu: Relu = "relu6"


@dataclass(frozen=True)
class Bottleneck:
    """MobileNetV2's block: 1x1 to ``expansion`` channels, depthwise 3x3, 1x1 to ``filters`` without an activation.

    ``residual`` adds the block's input; of two widths the narrower is padded with zero channels. It needs stride 1.
    """

    expansion: int
    filters: int
    stride: Pair = (1, 1)
    residual: bool = False


@dataclass(frozen=True)
class Residual:
    """ResNet's block: two 3x3 convolutions plus the input, which a 1x1 convolution fits where ``stride`` is not 1."""

    filters: int
    stride: Pair = (1, 1)


@dataclass(frozen=True)
class GlobalPool:
    """The mean of each channel over the whole map; the map stays 1x1."""


@dataclass(frozen=True)
class Flatten:
    """All values in one row."""


@dataclass(frozen=True)
class Softmax:
    """Scores to probabilities."""


Block = Dense | Conv | Depthwise | Separable | Bottleneck | Residual | GlobalPool | Flatten | Softmax
