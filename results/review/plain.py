# SPDX-License-Identifier: Apache-2.0
"""Text out of a submission made harmless for a terminal: it may hold escape codes, or a megabyte of one word."""

from __future__ import annotations

from collections.abc import Collection

MAX_SHOWN = 400


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """``text`` on one line of printable characters, at most ``limit`` of them."""
    plain = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def numbers(values: Collection[float]) -> str:
    """Numbers in rising order, each once, for a sentence."""
    return ", ".join(f"{value:g}" for value in sorted(set(values)))
