# SPDX-License-Identifier: Apache-2.0
"""Predicted against published latencies: errors, ratio of the cores, ranking, a table and a plot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log10
from statistics import median

from benchmarks.timing_validation_run import Prediction

# What the counted rows must stay within.
MEDIAN_BAR, WORST_BAR, REGRESSION_BAR = 0.10, 0.25, 0.10


@dataclass(frozen=True)
class Summary:
    """Errors of one build on one device. ``spearman`` is None for fewer than three rows."""

    build: str
    device: str
    rows: int
    median_signed: float
    median_absolute: float
    worst: float
    worst_model: str
    spearman: float | None


@dataclass(frozen=True)
class CoreRatio:
    """Cycles of a model on the Cortex-M4 over those on the Cortex-M7."""

    build: str
    model: str
    predicted: float
    published: float


def counted(predictions: Iterable[Prediction], kinds: Sequence[str] = ("test", "regression")) -> list[Prediction]:
    """Those that take part in a verdict."""
    return [one for one in predictions if one.image.row.counted in kinds]


def summaries(predictions: Sequence[Prediction]) -> list[Summary]:
    """One summary for each build and device, of the rows given."""

    def key(one: Prediction) -> tuple[str, str]:
        return one.image.build, one.image.row.device

    found = []
    for (build, device), group in groupby(sorted(predictions, key=key), key):
        rows = list(group)
        worst = max(rows, key=lambda one: abs(one.error))
        found.append(
            Summary(
                build=build,
                device=device,
                rows=len(rows),
                median_signed=median(one.error for one in rows),
                median_absolute=median(abs(one.error) for one in rows),
                worst=worst.error,
                worst_model=worst.image.row.model,
                spearman=spearman([one.predicted_ms for one in rows], [one.image.row.latency_ms for one in rows]),
            )
        )
    return found


def core_ratios(predictions: Sequence[Prediction], m4: str = "stm32f446", m7: str = "stm32f746") -> list[CoreRatio]:
    """The ratio for each model and build there is on both devices."""
    on_m7 = {(one.image.build, one.image.row.model): one for one in predictions if one.image.row.device == m7}
    ratios = []
    for one in predictions:
        other = on_m7.get((one.image.build, one.image.row.model))
        if one.image.row.device == m4 and other is not None:
            ratios.append(
                CoreRatio(
                    one.image.build,
                    one.image.row.model,
                    one.cycles / other.cycles,
                    one.image.row.cycles / other.image.row.cycles,
                )
            )
    return ratios


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation, equal values sharing the mean of their ranks; None for fewer than three pairs or no spread."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be ranked against {len(second)}")
    if len(first) < 3:
        return None
    a, b = _ranks(first), _ranks(second)
    mean = (len(a) + 1) / 2
    top = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    bottom = (sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b)) ** 0.5
    return top / bottom if bottom else None


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) + 1) / 2 for value in values]


def table(predictions: Sequence[Prediction]) -> str:
    """A Markdown table, a row for each prediction."""
    lines = [
        "| build | device | model | published ms | predicted ms | error | instructions | cycles/instruction "
        "| published cycles/instruction |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in predictions:
        row = one.image.row
        mark = "" if row.counted in ("test", "regression") else f" ({row.counted})"
        lines.append(
            f"| {one.image.build} | {row.device} | {row.model}{mark} | {row.latency_ms:g} | {one.predicted_ms:.4g} "
            f"| {one.error:+.1%} | {one.instructions:,} | {one.cycles / one.instructions:.3f} "
            f"| {row.cycles / one.instructions:.3f} |"
        )
    return "\n".join(lines)


def summary_table(rows: Sequence[Summary]) -> str:
    """A Markdown table, a row for each build and device."""
    lines = [
        "| build | device | rows | median error | median absolute | worst | of | rank correlation |",
        "|---|---|--:|--:|--:|--:|---|--:|",
    ]
    for one in rows:
        ranking = "-" if one.spearman is None else f"{one.spearman:.3f}"
        lines.append(
            f"| {one.build} | {one.device} | {one.rows} | {one.median_signed:+.1%} | {one.median_absolute:.1%} "
            f"| {one.worst:+.1%} | {one.worst_model} | {ranking} |"
        )
    return "\n".join(lines)


def ratio_table(rows: Sequence[CoreRatio]) -> str:
    """A Markdown table of Cortex-M4 over Cortex-M7 cycles."""
    lines = ["| build | model | predicted M4/M7 | published | error |", "|---|---|--:|--:|--:|"]
    for one in rows:
        lines.append(
            f"| {one.build} | {one.model} | {one.predicted:.2f} | {one.published:.2f} "
            f"| {one.predicted / one.published - 1:+.1%} |"
        )
    return "\n".join(lines)


_COLOURS = {"stm32f446": "#b5541c", "stm32f746": "#1f5fa8", "stm32l4r5": "#3c7d3c"}


def plot(predictions: Sequence[Prediction], title: str) -> str:
    """An SVG: published ms across, predicted ms up, both logarithmic; a band of +-10 % around equality."""
    width, height, left, bottom, top, right = 640, 520, 70, 50, 36, 16
    values = [value for one in predictions for value in (one.predicted_ms, one.image.row.latency_ms)]
    low, high = log10(min(values)) - 0.1, log10(max(values)) + 0.1

    def x(ms: float) -> float:
        return left + (log10(ms) - low) / (high - low) * (width - left - right)

    def y(ms: float) -> float:
        return height - bottom - (log10(ms) - low) / (high - low) * (height - bottom - top)

    first, last = 10**low, 10**high
    band = [(first, first * 0.9), (last, last * 0.9), (last, last * 1.1), (first, first * 1.1)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        '<clipPath id="area">'
        f'<rect x="{left}" y="{top}" width="{width - left - right}" height="{height - top - bottom}"/></clipPath>',
        f'<text x="{left}" y="22" font-size="14">{title}</text>',
        '<polygon clip-path="url(#area)" fill="#dddddd" points="'
        + " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in band)
        + '"/>',
        f'<line x1="{x(first):.1f}" y1="{y(first):.1f}" x2="{x(last):.1f}" y2="{y(last):.1f}" stroke="#888888"/>',
        f'<rect x="{left}" y="{top}" width="{width - left - right}" height="{height - top - bottom}" fill="none" '
        'stroke="black"/>',
    ]
    for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000):
        if first < tick < last:
            parts.append(f'<text x="{x(tick):.1f}" y="{height - bottom + 16}" text-anchor="middle">{tick}</text>')
            parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
            parts.append(
                f'<path d="M{x(tick):.1f} {height - bottom} v-5 M{left} {y(tick):.1f} h5" stroke="black" fill="none"/>'
            )
    for one in predictions:
        row = one.image.row
        a, b, colour = x(row.latency_ms), y(one.predicted_ms), _COLOURS.get(row.device, "black")
        parts.append(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}" fill-opacity="0.75">'
            f"<title>{row.model} on {row.device}: {one.error:+.1%}</title></circle>"
        )
        parts.append(f'<text x="{a + 6:.1f}" y="{b + 11:.1f}" font-size="9" fill="#444444">{row.model}</text>')
    for index, (device, colour) in enumerate(_COLOURS.items()):
        if any(one.image.row.device == device for one in predictions):
            parts.append(f'<circle cx="{left + 14}" cy="{top + 14 + 16 * index}" r="4" fill="{colour}"/>')
            parts.append(f'<text x="{left + 24}" y="{top + 18 + 16 * index}">{device}</text>')
    middle = (height - bottom + top) / 2
    parts += [
        f'<text x="{(left + width - right) / 2:.0f}" y="{height - 12}" text-anchor="middle">published, ms</text>',
        f'<text transform="translate(18 {middle:.0f}) rotate(-90)" text-anchor="middle">predicted, ms</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
