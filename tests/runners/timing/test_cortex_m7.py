# SPDX-License-Identifier: Apache-2.0
"""Issue cycles of short sequences on the Cortex-M7, each as a cited measurement or model has it.

JNK: jnk0le's measurements of an STM32H743; LLVM: its scheduling model; TRM: Cortex-M7 Technical Reference Manual.
"""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.timing.cores.cortex_m7 import CortexM7
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BranchKind, Stall
from tests.fakes.thumb_code import AHEAD_BYTES, assemble

MODEL = CortexM7()

# Source, instructions, the cycle each is issued in.
ISSUED = [
    ("JNK: two ALU operations a cycle", "eor.w r0,r1,r2; orr.w r3,r4,r5; eor.w r6,r1,r2", "0 0 1"),
    ("JNK: movw and movt pair in spite of the register", "movw r0,#1; movt r0,#2", "0 0"),
    ("JNK: early ALU in the older slot forwards at once", "add.w r0,r1,r2; eor.w r3,r0,r4", "0 0"),
    ("JNK: logic is done in the late ALU", "eor.w r0,r1,r2; eor.w r3,r0,r4", "0 1"),
    ("JNK: late result as an address", "eor.w r0,r1,r2; ldr.w r3,[r0]", "0 2"),
    ("JNK: early result as an address", "add.w r0,r1,r2; ldr.w r3,[r0]", "0 1"),
    ("JNK: the younger slot has no early ALU for adds", "nop.w; add.w r0,r1,r2; ldr.w r3,[r0]", "0 0 2"),
    ("JNK: but one for shifts", "nop.w; lsl.w r0,r1,#2; ldr.w r3,[r0]", "0 0 1"),
    ("LLVM: late result as shifted operand", "eor.w r0,r1,r2; add.w r3,r4,r0,lsl #2", "0 2"),
    ("LLVM: late result as extracted field", "eor.w r0,r1,r2; ubfx r3,r0,#4,#4", "0 2"),
    ("JNK: SXTB16 feeds SMLAD in the next cycle", "sxtb16 r0,r1; smlad r2,r0,r3,r2", "0 1"),
    ("JNK: extension as an address", "uxtb.w r0,r1; ldr.w r3,[r0]", "0 2"),
    ("LLVM: REV to ALU", "rev.w r0,r1; add.w r2,r0,r3", "0 0"),
    ("LLVM: saturated result", "ssat r0,#8,r1; add.w r2,r0,r3", "0 2"),
    ("JNK: any result is stored in its own cycle", "ssat r0,#8,r1; strb.w r0,[r2]", "0 0"),
    ("LLVM: word load to ALU", "ldr.w r0,[r1]; eor.w r2,r0,r3", "0 1"),
    ("LLVM: word load to address", "ldr.w r0,[r1]; ldr.w r2,[r0]", "0 2"),
    ("LLVM: word load to index", "ldr.w r0,[r1]; ldr.w r2,[r3,r0]", "0 3"),
    ("JNK: word load to shifted operand", "ldr.w r0,[r1]; add.w r2,r3,r0,lsl #2", "0 2"),
    ("JNK: word load beside a shifted operand", "ldr.w r0,[r1]; add.w r2,r0,r3,lsl #2", "0 2"),
    ("JNK: word load to multiplicand", "ldr.w r0,[r1]; smlad r2,r0,r3,r2", "0 2"),
    ("JNK: word load to accumulator", "ldr.w r0,[r1]; smlad r2,r3,r4,r0", "0 1"),
    ("LLVM: byte load to ALU", "ldrb.w r0,[r1]; eor.w r2,r0,r3", "0 2"),
    ("JNK: byte load to shifted operand", "ldrb.w r0,[r1]; add.w r2,r3,r0,lsl #2", "0 3"),
    ("JNK: byte load to accumulator", "ldrb.w r0,[r1]; mla r2,r3,r4,r0", "0 1"),
    ("JNK: loaded word stored in its own cycle", "ldr.w r0,[r1]; str.w r0,[r2]", "0 0"),
    ("JNK: accumulators chain", "smlad r0,r1,r2,r0; smlad r0,r3,r4,r0; smlad r0,r5,r6,r0", "0 1 2"),
    ("JNK: product to ALU", "mul r0,r1,r2; eor.w r3,r0,r4", "0 2"),
    ("LLVM: product to address", "mul r0,r1,r2; ldr.w r3,[r0]", "0 4"),
    ("JNK: two multiplies", "mul r0,r1,r2; mul r3,r4,r5", "0 1"),
    ("JNK: multiply and store", "mul r0,r1,r2; str.w r3,[r4]", "0 1"),
    ("JNK: multiply and load", "mul r0,r1,r2; ldr.w r3,[r4]", "0 0"),
    ("JNK: two stores", "str.w r0,[r1]; str.w r2,[r3]", "0 1"),
    ("JNK: load and store", "str.w r0,[r1]; ldr.w r2,[r3]", "0 0"),
    ("JNK: two loads, both banks", "ldr.w r0,[r2]; ldr.w r1,[r2,#4]", "0 0"),
    ("JNK: two loads, one bank", "ldr.w r0,[r2]; ldr.w r1,[r2,#8]", "0 1"),
    ("JNK: post-indexed loads of two bases", "ldr.w r0,[r2],#4; ldr.w r1,[r3],#4", "0 0"),
    ("JNK: post-indexed loads of one base", "ldr.w r0,[r2],#4; ldr.w r1,[r2],#4", "0 1"),
    ("LLVM: store and load of one word", "str.w r0,[r1,#4]; ldr.w r2,[r1,#4]", "0 4"),
    ("JNK: extensions do not pair", "uxtb.w r0,r1; uxtb.w r2,r3", "0 1"),
    ("JNK: an extension goes first", "eor.w r0,r1,r2; uxtb.w r3,r4", "0 1"),
    ("JNK: older extension, younger ALU", "uxtb.w r3,r4; eor.w r0,r1,r2", "0 0"),
    ("JNK: older extension, younger multiply", "sxtb16 r0,r1; smlad r2,r3,r4,r2", "0 0"),
    ("JNK: two shifted operands", "add.w r0,r1,r2,lsl #3; add.w r3,r4,r5,lsl #3", "0 1"),
    ("JNK: two rotated constants", "eor r0,r1,#0x1fc0; eor r2,r3,#0x1fc0", "0 1"),
    ("JNK: two pattern constants", "eor r0,r1,#0x1b1b1b1b; eor r2,r3,#0x1b1b1b1b", "0 0"),
    ("JNK: shifted operand, then shift", "add.w r3,r4,r5,lsl #3; lsl.w r0,r1,#3", "0 0"),
    ("JNK: shift, then shifted operand", "lsl.w r0,r1,#3; add.w r3,r4,r5,lsl #3", "0 1"),
    ("JNK: extraction and shifted operand", "ubfx r0,r1,#1,#3; add.w r3,r4,r5,lsl #3", "0 1"),
    ("JNK: LDM of five takes three cycles", "ldm.w r0,{r1,r2,r3,r4,r5}; eor.w r6,r7,r8", "0 3"),
    ("JNK: PUSH of four takes two cycles", "push.w {r4,r5,r6,r7}; eor.w r0,r1,r2", "0 2"),
    ("JNK: LDRD alone", "ldrd r1,r2,[r0]; eor.w r3,r4,r5", "0 1"),
    ("LLVM: divide alone, seven cycles", "udiv r0,r1,r2; eor.w r3,r4,r5", "0 7"),
    ("LLVM: flags to a conditional instruction", "cmp.w r0,r1; it eq; moveq.w r2,r3", "0 0 1"),
    ("LLVM: result under another condition", "it eq; addeq.w r0,r1,r2; eor.w r3,r0,r4", "0 0 2"),
    ("JNK: compare and branch", "cmp.w r0,r1; beq.w 9f", "0 0"),
    ("LLVM: flags to carry", "adds.w r0,r1,r2; adc.w r3,r4,r5", "0 1"),
    ("JNK: VMUL to VADD", "vmul.f32 s0,s1,s2; vadd.f32 s3,s0,s4", "0 3"),
    ("JNK: VFMA accumulators", "vfma.f32 s0,s1,s2; vfma.f32 s0,s3,s4", "0 3"),
    ("JNK: VLDR to VADD", "vldr s0,[r0]; vadd.f32 s1,s0,s2", "0 1"),
    ("JNK: VFMA and VLDR do not pair", "vfma.f32 s0,s1,s2; vldr s5,[r0]", "0 1"),
]


