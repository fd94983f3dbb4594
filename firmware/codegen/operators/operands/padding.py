# SPDX-License-Identifier: Apache-2.0
"""Where a sliding window starts and how often it fits: TFLite's SAME and VALID."""

from __future__ import annotations


def window(
    padding: str, size: int, kernel: int, stride: int, dilation: int = 1, border: tuple[int, ...] = (0, 0)
) -> tuple[int, int]:
    """Return (output size, padding before the first element) along one axis.

    SAME gives ceil(size / stride) outputs and pads the smaller half first. VALID pads nothing, or ``border`` where a
    PAD was folded in. The output size is below 1 when the window does not fit.
    Source: TensorFlow Lite ``kernels/padding.h``.

    Args:
        padding: ``SAME`` or ``VALID``.
        size: Elements of the input.
        kernel: Taps of the window.
        stride: Elements from one window to the next.
        dilation: Elements from one tap to the next.
        border: Padding before and after, with VALID.

    Examples:
        >>> window("SAME", 10, 3, 2), window("VALID", 10, 3, 2)
        ((5, 0), (4, 0))
    """
    span = (kernel - 1) * dilation + 1
    if padding == "SAME":
        outputs = -(-size // stride)
        return outputs, max(0, (outputs - 1) * stride + span - size) // 2
    before, after = border
    return (before + size + after - span + stride) // stride, before
