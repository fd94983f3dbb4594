# SPDX-License-Identifier: Apache-2.0
"""Costs of edges against one run of the pipeline over all that is executed: what one block of context misses."""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.timing.cores.cortex_m4 import CortexM4
from mlperf_tiny.runners.emulator.timing.cores.cortex_m7 import CortexM7
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from tests.fakes.thumb_code import assemble

# A loop of two loops, as a kernel has it: a dot product of words, then a few bytes one by one.
OUTER = "ldrd r0,r1,[r8],#8; movs r2,#7; movs r3,#0; movw r9,#30"
WORDS = (
    "0: ldr r4,[r0],#4; ldr r5,[r1],#4; sxtb16 r6,r4; sxtb16 r7,r5; smlad r3,r6,r7,r3; sxtb16 r4,r4,ror #8; "
    "sxtb16 r5,r5,ror #8; smlad r3,r4,r5,r3; subs r2,#1; bne 0b"
)
BETWEEN = "adds.w r3,r3,r10; movs r2,#3; ssat r3,#8,r3"
BYTES = "1: ldrb r4,[r0],#1; ldrsb r5,[r1],#1; smlabb r3,r4,r5,r3; subs r2,#1; bne 1b"
LAST = "strb r3,[r11],#1; cmp r11,r12; bne 9f"


def trace(blocks: list[Block]) -> list[tuple[Block, bool]]:
    """The blocks in the order they run, and whether each was jumped to."""
    outer, message, between, byte_loop, last = blocks
    ran = []
    for turn in range(10):
        ran += [(outer, turn > 0), (message, False), *[(message, True)] * 6, (between, False)]
        ran += [(byte_loop, False), *[(byte_loop, True)] * 2, (last, False)]
    return ran


def in_a_row(blocks: list[Block]) -> list[Block]:
    """The same code without the alignment gaps."""
    at, moved = blocks[0].address, []
    for block in blocks:
        moved.append(Block(at, block.code))
        at += len(block.code)
    return moved


@pytest.fixture(scope="module")
def kernel() -> list[Block]:
    return in_a_row(assemble([OUTER, WORDS, BETWEEN, BYTES, LAST]))


@pytest.mark.parametrize("shift", [0, 2, 4, 6])
@pytest.mark.parametrize(("model", "tolerance"), [(CortexM4(), 0.0), (CortexM7(), 0.02)], ids=["m4", "m7"])
def test_costs_of_edges_add_up_to_the_whole_run(
    model: CortexM4 | CortexM7, tolerance: float, shift: int, kernel: list[Block]
) -> None:
    blocks = [Block(block.address + shift, block.code) for block in kernel]
    ran = trace(blocks)
    edges = sum(
        model.cost(block, before, taken).cycles
        for (before, _), (block, taken) in zip([(None, False), *ran], ran, strict=False)
    )
    whole = model.cycles_of_run(ran)
    assert edges == pytest.approx(whole, rel=tolerance)
