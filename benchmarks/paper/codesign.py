# SPDX-License-Identifier: Apache-2.0
"""MCUNet's co-design: which networks fit a board under TFLM's memory, and which under the compiled engine's.

MCUNet (arXiv 2007.10319, section 4.2 and its table of co-design) scales MobileNetV2 and ProxylessNAS to a board, and
searches with TinyNAS, once with an interpreter's memory and once with TinyEngine's. Here the memories are those of TFLM
of today and of the compiled engine, from shapes: nothing is trained, so networks are compared by their operations, as
TinyNAS's first stage compares parts of its space.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from benchmarks.paper.networks import find_network, mobilenetv2, proxyless, scaled_width
from benchmarks.paper.published import ENLARGED, MEASURED
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Block, Bottleneck, Conv, GlobalPool
from mlperf_tiny.models.arch.memory import tflite_bytes, tflm_ram_bytes
from mlperf_tiny.search.cost.analytic import CONSTANTS
from mlperf_tiny.search.cost.cost import plain_layers
from mlperf_tiny.search.cost.memory import ARENA
from mlperf_tiny.search.space.choice import Choice, OpenBlock, Part, Stage
from mlperf_tiny.search.space.space import SearchSpace
from mlperf_tiny.search.space.spaces import find_space

SIDES = tuple(range(48, 225, 16))
"""Of the input, as in MCUNet."""
PART_WIDTHS = tuple(n / 10 for n in range(2, 11))
"""Width multipliers of the parts of the space, as in MCUNet."""
WIDTHS = tuple(n / 20 for n in range(4, 21))
"""Width multipliers of MobileNetV2 and ProxylessNAS: MCUNet's published ones are multiples of 0.05."""
SAMPLES = 100
"""Networks drawn from each part; the paper draws 1000."""
FEWEST_FITTING = 10
"""A part with fewer networks that fit has no mean to speak of."""
ENGINES = ("tflm", "compiled")


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """What an image takes besides what follows from the shapes of its network, in bytes."""

    ram: float
    """Besides the arena: stack, data; without the copy of the sample that the benchmark's monitor keeps."""
    flash: float
    """Besides constants, or besides the model's file: code, vectors."""


def overheads(networks: Mapping[str, Any]) -> dict[str, Overhead]:
    """Return the median overhead of each engine's images in what was measured of the MicroNets paper on its boards.

    Args:
        networks: Measured figures by network.
    """
    found: dict[str, list[Overhead]] = {engine: [] for engine in ENGINES}
    for name, network in networks.items():
        for target, got in network["measured"].items():
            engine = target.split()[1]
            if got["fits"] and name in MEASURED and not target.startswith(ENLARGED):
                arch = find_network(name)
                ram = got["ram_bytes"] - got["arena_bytes"] - prod(arch.input_shape)
                found[engine].append(Overhead(ram=ram, flash=got["flash_bytes"] - shape_bytes(arch, engine)[1]))
    return {
        engine: Overhead(
            ram=statistics.median(row.ram for row in rows), flash=statistics.median(row.flash for row in rows)
        )
        for engine, rows in found.items()
    }


