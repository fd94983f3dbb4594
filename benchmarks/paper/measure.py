# SPDX-License-Identifier: Apache-2.0
"""Measures the papers' networks on emulated boards, and keeps what was measured in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.doc_tables import ROOT
from benchmarks.paper.networks import MCUNET, find_network
from benchmarks.paper.published import ENLARGED, MEASURED, MEDIUM, SMALL
from mlperf_tiny.errors import BuildError, UsageError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.characterize.measure import Measurement, Target, measure, measure_parts, untrained_parts
from mlperf_tiny.whole_file import write_whole

STORED = ROOT / "results" / "paper" / "networks.json"
CO_DESIGN = STORED.with_name("co_design.json")
DEVICES = (SMALL, MEDIUM)
NETWORKS = (*MEASURED, *(arch.name for arch in MCUNET))
"""All that is measured, by name."""


def engines() -> tuple[str, ...]:
    """Return the engines that can be measured here."""
    return ("compiled", "tflm") if os.environ.get("TFLM_DIR") else ("compiled",)


def timing_models() -> dict[str, str]:
    """Return the timing model of each device today."""
    return {device: Target(device=device).timing_model for device in DEVICES}


def check_names(names: Sequence[str]) -> None:
    """Raise UsageError for a network that neither paper has."""
    for name in names:
        if name not in NETWORKS:
            raise UsageError(
                f"there is no network {name!r} in the papers' tables; choose one of {', '.join(NETWORKS)}."
            )


def check_kept(kept: Sequence[str], before: dict[str, Any]) -> None:
    """Refuse to put rows of two timing models into one table.

    Args:
        kept: What is not measured again, such as "tflm" or the name of a network.
        before: What was measured before.

    Raises:
        UsageError: Something is kept, and was measured with another timing model.
    """
    for device, today in timing_models().items():
        then = before["timing_models"].get(device, today)
        if kept and then != today:
            what = f"{', '.join(kept[:3])}{' and others' if len(kept) > 3 else ''}"
            raise UsageError(
                f"stored rows of {what} are of timing model {then!r} on {device}, today's is {today!r}; one table "
                "cannot have both. Nothing was changed. Measure all networks with both engines: without --network, and "
                "with TFLM_DIR set to a source tree of TensorFlow Lite Micro with its library (docs/engines.md)."
            )


def kept_rows(before: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return what stays of what was measured before, for ``check_kept``.

    Args:
        before: What was measured before.
        names: The networks that are measured.
    """
    kept = [name for name in before["networks"] if name in NETWORKS and name not in names]
    engine_rows = {key.split()[1] for name in names for key in _measured(before, name)}
    return [*kept, *sorted(engine_rows - set(engines()))]


def _measured(before: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = before["networks"].get(name, {}).get("measured", {})
    return found


def measure_all(
    objects: Path, log: Callable[[str], None], before: dict[str, Any], names: Sequence[str] = ()
) -> dict[str, Any]:
    """Measure networks with random weights on each board with each engine; what is not measured again is kept.

    Args:
        objects: Folder for compiled kernels.
        log: Gets a line for each network.
        before: What was measured before.
        names: The networks; none: all.

    Returns:
        What the tables are made of.

    Raises:
        UsageError: A name is unknown, or rows that would be kept are of another timing model.
    """
    check_names(names)
    names = names or NETWORKS
    check_kept(kept_rows(before, names), before)
    networks: dict[str, Any] = {}
    for name in NETWORKS:
        if name in names:
            networks[name] = _measure_network(find_network(name), objects, log, before)
            log(name)
        elif name in before["networks"]:
            networks[name] = before["networks"][name]
    return {**before, "timing_models": timing_models(), "networks": networks}


def _measure_network(arch: Arch, objects: Path, log: Callable[[str], None], before: dict[str, Any]) -> dict[str, Any]:
    facts = {"macs": arch.macs, "parameters": arch.parameters}
    old = before["networks"].get(arch.name, {})
    same = all(old.get(name) == value for name, value in facts.items())
    found: dict[str, Any] = dict(old["measured"]) if same else {}
    for device in DEVICES:
        for engine in engines():
            try:
                found[f"{device} {engine}"] = _figures(arch, Target(device=device, engine=engine), objects)
            except BuildError as error:  # a library that lacks one of its kernels
                found.pop(f"{device} {engine}", None)
                log(f"{arch.name} with {engine}: {error}")
    found.pop(f"{ENLARGED} compiled", None)
    if not found[f"{MEDIUM} compiled"]["fits"]:
        found[f"{ENLARGED} compiled"] = _enlarged_figures(arch, objects)
    return {**facts, "measured": found}


def enlarged(board: Board) -> Board:
    """Return a board with the STM32F767's 512 KiB of RAM and 2 MiB of flash; all else stays.

    Args:
        board: The board.
    """
    sizes = {"ram": 512 * 1024, "flash": 2 * 1024 * 1024}
    memories = (replace(row, size_bytes=sizes.get(row.name, row.size_bytes)) for row in board.memories)
    return replace(board, memories=tuple(memories))


def _enlarged_figures(arch: Arch, objects: Path) -> dict[str, Any]:
    target = Target(device=MEDIUM)
    parts = untrained_parts(arch, target)
    return _as_stored(measure_parts(replace(parts, board=enlarged(parts.board)), target.timing, objects))


def _figures(arch: Arch, target: Target, objects: Path) -> dict[str, Any]:
    return _as_stored(measure(arch, target, objects=objects))


def _as_stored(got: Measurement) -> dict[str, Any]:
    figures = {"fits": got.fits, "ram_bytes": got.ram_bytes, "flash_bytes": got.flash_bytes}
    return {**figures, "latency_ms": got.latency_ms, "arena_bytes": got.arena_bytes} if got.fits else figures


def store(measured: dict[str, Any], path: Path | None = None) -> None:
    """Write what was measured.

    Args:
        measured: What the tables are made of.
        path: The file; None: that of the networks.
    """
    write_whole(path or STORED, (json.dumps(measured, indent=1) + "\n").encode())


def stored(path: Path | None = None) -> dict[str, Any]:
    """Return what was measured last.

    Args:
        path: The file; None: that of the networks.
    """
    found: dict[str, Any] = json.loads((path or STORED).read_text(encoding="utf-8"))
    return found
