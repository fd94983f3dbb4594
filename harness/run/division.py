# SPDX-License-Identifier: Apache-2.0
"""Whether a run belongs to the closed or the open division (MLPerf Tiny rules, section on divisions)."""

from __future__ import annotations

from mlperf_tiny.models.catalog.model import CatalogModel


def division_of(model: CatalogModel | None) -> str:
    """Return ``closed`` for the reference weights with the benchmark's own inputs, ``open`` for anything else.

    None is the unnamed model of a device that holds its firmware already.
    """
    reference = model is not None and model.origin == "official" and model.input_format == "benchmark"
    return "closed" if reference else "open"
