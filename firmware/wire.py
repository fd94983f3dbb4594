# SPDX-License-Identifier: Apache-2.0
"""How a benchmark's bytes become the input tensor and its output tensor becomes text, on the device.

The format of each benchmark is made from its task row: ``mlperf_tiny.harness.image.wire_format``. A model with its own
input format (any MicroNet) takes its int8 input tensor as it is: ``tensor_format(row)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class InputFormat(Enum):
    """What ``db`` loads, and what the device does to it."""

    INT8 = "int8"  # the input tensor itself, copied
    UINT8 = "uint8"  # one unsigned byte a value: subtract 128
    FLOAT32 = "float32"  # little-endian; clamp(round_half_away(x / scale) + zero_point)


class ResultFormat(Enum):
    """What ``m-results-[...]`` shows."""

    TRUNCATED = "truncated"  # dequantised values, three decimals cut off (kws01)
    ROUNDED = "rounded"  # dequantised values, printed like %0.3f
    MSE = "mse"  # one value: mean over the tensor of (dequantised output - float input)^2
    FINE = "fine"  # dequantised values, printed like %0.6f: some networks' outputs are closer than a thousandth


@dataclass(frozen=True, kw_only=True)
class WireFormat:
    """The device side of one benchmark."""

    model_id: str
    """What ``profile`` prints in ``m-model-[...]``."""
    input: InputFormat
    results: ResultFormat
    buffer_bytes: int = 0
    """The largest ``db load`` that the reference firmware of the task takes; a model that needs more gets more."""


def tensor_format(row: WireFormat) -> WireFormat:
    """Return the same for a model whose input tensor is sent as it is and whose outputs may have any range."""
    return replace(row, input=InputFormat.INT8, results=ResultFormat.FINE, buffer_bytes=0)
