# SPDX-License-Identifier: Apache-2.0
"""The costs that stand for measurements during a search, for one space on one target.

Operations, weights and live activations follow from shapes. What an image takes besides is measured on the narrowest
network of the space that has all blocks, and so all kernels. Latency is fitted to measured networks
(``mlperf_tiny.search.cost.latency``); or it is a line over operations, as in the MicroNets paper (section 3.1). Energy
is latency at the board's power.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from mlperf_tiny.errors import DoesNotFit, UsageError
from mlperf_tiny.search.characterize.measure import Target, untrained_parts
from mlperf_tiny.search.cost.analytic import CONSTANTS, LIVE, OPS
from mlperf_tiny.search.cost.cost import Cost, CostRow, network_cost
from mlperf_tiny.search.cost.latency import LatencyModel, kind_of
from mlperf_tiny.search.cost.memory import ARENA
from mlperf_tiny.search.problem.problem import Figures, Problem
from mlperf_tiny.search.space.space import SearchSpace

CostName = Literal["ops", "latency", "energy"]
LINE_NETWORKS = 300
"""Random networks that the line of latency over operations is fitted to."""


def make_problem(
    space: SearchSpace,
    target: Target,
    limits: Figures,
    model: LatencyModel | None,
    *,
    by: CostName,
    objects: Path | None,
) -> Problem:
    """Return a search's problem with the costs of its target.

    Args:
        space: The networks.
        target: What they will run on.
        limits: The most that they may take.
        model: Of the target; None, or one that lacks layers of the space: neither latency nor energy can be limited.
        by: "ops": latency is a line over operations; else it is the sum of what layers take.
        objects: Folder for compiled kernels.

    Raises:
        UsageError: A limit has no cost, such as latency where the model lacks layers of the space.
        BuildError: The engine refuses the networks.
    """
    costs: dict[str, Cost] = {"ops": replace(OPS, name="ops"), **_memory(space, target, objects)}
    unmeasured = _unmeasured(space, model) if model is not None else ()
    if model is not None and not unmeasured:
        latency = _line(space, model) if by == "ops" else model.cost()
        costs["latency_ms"] = latency
        if target.board.power is not None:
            costs["energy_uj"] = _times(latency, 1e3 * target.board.power.active_w)
    for name in limits.given():
        if name not in costs:
            raise UsageError(_missing(name, space, target, model))
    return Problem(space=space, target=target, limits=limits, costs=costs)


def _unmeasured(space: SearchSpace, model: LatencyModel) -> tuple[str, ...]:
    """Kinds of layers of a space's smallest and largest networks that a latency model has no coefficients for."""
    layers = [layer for made in (space.smallest(), space.largest()) for layer in space.derive(made).layers]
    kinds = dict.fromkeys(kind_of(layer) for layer in layers if layer.kind != "reshape")
    return tuple(kind for kind in kinds if kind not in model.cycles)


def _missing(name: str, space: SearchSpace, target: Target, model: LatencyModel | None) -> str:
    unmeasured = _unmeasured(space, model) if model is not None else ()
    if name == "energy_uj" and model is not None and not unmeasured:
        return f"no power is known of device {target.device}, so its energy cannot be limited; limit the latency."
    lacks = f"there is no latency model of {target.device} with engine {target.engine}"
    if unmeasured:
        lacks = f"the latency model has no layers of kind {', '.join(unmeasured)}, which space {space.name} has"
    return (
        f"{lacks}. Measure networks with "
        f"micronet-characterize {space.name if unmeasured else 'SPACE'} --device {target.device} "
        f"--engine {target.engine} --out DIR, then add --characterization DIR."
    )


def _memory(space: SearchSpace, target: Target, objects: Path | None) -> dict[str, Cost]:
    """RAM and flash of an image: what follows from shapes, and the rest as measured."""
    arena_cost = ARENA if target.engine == "compiled" else LIVE
    narrowest = space.derive(space.narrowest())
    parts = untrained_parts(narrowest, target)
    with tempfile.TemporaryDirectory() as folder:
        try:
            _, firmware = parts.engine.build(
                parts.model, parts.wire, parts.board, Path(folder), parts.toolchain, objects=objects
            )
        except DoesNotFit as error:
            raise UsageError(
                f"the narrowest network of space {space.name} does not fit {target.device}: {error} Choose another."
            ) from error
    ram = firmware.ram_bytes - network_cost(arena_cost, narrowest.layers)
    flash = firmware.flash_bytes - network_cost(CONSTANTS, narrowest.layers)
    return {
        "ram_bytes": replace(arena_cost, name="ram", constant=ram),
        "flash_bytes": replace(CONSTANTS, name="flash", constant=flash),
    }


def _line(space: SearchSpace, model: LatencyModel) -> Cost:
    """Latency as a line over operations: the paper's cost, fitted to what the model of layers says."""
    random = np.random.default_rng(0)
    archs = [space.derive(space.sample(random)) for _ in range(LINE_NETWORKS)]
    latency = model.cost()
    ops = np.array([network_cost(OPS, arch.layers) for arch in archs])
    slope, intercept = np.polyfit(ops, [network_cost(latency, arch.layers) for arch in archs], 1)
    return replace(_times(OPS, float(slope)), name="latency by ops", unit="ms", constant=float(intercept))


def _times(cost: Cost, factor: float) -> Cost:
    """A cost times a number."""

    def scaled(row: CostRow) -> CostRow:
        return replace(row, value=lambda gated: factor * row.value(gated))

    return replace(cost, rows=tuple(map(scaled, cost.rows)), constant=factor * cost.constant)
