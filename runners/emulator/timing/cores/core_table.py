# SPDX-License-Identifier: Apache-2.0
"""The cores whose time is modelled, one row each: adding a core is one module with its pipeline, and one row here."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.runners.emulator.timing.cores import cortex_m4, cortex_m7
from mlperf_tiny.runners.emulator.timing.cores.class_costs import ClassCosts
from mlperf_tiny.runners.emulator.timing.cores.cortex_m4 import CortexM4
from mlperf_tiny.runners.emulator.timing.cores.cortex_m7 import CortexM7
from mlperf_tiny.runners.emulator.timing.cores.cortex_m33 import CortexM33
from mlperf_tiny.runners.emulator.timing.decode.core_model import CoreModel


@dataclass(frozen=True, kw_only=True)
class UnalignedCost:
    """Cycles an access off its own alignment costs on top."""

    read: int
    """Of a load."""
    write: int
    """Of a store."""
    odd_word: int
    """Added for a word at an odd address, which is split into three accesses."""


@dataclass(frozen=True, kw_only=True)
class CoreEmulation:
    """Facts of a core that the emulated board needs beside its timing."""

    unicorn_cpu: str
    """The name of Unicorn's CPU model: ``UC_CPU_ARM_...`` without the prefix."""
    ccr: int
    """Configuration and control register (CCR) at reset."""
    clidr: int
    """Cache level id register (CLIDR)."""
    ctr: int
    """Cache type register (CTR)."""
    dwt_locked: bool
    """Whether the DWT's registers are locked until the key is written to its lock access register."""
    unaligned: UnalignedCost
    """Cost of unaligned accesses at the timing level ``full``."""


@dataclass(frozen=True, kw_only=True)
class Core:
    """One core."""

    name: str
    """The compiler's name of the core, such as ``"cortex-m7"``; ``Board.cpu`` holds it."""
    pipeline: CoreModel
    """The pipeline model, with its version."""
    timing_generation: int
    """Results of one generation are ranked together. Raise it when the timing of this core changes so much that old
    and new results are not comparable; a new core starts at the newest generation of the table."""
    predicts_branches: bool
    """Whether branches are predicted, so that mispredicted ones cost cycles."""
    class_costs: ClassCosts | None
    """Constants of the timing level ``instructions``; None where there are none."""
    emulation: CoreEmulation | None
    """None for a core that is only timed by benchmarks and tests, not emulated."""


CORES: tuple[Core, ...] = (
    Core(
        name="cortex-m4",
        pipeline=CortexM4(),
        timing_generation=1,
        predicts_branches=False,
        class_costs=cortex_m4.CLASS_COSTS,
        emulation=CoreEmulation(
            unicorn_cpu="CORTEX_M4",
            ccr=0x0000_0200,
            clidr=0,
            ctr=0x8000_C000,
            dwt_locked=False,
            unaligned=UnalignedCost(read=1, write=1, odd_word=1),
        ),
    ),
    Core(
        name="cortex-m7",
        pipeline=CortexM7(),
        timing_generation=1,
        predicts_branches=True,
        class_costs=cortex_m7.CLASS_COSTS,
        emulation=CoreEmulation(
            unicorn_cpu="CORTEX_M7",
            ccr=0x0004_0200,
            clidr=0x0900_0003,
            ctr=0x8303_C003,
            dwt_locked=True,
            unaligned=UnalignedCost(read=3, write=0, odd_word=0),
        ),
    ),
    Core(
        name="cortex-m33",
        pipeline=CortexM33(),
        timing_generation=1,
        predicts_branches=False,
        class_costs=None,
        emulation=None,
    ),
)

_BY_NAME = {core.name: core for core in CORES}


def find_core(name: str) -> Core:
    """Return the row of a core by its compiler name; raises UsageError when there is none.

    Examples:
        >>> find_core("cortex-m7").predicts_branches
        True
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(_BY_NAME)
        meant = did_you_mean(name, _BY_NAME)
        raise UsageError(f"no timing model for the core {name!r}; known cores: {known}.{meant}") from None


def emulation_of(name: str) -> CoreEmulation:
    """Return the emulator's facts of a core; raises UsageError for one that cannot be emulated."""
    emulation = find_core(name).emulation
    if emulation is None:
        able = ", ".join(core.name for core in CORES if core.emulation is not None)
        raise UsageError(f"the core {name!r} cannot be emulated; cores that can: {able}.")
    return emulation
