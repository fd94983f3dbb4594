# SPDX-License-Identifier: Apache-2.0
"""One axis of a plot: its ends, where a value lies on it, and its ticks at round values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

LOG_FROM = 8.0
"""An axis is logarithmic when its largest value is so many times its smallest."""

SMALLEST = 1e-9
"""Nothing smaller is drawn on a logarithmic axis."""

FEWEST_TICKS = 4
LEAST_SPAN = 0.02
"""An axis goes over so much of its largest value, lest differences that mean nothing look large."""

MOST_DECADES = 12


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, both on it; ``log`` axes are above 0."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        """Where ``value`` lies: 0 at ``low``, 1 at ``high``; what lies outside is put on the end."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    def ticks(self, fewest: int = FEWEST_TICKS) -> list[float]:
        """Round values on the axis, rising: decades where there are enough of them, else finer steps."""
        if not self.log:
            return self._linear(fewest)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = max(1, (last - first) // MOST_DECADES + 1)
        for factors in ((1,), (1, 3), (1, 2, 5)):
            found = [factor * 10.0**decade for decade in range(first, last + 1, every) for factor in factors]
            found = [value for value in found if self.low <= value <= self.high]
            if len(found) >= fewest - 1:
                return found
        return self._linear(fewest)

    def minor_ticks(self) -> list[float]:
        """The multiples of each decade, on logarithmic axes."""
        if not self.log or self.high / self.low > 1e6:
            return []
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found = [factor * 10.0**decade for decade in range(first, last + 1) for factor in range(1, 10)]
        return [value for value in found if self.low <= value <= self.high]

    def _linear(self, fewest: int) -> list[float]:
        for step in _round_steps(self.high - self.low):
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            if last - first + 1 >= fewest:
                break
        return [number * step for number in range(first, last + 1)]


def axis_for(values: Sequence[float], may_be_log: bool = True) -> Axis:
    """Return an axis on which all ``values`` (at least one) lie, with a margin; logarithmic where they span decades."""
    low, high = min(values), max(values)
    if may_be_log and low >= SMALLEST and high / low >= LOG_FROM:
        margin = (high / low) ** 0.06
        return Axis(low / margin, high * margin, True)
    span = high - low
    margin = max(0.08 * span, (LEAST_SPAN * abs(high) - span) / 2) or 1.0
    return Axis(max(low - margin, 0.0) if low >= 0 else low - margin, high + margin, False)


def tick_texts(values: Sequence[float]) -> list[tuple[float, str]]:
    """Each tick's value with its text: as few decimals as tell it from its neighbours and from zero."""
    steps = [b - a for a, b in pairwise(values)] or [abs(value) for value in values]
    least = min((step for step in steps if step > 0), default=1.0)
    texts = []
    for value in values:
        size = min(least, abs(value)) if value else least
        decimals = min(max(0, -math.floor(math.log10(size) + 1e-9)), 9)
        text = f"{value:,.{decimals}f}"
        while decimals and abs(float(text.replace(",", "")) - value) > 1e-6 * size and decimals < 9:
            decimals += 1
            text = f"{value:,.{decimals}f}"
        texts.append((value, text.rstrip("0").rstrip(".") if "." in text else text))
    return texts


def _round_steps(most: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, falling, from about ``most`` on."""
    decade = math.floor(math.log10(most))
    while True:
        yield from (factor * 10.0**decade for factor in (5, 2, 1))
        decade -= 1
