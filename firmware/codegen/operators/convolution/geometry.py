# SPDX-License-Identifier: Apache-2.0
"""The shapes of a convolution: what it reads and writes where."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor, dims
from mlperf_tiny.firmware.codegen.operators.operands.checks import refuse, require
from mlperf_tiny.firmware.codegen.operators.operands.padding import window


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """A sliding window over an input of ``in_h`` x ``in_w`` pixels. The field names are those of the C structs."""

    in_h: int
    in_w: int
    out_h: int
    out_w: int
    filter_h: int = 1
    filter_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    """Rows of padding above the input."""
    pad_left: int = 0
    """Columns of padding left of the input."""

    @property
    def out_pixels(self) -> int:
        """Pixels of the output."""
        return self.out_h * self.out_w

    @property
    def is_pointwise(self) -> bool:
        """True for a 1x1 filter with stride 1 and no padding: every output pixel reads one input pixel."""
        sizes = (self.filter_h, self.filter_w, self.stride_h, self.stride_w)
        return sizes == (1, 1, 1, 1) and (self.out_h, self.out_w) == (self.in_h, self.in_w)

    @property
    def text(self) -> str:
        """The filter and its strides, and the dilation where there is one.

        Examples:
            >>> Geometry(in_h=5, in_w=5, out_h=3, out_w=5, filter_h=3, filter_w=3, stride_h=2).text
            '3x3/2x1'
        """
        dilation = (
            f" dilated {self.dilation_h}x{self.dilation_w}" if (self.dilation_h, self.dilation_w) != (1, 1) else ""
        )
        return f"{self.filter_h}x{self.filter_w}/{self.stride_h}x{self.stride_w}{dilation}"


def read_filter(op: Operator, graph: Graph, in_: Tensor) -> Tensor:
    """Return the weight tensor of a convolution, known to have four axes, as its input has.

    Args:
        op: A CONV_2D or DEPTHWISE_CONV_2D.
        graph: The graph it is part of.
        in_: Its input.

    Raises:
        UnsupportedOperator: There are no weights, or input or weights have other than four axes.
    """
    require(len(in_.shape) == 4, op, graph, "its input must have the axes batch, height, width, channel", in_)
    require(len(op.inputs) > 1 and op.inputs[1] >= 0, op, graph, "it has no weights")
    filter_ = graph.tensors[op.inputs[1]]
    require(len(filter_.shape) == 4, op, graph, "its weights must have four axes", filter_)
    return filter_


def read_geometry(op: Operator, graph: Graph, in_: Tensor, out: Tensor, filter_: Tensor) -> Geometry:
    """Return the geometry of a convolution, once the output's height and width agree with it.

    Args:
        op: A CONV_2D or DEPTHWISE_CONV_2D, perhaps with the option ``border`` of a PAD folded in.
        graph: The graph it is part of.
        in_: Its input ``[1][height][width][channels]``.
        out: Its output ``[1][height][width][channels]``.
        filter_: Its weights; axes 1 and 2 are height and width.

    Raises:
        UnsupportedOperator: A stride or dilation below 1, or an output of another shape.
    """
    filter_h, filter_w = filter_.shape[1:3]
    steps = [int(op.options[n]) for n in ("stride_h", "stride_w", "dilation_h", "dilation_w")]  # type: ignore[arg-type]
    stride_h, stride_w, dilation_h, dilation_w = steps
    require(min(steps) >= 1, op, graph, f"stride {steps[:2]}, dilation {steps[2:]}: all must be 1 or more")
    padding = str(op.options["padding"])
    border = op.options.get("border", (0, 0, 0, 0))
    assert isinstance(border, tuple)
    out_h, pad_top = window(padding, in_.shape[1], filter_h, stride_h, dilation_h, border[:2])
    out_w, pad_left = window(padding, in_.shape[2], filter_w, stride_w, dilation_w, border[2:])
    channels = filter_.shape[0] if op.kind == "CONV_2D" else filter_.shape[3]
    if (1, out_h, out_w, channels) != out.shape:
        refuse(op, graph, f"the output should be {out_h}x{out_w}x{channels} and is {dims(out.shape)}")
    return Geometry(
        in_h=in_.shape[1],
        in_w=in_.shape[2],
        out_h=out_h,
        out_w=out_w,
        filter_h=filter_h,
        filter_w=filter_w,
        stride_h=stride_h,
        stride_w=stride_w,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        pad_top=pad_top,
        pad_left=pad_left,
    )
