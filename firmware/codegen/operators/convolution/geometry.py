# SPDX-License-Identifier: Apache-2.0
"""The shapes of a convolution: what it reads and writes where."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Tensor
from mlperf_tiny.firmware.codegen.operators.operands.checks import dims, refuse, require
from mlperf_tiny.firmware.codegen.operators.operands.padding import window


@dataclass(frozen=True)
class Window:
    """Geometry of a sliding window over an input of in_h x in_w pixels."""

    in_h: int
    in_w: int
    out_h: int
    out_w: int
    filter_h: int
    filter_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_top: int
    pad_left: int

    @property
    def text(self) -> str:
        """``3x3/2x1``, and the dilation where there is one."""
        dilation = (
            f" dilated {self.dilation_h}x{self.dilation_w}" if (self.dilation_h, self.dilation_w) != (1, 1) else ""
        )
        return f"{self.filter_h}x{self.filter_w}/{self.stride_h}x{self.stride_w}{dilation}"


def read_filter(op: Operator, graph: Graph, in_: Tensor) -> Tensor:
    """Return the weight tensor of a convolution, known to have four axes, as its input has."""
    require(len(in_.shape) == 4, op, graph, "its input must have the axes batch, height, width, channel", in_)
    require(len(op.inputs) > 1 and op.inputs[1] >= 0, op, graph, "it has no weights")
    filter_ = graph.tensors[op.inputs[1]]
    require(len(filter_.shape) == 4, op, graph, "its weights must have four axes", filter_)
    return filter_


def read_window(op: Operator, graph: Graph, in_: Tensor, out: Tensor, filter_: Tensor, channels: int) -> Window:
    """Return the geometry, once the output's shape agrees with it."""
    filter_h, filter_w = filter_.shape[1:3]
    steps = [int(op.options[n]) for n in ("stride_h", "stride_w", "dilation_h", "dilation_w")]  # type: ignore[arg-type]
    stride_h, stride_w, dilation_h, dilation_w = steps
    require(min(steps) >= 1, op, graph, f"stride {steps[:2]}, dilation {steps[2:]}: all must be 1 or more")
    padding = str(op.options["padding"])
    border = op.options.get("border", (0, 0, 0, 0))  # of a PAD folded in
    assert isinstance(border, tuple)
    out_h, pad_top = window(padding, in_.shape[1], filter_h, stride_h, dilation_h, border[:2])
    out_w, pad_left = window(padding, in_.shape[2], filter_w, stride_w, dilation_w, border[2:])
    if (1, out_h, out_w, channels) != out.shape:
        refuse(op, graph, f"the output should be {out_h}x{out_w}x{channels} and is {dims(out.shape)}")
    in_h, in_w = in_.shape[1:3]
    return Window(
        in_h, in_w, out_h, out_w, filter_h, filter_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left
    )
