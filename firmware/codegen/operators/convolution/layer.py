# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED as one checked value, which every kernel's lowering starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor, dims
from mlperf_tiny.firmware.codegen.operators.convolution.geometry import Geometry, read_filter, read_geometry
from mlperf_tiny.firmware.codegen.operators.convolution.thresholds import thresholds, thresholds_of_reals
from mlperf_tiny.firmware.codegen.operators.convolution.weights import Weights, read_weights
from mlperf_tiny.firmware.codegen.operators.operands.checks import (
    activation,
    output,
    output_range,
    refuse,
    require,
    same_shape,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvLayer:
    """A convolution or fully-connected layer whose shapes, types and sums have been checked.

    A fully-connected layer is a 1x1 convolution of ``rows`` x 1 pixels.
    """

    op: Operator
    graph: Graph
    """The graph that ``op`` is part of, for messages."""
    in_: Tensor
    out: Tensor
    geometry: Geometry
    weights: Weights
    in_channels: int
    """Channels of the input, or inputs of a fully-connected layer."""
    out_min: int
    """Lowest int8 output of the fused activation."""
    out_max: int
    """Highest int8 output of the fused activation."""

    @property
    def rounds_once(self) -> bool:
        """TFLite requantises a fully-connected layer in double precision, others with two roundings."""
        return self.op.kind == "FULLY_CONNECTED"

    @cached_property
    def thresholds(self) -> list[NDArray[np.int64]]:
        """(255,) for each channel: the smallest sum of each output, as TFLite rounds this kind of layer."""
        zero, low, high = self.out.zero_point, self.out_min, self.out_max
        if self.rounds_once:
            return thresholds_of_reals(self.weights.ratios, zero, low, high)
        pairs = zip(self.weights.multiplier.tolist(), self.weights.shift.tolist(), strict=True)
        return [thresholds(multiplier, shift, zero, low, high) for multiplier, shift in pairs]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self.geometry.out_pixels * self.weights.channels * self.weights.taps

    @property
    def title(self) -> str:
        """One line for the reader of the generated C: ``3: DEPTHWISE_CONV_2D 3x3/1x1  25x5x64 -> 25x5x64``."""
        filter_text = "" if self.op.kind == "FULLY_CONNECTED" else f" {self.geometry.text}"
        return f"{self.op.index}: {self.op.kind}{filter_text}  {dims(self.in_.shape)} -> {dims(self.out.shape)}"


def read_conv_layer(op: Operator, graph: Graph) -> ConvLayer:
    """Read a CONV_2D: weights ``[out channels][height][width][in channels]``.

    Args:
        op: The operator.
        graph: The graph it is part of.

    Raises:
        UnsupportedOperator: Something that the kernels do not do, named with layer and tensor.
    """
    in_, out = activation(op, graph), output(op, graph)
    filter_ = read_filter(op, graph, in_)
    if filter_.shape[3] != in_.shape[3]:
        refuse(
            op, graph, f"groups: each filter sees {filter_.shape[3]} of {in_.shape[3]} channels, wanted all", filter_
        )
    geometry = read_geometry(op, graph, in_, out, filter_)
    return _layer(op, graph, in_, out, geometry, read_weights(op, graph, in_, out, axis=0), in_.shape[3])


def read_depthwise_layer(op: Operator, graph: Graph) -> ConvLayer:
    """Read a DEPTHWISE_CONV_2D: weights ``[1][height][width][in channels * depth multiplier]``.

    Args:
        op: The operator.
        graph: The graph it is part of.

    Raises:
        UnsupportedOperator: Something that the kernels do not do, named with layer and tensor.
    """
    in_, out = activation(op, graph), output(op, graph)
    filter_ = read_filter(op, graph, in_)
    if filter_.shape[0] != 1 or filter_.shape[3] % in_.shape[3]:
        refuse(op, graph, f"{filter_.shape[3]} filters cannot be divided evenly among {in_.shape[3]} channels", filter_)
    geometry = read_geometry(op, graph, in_, out, filter_)
    return _layer(op, graph, in_, out, geometry, read_weights(op, graph, in_, out, axis=3), in_.shape[3])


def read_dense_layer(op: Operator, graph: Graph) -> ConvLayer:
    """Read a FULLY_CONNECTED: weights ``[outputs][inputs]``; the input is split into rows of a filter's length.

    Args:
        op: The operator.
        graph: The graph it is part of.

    Raises:
        UnsupportedOperator: Something that the kernels do not do, named with layer and tensor.
    """
    in_, out = activation(op, graph), output(op, graph)
    require(op.options.get("weights_format", "DEFAULT") == "DEFAULT", op, graph, "its weights are shuffled")
    require(len(op.inputs) > 1 and op.inputs[1] >= 0, op, graph, "it has no weights")
    filter_ = graph.tensors[op.inputs[1]]
    require(len(filter_.shape) == 2, op, graph, "its weights must have two axes", filter_)
    outputs, inputs = filter_.shape
    rows = in_.elements // inputs
    if in_.elements % inputs or out.elements != rows * outputs:
        shapes = f"{dims(in_.shape)} times weights {outputs}x{inputs} does not give {dims(out.shape)}"
        refuse(op, graph, shapes, filter_)
    same_shape(op, graph, (*in_.shape[:-1], outputs) if op.options.get("keep_num_dims") else (rows, outputs))
    geometry = Geometry(in_h=rows, in_w=1, out_h=rows, out_w=1)
    return _layer(op, graph, in_, out, geometry, read_weights(op, graph, in_, out, axis=0), inputs)


def _layer(
    op: Operator, graph: Graph, in_: Tensor, out: Tensor, geometry: Geometry, weights: Weights, in_channels: int
) -> ConvLayer:
    low, high = output_range(op, graph, out)
    return ConvLayer(
        op=op,
        graph=graph,
        in_=in_,
        out=out,
        geometry=geometry,
        weights=weights,
        in_channels=in_channels,
        out_min=low,
        out_max=high,
    )
