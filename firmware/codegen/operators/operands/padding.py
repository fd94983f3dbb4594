# SPDX-License-Identifier: Apache-2.0
"""Where a sliding window starts and how often it fits: TFLite's SAME and VALID."""

from __future__ import annotations


def window(
    padding: str, size: int, kernel: int, stride: int, dilation: int = 1, border: tuple[int, ...] = (0, 0)
) -> tuple[int, int]:
    """Return (output size, padding before the first element) along one axis.

    SAME gives ceil(size / stride) outputs and pads the smaller half first; VALID pads nothing, or ``border`` before
    and after where a PAD was folded in. The output size is below 1 when the window does not fit.
    Source: TensorFlow Lite ``kernels/padding.h``.
    """
    reach = (kernel - 1) * dilation + 1
    if padding == "SAME":
        outputs = -(-size // stride)
        return outputs, max(0, (outputs - 1) * stride + reach - size) // 2
    before, after = border
    return (before + size + after - reach + stride) // stride, before
