# SPDX-License-Identifier: Apache-2.0
"""How closely device time is modelled: three levels, each with the one before it inside.

``instructions``: one constant per class of instruction. ``pipeline``: the core's pipeline, and the Cortex-M7's branch
prediction. ``full``: also the memory system. Instruction counts are exact and the same at each.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.runners.emulator.timing import memory_system
from mlperf_tiny.runners.emulator.timing.cores.core_models import CORE_MODELS, find_core_model
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, Ending, Exit, Price
from mlperf_tiny.runners.emulator.timing.instruction_costs import cost_function, timing_of

LEVELS = ("instructions", "pipeline", "full")
DEFAULT_LEVEL = "pipeline"
_CLASS_COSTS_VERSION = "1"
# Of runners.emulator.branch_native, which is not imported here: it takes the compiler along.
_BRANCHES_VERSION = "1"


class Pricing:
    """``price`` gives a block's price. Without ``by_edge`` it does not depend on which block ran before."""

    by_edge = True

    def __init__(self, cpu: str) -> None:
        self._model = find_core_model(cpu)

    def price(self, block: Block, before: Block | None, taken: bool) -> Price:
        """See ``CoreModel.price``."""
        return self._model.price(block, before, taken)


class ClassPricing(Pricing):
    """One constant per class; of what ran before it matters only whether it was left by a branch."""

    by_edge = False

    def __init__(self, cpu: str) -> None:
        self._taken_cycles = timing_of(cpu).taken
        self._cost = cost_function(timing_of(cpu))

    def price(self, block: Block, before: Block | None, taken: bool) -> Price:
        """See ``CoreModel.price``."""
        cost = self._cost(block.code, block.address)
        cycles = cost.cycles + (self._taken_cycles if taken else 0)
        return Price(cost.instructions, cycles, Ending(Exit.FALL_THROUGH), issue_cycles=cycles)


@dataclass(frozen=True)
class Level:
    """One level on one board.

    ``model`` names the level and the versions of all its parts, as records keep it: figures are worth comparing where
    it is equal. It is the same for all boards, so the versions of all cores are in it.
    """

    name: str
    model: str
    pricing: Pricing
    predicts: bool
    watches_memory: bool


def find_level(name: str, board: Board) -> Level:
    """The level called ``name``; raises UsageError when there is none, or none for this board."""
    if name not in LEVELS:
        raise UsageError(f"there is no timing level {name!r}; choose one of {', '.join(LEVELS)}.")
    if name == "instructions":
        words = f"instructions, class costs {_CLASS_COSTS_VERSION}"
        return Level(name, words, ClassPricing(board.cpu), predicts=False, watches_memory=False)
    cores = ", ".join(f"{core} {model.version}" for core, model in CORE_MODELS.items())
    words = f"{name}, {cores}, branches {_BRANCHES_VERSION}"
    if name == "full":
        memory_system.memory_system_of(board)
        words += f", memory {memory_system.VERSION}"
    return Level(name, words, Pricing(board.cpu), predicts=board.cpu == "cortex-m7", watches_memory=name == "full")
