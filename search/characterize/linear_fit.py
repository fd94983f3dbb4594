# SPDX-License-Identifier: Apache-2.0
"""Latency against operations: the line that the MicroNets paper fits to random networks (its figures 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class LinearFit:
    """latency = intercept + ops / speed, by least squares."""

    points: int
    """How many networks or layers."""
    mops_per_s: float
    """The slope, as the paper names it: million operations in a second; one multiply-accumulate is two."""
    intercept_ms: float
    """Latency of no operations."""
    r2: float
    """Share of the variance of the latency that the line explains. The paper: 0.95 to 0.99 for networks."""


def fit_line(ops: Sequence[float], latency_ms: Sequence[float]) -> LinearFit | None:
    """Return the line through points; None for fewer than three, or when all have the same operations.

    Args:
        ops: Operations, two for each multiply-accumulate.
        latency_ms: Latency of each.

    Examples:
        >>> fit_line([1e6, 2e6, 3e6], [11.0, 21.0, 31.0]).mops_per_s
        100.0
    """
    from scipy.stats import linregress

    if len(ops) < 3 or len(set(ops)) < 2:
        return None
    line = linregress(ops, latency_ms)
    return LinearFit(
        points=len(ops),
        mops_per_s=round(1e-3 / float(line.slope), 6),
        intercept_ms=float(line.intercept),
        r2=float(line.rvalue) ** 2,
    )


def fit_networks(models: pd.DataFrame) -> LinearFit | None:
    """Return the line through the networks that fit, of the table ``models.csv``."""
    fitting = models[models["fits"]]
    return fit_line(fitting["ops"].to_list(), fitting["latency_ms"].to_list())


def fit_layers(layers: pd.DataFrame, clock_hz: float) -> dict[str, LinearFit]:
    """Return a line for each kind of layer that computes.

    Args:
        layers: The table ``layers.csv``.
        clock_hz: The core's clock.

    Returns:
        Kind of layer, 1x1 convolutions apart from larger ones, to its line.
    """
    pointwise = (layers["kind"] == "conv") & (layers["kernel_h"] == 1) & (layers["kernel_w"] == 1)
    kinds = layers["kind"].mask(pointwise, "conv 1x1")
    lines = {
        str(kind): fit_line((2 * rows["macs"]).to_list(), (1e3 * rows["cycles"] / clock_hz).to_list())
        for kind, rows in layers[layers["macs"] > 0].groupby(kinds)
    }
    return {kind: line for kind, line in lines.items() if line is not None}
