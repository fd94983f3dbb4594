# SPDX-License-Identifier: Apache-2.0
"""Plots of characterisation tables, as the MicroNets paper's figures 3 and 4: latency against operations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.characterization_report import kinds_of
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.search.characterize.linear_fit import fit_networks
from mlperf_tiny.search.characterize.table import Characterization


def draw(tables: Mapping[str, Characterization], folder: Path) -> list[Path]:
    """Draw networks and layers of each board and engine; return the files.

    Args:
        tables: By name.
        folder: Where to write; it is made.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "characterization"
    groups: dict[tuple[str, str], list[Characterization]] = {}
    for table in tables.values():
        if table.settings["seed"] == 1:
            target = table.settings["target"]
            groups.setdefault((target["device"], target["engine"]), []).append(table)
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for (device, engine), members in groups.items():
        for name, plot in (("networks", _networks), ("layers", _layers)):
            title = f"{device}, {engine} engine, emulated ({members[0].settings['timing_model']})"
            found.append(_figure(folder / f"{name}-{device}-{engine}.svg", title, plot, members))
    return found


def _figure(path: Path, title: str, plot: Any, tables: list[Characterization]) -> Path:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.4), layout="constrained")
    plot(axes, tables)
    axes.set(title=title, xlabel="operations, millions", ylabel="latency, ms")
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def _networks(axes: Any, tables: list[Characterization]) -> None:
    for table in tables:
        fits, line = table.models[table.models["fits"]], fit_networks(table.models)
        if line is None:
            continue
        name = f"{table.settings['space']}: {line.mops_per_s:.0f} Mops/s, r2 {line.r2:.3f}"
        points = axes.scatter(fits["ops"] / 1e6, fits["latency_ms"], s=6, alpha=0.5, label=name, rasterized=True)
        ends = np.array([fits["ops"].min(), fits["ops"].max()])
        latency = line.intercept_ms + 1e-3 * ends / line.mops_per_s
        axes.plot(ends / 1e6, latency, color=points.get_facecolor()[0], alpha=1.0, linewidth=1)


def _layers(axes: Any, tables: list[Characterization]) -> None:
    clock_hz = find_board(tables[0].settings["target"]["device"]).clock_hz
    layers = pd.concat([table.layers[table.layers["macs"] > 0] for table in tables])
    for kind, rows in layers.groupby(kinds_of(layers)):
        latency_ms = 1e3 * rows["cycles"] / clock_hz
        axes.scatter(2 * rows["macs"] / 1e6, latency_ms, s=4, alpha=0.4, label=kind, rasterized=True)
    axes.set(xscale="log", yscale="log")
