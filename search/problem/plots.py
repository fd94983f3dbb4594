# SPDX-License-Identifier: Apache-2.0
"""Pictures of a search: its accuracy, and each cost beside its limit, over the steps. Needs Matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.search.problem.problem import Figures

_LABELS = {
    "latency_ms": "latency, ms (estimated)",
    "energy_uj": "energy, uJ (modelled)",
    "ops": "operations",
    "ram_bytes": "RAM, bytes",
    "flash_bytes": "flash, bytes",
}


def plot_history(rows: Mapping[int, Mapping[str, float]], limits: Figures, path: Path) -> None:
    """Write a picture of a search.

    Args:
        rows: Figures of each step.
        limits: The limits.
        path: A file whose ending says the format, such as .png.

    Raises:
        OSError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    limited = limits.given()
    names = ["accuracy", *[name for name in limited if any(name in row for row in rows.values())]]
    figure = Figure(figsize=(7, 2.2 * len(names)))  # without pyplot, which keeps a figure for the whole process
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        for key, label, style in (
            (name, "derived network", "-"),
            (f"expected {name}", "expectation", ":"),
            (f"target {name}", "target", "--"),
        ):
            points = [(step, row[key]) for step, row in sorted(rows.items()) if key in row]
            if points:
                axis.plot(*zip(*points, strict=True), style, label=label)
        if name in limited:
            axis.axhline(limited[name], color="tab:red", linewidth=1, label="limit")
        axis.set_ylabel(_LABELS.get(name, "accuracy, validation rows"), fontsize=8)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7)
    axes[-1, 0].set_xlabel("step")
    figure.tight_layout()
    figure.savefig(path)
