# SPDX-License-Identifier: Apache-2.0
"""How two operands of an elementwise operator meet: numpy's broadcasting, with as few axes as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

AXES = 4


@dataclass(frozen=True, kw_only=True)
class BroadcastLoop:
    """Four nested loops over the output, outermost first."""

    sizes: tuple[int, int, int, int]
    a: tuple[int, int, int, int]
    """Element strides of the first operand, 0 where it repeats."""
    b: tuple[int, int, int, int]
    """Element strides of the second operand, 0 where it repeats."""

    @property
    def flat(self) -> bool:
        """True when both operands are read element by element."""
        return self.sizes[:3] == (1, 1, 1) and self.a[3] == self.b[3] == 1


def broadcast(a: Sequence[int], b: Sequence[int], out: Sequence[int]) -> BroadcastLoop | None:
    """Return the loops over the ``out`` shape; None where the shapes do not fit or need more than 4 axes.

    Neighbouring axes that repeat alike in both operands are merged: (1, 8, 8, 16) with itself is one axis of 1024.

    Args:
        a: Shape of the first operand.
        b: Shape of the second operand.
        out: Shape of the output.

    Examples:
        >>> broadcast((1, 8, 8, 16), (16,), (1, 8, 8, 16))
        BroadcastLoop(sizes=(1, 1, 64, 16), a=(0, 0, 16, 1), b=(0, 0, 0, 1))
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
    return BroadcastLoop(sizes=_four(sizes), a=_four(strides[0]), b=_four(strides[1]))


def _four(values: Sequence[int]) -> tuple[int, int, int, int]:
    w, x, y, z = values
    return w, x, y, z
