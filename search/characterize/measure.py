# SPDX-License-Identifier: Apache-2.0
"""What a network takes on an emulated board, before it is trained: built with random weights, run, measured by layer.

As ``benchmark-profile`` does it: the same image, the same session, the second inference of three. Kernels and
monitor are compiled once for a device; of a new network only its own code is compiled.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import DoesNotFit
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.codegen.tflite.check_graph import MAX_CHANNELS_IN_ALL
from mlperf_tiny.harness.image.build import source_digest
from mlperf_tiny.harness.image.engines import DEFAULT_ENGINE
from mlperf_tiny.harness.image.parts import ImageParts, RecordedModel, resolve_parts
from mlperf_tiny.harness.profile.measure import profile_elf
from mlperf_tiny.harness.run.short_inputs import random_inputs
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.untrained import untrained_tflite
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, find_level


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is measured on; figures of different targets are never put together."""

    device: str
    """The board."""
    engine: str = DEFAULT_ENGINE
    """The engine."""
    timing: str = DEFAULT_LEVEL
    """Name of the timing level."""

    @property
    def board(self) -> Board:
        """The board's row."""
        return find_board(self.device)

    @property
    def timing_model(self) -> str:
        """The level with the versions of its parts, as records have it."""
        return find_level(self.timing, self.board).model


@dataclass(frozen=True, kw_only=True)
class LayerMeasurement:
    """What one layer of a network took."""

    layer: int
    """Its index in ``Arch.layers``."""
    cycles: int
    """Modelled."""
    instructions: int
    """Exact."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a network took on a target. All is zero where it does not fit, but what it needs."""

    fits: bool
    """Whether flash and RAM suffice."""
    cycles: int = 0
    """Of one inference, modelled."""
    instructions: int = 0
    """Of one inference, exact."""
    ram_bytes: int = 0
    """Of the image: arena, stack, data."""
    flash_bytes: int = 0
    """Of the image."""
    arena_bytes: int = 0
    """Part of ``ram_bytes``."""
    latency_ms: float = 0.0
    """``cycles`` at the board's clock."""
    energy_uj: float | None = None
    """``latency_ms`` at the power measured on such a board; None where none is known."""
    layers: tuple[LayerMeasurement, ...] = ()
    """In the order of the file; a reshape takes nothing and has no row."""


def measure(arch: Arch, target: Target, objects: Path | None = None, seed: int = 0) -> Measurement:
    """Build a network with random weights for a target, run it on the emulated board, and return what it took.

    One whose constants alone exceed the flash, or that has more channels than are read, is not built.

    Args:
        arch: The network.
        target: Device, engine and timing level.
        objects: Folder in which compiled kernels are kept between networks; None: they are compiled again.
        seed: Of weights and input.

    Raises:
        UsageError: The device, engine or level does not exist or cannot be used here.
        BuildError: The engine refuses the network, other than for its size.
        TransportError, ProtocolError: The firmware fails.
    """
    constants_bytes = sum(layer.weights + 4 * layer.biases for layer in arch.layers)
    channels = sum(layer.biases for layer in arch.layers)
    if constants_bytes > target.board.memory("flash").size_bytes or channels > MAX_CHANNELS_IN_ALL:
        return Measurement(fits=False, flash_bytes=constants_bytes)  # whatever the engine; nothing is compiled
    return measure_parts(untrained_parts(arch, target, seed), target.timing, objects)


def measure_parts(parts: ImageParts, timing: str, objects: Path | None = None) -> Measurement:
    """Build the image of a model, run it on the emulated board, and return what it took.

    Args:
        parts: What the image is built from.
        timing: Name of the timing level.
        objects: As of ``measure``.

    Raises:
        BuildError, TransportError, ProtocolError: As of ``measure``.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            made, firmware = parts.engine.build(
                parts.model, parts.wire, parts.board, Path(folder), parts.toolchain, objects=objects
            )
        except DoesNotFit as error:
            return _too_large(error, parts.model.arena_bytes)
        sample = random_inputs(parts.model.input.size_bytes)[0]
        layers, total = profile_elf(parts, firmware.elf, sample, timing)
    by_layer: dict[int, tuple[int, int]] = {}
    for row in layers:
        cycles, instructions = by_layer.get(row.operator, (0, 0))
        by_layer[row.operator] = (cycles + row.counts.cycles, instructions + row.counts.instructions)
    latency_ms = 1e3 * total.cycles / parts.board.clock_hz
    return Measurement(
        fits=True,
        cycles=total.cycles,
        instructions=total.instructions,
        ram_bytes=firmware.ram_bytes,
        flash_bytes=firmware.flash_bytes,
        arena_bytes=made.arena_bytes,
        latency_ms=latency_ms,
        energy_uj=_energy_uj(parts, latency_ms),
        layers=tuple(
            LayerMeasurement(layer=number, cycles=cycles, instructions=instructions)
            for number, (cycles, instructions) in sorted(by_layer.items())
        ),
    )


def untrained_parts(arch: Arch, target: Target, seed: int = 0) -> ImageParts:
    """Return what the image of a network with random weights is built from.

    Args:
        arch: The network.
        target: Device and engine.
        seed: Of the weights.

    Raises:
        UsageError, BuildError: As of ``measure``.
    """
    content = untrained_tflite(arch, seed)
    model = RecordedModel(name=arch.name, task="", input_format="features", content=content)
    return resolve_parts(target.engine, target.board, model)


def target_settings(target: Target, arch: Arch) -> dict[str, Any]:
    """Return all that measurements on a target depend on, besides networks, as JSON values.

    Args:
        target: The target.
        arch: Any network that is measured; it is compiled, not built.

    Raises:
        UsageError, BuildError: As of ``measure``.
    """
    model = untrained_parts(arch, target).model
    return {
        "target": asdict(target),
        "timing_model": target.timing_model,
        "engine_version": model.engine_version,
        "kernels": model.kernels,
        "sources": source_digest(),
    }


def _too_large(error: DoesNotFit, arena_bytes: int) -> Measurement:
    ram, flash = (error.need_bytes if error.region == name else 0 for name in ("ram", "flash"))
    return Measurement(fits=False, arena_bytes=arena_bytes, ram_bytes=ram, flash_bytes=flash)


def _energy_uj(parts: ImageParts, latency_ms: float) -> float | None:
    power = parts.board.power
    return None if power is None else 1e3 * power.active_w * latency_ms
