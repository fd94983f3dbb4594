# SPDX-License-Identifier: Apache-2.0
"""What every pipeline model must do, whatever its figures."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import unicorn.arm_const as arm

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import BOARDS
from mlperf_tiny.runners.emulator.timing.cores.core_table import CORES, emulation_of, find_core
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, CoreModel


def test_every_emulated_board_has_an_emulated_core() -> None:
    for board in BOARDS:
        if board.cpu.startswith("cortex"):
            core = find_core(board.cpu)
            assert core.name == core.pipeline.name == board.cpu
            assert emulation_of(board.cpu) is core.emulation


def test_rows_have_names_of_their_own_and_known_generations() -> None:
    assert len({core.name for core in CORES}) == len(CORES)
    assert all(core.timing_generation >= 1 for core in CORES)
    assert all(hasattr(arm, f"UC_CPU_ARM_{core.emulation.unicorn_cpu}") for core in CORES if core.emulation)


def test_unknown_core() -> None:
    with pytest.raises(UsageError, match=r"no timing model for the core 'cortex-m85'; known cores: .*cortex-m4, "):
        find_core("cortex-m85")


def test_a_core_that_is_only_timed_cannot_be_emulated() -> None:
    with pytest.raises(UsageError, match=r"the core 'cortex-m33' cannot be emulated; cores that can: .*cortex-m4, "):
        emulation_of("cortex-m33")


@pytest.mark.parametrize("model", [core.pipeline for core in CORES], ids=[core.name for core in CORES])
def test_any_bytes_have_a_cost(model: CoreModel) -> None:
    """Code the core would refuse is met too: data after a branch that is never taken."""
    source = random.Random(7)
    before = None
    for _ in range(80):
        block = Block(0x0800_0000 + 2 * source.randrange(512), source.randbytes(2 * source.randrange(1, 40)))
        for taken in (False, True):
            cost = model.cost(block, before, taken)
            steps = model.explain(block, before, taken)
            assert cost.cycles == cost.issue_cycles + sum(cost.stalls.values()) >= 0
            assert len(steps) == cost.instructions > 0
            assert all(first.cycle <= second.cycle for first, second in pairwise(steps))
            assert cost == model.cost(block, before, taken)
        before = block
