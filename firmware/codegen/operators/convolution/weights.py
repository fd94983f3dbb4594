# SPDX-License-Identifier: Apache-2.0
"""The constants of a convolution or fully-connected layer, checked, and its requantisation as TFLite computes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor
from mlperf_tiny.firmware.codegen.ir.plan import Constant
from mlperf_tiny.firmware.codegen.ir.requant import INT32_MAX, quantize_multiplier
from mlperf_tiny.firmware.codegen.operators.operands.checks import refuse, require

BIAS_SCALE_TOLERANCE = 0.02
"""TFLite's, as a share of the output's scale."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Weights:
    """The constants of one layer: a sum is bias + sum (in - in_zero) * value."""

    values: NDArray[np.int8]
    """(channels, taps), taps in the order row, column, input channel."""
    bias: NDArray[np.int64]
    """(channels,)."""
    ratios: NDArray[np.float64]
    """(channels,): input scale * weight scale / output scale."""
    multiplier: NDArray[np.int64]
    """(channels,): the ratios' fixed-point multipliers."""
    shift: NDArray[np.int64]
    """(channels,): the ratios' exponents, positive to the left."""
    in_zero: int
    """The input's zero point."""

    @property
    def channels(self) -> int:
        """Number of outputs per pixel."""
        return int(self.values.shape[0])

    @property
    def taps(self) -> int:
        """Products in one output."""
        return int(self.values.shape[1])

    @property
    def folded_bias(self) -> NDArray[np.int64]:
        """int64 (channels,): bias' with bias' + sum in * value = bias + sum (in - in_zero) * value."""
        return self.bias - self.in_zero * self.values.sum(axis=1, dtype=np.int64)

    def sum_range(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the smallest and largest sum, bias included, that int8 inputs can give each channel; int64."""
        low, high = product_range(self.values)
        return self.folded_bias + low, self.folded_bias + high


def product_range(values: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the smallest and largest sum of each filter's products with int8 inputs; int64 (filters,).

    Args:
        values: (filters, taps).

    Examples:
        >>> [sums.tolist() for sums in product_range(np.array([[1, -2], [0, 3]], np.int8))]
        [[-382, -384], [383, 381]]
    """
    above = np.maximum(values, 0).sum(axis=1, dtype=np.int64)
    below = np.minimum(values, 0).sum(axis=1, dtype=np.int64)
    return 127 * below - 128 * above, 127 * above - 128 * below


def read_weights(op: Operator, graph: Graph, in_: Tensor, out: Tensor, axis: int) -> Weights:
    """Return the layer's constants, checked.

    Args:
        op: A convolution or fully-connected layer, with weights in input slot 1 and a bias, if any, in slot 2.
        graph: The graph it is part of.
        in_: Its input.
        out: Its output.
        axis: The axis of the output channels in the weight tensor.

    Raises:
        UnsupportedOperator: Weights or a bias that are not int8 and int32 constants with a zero point of 0, or sums
            that can leave int32.
    """
    tensor = _constant(op, graph, 1, "weights", "int8")
    assert tensor.data is not None
    channels = tensor.shape[axis]
    if tensor.quant is None or tensor.quant.scales.size not in (1, channels):
        refuse(op, graph, f"its weights need one scale or {channels}, one per output channel", tensor)
    if tensor.quant.per_channel and tensor.quant.axis != axis:
        refuse(op, graph, f"its weights are quantised along axis {tensor.quant.axis}, wanted axis {axis}", tensor)
    require(not np.any(tensor.quant.zero_points), op, graph, "its weights have a zero point other than 0", tensor)
    scales = tensor.quant.scales.astype(np.float32)
    require(bool(np.all(np.isfinite(scales) & (scales >= 0))), op, graph, "a scale of its weights is unusable", tensor)

    values = np.moveaxis(tensor.data, axis, 0).reshape(channels, -1)
    # In double, as kernel_util.cc's PopulateConvolutionQuantizationParams.
    ratios = np.broadcast_to(in_.scale * scales.astype(np.float64) / out.scale, (channels,))
    multiplier, shift = np.array([quantize_multiplier(ratio) for ratio in ratios.tolist()], dtype=np.int64).T
    weights = Weights(
        values=values,
        bias=_bias(op, graph, in_, out, channels),
        ratios=ratios,
        multiplier=multiplier,
        shift=shift,
        in_zero=in_.zero_point,
    )
    magnitude = np.abs(weights.bias) + 255 * np.abs(values.astype(np.int16)).sum(axis=1, dtype=np.int64)
    largest = int(magnitude.max())
    require(largest <= INT32_MAX, op, graph, f"its sums can reach {largest}, more than 32 bits hold")
    # Below this neither the left shift nor adding the zero point leaves int32; a real layer stays far below.
    scaled = float((magnitude * ratios).max())
    require(scaled < 1 << 30, op, graph, f"its results can reach {scaled:.3g} steps of the output, maximum 2^30")
    return weights


def reference_constants(op: Operator, weights: Weights, values: NDArray[np.int8]) -> tuple[Constant, ...]:
    """Return the arrays of the portable kernels: weights, bias, multiplier and shift.

    Args:
        op: The operator, whose index is part of the names.
        weights: Bias and requantisation.
        values: The weights in the kernel's own order.
    """
    columns = (("bias", weights.bias), ("multiplier", weights.multiplier), ("shift", weights.shift))
    return (
        Constant(f"weights_{op.index}", "int8_t", values),
        *(Constant(f"{name}_{op.index}", "int32_t", column) for name, column in columns),
    )


def _bias(op: Operator, graph: Graph, in_: Tensor, out: Tensor, channels: int) -> NDArray[np.int64]:
    """The bias, or zeros where it may be left out: what TFLite's ``Prepare`` of each kind refuses is refused."""
    left_out = len(op.inputs) < 3 or op.inputs[2] < 0
    may_be = op.kind == "FULLY_CONNECTED" or (op.kind == "DEPTHWISE_CONV_2D" and len(op.inputs) < 3)
    require(may_be or not left_out, op, graph, "it has no bias, and TFLite wants one; zeros will do")
    if left_out:
        return np.zeros(channels, np.int64)
    tensor = _constant(op, graph, 2, "bias", "int32")
    assert tensor.data is not None
    require(tensor.elements == channels, op, graph, f"its bias needs {channels} values", tensor)
    if tensor.quant is not None:
        require(not np.any(tensor.quant.zero_points), op, graph, "its bias has a zero point other than 0", tensor)
    if op.kind == "DEPTHWISE_CONV_2D":
        require(len(tensor.shape) == 1, op, graph, f"its bias has {len(tensor.shape)} dimensions, wanted 1", tensor)
    if op.kind == "FULLY_CONNECTED":
        _check_bias_scale(op, graph, in_, out, tensor)
    return tensor.data.reshape(-1).astype(np.int64)


def _check_bias_scale(op: Operator, graph: Graph, in_: Tensor, out: Tensor, bias: Tensor) -> None:
    """As TFLite's ``GetQuantizedConvolutionMultipler`` (``kernel_util.cc``), which takes weights of one scale only."""
    weights = graph.tensors[op.inputs[1]]
    assert weights.quant is not None
    if weights.quant.per_channel:
        return
    # The product is a float32 one. A bias with several scales, or none, counts as 0.
    product = float(np.float32(in_.scale) * weights.quant.scales[0])
    got = 0.0 if bias.quant is None or bias.quant.per_channel else bias.scale
    require(
        abs(product - got) / out.scale <= BIAS_SCALE_TOLERANCE,
        op,
        graph,
        f"its bias has scale {got:g}, wanted {product:g} (input times weights) within "
        f"{BIAS_SCALE_TOLERANCE} of the output's {out.scale:g}",
        bias,
    )


def _constant(op: Operator, graph: Graph, slot: int, what: str, dtype: str) -> Tensor:
    present = slot < len(op.inputs) and op.inputs[slot] >= 0
    require(present, op, graph, f"it has no {what}")
    tensor = graph.tensors[op.inputs[slot]]
    require(tensor.data is not None, op, graph, f"its {what} are computed at run time, wanted a constant", tensor)
    require(tensor.dtype == dtype, op, graph, f"its {what} must be {dtype}", tensor)
    return tensor
