# SPDX-License-Identifier: Apache-2.0
"""Fits a latency model to measured layers, and says how far its predictions of other networks are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.layers import Layer, LayerKind
from mlperf_tiny.search.characterize.table import Characterization
from mlperf_tiny.search.cost.latency import LatencyModel, kind_of
from mlperf_tiny.search.cost.loops import loop_counts

SAME = ("target", "timing_model", "engine_version", "kernels", "sources")
"""Settings that characterisations of one latency model must share."""

SHARE_POWER = 0.5
"""A layer counts by this power of its share of its network's cycles: 0 for all alike, 1 for errors of networks."""


@dataclass(frozen=True, kw_only=True)
class PredictionError:
    """How far predictions are off."""

    networks: int
    """How many were predicted."""
    mape: float
    """Mean of \\|predicted - measured\\| / measured."""
    worst: float
    """Largest of these."""
    kendall_tau: float
    """Rank correlation (tau-b): 1 where every pair of networks is in the right order."""


def layer_of(row: Mapping[Any, Any]) -> Layer:
    """Return the layer of a row of ``layers.csv``."""
    kind: LayerKind = row["kind"]
    out = tuple(int(row[f"out_{name}"]) for name in ("height", "width", "channels"))
    source = tuple(int(row[f"in_{name}"]) for name in ("height", "width", "channels"))
    flat = kind in ("dense", "softmax")
    return Layer(
        kind=kind,
        inputs=(0,),
        in_shape=source[-1:] if flat else source,
        out_shape=out[-1:] if flat else out,
        kernel=(int(row["kernel_h"]), int(row["kernel_w"])),
        stride=(int(row["stride_h"]), int(row["stride_w"])),
        dilation=(int(row["dilation_h"]), int(row["dilation_w"])),
        repeats=int(row["repeats"]),
        relu=row["relu"],
    )


def check_same(tables: Sequence[Characterization]) -> None:
    """Raise UsageError for characterisations of different targets or versions."""
    for table in tables[1:]:
        for name in SAME:
            one, other = tables[0].settings[name], table.settings[name]
            if one != other:
                raise UsageError(
                    f"characterisations of different {name} do not go together: {one} and {other}. Measure them again."
                )


def fit_latency(tables: Sequence[Characterization], clock_hz: float) -> LatencyModel:
    """Return the latency model of a target, fitted to all layers of its characterisations.

    Coefficients are those of the least sum of squared relative errors among all that are not negative.

    Args:
        tables: At least one, all of the same target and versions.
        clock_hz: The core's clock.

    Raises:
        UsageError: The tables are of different targets or versions.
    """
    check_same(tables)
    settings = {name: tables[0].settings[name] for name in SAME}
    model = LatencyModel(settings=settings, clock_hz=clock_hz, outside_cycles=0.0, cycles={})
    by_kind: dict[str, list[_Measured]] = {}
    outside: list[float] = []
    for table in tables:
        whole = table.layers.groupby("index")["cycles"].transform("sum")
        for row, total in zip(table.layers.to_dict("records"), whole, strict=True):
            layer, cycles = layer_of(row), float(row["cycles"])
            counts = loop_counts(layer, model.memories)
            share = (cycles / total) ** SHARE_POWER
            by_kind.setdefault(kind_of(layer), []).append(_Measured(counts=counts, cycles=cycles, weight=share))
        outside += _outside(table)
    cycles_of = {kind: _fit_kind(rows) for kind, rows in sorted(by_kind.items())}
    return replace(model, outside_cycles=float(np.mean(outside)), cycles=cycles_of)


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A layer to fit to."""

    counts: Mapping[str, float]
    cycles: float
    weight: float


def _outside(table: Characterization) -> list[float]:
    """What each network took besides its layers."""
    inside = table.layers.groupby("index")["cycles"].sum()
    whole = table.models[table.models["fits"]].set_index("index")["cycles"]
    return [float(value) for value in whole - inside]


def _fit_kind(rows: Sequence[_Measured]) -> dict[str, float]:
    from scipy.optimize import nnls

    names = sorted({name for row in rows for name in row.counts})
    measured = np.array([row.cycles for row in rows])
    weights = np.array([row.weight for row in rows])
    matrix = np.array([[float(row.counts.get(name, 0.0)) for name in names] for row in rows])
    relative = matrix * (weights / measured)[:, None]
    # Columns of one size: the solver's tolerance is absolute.
    sizes = np.maximum(relative.max(axis=0), 1e-30)
    coefficients, _ = nnls(relative / sizes, weights, maxiter=100 * len(names))
    return {name: float(value) for name, value in zip(names, coefficients / sizes, strict=True) if value > 0.0}


def predict_ms(model: LatencyModel, layers: pd.DataFrame) -> pd.Series[float]:
    """Return the predicted latency, in ms, of each network of a table of layers, by its index.

    Args:
        model: The model.
        layers: As of ``layers.csv``.
    """
    cycles = [float(model.layer_cycles(layer_of(row))) for row in layers.to_dict("records")]
    totals = layers.assign(predicted=cycles).groupby("index")["predicted"].sum()
    return (totals + model.outside_cycles) * 1e3 / model.clock_hz


def prediction_error(predicted: NDArray[np.float64], measured: NDArray[np.float64]) -> PredictionError:
    """Return how far predictions are off.

    Args:
        predicted: One value for each network.
        measured: Of the same networks.
    """
    from scipy.stats import kendalltau

    off = np.abs(predicted - measured) / measured
    return PredictionError(
        networks=len(measured),
        mape=float(off.mean()),
        worst=float(off.max()),
        kendall_tau=float(kendalltau(predicted, measured).statistic),
    )