@pytest.fixture(scope="module")
def blocks() -> dict[str, Block]:
    texts = [text for _, text, _ in ISSUED]
    return dict(zip(texts, assemble(texts), strict=True))


@pytest.mark.parametrize(("source", "text", "cycles"), ISSUED, ids=[row[0] for row in ISSUED])
def test_issue_cycles(source: str, text: str, cycles: str, blocks: dict[str, Block]) -> None:
    steps = MODEL.explain(blocks[text], None, False)
    assert " ".join(str(step.cycle) for step in steps) == cycles


def test_cost_is_issue_cycles_plus_stalls(blocks: dict[str, Block]) -> None:
    for text, block in blocks.items():
        cost = MODEL.cost(block, None, False)
        assert cost.cycles == cost.issue_cycles + sum(cost.stalls.values()), text
        assert cost.instructions == text.count(";") + 1


# Loops, by JNK's method: cycles of one round of a block after itself.
LOOPS = [
    ("JNK: twenty wide instructions", "0: " + "nop.w; " * 18 + "subs.w r9,r9,#1; bne.w 0b", 0, 10),
    ("published test: two narrow ones", "0: subs r0,#1; bne 0b", 0, 1),
    ("TRM: eight wide ones in four fetched words", "0: " + "nop.w; " * 7 + "bne.w 0b", 0, 4),
    ("TRM: the same in five fetched words", "0: " + "nop.w; " * 7 + "bne.w 0b", 4, 5),
    ("JNK: narrow ones make up for it", "0: " + "nop; nop; nop.w; " * 2 + "nop.w; bne.w 0b", 4, 4),
]


