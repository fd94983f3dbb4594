# SPDX-License-Identifier: Apache-2.0
"""What a translation has to know of the timing level, and what the edges of a function cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlperf_tiny.runners.emulator.native.state import REGION_ROWS, State
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BlockCost, BranchKind
from mlperf_tiny.runners.emulator.timing.levels import CostModel
from mlperf_tiny.runners.emulator.translate.guest.access import Place
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestBlock


@dataclass(frozen=True)
class CacheShape:
    """A level 1 cache that is switched on."""

    line_bits: int
    """Of an address within a line."""
    set_mask: int
    """Of a line's number."""
    ways: int
    """Lines of a set."""


@dataclass(frozen=True)
class Reach:
    """Addresses that are reached in one way: a row of the state's regions."""

    first: int
    """The first address."""
    end: int
    """The address after the last."""
    path: int
    """NO_WAIT, CACHED or ACCELERATED."""
    is_flash: bool
    """Whether they are the flash's."""


@dataclass(frozen=True)
class Memories:
    """The memory system as the firmware has set it up: all that a translation at the level ``full`` is made for."""

    regions: tuple[Reach, ...]
    """In the order in which they are looked up."""
    instruction_cache: CacheShape | None
    """None: there is none, or it is off."""
    data_cache: CacheShape | None
    """None: there is none, or it is off."""
    accelerator_line_bits: int
    """Of the flash accelerator."""
    instruction_lines: int
    """Of the flash accelerator; 0: off."""
    data_lines: int
    """Of it for data; 0: off, -1: shared."""

    def region_of(self, address: int) -> Reach | None:
        """The region that holds an address."""
        return next((region for region in self.regions if region.first <= address < region.end), None)


@dataclass(frozen=True)
class Setting:
    """What is the same for all functions of a board: part of the key of a translation."""

    level: str
    """The level's name, with the versions of its models."""
    by_edge: bool
    """Whether costs depend on the block before."""
    predicts_branches: bool
    """Whether branches are predicted."""
    keeps_q: bool
    """Whether Q is kept."""
    ram: Place
    """What can be read and written."""
    flash: Place
    """What can be read."""
    memories: Memories | None
    """None: accesses are not charged."""


def memories_of(state: State) -> Memories:
    """The memory system as it stands."""
    rows = state.regions[:REGION_ROWS]
    accelerator = state.instruction_accelerator
    return Memories(
        regions=tuple(Reach(row.first, row.end, row.path, bool(row.is_flash)) for row in rows if row.end),
        instruction_cache=_shape(state.instruction_cache),
        data_cache=_shape(state.data_cache),
        accelerator_line_bits=state.memory.accelerator_line_bits,
        instruction_lines=accelerator.lines,
        data_lines=state.data_accelerator.lines,
    )


def _shape(cache: Any) -> CacheShape | None:
    return CacheShape(cache.line_bits, cache.set_mask, cache.ways) if cache.on else None


@dataclass(frozen=True)
class EdgeCost:
    """A static edge of a function, and what running over it once adds."""

    before: int
    """Number of the block before, in the order of the function's blocks."""
    block: int
    """Number of the block it leads to."""
    taken: bool
    """Whether it leads anywhere but to the next address."""
    cost: BlockCost
    """Of the block on this edge."""


def edge_cost(model: CostModel, before: GuestBlock, block: GuestBlock, numbers: tuple[int, int]) -> EdgeCost:
    """The cost of an edge.

    Args:
        model: The level's.
        before: The block before.
        block: The block it leads to.
        numbers: Of both.
    """
    taken = before.end != block.address
    earlier = Block(before.address, before.code) if model.by_edge else None
    cost = model.cost(Block(block.address, block.code), earlier, taken)
    return EdgeCost(numbers[0], numbers[1], taken, cost)


def may_vary(block: GuestBlock) -> bool:
    """Whether what a wrong prediction of a block's branch costs may depend on the block before: on older flags."""
    operation = block.last.operation
    return operation.branch is BranchKind.CONDITIONAL and not operation.consumes
