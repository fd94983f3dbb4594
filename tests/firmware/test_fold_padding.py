# SPDX-License-Identifier: Apache-2.0
"""A PAD that a convolution can do disappears, and nothing else changes; what it cannot do stays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.host_model import build_host_model
from tests.fakes.reference import run_reference


@dataclass(frozen=True)
class Row:
    """PAD of (rows before, after), (columns before, after) and a convolution of a 7x6x4 input."""

    name: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    folds: bool
    kind: str = "CONV_2D"
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    dilation: int = 1
    channels: tuple[int, int] = (0, 0)
    padding: str = "VALID"
    scale: float = 0.1
    zero_point: int = -9
    extra: dict[str, bool] = field(default_factory=dict)


ROWS = [
    Row("both sides", (1, 1), (1, 1), True),
    Row("one side, stride 2", (0, 1), (0, 1), True, stride=2),
    Row("uneven", (2, 0), (1, 2), True),
    Row("depthwise 5x5", (2, 2), (2, 2), True, kind="DEPTHWISE_CONV_2D", kernel=(5, 5)),
    Row("depthwise stride 2", (1, 1), (1, 1), True, kind="DEPTHWISE_CONV_2D", stride=2),
    Row("dilated", (2, 2), (1, 1), True, dilation=2),
    Row("extreme zero point", (1, 1), (1, 1), True, zero_point=127),
    Row("rows only", (1, 1), (0, 0), True, kernel=(3, 1)),
    Row("beyond the filter", (3, 1), (1, 1), False),
    Row("1x1 filter", (1, 1), (1, 1), False, kernel=(1, 1)),
    Row("channels", (1, 1), (1, 1), False, channels=(0, 4)),
    Row("SAME after it", (1, 1), (1, 1), False, padding="SAME"),
    Row("read twice", (1, 1), (1, 1), False, extra={"read_twice": True}),
]


def model_of(row: Row) -> bytes:
    rng = np.random.default_rng(3)
    b = Builder()
    quant = {"scale": row.scale, "zero_point": row.zero_point}
    x = b.tensor((1, 7, 6, 4), **quant)
    amounts = [(0, 0), row.rows, row.columns, row.channels]
    shape = [size + before + after for size, (before, after) in zip((1, 7, 6, 4), amounts, strict=True)]
    padded = b.tensor(shape, **quant)
    b.operator("PAD", [x, b.tensor((4, 2), "int32", data=amounts)], [padded])
    depthwise = row.kind == "DEPTHWISE_CONV_2D"
    out_channels = shape[3] if depthwise else 5
    filter_shape = (1, *row.kernel, out_channels) if depthwise else (out_channels, *row.kernel, shape[3])
    weights = rng.integers(-127, 128, filter_shape)
    w = b.tensor(filter_shape, scale=[0.02] * out_channels, data=weights, axis=3 if depthwise else 0)
    bias = b.tensor(
        (out_channels,), "int32", scale=[row.scale * 0.02] * out_channels, data=rng.integers(-99, 99, out_channels)
    )
    size = []
    for length, kernel in zip(shape[1:3], row.kernel, strict=True):
        reach = (kernel - 1) * row.dilation + 1
        size.append(-(-length // row.stride) if row.padding == "SAME" else (length - reach) // row.stride + 1)
    y = b.tensor((1, *size, out_channels), scale=0.2, zero_point=4)
    options = {"padding": row.padding, "stride_h": row.stride, "stride_w": row.stride}
    b.operator(row.kind, [padded, w, bias], [y], options | {"dilation_h": row.dilation, "dilation_w": row.dilation})
    if row.extra:
        b.operator("RELU", [padded], [b.tensor(shape, **quant)])
    return b.build([x], [y])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_pad_before_a_convolution(row: Row) -> None:
    model = model_of(row)
    graph = read_tflite(model, row.name)
    inputs = np.vstack(
        [np.random.default_rng(seed).integers(-128, 128, 168) for seed in range(6)]
        + [np.full(168, -128), np.full(168, 127)]
    ).astype(np.int8)
    wanted = run_reference(model, inputs)
    for isa in Isa:
        plan = lower(graph, isa)
        assert any(step.kernel == "pad_s8" for step in plan.steps) != row.folds
        assert any("PAD" in note for note in plan.notes) == row.folds
        np.testing.assert_array_equal(build_host_model(plan).run(inputs), wanted, isa.value)
