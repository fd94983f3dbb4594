# SPDX-License-Identifier: Apache-2.0
"""A profile as a plot: one bar for each layer, as long as its cycles, in pieces by cause.

matplotlib is the extra ``plot`` of this package, and is imported only when a plot is drawn.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from mlperf_tiny.errors import UsageError
from mlperf_tiny.harness.profile.causes import causes_in, cycles_of
from mlperf_tiny.harness.profile.layers import LayerProfile
from mlperf_tiny.harness.profile.measure import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
MAX_TITLE = 56
"""Characters of a layer's title."""

WIDTH_IN, ROW_IN, FRAME_IN = 12.0, 0.24, 1.8
"""Inches of the whole width, of a bar's row, and of what stands above and below the bars."""

_LEGEND_COLUMNS = 7


def check_plot(path: Path) -> None:
    """Raise UsageError for a file that is neither .svg nor .png, and when matplotlib is not installed."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is not {' or '.join(SUFFIXES)}. Name a file with one of these suffixes.")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib. Install it with: pip install 'mlperf-tiny-harness[plot]'")


def draw_profile(profile: Profile, path: Path) -> None:
    """Write the plot of a profile as SVG or PNG; the same profile gives the same SVG text.

    Args:
        profile: The profile.
        path: The file; its suffix decides the format.

    Raises:
        UsageError: as ``check_plot`` does.
        OSError: when the file cannot be written.
    """
    check_plot(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    layers = [*profile.layers, LayerProfile(title="outside the layers", macs=0, counts=profile.outside)]
    # Text stays text in an SVG; with a salt its ids do not change from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "profile", "font.size": 8}):
        figure = Figure(figsize=(WIDTH_IN, FRAME_IN + ROW_IN * len(layers)), layout="constrained")
        axes = figure.add_subplot()
        _bars(axes, layers, profile)
        _labels(axes, layers, profile)
        figure.suptitle(_title(profile))
        _save(figure, path)


def _bars(axes: Axes, layers: list[LayerProfile], profile: Profile) -> None:
    rows = range(len(layers))
    ends = [0] * len(layers)
    for cause in causes_in([layer.counts for layer in layers]):
        cycles = [cycles_of(layer.counts, cause) for layer in layers]
        label = f"{cause.heading}: {cause.key}" if cause.key else cause.heading
        axes.barh(rows, cycles, left=ends, color=cause.colour, height=0.7, label=label)
        ends = [end + more for end, more in zip(ends, cycles, strict=True)]
    for row, layer in enumerate(layers):
        text = f" {layer.counts.cycles / max(profile.total.cycles, 1):.1%}"
        if layer.macs:
            text += f", {layer.counts.cycles / layer.macs:.2f} cycles/MAC"
        axes.text(ends[row], row, text, va="center")


def _labels(axes: Axes, layers: list[LayerProfile], profile: Profile) -> None:
    axes.set_yticks(range(len(layers)), [_short(layer.title) for layer in layers])
    axes.invert_yaxis()  # the first layer on top
    axes.margins(x=0.15, y=0.01)
    axes.set_xlabel(f"cycles (timing: emulated, {profile.timing_model})")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.figure.legend(loc="outside lower center", ncols=_LEGEND_COLUMNS, frameon=False)


def _title(profile: Profile) -> str:
    latency_ms = profile.total.cycles / profile.core_hz * 1e3
    return (
        f"{profile.model} on {profile.device}, engine {profile.engine}: {profile.total.cycles:,} cycles, "
        f"{latency_ms:,.3f} ms"
    )


def _save(figure: Figure, path: Path) -> None:
    kind = path.suffix.lower()[1:]
    figure.savefig(path, format=kind, metadata={"Date": None} if kind == "svg" else None)


def _short(title: str) -> str:
    text = " ".join(title.split())
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 3] + "..."
