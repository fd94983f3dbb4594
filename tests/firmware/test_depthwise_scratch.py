# SPDX-License-Identifier: Apache-2.0
"""The host and depthwise_conv2d_s8_dsp.c agree on which layers run by hand: their scratch differs."""

from __future__ import annotations

import numpy as np
import pytest

from mlperf_tiny.firmware.codegen.operators.convolution.depthwise import depthwise_call
from mlperf_tiny.firmware.codegen.operators.convolution.geometry import Window
from mlperf_tiny.firmware.codegen.operators.convolution.packed_weights import LINEAR, ROUNDING, Requantization

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
    window = Window(size, size, out, out, filter_size, filter_size, stride, stride, 1, 1, 0, 0)
    values = np.zeros((CHANNELS, filter_size**2), np.int8)
    tails = np.zeros((CHANNELS, 3 if kind == ROUNDING else 2), np.int64)
    call = depthwise_call(0, window, CHANNELS, 0, Requantization(kind, shift, values, np.zeros(CHANNELS), tails))
    assert call is not None
    ring_words = call.fields["ring_words"]
    assert isinstance(ring_words, int)
    assert call.scratch_bytes == 4 * GROUP * (ring_words * filter_size + pair_words)
