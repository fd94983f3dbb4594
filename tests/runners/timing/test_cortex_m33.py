# SPDX-License-Identifier: Apache-2.0
"""Cycles of short sequences on the Cortex-M33, as jnk0le measured them on an RP2350; all are M7 instructions too."""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.timing.cores.cortex_m33 import CortexM33
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, Stall
from tests.fakes.thumb_code import assemble

MODEL = CortexM33()

# What was measured, instructions, the cycle each is issued in.
ISSUED = [
    ("one a cycle", "adds r0,r1,r2; adds r3,r4,r5; eor.w r6,r7,r0", "0 1 2"),
    ("result of a shifted operand", "add.w r0,r1,r2,ror #24; add.w r3,r0,r4", "0 2"),
    ("result of a rotated constant", "eor r0,r1,#0x1fc0; add.w r3,r0,r4", "0 2"),
    ("result of a pattern constant", "eor r0,r1,#0x1b1b1b1b; add.w r3,r0,r4", "0 1"),
    ("BFI has one stage", "bfi r0,r1,#4,#4; add.w r3,r0,r4", "0 1"),
    ("product", "mul r0,r1,r2; add.w r3,r0,r4", "0 2"),
    ("product to accumulator", "smlad r0,r1,r2,r0; smlad r0,r3,r4,r0", "0 1"),
    ("product to multiplicand", "mul r0,r1,r2; mla r3,r0,r4,r5", "0 2"),
    ("shifted operand to accumulator", "add.w r0,r1,r2,lsl #1; mla r3,r4,r5,r0", "0 1"),
    ("extension with addition", "uxtab r0,r1,r2; add.w r3,r0,r4", "0 2"),
    ("extensions with addition chain", "uxtab r0,r0,r2; uxtab r0,r0,r3", "0 1"),
    ("plain extension", "uxtb.w r0,r1; add.w r3,r0,r4", "0 1"),
    ("load to use", "ldr.w r0,[r1]; add.w r3,r0,r4", "0 2"),
    ("load to accumulator", "ldr.w r0,[r1]; mla r3,r4,r5,r0", "0 1"),
    ("load to extension with addition", "ldr.w r0,[r1]; uxtab r3,r0,r4", "0 2"),
    ("load to store", "ldr.w r0,[r1]; str.w r0,[r2]", "0 1"),
    ("product to store", "mul r0,r1,r2; str.w r0,[r3]", "0 1"),
    ("LDRD", "ldrd r0,r1,[r2]; adds r3,r4,r5", "0 2"),
    ("LDM of four", "ldmia r4!,{r0,r1,r2,r3}; eors r0,r5", "0 4"),
    ("last register of LDM", "ldmia r4!,{r0,r1,r2,r3}; eors r3,r5", "0 5"),
    ("MULS", "muls r0,r1,r0; nop.w", "0 2"),
    ("flags from a rotated constant", "eors.w r0,r1,#0x1fc0; nop.w", "0 2"),
    ("flags from a shifted register", "adds.w r0,r1,r2,ror #23; adc.w r3,r4,r5", "0 2"),
    ("IT beside what is before it", "cmp.w r0,r1; it eq; moveq r2,r3", "0 0 1"),
    ("NOP, then a 16-bit operation", "nop; adds r0,r1,r2", "0 0"),
    ("a NOP after an operation", "adds r0,r1,r2; nop", "0 1"),
    ("two operations do not pair", "ldr r0,[r1]; adds r2,r3,r4", "0 1"),
    ("branch not taken after SUBS", "subs r7,#1; bne 9f", "0 0"),
    ("32-bit branch", "subs r7,#1; bne.w 9f", "0 1"),
    ("VFMA", "vfma.f32 s0,s1,s2; nop.w; nop.w; vfma.f32 s0,s1,s0", "0 1 2 3"),
    ("floating point after VFMA", "vfma.f32 s0,s1,s2; vadd.f32 s3,s4,s5", "0 3"),
]


@pytest.fixture(scope="module")
def blocks() -> dict[str, Block]:
    texts = [text for _, text, _ in ISSUED]
    return dict(zip(texts, assemble(texts), strict=True))


@pytest.mark.parametrize(("measured", "text", "cycles"), ISSUED, ids=[row[0] for row in ISSUED])
def test_issue_cycles(measured: str, text: str, cycles: str, blocks: dict[str, Block]) -> None:
    steps = MODEL.explain(blocks[text], None, False)
    assert " ".join(str(step.cycle) for step in steps) == cycles
    cost = MODEL.cost(blocks[text], None, False)
    assert cost.cycles == cost.issue_cycles + sum(cost.stalls.values())


@pytest.mark.parametrize(
    ("loop", "cycles"),
    [
        ("0: subs r7,#1; bne 0b", 3),  # 1, and 2 for the branch
        ("0: subs r7,#1; adds.n r0,r1; bne 0b", 4),  # the addition sets flags too
        ("0: subs r7,#1; mov r0,r1; bne 0b", 3),  # 1, 1, and 1 for the branch
        ("0: subs r7,#1; ldmia r6!,{r0,r1,r2,r3}; bne 0b", 6),  # 1, 4, 1
        ("0: subs r7,#1; mov.w r0,r1; bne 0b", 4),  # no pair after a 32-bit instruction
    ],
)
def test_loops(loop: str, cycles: int) -> None:
    (block,) = assemble([loop])
    assert MODEL.cost(block, block, True).cycles == cycles


def test_refill_is_part_of_the_taken_edge() -> None:
    call, target = assemble(["bl 9f", "movs r0,#1"])
    assert MODEL.cost(target, call, True).stalls == {Stall.BRANCH: 1}
    assert MODEL.cost(call, None, False).taken_cycles == 1