def shape_bytes(arch: Arch, engine: str) -> tuple[float, float]:
    """Return the arena and the constants of a network, from its shapes.

    Args:
        arch: The network.
        engine: "tflm" (constants: the model's file) or "compiled".
    """
    if engine == "tflm":
        return tflm_ram_bytes(arch), tflite_bytes(arch)
    layers = plain_layers(arch.layers)
    return float(ARENA.of_layers(layers)), float(CONSTANTS.of_layers(layers))


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A network with what it takes."""

    name: str
    """Of the network."""
    macs: int
    """Multiply-accumulates of one inference."""
    bytes_by_engine: Mapping[str, tuple[float, float]]
    """RAM and flash, by engine; RAM as ``Overhead`` has it."""

    def fits(self, engine: str, device: str) -> bool:
        """Return whether a device holds the image of an engine."""
        board = find_board(device)
        sizes = zip(self.bytes_by_engine[engine], ("ram", "flash"), strict=True)
        return all(need <= board.memory(name).size_bytes for need, name in sizes)


def sized(arch: Arch, overhead: Mapping[str, Overhead]) -> Sized:
    """Return a network with what its images take.

    Args:
        arch: The network.
        overhead: By engine.
    """
    found = {}
    for engine in ENGINES:
        arena, constants = shape_bytes(arch, engine)
        found[engine] = (arena + overhead[engine].ram, constants + overhead[engine].flash)
    return Sized(name=arch.name, macs=arch.macs, bytes_by_engine=found)


def _scaled_part(part: Part, width: float, channels: int) -> tuple[Part, int]:
    """A part of the space with its channels scaled, and how many come out; factors of expansion stay."""
    if not isinstance(part, Stage):
        return _scaled_block(part, width, channels)
    blocks = []
    for block in part.blocks:
        scaled, channels = _scaled_block(block, width, channels)
        blocks.append(scaled)
    return replace(part, blocks=tuple(blocks)), channels


def _scaled_block(block: Block | OpenBlock, width: float, channels: int) -> tuple[Block | OpenBlock, int]:
    if isinstance(block, OpenBlock):
        fields = dict(block.fields)
        fields["filters"] = scaled_width(fields["filters"], width)
        # All blocks of a stage have the same width, so what comes in does not depend on its depth.
        factors = fields["expansion"].factor.options
        fields["expansion"] = Choice(tuple(factor * channels for factor in factors))
        return replace(block, fields=tuple(fields.items())), fields["filters"]
    if isinstance(block, Bottleneck):
        scaled = scaled_width(block.expansion, width)
        block = replace(block, expansion=scaled, filters=scaled_width(block.filters, width))
    elif isinstance(block, Conv):
        block = replace(block, filters=scaled_width(block.filters, width))
    else:
        raise ValueError(f"space tinynas-vww has a {type(block).__name__} before its pool, which is not scaled here")
    return block, block.filters


def part_of(space: SearchSpace, width: float, side: int) -> SearchSpace:
    """Return the part of a space of one width multiplier and one side of the input; the classifier is not scaled.

    Args:
        space: The space, such as tinynas-vww: stages of bottlenecks of one width each.
        width: Of all channels.
        side: Of the input.
    """
    end = space.parts.index(GlobalPool())
    parts: list[Part] = []
    channels = space.input_shape[2]
    for part in space.parts[:end]:
        scaled, channels = _scaled_part(part, width, channels)
        parts.append(scaled)
    shape = (side, side, space.input_shape[2])
    return replace(space, name=f"w{width:g}-r{side}", parts=(*parts, *space.parts[end:]), sides=None, input_shape=shape)


def sampled_parts(overhead: Mapping[str, Overhead], log: Callable[[str], None]) -> dict[str, list[Sized]]:
    """Return random networks of each part of TinyNAS's space.

    Args:
        overhead: By engine.
        log: Gets a line for each side of the input.
    """
    space = find_space("tinynas-vww")
    found = {}
    for side in SIDES:
        for width in PART_WIDTHS:
            part = part_of(space, width, side)
            random = np.random.default_rng(0)
            found[part.name] = [sized(part.derive(part.sample(random)), overhead) for _ in range(SAMPLES)]
        log(f"co-design: networks of side {side}")
    return found


def scaled_networks(overhead: Mapping[str, Overhead]) -> dict[str, list[Sized]]:
    """Return MobileNetV2 and ProxylessNAS at all widths and sides, with two classes.

    Args:
        overhead: By engine.
    """
    families: dict[str, Callable[..., Arch]] = {"MobileNetV2": mobilenetv2, "ProxylessNAS": proxyless}
    return {
        name: [sized(make(width, side, classes=2), overhead) for width in WIDTHS for side in SIDES]
        for name, make in families.items()
    }


def _largest(networks: Sequence[Sized]) -> dict[str, Any]:
    if not networks:
        return {"fitting": 0}
    most = max(networks, key=lambda row: row.macs)
    return {"fitting": len(networks), "largest": most.name, "macs": most.macs}


def co_design(networks: Mapping[str, Any], devices: Sequence[str], log: Callable[[str], None]) -> dict[str, Any]:
    """Return which networks fit each device under each engine's memory.

    Args:
        networks: Measured figures by network, for the overheads.
        devices: The boards.
        log: Gets lines on the progress.

    Returns:
        By device and family, for each engine: how many fit, and the one of most operations; of TinyNAS's space also the
        part that its first stage chooses.
    """
    overhead = overheads(networks)
    families, parts = scaled_networks(overhead), sampled_parts(overhead, log)
    drawn = [row for rows in parts.values() for row in rows]
    found: dict[str, Any] = {}
    for device in devices:
        found[device] = {}
        for family, rows in (*families.items(), ("TinyNAS", drawn)):
            by_engine = {}
            for engine in ENGINES:
                by_engine[engine] = _largest([row for row in rows if row.fits(engine, device)])
                if family == "TinyNAS":
                    by_engine[engine] |= _first_stage(parts, engine, device)
            found[device][family] = {"networks": len(rows), **by_engine}
    return {"overheads": {name: vars(row) for name, row in overhead.items()}, "devices": found}


def _first_stage(parts: Mapping[str, Sequence[Sized]], engine: str, device: str) -> dict[str, Any]:
    """The part whose fitting networks have the most operations on average."""
    fitting = {name: [row.macs for row in rows if row.fits(engine, device)] for name, rows in parts.items()}
    means = {name: statistics.fmean(macs) for name, macs in fitting.items() if len(macs) >= FEWEST_FITTING}
    if not means:
        return {}
    best = max(means, key=lambda name: means[name])
    return {"part": best, "part_fitting": len(fitting[best]) / len(parts[best]), "part_mean_macs": round(means[best])}
