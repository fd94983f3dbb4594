# SPDX-License-Identifier: Apache-2.0
"""What the plots of a ranking show: which figures against which, and which rows are points of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from mlperf_tiny.results.leaderboard.page.axis import MIN_LOG_VALUE
from mlperf_tiny.results.leaderboard.page.svg import Drawing, Point, Span, draw
from mlperf_tiny.results.leaderboard.ranking import Group
from mlperf_tiny.results.leaderboard.rows.columns import VERDICTS, Row, number
from mlperf_tiny.results.leaderboard.titles import accuracy_of, row_title


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A column on an axis."""

    column: str
    name: str
    """As shown."""
    unit: str
    """As shown."""
    per_unit: float = 1.0
    """How many of the column's units are one of the shown ones."""
    ends: tuple[str, str] | None = None
    """Columns of the lowest and the highest value."""
    rising: bool = False
    """Whether more is better."""
    positive: bool = False
    """Whether 0 means that the value is unknown."""

    def value(self, row: Row, column: str | None = None) -> float | None:
        """Return the row's value in the shown unit; None where it is unknown.

        Args:
            row: A row of the leaderboard.
            column: Another column in the same unit; this quantity's own by default.
        """
        found = number(row, column or self.column)
        return None if found is None or (self.positive and found <= 0) else found / self.per_unit

    def span(self, row: Row) -> Span | None:
        """Return the lowest and the highest value; None where they are unknown."""
        if self.ends is None:
            return None
        low, high = (self.value(row, end) for end in self.ends)
        return (low, high) if low is not None and high is not None else None

    def text(self, row: Row) -> str:
        """Return the row's value with its span, as shown."""
        span, value = self.span(row), self.value(row)
        around = f" ({figure(span[0])} to {figure(span[1])})" if span and span[0] < span[1] else ""
        return f"{self.name} {figure(value or 0.0)} {self.unit}".rstrip() + around


LATENCY = Quantity(column="LatencyMs", name="latency", unit="ms", ends=("LatencyLowMs", "LatencyHighMs"))
ENERGY = Quantity(column="EnergyUj", name="energy", unit="µJ", ends=("EnergyLowUj", "EnergyHighUj"))
POWER = Quantity(column="Power", name="power", unit="mW", positive=True)
RAM = Quantity(column="RamBytes", name="RAM", unit="KiB", per_unit=1024.0)


@dataclass(frozen=True)
class Plots:
    """The plots of a ranking."""

    svgs: tuple[Markup, ...]
    missing: tuple[str, ...]
    """Titles of the plots without a point: no row has both figures."""


def figure(value: float) -> str:
    """Return a value with three or four significant digits.

    Examples:
        >>> figure(0.0123456), figure(12.345), figure(98765.4)
        ('0.01235', '12.35', '98,765')
    """
    decimals = min(max(0, 3 - math.floor(math.log10(abs(value)))), 6) if 0 < abs(value) < 1000 else 0
    return f"{value:,.{decimals}f}"


def draw_plots(name: str, group: Group, rows: Sequence[tuple[str, Row]]) -> Plots:
    """Return the plots of a ranking. A row is a point where it has both figures.

    Args:
        name: The ranking's id on the page.
        group: The ranking.
        rows: Id on the page and row of each member.
    """
    stated = accuracy_of(group[0])
    accuracy = Quantity(column="Accuracy", name=stated.name, unit=stated.unit, rising=True)
    energy = ENERGY
    if all(row["PowerUnit"] == "mW" for _, row in rows):
        energy = POWER  # streams have no energy of one inference
    elif {row["EnergyKind"] for _, row in rows} <= {"modelled", ""} and any(row["EnergyKind"] for _, row in rows):
        energy = replace(ENERGY, name="modelled energy")
    svgs, missing = [], []
    for number_, (across, up) in enumerate(
        ((LATENCY, accuracy), (energy, accuracy), (RAM, accuracy), (LATENCY, energy)), start=1
    ):
        points = [point for key, row in rows if (point := _point(key, row, across, up))]
        title = f"{across.name} against {up.name}"
        if not points:
            missing.append(title)
            continue
        target = stated.target if up is accuracy and group[1] == "closed" else None
        svgs.append(draw(Drawing(f"{name}-plot{number_}", title, _axis(across), _axis(up), up.rising, target), points))
    return Plots(tuple(svgs), tuple(missing))


def _axis(quantity: Quantity) -> str:
    return f"{quantity.name}, {quantity.unit}" if quantity.unit else quantity.name


def _point(key: str, row: Row, across: Quantity, up: Quantity) -> Point | None:
    x, y = across.value(row), up.value(row)
    if x is None or y is None or x < MIN_LOG_VALUE:
        return None
    rank = f"{row['Rank']}. " if row["Rank"] else "not ranked: "
    verdict, run = row["Verdict"], row["Source"] == "run"
    return Point(
        key=key,
        x=x,
        y=y,
        x_span=across.span(row),
        y_span=up.span(row),
        shape=VERDICTS.index(verdict),
        ranked=bool(row["Rank"]),
        own=run,
        label=" ".join((row["ModelName"], row["Device"]) if run else (row["SystemDesc"], row["ModelName"])).strip(),
        text=f"{rank}{row_title(row)}: {across.text(row)}, {up.text(row)}; {verdict}",
    )
