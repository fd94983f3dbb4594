# SPDX-License-Identifier: Apache-2.0
"""How closely device time is modelled: three levels, each including the one before.

``instructions``: one constant per class of instruction. ``pipeline``: the core's pipeline, and its branch prediction
where it predicts. ``full``: also the memory system. Instruction counts are exact and the same at each level.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.runners.emulator.timing import memory_system
from mlperf_tiny.runners.emulator.timing.cores.class_costs import cost_function
from mlperf_tiny.runners.emulator.timing.cores.core_table import CORES, Core, find_core
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BlockCost, BlockTerminator, BranchKind

LEVELS = ("instructions", "pipeline", "full")
DEFAULT_LEVEL = "full"
_CLASS_COSTS_VERSION = "1"
# Of runners.emulator.native.branches, which is not imported here: it imports the compiler.
_BRANCHES_VERSION = "1"


class CostModel:
    """The costs of blocks by the pipeline model of a core."""

    by_edge = True
    """Whether a block's cost depends on the block that ran before it."""

    def __init__(self, core: Core) -> None:
        self._model = core.pipeline

    def cost(self, block: Block, before: Block | None, taken: bool) -> BlockCost:
        """Return the cost of a block.

        Args:
            block: The block.
            before: The block that ran before it; None: unknown.
            taken: Whether that was left by a taken branch.
        """
        return self._model.cost(block, before, taken)


class ClassCostModel(CostModel):
    """One constant per class. Of the block before it matters only whether it was left by a taken branch."""

    by_edge = False

    def __init__(self, core: Core) -> None:
        if core.class_costs is None:
            raise UsageError(f"no instruction class costs for the core {core.name!r}; use --timing pipeline.")
        self._taken_cycles = core.class_costs.taken
        self._cost = cost_function(core.class_costs)

    def cost(self, block: Block, before: Block | None, taken: bool) -> BlockCost:
        """Return the cost of a block.

        Args:
            block: The block.
            before: Not used.
            taken: Whether it was reached by a taken branch.
        """
        cost = self._cost(block.code, block.address)
        cycles = cost.cycles + (self._taken_cycles if taken else 0)
        return BlockCost(
            instructions=cost.instructions,
            cycles=cycles,
            terminator=BlockTerminator(BranchKind.FALL_THROUGH),
            issue_cycles=cycles,
        )


@dataclass(frozen=True, kw_only=True)
class Level:
    """One timing level on one board."""

    name: str
    """One of ``LEVELS``."""
    model: str
    """The level and the versions of the models it uses for this board's core, as records keep it. Equal names give
    equal cycles for equal images."""
    generation: int
    """Results of one generation are ranked together (``Core.timing_generation``)."""
    cost_model: CostModel
    """The costs of blocks."""
    predicts_branches: bool
    """Whether branches are predicted, and mispredicted ones cost cycles."""
    watches_memory: bool
    """Whether instruction fetches and data accesses go through the memory system."""


def find_level(name: str, board: Board) -> Level:
    """The level called ``name`` on ``board``.

    Args:
        name: One of ``LEVELS``.
        board: The emulated board.

    Raises:
        UsageError: There is no such level, or no model of it for this board.
    """
    if name not in LEVELS:
        raise UsageError(f"no timing level {name!r}; choose one of {', '.join(LEVELS)}.{did_you_mean(name, LEVELS)}")
    core = find_core(board.cpu)
    if name == "full":
        memory_system.memory_system_of(board)
    by_class = name == "instructions"
    return Level(
        name=name,
        model=_model_name(name, core),
        generation=core.timing_generation,
        cost_model=ClassCostModel(core) if by_class else CostModel(core),
        predicts_branches=core.predicts_branches and not by_class,
        watches_memory=name == "full",
    )


def _model_name(level: str, core: Core) -> str:
    if level == "instructions":
        return f"instructions, class costs {_CLASS_COSTS_VERSION}"
    parts = [level, f"{core.name} {core.pipeline.version}"]
    if core.predicts_branches:
        parts.append(f"branches {_BRANCHES_VERSION}")
    if level == "full":
        parts.append(f"memory {memory_system.VERSION}")
    return ", ".join(parts)


def model_of_core(recorded: str, cpu: str) -> str:
    """A recorded timing model without the parts that do not concern the core it was recorded for.

    Earlier versions of this program listed the versions of all cores. Compare names only after both went through here.

    Args:
        recorded: ``timing_model`` of a record, of any age.
        cpu: The core of the record's device.

    Returns:
        The name as ``Level.model`` writes it today; names of another form unchanged.

    Examples:
        >>> model_of_core("pipeline, cortex-m4 2, cortex-m7 1, cortex-m33 1, branches 1", "cortex-m7")
        'pipeline, cortex-m7 1, branches 1'
        >>> model_of_core("pipeline, cortex-m4 2, cortex-m7 1, cortex-m33 1, branches 1", "cortex-m4")
        'pipeline, cortex-m4 2'
    """
    cores = {core.name: core for core in CORES}
    if cpu not in cores:
        return recorded
    others = tuple(f"{name} " for name in cores if name != cpu)
    if not cores[cpu].predicts_branches:
        others = (*others, "branches ")
    return ", ".join(part for part in recorded.split(", ") if not part.startswith(others))
