# SPDX-License-Identifier: Apache-2.0
"""Predicted against published latencies: errors, ratio of the cores, ranking, a table and a plot."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from benchmarks.timing_validation_run import Prediction
from mlperf_tiny.errors import UsageError

# What the counted rows must stay within.
MAX_MEDIAN_ERROR, MAX_ERROR, MAX_REGRESSION_ERROR = 0.10, 0.25, 0.10


@dataclass(frozen=True)
class Summary:
    """Errors of one build on one device, relative: predicted over published, less one."""

    build: str
    """How the images were built."""
    device: str
    """The board."""
    rows: int
    """How many latencies were compared."""
    median_signed: float
    """Median of the errors."""
    median_absolute: float
    """Median of their absolute values."""
    worst: float
    """The error with the greatest absolute value."""
    worst_model: str
    """Its model."""
    spearman: float | None
    """Rank correlation of predicted and published latencies; None for fewer than three rows."""


@dataclass(frozen=True)
class CoreRatio:
    """Cycles of a model on the Cortex-M4 over those on the Cortex-M7."""

    build: str
    """How both images were built."""
    model: str
    """The model."""
    predicted: float
    """By the cycle models."""
    published: float
    """As measured on silicon."""


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
    """Return the rank correlation; equal values share the mean of their ranks.

    Args:
        first: At least three values, or None is returned.
        second: As many; None is returned when either has no spread.
    """
    from scipy.stats import spearmanr

    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    return float(spearmanr(first, second).statistic)


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


SUFFIXES = (".svg", ".png")
_COLOURS = {"stm32f446": "#b5541c", "stm32f746": "#1f5fa8", "stm32l4r5": "#3c7d3c"}
_TICKS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def plot(predictions: Sequence[Prediction], title: str, path: Path) -> None:
    """Write a plot: published ms across, predicted ms up, both logarithmic; a band of +-10 % around equality.

    Args:
        predictions: One point each.
        title: Of the plot.
        path: The file; its suffix, .svg or .png, decides the format. The same predictions give the same SVG text.

    Raises:
        UsageError: for another suffix, and when matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is not {' or '.join(SUFFIXES)}. Name a file with one of these suffixes.")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib. Install it with: pip install 'mlperf-tiny-harness[plot]'")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # Text stays text in an SVG; with a salt its ids do not change from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "timing", "font.size": 9}):
        figure = Figure(figsize=(8.0, 6.5), layout="constrained")
        axes = figure.add_subplot(
            title=title, xlabel="published, ms", ylabel="predicted, ms", xscale="log", yscale="log"
        )
        values = [value for one in predictions for value in (one.predicted_ms, one.image.row.latency_ms)]
        span = [min(values) * 0.8, max(values) * 1.25]
        axes.fill_between(span, [0.9 * ms for ms in span], [1.1 * ms for ms in span], color="#dddddd")
        axes.plot(span, span, color="#888888", linewidth=1)
        for device, colour in _COLOURS.items():
            rows = [one for one in predictions if one.image.row.device == device]
            if rows:
                published, predicted = [one.image.row.latency_ms for one in rows], [one.predicted_ms for one in rows]
                axes.scatter(published, predicted, color=colour, alpha=0.75, label=device)
        for one in predictions:
            point = (one.image.row.latency_ms, one.predicted_ms)
            axes.annotate(one.image.row.model, point, xytext=(5, -9), textcoords="offset points", fontsize=7)
        ticks = [tick for tick in _TICKS_MS if span[0] < tick < span[1]]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, labels=[str(tick) for tick in ticks])
            axis.set_ticks([], minor=True)
        axes.set(xlim=span, ylim=span)
        axes.legend()
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
