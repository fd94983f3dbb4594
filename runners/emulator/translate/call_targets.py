# SPDX-License-Identifier: Apache-2.0
"""Where functions begin in an image without symbols: what is called, and what pointers to code point to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Function = tuple[int, int, str]
"""Address, size in bytes, name."""

MAX_FUNCTION_BYTES = 32 << 10
"""Longer than any function; what follows the last one in a segment is data."""


def functions_in(segments: Iterable[tuple[int, bytes]]) -> tuple[Function, ...]:
    """Return the functions of an image that has no symbols for them.

    Each begins at the target of a BL (DDI 0403, A7.7.18), or at a PUSH that a word of the image points to, and ends
    where the next one begins. Data that looks like a call cuts a function in two, which costs speed and nothing else.

    Args:
        segments: (address, bytes) of what is loaded into the flash.

    Returns:
        The functions, sorted by address.
    """
    found: list[Function] = []
    for base, data in segments:
        even = data[: len(data) & ~3]
        starts = sorted(set(_called(base, even)) | set(_pointed_to(base, even)))
        found += [
            (start, min(end - start, MAX_FUNCTION_BYTES), f"code_{start:08x}")
            for start, end in pairwise([*starts, base + len(even)])
        ]
    return tuple(sorted(found))


def _called(base: int, data: bytes) -> list[int]:
    """Targets of BL within the data."""
    halves = np.frombuffer(data, dtype="<u2").astype(np.int64)
    if halves.size < 2:
        return []
    first, second = halves[:-1], halves[1:]
    places = np.nonzero((first & 0xF800 == 0xF000) & (second & 0xD000 == 0xD000))[0]
    first, second = first[places], second[places]
    sign = first >> 10 & 1
    bit_23, bit_22 = 1 - (second >> 13 & 1 ^ sign), 1 - (second >> 11 & 1 ^ sign)
    offset = (bit_23 << 23 | bit_22 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1) - (sign << 24)
    targets = base + 2 * places + 4 + offset
    return _within(targets, base, data)


def _pointed_to(base: int, data: bytes) -> list[int]:
    """Odd words of the data that point to a PUSH with LR in it: 0xB5xx, or the wide form 0xE92D."""
    words = np.frombuffer(data, dtype="<u4").astype(np.int64)
    targets = np.array(_within(words[words & 1 == 1] - 1, base, data), dtype=np.int64)
    halves = np.frombuffer(data, dtype="<u2")
    at = halves[(targets - base) // 2] if targets.size else targets
    return [int(target) for target in targets[(at & 0xFF00 == 0xB500) | (at == 0xE92D)]]


def _within(targets: npt.NDArray[np.int64], base: int, data: bytes) -> list[int]:
    return [int(target) for target in np.unique(targets[(targets >= base) & (targets < base + len(data) - 1)])]
