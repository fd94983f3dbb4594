# SPDX-License-Identifier: Apache-2.0
"""The tables of the characterisation report: lines of latency against operations, spread of layers, working memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.doc_tables import markdown_table
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.memory import tflm_ram_bytes
from mlperf_tiny.search.characterize.linear_fit import fit_networks
from mlperf_tiny.search.characterize.predictor import prediction_error
from mlperf_tiny.search.characterize.table import Characterization
from mlperf_tiny.search.cost.analytic import IN_AND_OUT, LIVE
from mlperf_tiny.search.cost.cost import Cost, network_cost
from mlperf_tiny.search.cost.memory import ARENA
from mlperf_tiny.search.space.spaces import find_space

Tables = Mapping[str, Characterization]
MIN_LAYERS = 20
"""Layers of a kind and of about the same operations, at least, whose spread is given."""
OPS_STEP = 1.25
"""Layers whose operations differ by less than this factor have about the same."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One table of the report."""

    name: str
    """In the marks of the document."""
    header: tuple[str, ...]
    """Titles of its columns."""
    rows: Callable[[Tables], list[list[str]]]
    """Its rows."""
    texts: int
    """So many first columns are texts."""


def text_of(part: Part, tables: Tables) -> str:
    """Return a part of the report in Markdown.

    Args:
        part: Which.
        tables: By name.
    """
    versions = {}
    for table in _fitted(tables):
        versions[table.settings["target"]["device"]] = table.settings["timing_model"]
    head = "; ".join(f"{device} ({version})" for device, version in versions.items())
    return f"Emulated: {head}. Networks of seed 1.\n\n{markdown_table(part.header, part.rows(tables), left=part.texts)}"


def _where(table: Characterization) -> list[str]:
    target = table.settings["target"]
    return [table.settings["space"], target["device"], target["engine"]]


def _fitted(tables: Tables) -> list[Characterization]:
    """Those of seed 1; the others judge predictors."""
    return [table for table in tables.values() if table.settings["seed"] == 1]


def line_rows(tables: Tables) -> list[list[str]]:
    """Return latency against operations of networks, a row for each table: the paper's figure 4."""
    rows = []
    for table in _fitted(tables):
        line = fit_networks(table.models)
        if line is not None:
            fits = table.models[table.models["fits"]]
            ops = f"{fits['ops'].min() / 1e6:.1f} to {fits['ops'].max() / 1e6:.1f}"
            figures = [f"{line.points}", ops, f"{line.mops_per_s:.0f}", f"{line.intercept_ms:.1f}", f"{line.r2:.4f}"]
            rows.append([*_where(table), *figures])
    return rows


def kinds_of(layers: pd.DataFrame) -> pd.Series[str]:
    """Return the kind of each layer: convolutions of one pixel apart from larger ones."""
    window = layers["kernel_h"].astype(str) + "x" + layers["kernel_w"].astype(str)
    return layers["kind"].where(~layers["kind"].isin(["conv", "depthwise"]), layers["kind"] + " " + window)


def layer_rows(tables: Tables) -> list[list[str]]:
    """Return how fast kinds of layers are, and how much they differ at equal operations: the paper's figure 3."""
    rows = []
    for table in _fitted(tables):
        layers = table.layers[table.layers["macs"] > 0]
        clock_hz = find_board(table.settings["target"]["device"]).clock_hz
        speed = 2 * layers["macs"] * clock_hz / layers["cycles"] / 1e6
        for kind, group in speed.groupby(kinds_of(layers)):
            if len(group) < MIN_LAYERS:
                continue
            low, middle, high = np.percentile(group, [5, 50, 95])
            spread = _spread(2 * layers["macs"].loc[group.index], group)
            shown = "" if spread is None else f"{spread:.2f}"
            rows.append(
                [*_where(table), str(kind), str(len(group)), f"{low:.0f}", f"{middle:.0f}", f"{high:.0f}", shown]
            )
    return rows


def _spread(ops: pd.Series[float], speed: pd.Series[float]) -> float | None:
    """How much faster the 95th percentile of layers is than the 5th at equal operations; the median of such groups."""
    step = np.floor(np.log(ops) / np.log(OPS_STEP))
    ratios = [
        np.percentile(group, 95) / np.percentile(group, 5)
        for _, group in speed.groupby(step)
        if len(group) >= MIN_LAYERS
    ]
    return float(np.median(ratios)) if ratios else None


def arch_of(table: Characterization, decisions: str) -> Arch:
    """Return a network of a table.

    Args:
        table: The table.
        decisions: As its column of that name has them.
    """
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(decisions).items()}
    return find_space(table.settings["space"]).derive(values)


def _cost(cost: Cost) -> Callable[[Arch], float]:
    return lambda arch: network_cost(cost, arch.layers)


MEMORY_MODELS: Mapping[str, Callable[[Arch], float]] = {
    "in and out (the paper)": _cost(IN_AND_OUT),
    "live": _cost(LIVE),
    "arena": _cost(ARENA),
    "TFLM": lambda arch: float(tflm_ram_bytes(arch)),
}
"""Name of a model of working memory to its bytes for a network."""


def memory_rows(tables: Tables) -> list[list[str]]:
    """Return how far models of working memory are off the arenas that were planned or, of TFLM, needed."""
    rows = []
    for table in _fitted(tables):
        fits = table.models[table.models["fits"]]
        archs = [arch_of(table, text) for text in fits["decisions"]]
        arena = fits["arena_bytes"].to_numpy(float)
        for name, model in MEMORY_MODELS.items():
            if name == {"compiled": "TFLM", "tflm": "arena"}[table.settings["target"]["engine"]]:
                continue
            predicted = np.array([model(arch) for arch in archs])
            error = prediction_error(predicted, arena)
            over = f"{100 * np.mean(predicted < arena):.0f} %"
            bias = f"{100 * np.mean(predicted / arena - 1):+.1f} %"
            figures = [
                f"{100 * error.mape:.1f} %",
                bias,
                f"{100 * error.worst:.1f} %",
                f"{error.kendall_tau:.3f}",
                over,
            ]
            rows.append([*_where(table), name, *figures])
    return rows


PLACE = ("space", "board", "engine")
PARTS = (
    Part(
        name="lines",
        header=(*PLACE, "networks", "M operations", "Mops/s", "intercept, ms", "r2"),
        rows=line_rows,
        texts=3,
    ),
    Part(
        name="layers",
        header=(
            *PLACE,
            "kind",
            "layers",
            "slowest 5 %, Mops/s",
            "median",
            "fastest 5 %",
            "fastest / slowest at equal operations",
        ),
        rows=layer_rows,
        texts=4,
    ),
    Part(
        name="memory",
        header=(*PLACE, "model", "mean error", "bias", "worst", "Kendall's tau", "networks that need more"),
        rows=memory_rows,
        texts=4,
    ),
)
"""The report."""
