# SPDX-License-Identifier: Apache-2.0
"""Places the names of points in a plot so that they cover neither a point nor each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CHARACTER = 6.4
HEIGHT = 13.0
GAP = 7.0
POINT = 4.0


@dataclass(frozen=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether the two overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        """Return whether ``other`` lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


def place_labels(
    wanted: Sequence[tuple[str, str, tuple[float, float]]], points: Sequence[tuple[float, float]], area: Box
) -> dict[str, Box]:
    """Return a box by key for each name that has room: right of its point, below, above or left of it.

    Args:
        wanted: Key, text and point of each name, in order of importance.
        points: All points of the plot.
        area: The names stay inside it.
    """
    taken = [Box(x - POINT, y - POINT, x + POINT, y + POINT) for x, y in points]
    found: dict[str, Box] = {}
    for key, text, (x, y) in wanted:
        width = CHARACTER * len(text)
        corners = (
            (x + GAP, y - HEIGHT / 2),
            (x + GAP / 2, y + GAP / 2),
            (x - width / 2, y - GAP - HEIGHT),
            (x - width / 2, y + GAP),
            (x - GAP - width, y - HEIGHT / 2),
        )
        for left, top in corners:
            box = Box(left, top, left + width, top + HEIGHT)
            if area.holds(box) and not any(box.meets(other) for other in taken):
                found[key] = box
                taken.append(box)
                break
    return found
