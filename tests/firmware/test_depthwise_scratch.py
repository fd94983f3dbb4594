# SPDX-License-Identifier: Apache-2.0
"""The host and depthwise_conv2d_s8_dsp.c agree on which layers run in assembler: their scratch differs."""

from __future__ import annotations

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.operators.convolution.depthwise_dsp import depthwise_call
from mlperf_tiny.firmware.codegen.operators.convolution.geometry import Geometry
from mlperf_tiny.firmware.codegen.operators.convolution.requantization import LINEAR, ROUNDING, Requantization

CHANNELS, GROUP = 5, 4


@pytest.mark.parametrize(
    ("kind", "shift", "filter_size", "stride", "pair_words"),
    [
        (LINEAR, 4, 3, 1, 10),
        (LINEAR, 2, 3, 2, 10),
        (LINEAR, 6, 3, 1, 12),  # no function of this shift in depthwise_line.h
        (LINEAR, 4, 3, 3, 12),
        (LINEAR, 4, 5, 1, 30),
        (ROUNDING, 0, 3, 1, 10),
    ],
)
def test_words_of_filter_pairs(kind: int, shift: int, filter_size: int, stride: int, pair_words: int) -> None:
    size = 9
    out = (size - filter_size) // stride + 1
    geometry = Geometry(
        in_h=size, in_w=size, out_h=out, out_w=out,
        filter_h=filter_size, filter_w=filter_size, stride_h=stride, stride_w=stride,
    )  # fmt: skip
    requant = Requantization(
        kind=kind,
        shift=shift,
        values=np.zeros((CHANNELS, filter_size**2), np.int8),
        bias=np.zeros(CHANNELS, np.int64),
        parameters=np.zeros((CHANNELS, 3 if kind == ROUNDING else 2), np.int64),
    )
    call = depthwise_call(0, geometry, 0, requant)
    assert call is not None
    line_words = call.fields["line_words"]
    assert isinstance(line_words, int)
    assert call.scratch_bytes == 4 * GROUP * (line_words * filter_size + pair_words)