@pytest.mark.parametrize(("source", "text", "shift", "cycles"), LOOPS, ids=[row[0] for row in LOOPS])
def test_loops(source: str, text: str, shift: int, cycles: int) -> None:
    (block,) = assemble([text])
    moved = Block(block.address + shift, block.code)
    assert MODEL.cost(moved, moved, True).cycles == cycles


def test_results_cross_block_boundaries() -> None:
    multiply, use = assemble(["nop.w; mul r0,r1,r2", "eor.w r3,r0,r4; nop.w"])
    near, known = MODEL.cost(use, multiply, False), MODEL.cost(use, None, False)
    assert (near.cycles, known.cycles) == (2, 1)
    assert near.stalls == {Stall.RESULT: 1}


def test_an_it_block_may_be_cut_by_a_block_boundary() -> None:
    """A translation block ends every 1 KiB, wherever that is."""
    (whole,) = assemble(["cmp r0,r1; nop; itt eq; moveq r2,r3; addeq r4,r5,r6; eor.w r7,r4,r0"])
    before, after = Block(whole.address, whole.code[:8]), Block(whole.address + 8, whole.code[8:])
    conditional = [step.cycle for step in MODEL.explain(after, before, False)]
    plain = [step.cycle for step in MODEL.explain(after, before, True)]
    assert conditional == [0, 2]  # addeq feeds an unconditional instruction: one cycle more
    assert plain == [0, 0]


TERMINATORS = [
    ("nop; nop", BranchKind.FALL_THROUGH, False, 0),
    ("cmp r0,r1; beq 9f", BranchKind.CONDITIONAL, True, 8),
    ("cmp r0,r1; nop; nop; nop; nop; nop; beq 9f", BranchKind.CONDITIONAL, True, 6),
    ("nop; cbz r0,9f", BranchKind.CONDITIONAL, True, 8),
    ("b 9f", BranchKind.UNCONDITIONAL, False, 0),
    ("bl 9f", BranchKind.CALL, False, 0),
    ("blx r3", BranchKind.INDIRECT, False, 8),
    ("ldr pc,[r0,r1,lsl #2]", BranchKind.INDIRECT, False, 8),
    ("tbb [pc,r0]", BranchKind.INDIRECT, False, 8),
    ("bx lr", BranchKind.RETURN, False, 8),
    ("pop {r4,pc}", BranchKind.RETURN, False, 8),
    ("it eq; bxeq lr", BranchKind.RETURN, True, 8),
    ("it eq; beq 9f", BranchKind.CONDITIONAL, True, 8),
]


@pytest.fixture(scope="module")
def terminators() -> dict[str, Block]:
    texts = [row[0] for row in TERMINATORS]
    return dict(zip(texts, assemble(texts), strict=True))


@pytest.mark.parametrize(("text", "branch", "conditional", "mispredict"), TERMINATORS)
def test_terminators(
    text: str, branch: BranchKind, conditional: bool, mispredict: int, terminators: dict[str, Block]
) -> None:
    """JNK: 8 cycles for a wrong prediction, 6 with flags set three cycles before."""
    block = terminators[text]
    terminator = MODEL.cost(block, None, False).terminator
    assert (terminator.branch, terminator.conditional, terminator.mispredict_cycles) == (
        branch,
        conditional,
        mispredict,
    )
    if branch in (BranchKind.CONDITIONAL, BranchKind.UNCONDITIONAL, BranchKind.CALL):
        assert terminator.target == block.end + AHEAD_BYTES
