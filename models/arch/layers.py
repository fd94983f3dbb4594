# SPDX-License-Identifier: Apache-2.0
"""The layers of a network: blocks expanded into what an int8 engine runs, one operator each, with shapes and counts.

The order is that of the converted .tflite: within a block in the order of its description, a padding of channels
right before the addition that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from mlperf_tiny.models.arch.blocks import (
    AveragePool,
    Block,
    Bottleneck,
    Broadcast,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    GlobalPool,
    Residual,
    Separable,
    Softmax,
    TimeChannelSeparable,
)

LayerKind = Literal["conv", "depthwise", "dense", "pool", "pad", "add", "reshape", "softmax"]
Shape = tuple[int, ...]
INPUT = -1


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One operator of a network. Shapes are without the batch."""

    kind: LayerKind
    """Which operator."""
    inputs: tuple[int, ...]
    """Indices of earlier layers, INPUT for the network's input."""
    in_shape: Shape
    """Shape of the first input."""
    out_shape: Shape
    """Shape of the output."""
    kernel: tuple[int, int] = (1, 1)
    """Height and width; (1, 1) for an operator without a kernel."""
    stride: tuple[int, int] = (1, 1)
    """Vertical and horizontal."""
    dilation: tuple[int, int] = (1, 1)
    """Values from one tap of the kernel to the next."""
    padding: str = "same"
    """"same" or "valid", as TensorFlow defines them."""
    relu: str = "none"
    """The fused activation, applied to the operator's result."""
    batch_norm: bool = False
    """Whether training normalises the operator's result."""
    repeats: int = 1
    """For how many outputs each value of an addition's second input is taken."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates: those of convolutions and fully connected layers only."""
        if self.kind == "conv":
            return prod(self.out_shape) * prod(self.kernel) * self.in_shape[-1]
        if self.kind == "depthwise":
            return prod(self.out_shape) * prod(self.kernel)
        return prod(self.in_shape) * self.out_shape[0] if self.kind == "dense" else 0

    @property
    def weights(self) -> int:
        """Weights without biases."""
        if self.kind == "conv":
            return prod(self.kernel) * self.in_shape[-1] * self.out_shape[-1]
        if self.kind == "depthwise":
            return prod(self.kernel) * self.out_shape[-1]
        return prod(self.in_shape) * self.out_shape[0] if self.kind == "dense" else 0

    @property
    def biases(self) -> int:
        """One for each output channel of a layer with weights."""
        return self.out_shape[-1] if self.weights else 0

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases


class _Chain:
    """The layers so far; every method appends one and returns its index."""

    def __init__(self, input_shape: Shape) -> None:
        self.layers: list[Layer] = []
        self.input_shape = input_shape
        self.last = INPUT

    def shape(self, index: int) -> Shape:
        return self.input_shape if index == INPUT else self.layers[index].out_shape

    def append(self, kind: LayerKind, inputs: tuple[int, ...], out_shape: Shape, **settings: Any) -> int:
        in_shape = self.shape(inputs[0])
        self.layers.append(Layer(kind=kind, inputs=inputs, in_shape=in_shape, out_shape=out_shape, **settings))
        self.last = len(self.layers) - 1
        return self.last

    def window(self, kind: LayerKind, source: int, filters: int, row: Conv | Depthwise) -> int:
        """A convolution of either kind."""
        shape = self.shape(source)
        if len(shape) != 3:
            raise ValueError(f"a {kind} layer cannot follow values of shape {shape}; it needs height, width, channels")
        dilation = row.dilation if isinstance(row, Depthwise) else (1, 1)
        if dilation != (1, 1) != row.stride:
            raise ValueError(f"a {kind} layer of dilation {dilation} has stride {row.stride}; it needs stride (1, 1)")
        spans = [(size - 1) * step + 1 for size, step in zip(row.kernel, dilation, strict=True)]
        out = tuple(
            _out_size(size, span, stride, row.padding)
            for size, span, stride in zip(shape, spans, row.stride, strict=False)
        )
        settings = {name: getattr(row, name) for name in ("kernel", "stride", "padding", "relu", "batch_norm")}
        return self.append(kind, (source,), (*out, filters), dilation=dilation, **settings)

    def conv(self, source: int, row: Conv) -> int:
        return self.window("conv", source, row.filters, row)

    def depthwise(self, source: int, row: Depthwise) -> int:
        return self.window("depthwise", source, self.shape(source)[-1], row)

    def add(self, first: int, second: int, relu: str = "none") -> int:
        """Add two maps; the narrower one gets zero channels first."""
        width = max(self.shape(first)[-1], self.shape(second)[-1])
        if self.shape(first)[:-1] != self.shape(second)[:-1]:
            raise ValueError(f"maps of {self.shape(first)} and {self.shape(second)} cannot be added")
        both = [
            index if self.shape(index)[-1] == width else self.append("pad", (index,), (*self.shape(index)[:-1], width))
            for index in (first, second)
        ]
        return self.append("add", (both[0], both[1]), self.shape(both[0]), relu=relu)


def expand(input_shape: Shape, blocks: Sequence[Block]) -> tuple[Layer, ...]:
    """Return the layers of a network.

    Args:
        input_shape: Shape of one input, without the batch.
        blocks: The blocks, applied in order.

    Returns:
        The layers in the order of execution.

    Raises:
        ValueError: A block does not fit the shape it is applied to.

    Examples:
        >>> [layer.kind for layer in expand((4, 4, 1), [Separable(2), GlobalPool()])]
        ['depthwise', 'conv', 'pool']
    """
    chain = _Chain(input_shape)
    for block in blocks:
        _RULES[type(block)](chain, block)
    return tuple(chain.layers)


