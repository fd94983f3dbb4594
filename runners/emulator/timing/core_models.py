# SPDX-License-Identifier: Apache-2.0
"""The pipeline models there are, by the compiler's name of the core."""

from __future__ import annotations

from harness.errors import UsageError
from runners.emulator.thumb import Instruction, Kind, decode_block
from runners.emulator.timing.core_model import Block, CoreModel, Ending, Exit, Price, Step
from runners.emulator.timing.instruction_costs import TIMINGS, instruction_cycles

_MISPREDICT_CYCLES = {"cortex-m4": 0, "cortex-m7": 8}


class ClassCosts:
    """One constant a class behind the interface of a pipeline model; the edge matters only for the refill."""

    version = "0"

    def __init__(self, name: str) -> None:
        self.name = name
        self._timing = TIMINGS[name]

    def price(self, block: Block, before: Block | None, taken: bool) -> Price:
        """See ``CoreModel.price``."""
        decoded = tuple(decode_block(block.code, block.address))
        own = max(1, int(sum(instruction_cycles(self._timing, one) for one in decoded) + 0.5))
        cycles = own + (self._timing.taken if taken else 0)
        return Price(len(decoded), cycles, self._ending(decoded), cycles, taken_cycles=self._timing.taken)

    def explain(self, block: Block, before: Block | None, taken: bool) -> tuple[Step, ...]:
        """See ``CoreModel.explain``."""
        return ()

    def _ending(self, decoded: tuple[Instruction, ...]) -> Ending:
        last = decoded[-1]
        mispredict = _MISPREDICT_CYCLES[self.name]
        if last.kind is Kind.BRANCH_CONDITIONAL:
            return Ending(Exit.CONDITIONAL, conditional=True, mispredict_cycles=mispredict)
        if last.kind is Kind.BRANCH or last.writes_pc:
            return Ending(Exit.INDIRECT, mispredict_cycles=mispredict)
        return Ending(Exit.FALL_THROUGH)


def find_core_model(cpu: str) -> CoreModel:
    """The pipeline model of a core; raises UsageError when there is none."""
    if cpu not in TIMINGS:
        raise UsageError(f"there is no pipeline model for the core {cpu!r}; there are {', '.join(TIMINGS)}.")
    return ClassCosts(cpu)
