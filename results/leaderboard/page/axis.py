# SPDX-License-Identifier: Apache-2.0
"""One axis of a plot: its ends, where a value lies on it, and its ticks at round values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

LOG_FROM = 8.0
"""An axis is logarithmic from this ratio of largest to smallest value on."""

MIN_LOG_VALUE = 1e-9
"""Smaller values are not drawn on a logarithmic axis."""

MIN_TICKS = 4
MIN_SPAN = 0.02
"""An axis spans at least this part of its largest value, so that irrelevant differences do not look large."""

MAX_DECADES = 12


@dataclass(frozen=True)
class PlotAxis:
    """The range of an axis."""

    low: float
    """The value at its start; above 0 on a logarithmic axis."""
    high: float
    """The value at its end."""
    log: bool

    def place(self, value: float) -> float:
        """Return the position of ``value``: 0 at ``low``, 1 at ``high``; values outside are clipped."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    def ticks(self, min_count: int = MIN_TICKS) -> list[float]:
        """Return at least ``min_count`` round values, rising: decades if there are enough of them, else finer steps."""
        if not self.log:
            return self._linear(min_count)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = max(1, (last - first) // MAX_DECADES + 1)
        for factors in ((1,), (1, 3), (1, 2, 5)):
            found = [factor * 10.0**decade for decade in range(first, last + 1, every) for factor in factors]
            found = [value for value in found if self.low <= value <= self.high]
            if len(found) >= min_count - 1:
                return found
        return self._linear(min_count)

    def minor_ticks(self) -> list[float]:
        """The multiples of each decade, on logarithmic axes."""
        if not self.log or self.high / self.low > 1e6:
            return []
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found = [factor * 10.0**decade for decade in range(first, last + 1) for factor in range(1, 10)]
        return [value for value in found if self.low <= value <= self.high]

    def _linear(self, min_count: int) -> list[float]:
        for step in _round_steps(self.high - self.low):
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            if last - first + 1 >= min_count:
                break
        return [number * step for number in range(first, last + 1)]


def axis_for(values: Sequence[float], may_be_log: bool = True) -> PlotAxis:
    """Return an axis on which all values lie, with a margin.

    Args:
        values: At least one.
        may_be_log: Whether the axis is logarithmic when the values span decades.
    """
    low, high = min(values), max(values)
    if may_be_log and low >= MIN_LOG_VALUE and high / low >= LOG_FROM:
        margin = (high / low) ** 0.06
        return PlotAxis(low / margin, high * margin, True)
    span = high - low
    margin = max(0.08 * span, (MIN_SPAN * abs(high) - span) / 2) or 1.0
    return PlotAxis(max(low - margin, 0.0) if low >= 0 else low - margin, high + margin, False)


def tick_texts(values: Sequence[float]) -> list[tuple[float, str]]:
    """Return each tick's value and text, with as few decimals as distinguish it from its neighbours and from zero.

    Examples:
        >>> tick_texts([0.0, 0.5, 1.0])
        [(0.0, '0'), (0.5, '0.5'), (1.0, '1')]
    """
    steps = [b - a for a, b in pairwise(values)] or [abs(value) for value in values]
    smallest = min((step for step in steps if step > 0), default=1.0)
    texts = []
    for value in values:
        size = min(smallest, abs(value)) if value else smallest
        decimals = min(max(0, -math.floor(math.log10(size) + 1e-9)), 9)
        text = f"{value:,.{decimals}f}"
        while decimals and abs(float(text.replace(",", "")) - value) > 1e-6 * size and decimals < 9:
            decimals += 1
            text = f"{value:,.{decimals}f}"
        texts.append((value, text.rstrip("0").rstrip(".") if "." in text else text))
    return texts


def _round_steps(largest: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, falling, from about ``largest`` on."""
    decade = math.floor(math.log10(largest))
    while True:
        yield from (factor * 10.0**decade for factor in (5, 2, 1))
        decade -= 1