def _out_size(size: int, kernel: int, stride: int, padding: str) -> int:
    out = -(-size // stride) if padding == "same" else -(-(size - kernel + 1) // stride)
    if out < 1:
        raise ValueError(f"a kernel of {kernel} is larger than the {size} values it is applied to")
    return out


def _dense(chain: _Chain, block: Dense) -> None:
    shape = chain.shape(chain.last)
    if len(shape) != 1:
        raise ValueError(f"a dense layer cannot follow values of shape {shape}; put a Flatten before it")
    relu = "relu" if block.relu else "none"
    chain.append("dense", (chain.last,), (block.units,), relu=relu, batch_norm=block.batch_norm)


def _conv(chain: _Chain, block: Conv) -> None:
    chain.conv(chain.last, block)


def _depthwise(chain: _Chain, block: Depthwise) -> None:
    chain.depthwise(chain.last, block)


def _separable(chain: _Chain, block: Separable) -> None:
    chain.depthwise(chain.last, Depthwise(block.kernel, stride=block.stride, relu=block.relu))
    chain.conv(chain.last, Conv(block.filters, (1, 1), relu=block.relu))


def _bottleneck(chain: _Chain, block: Bottleneck) -> None:
    entry = chain.last
    chain.conv(entry, Conv(block.expansion, (1, 1)))
    chain.depthwise(chain.last, Depthwise(block.kernel, stride=block.stride))
    out = chain.conv(chain.last, Conv(block.filters, (1, 1), relu="none"))
    if block.residual:
        chain.add(entry, out)


def _residual(chain: _Chain, block: Residual) -> None:
    entry = chain.last
    chain.conv(entry, Conv(block.filters, stride=block.stride, relu="relu"))
    out = chain.conv(chain.last, Conv(block.filters, relu="none"))
    if block.stride != (1, 1):
        # The reference net has no norm on its short cut.
        entry = chain.conv(entry, Conv(block.filters, (1, 1), stride=block.stride, relu="none", batch_norm=False))
    chain.add(entry, out, "relu")


def _broadcast(chain: _Chain, block: Broadcast) -> None:
    entry = chain.last
    shape = chain.shape(entry)
    if len(shape) != 3:
        raise ValueError(f"a Broadcast cannot follow values of shape {shape}; it needs time, frequency, channels")
    keeps = block.stride == 1 and not block.transition and block.filters in (None, shape[-1])
    if not keeps:
        chain.conv(entry, Conv(shape[-1] if block.filters is None else block.filters, (1, 1), relu="relu"))
    along_frequency = Depthwise((1, block.kernel[1]), stride=(1, block.stride), relu="none")
    bands = chain.depthwise(chain.last, along_frequency)
    height, width, channels = chain.shape(bands)
    window = (1, width)
    mean = chain.append("pool", (bands,), (height, 1, channels), kernel=window, stride=window, padding="valid")
    chain.depthwise(mean, Depthwise((block.kernel[0], 1), dilation=(block.dilation, 1), relu="relu"))
    times = chain.conv(chain.last, Conv(channels, (1, 1), relu="none", batch_norm=False))
    relu = "none" if keeps else "relu"
    total = chain.append("add", (bands, times), chain.shape(bands), relu=relu, repeats=width)
    if keeps:
        # Not by ``add``, which compares widths: in a search they may be tensors.
        chain.append("add", (total, entry), chain.shape(total), relu="relu")


def _time_channel_separable(chain: _Chain, block: TimeChannelSeparable) -> None:
    entry = chain.last
    chain.depthwise(entry, Depthwise((block.kernel, 1), relu="none", batch_norm=False))
    pointwise = Conv(block.filters, (1, 1), relu="none" if block.residual else "relu")
    out = chain.conv(chain.last, pointwise)
    if block.residual:
        chain.add(out, chain.conv(entry, pointwise), "relu")


def _average_pool(chain: _Chain, block: AveragePool) -> None:
    height, width, channels = chain.shape(chain.last)
    out = (-(-height // block.size[0]), -(-width // block.size[1]), channels)
    chain.append("pool", (chain.last,), out, kernel=block.size, stride=block.size)


def _global_pool(chain: _Chain, block: object) -> None:
    height, width, channels = chain.shape(chain.last)
    size = (height, width)
    chain.append("pool", (chain.last,), (1, 1, channels), kernel=size, stride=size, padding="valid")


def _flatten(chain: _Chain, block: object) -> None:
    chain.append("reshape", (chain.last,), (prod(chain.shape(chain.last)),))


def _softmax(chain: _Chain, block: object) -> None:
    chain.append("softmax", (chain.last,), chain.shape(chain.last))


_RULES: dict[type, Callable[[_Chain, Any], None]] = {
    Dense: _dense,
    Conv: _conv,
    Depthwise: _depthwise,
    Separable: _separable,
    Bottleneck: _bottleneck,
    Residual: _residual,
    Broadcast: _broadcast,
    TimeChannelSeparable: _time_channel_separable,
    AveragePool: _average_pool,
    GlobalPool: _global_pool,
    Flatten: _flatten,
    Softmax: _softmax,
}
