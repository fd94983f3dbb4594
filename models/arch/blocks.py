# SPDX-License-Identifier: Apache-2.0
"""The blocks that networks are made of, as plain data; ``mlperf_tiny.models.arch.layers`` expands each into layers."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

Relu = Literal["none", "relu", "relu6"]
Padding = Literal["same", "valid"]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with bias."""

    units: int
    """Number of outputs."""
    _: KW_ONLY
    batch_norm: bool = True
    """Whether batch normalisation follows."""
    relu: bool = True
    """Whether a ReLU follows."""


@dataclass(frozen=True)
class Conv:
    """A convolution, then batch normalisation and an activation."""

    filters: int
    """Number of output channels."""
    kernel: Pair = (3, 3)
    """Height and width."""
    _: KW_ONLY
    stride: Pair = (1, 1)
    """Vertical and horizontal."""
    relu: Relu = "relu6"
    """The activation."""
    batch_norm: bool = True
    """Whether batch normalisation follows the convolution."""
    padding: Padding = "same"
    """As TensorFlow defines it."""


@dataclass(frozen=True)
class Depthwise:
    """A convolution of each channel by itself, then batch normalisation and an activation."""

    kernel: Pair = (3, 3)
    """Height and width."""
    _: KW_ONLY
    stride: Pair = (1, 1)
    """Vertical and horizontal."""
    relu: Relu = "relu6"
    """The activation."""
    batch_norm: bool = True
    """Whether batch normalisation follows the convolution."""
    padding: Padding = "same"
    """As TensorFlow defines it."""
    dilation: Pair = (1, 1)
    """Values from one tap of the kernel to the next; needs stride 1."""


@dataclass(frozen=True)
class Separable:
    """A depthwise convolution, then a 1x1 convolution, both activated."""

    filters: int
    """Number of output channels."""
    stride: Pair = (1, 1)
    """Of the depthwise convolution."""
    _: KW_ONLY
    kernel: Pair = (3, 3)
    """Of the depthwise convolution."""
    relu: Relu = "relu6"
    """Both activations."""


@dataclass(frozen=True)
class Bottleneck:
    """MobileNetV2's block: 1x1 to ``expansion`` channels, depthwise, 1x1 to ``filters`` without an activation."""

    expansion: int
    """Channels of the depthwise convolution."""
    filters: int
    """Number of output channels."""
    stride: Pair = (1, 1)
    """Of the depthwise convolution."""
    _: KW_ONLY
    kernel: Pair = (3, 3)
    """Of the depthwise convolution."""
    residual: bool = False
    """Whether the block's input is added; needs stride 1. The narrower of the two is padded with zero channels."""


@dataclass(frozen=True)
class Residual:
    """ResNet's block: two 3x3 convolutions plus the input."""

    filters: int
    """Number of output channels."""
    stride: Pair = (1, 1)
    """Of the first convolution; where it is not 1, a 1x1 convolution fits the input."""


@dataclass(frozen=True)
class Broadcast:
    """BC-ResNet's block (arXiv 2106.04140) on a map of time by frequency.

    A depthwise convolution along frequency gives a map. Its mean over frequency goes through a depthwise convolution
    along time and a 1x1 convolution, and is added to each frequency of the map, as is the block's input; a ReLU is
    last. A block that changes the number of channels or the size of the map is a transition: a 1x1 convolution comes
    first, and the input is not added.

    Differences from the paper, for int8: plain batch normalisation in place of sub-spectral, which would have a scale
    for each sub-band and could not be folded into one kernel; ReLU in place of Swish; no dropout.
    """

    filters: int | None
    """Number of output channels; None: as many as come in."""
    _: KW_ONLY
    stride: int = 1
    """Along frequency."""
    dilation: int = 1
    """Of the convolution along time."""
    kernel: Pair = (3, 3)
    """Lengths of the convolutions along time and along frequency."""
    transition: bool = False
    """Whether the block is a transition even where it changes nothing."""


@dataclass(frozen=True)
class TimeChannelSeparable:
    """A separable convolution along time (QuartzNet, arXiv 1910.10261) on a map of time by 1, features as channels.

    A depthwise convolution along time without norm and activation, then a 1x1 convolution. Where the block is residual,
    its input is added through a 1x1 convolution of its own. A ReLU is last.
    """

    filters: int
    """Number of output channels."""
    kernel: int
    """Length of the depthwise convolution along time."""
    _: KW_ONLY
    residual: bool = True
    """Whether the block's input is added."""


@dataclass(frozen=True)
class AveragePool:
    """The mean of each channel over windows that do not overlap; what lies beyond the map does not count."""

    size: Pair = (2, 2)
    """Height and width of a window, and the strides."""


@dataclass(frozen=True)
class GlobalPool:
    """The mean of each channel over the whole map; the map stays 1x1."""


@dataclass(frozen=True)
class Flatten:
    """All values as one vector."""


@dataclass(frozen=True)
class Softmax:
    """Scores to probabilities."""


Block = (
    Dense
    | Conv
    | Depthwise
    | Separable
    | Bottleneck
    | Residual
    | Broadcast
    | TimeChannelSeparable
    | AveragePool
    | GlobalPool
    | Flatten
    | Softmax
)


def strides_of(block: Block) -> Pair:
    """Return by how much a block makes a map smaller, vertically and horizontally."""
    stride = getattr(block, "stride", (1, 1))
    return (1, stride) if isinstance(stride, int) else stride
