# SPDX-License-Identifier: Apache-2.0
"""Measures the paper's networks on emulated boards, and keeps what was measured in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.doc_tables import ROOT
from benchmarks.paper.published import MEDIUM, SMALL, TABLE_4
from mlperf_tiny.errors import BuildError
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.search.characterize.measure import Target, measure

STORED = ROOT / "results" / "paper" / "networks.json"
DEVICES = (SMALL, MEDIUM)


def engines() -> tuple[str, ...]:
    """Return the engines that can be measured here."""
    return ("compiled", "tflm") if os.environ.get("TFLM_DIR") else ("compiled",)


def measure_all(objects: Path, log: Callable[[str], None]) -> dict[str, Any]:
    """Measure each network with random weights on each board with each engine.

    Args:
        objects: Folder for compiled kernels.
        log: Gets a line for each network.

    Returns:
        What the tables are made of.
    """
    networks: dict[str, Any] = {}
    for row in TABLE_4:
        arch = find_arch(row.network)
        found: dict[str, Any] = {}
        for device in DEVICES:
            for engine in engines():
                try:
                    got = measure(arch, Target(device=device, engine=engine), objects=objects)
                except BuildError as error:  # a library that lacks one of its kernels
                    log(f"{row.network} with {engine}: {error}")
                    continue
                figures = {"ram_bytes": got.ram_bytes, "flash_bytes": got.flash_bytes}
                if got.fits:
                    figures |= {"latency_ms": got.latency_ms, "arena_bytes": got.arena_bytes}
                found[f"{device} {engine}"] = {"fits": got.fits, **figures}
        networks[row.network] = {"macs": arch.macs, "parameters": arch.parameters, "measured": found}
        log(row.network)
    models = {device: Target(device=device).timing_model for device in DEVICES}
    return {"timing_models": models, "networks": networks}


def store(measured: dict[str, Any]) -> None:
    """Write what was measured."""
    STORED.parent.mkdir(parents=True, exist_ok=True)
    STORED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def stored() -> dict[str, Any]:
    """Return what was measured last."""
    found: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return found
