# SPDX-License-Identifier: Apache-2.0
"""Cells of the papers' tables, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlperf_tiny.firmware.boards import find_board

KIB = 1024
NONE = "-"

Figures = Mapping[str, Any]
"""What was measured of a network on one target; with "fits", and of one that does not fit, what it needs at least."""


def lacking(figures: Figures, device: str) -> str:
    """Return by how much a network exceeds a device, such as "RAM +21 KiB".

    Args:
        figures: Measured; what the linker did not report is 0.
        device: The board.

    Raises:
        ValueError: Nothing that was measured exceeds the board.
    """
    board = find_board(device)
    over = {
        text: figures[f"{name}_bytes"] - board.memory(name).size_bytes
        for name, text in (("ram", "RAM"), ("flash", "flash"))
    }
    found = [f"{text} +{size / KIB:.0f} KiB" for text, size in over.items() if size > 0]
    if not found:
        raise ValueError(f"{device} holds {figures}, and yet the network was found not to fit")
    return ", ".join(found)


def latency(figures: Figures | None, device: str) -> str:
    """Return a latency in milliseconds, or by how much the network exceeds the device.

    Args:
        figures: Measured; None: it was not measured.
        device: The board.
    """
    if figures is None:
        return NONE
    return f"{figures['latency_ms']:.1f}" if figures["fits"] else lacking(figures, device)


def kib(figures: Figures | None, name: str) -> str:
    """Return a size in KiB; "-" of a network that was not measured or does not fit.

    Args:
        figures: Measured.
        name: Of the size, such as "ram_bytes".
    """
    return f"{figures[name] / KIB:.1f}" if figures is not None and figures["fits"] else NONE


def number(value: float | None, digits: int = 0) -> str:
    """Return a printed figure; "-" where there is none.

    Args:
        value: The figure.
        digits: After the decimal point.
    """
    return NONE if value is None else f"{value:.{digits}f}"
