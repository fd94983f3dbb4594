# SPDX-License-Identifier: Apache-2.0
"""How two operands of an elementwise operator meet: numpy's broadcasting, with as few axes as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

AXES = 4


@dataclass(frozen=True)
class Walk:
    """``sizes`` of the loop, outermost first; ``a`` and ``b`` are element strides, 0 where an operand repeats."""

    sizes: tuple[int, int, int, int]
    a: tuple[int, int, int, int]
    b: tuple[int, int, int, int]

    @property
    def flat(self) -> bool:
        """True when both operands are walked element by element."""
        return self.sizes[:3] == (1, 1, 1) and self.a[3] == self.b[3] == 1


def broadcast(a: Sequence[int], b: Sequence[int], out: Sequence[int]) -> Walk | None:
    """Return how to walk two shapes over the ``out`` shape; None where they do not fit or need more than 4 axes.

    Neighbouring axes that both operands walk alike are merged: (1, 8, 8, 16) with itself is one axis of 1024.
    """
    rank = max(len(a), len(b))
    wide = [(1,) * (rank - len(shape)) + tuple(shape) for shape in (a, b)]
    if any(x != y and 1 not in (x, y) for x, y in zip(*wide, strict=True)):
        return None
    if tuple(max(pair) for pair in zip(*wide, strict=True)) != tuple(out):
        return None
    merged: list[list[int]] = []  # [size, a repeats, b repeats]
    for x, y in zip(*wide, strict=True):
        size, repeats = max(x, y), [x == 1 != y, y == 1 != x]
        if size == 1:
            continue
        if merged and merged[-1][1:] == repeats:
            merged[-1][0] *= size
        else:
            merged.append([size, *repeats])
    if len(merged) > AXES:
        return None
    sizes, strides = [1] * (AXES - len(merged)), ([0] * (AXES - len(merged)), [0] * (AXES - len(merged)))
    sizes += [size for size, *_ in merged]
    for operand in (0, 1):
        step, tail = 1, []
        for axis in reversed(merged):
            tail.append(0 if axis[1 + operand] else step)
            step *= 1 if axis[1 + operand] else axis[0]
        strides[operand].extend(reversed(tail))
    if not merged:
        strides[0][3] = strides[1][3] = 1
    return Walk(_four(sizes), _four(strides[0]), _four(strides[1]))


def _four(values: Sequence[int]) -> tuple[int, int, int, int]:
    w, x, y, z = values
    return w, x, y, z
