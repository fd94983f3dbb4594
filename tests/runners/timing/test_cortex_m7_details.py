# SPDX-License-Identifier: Apache-2.0
"""Stalls, reasons, register lists, the early ALU, stores and flags on the Cortex-M7, worked by hand.

The numbers are those of the measurements and models that ``cortex_m7_tables`` cites: JNK, LLVM, TRM. Two instructions
are issued in a cycle where nothing forbids it: the n-th of independent ones (from 0) in cycle n // 2.
"""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.timing.cores.cortex_m7 import CortexM7
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BranchKind, IssuedInsn, Stall
from tests.fakes.thumb_code import assemble

MODEL = CortexM7()
FOUR = "nop.w; nop.w; nop.w; nop.w; "  # cycles 0 and 1
EIGHT = FOUR + FOUR  # cycles 0 to 3

# Why, instructions, the cycle each is issued in.
ISSUED = [
    # JNK: LDM reads two words a cycle; a loaded word is an address two cycles later (LLVM).
    ("first loaded word", "ldm.w r0,{r1,r2,r3,r4,r5,r6}; ldr.w r7,[r1]", "0 3"),
    ("fourth loaded word, read in the second cycle", "ldm.w r0,{r1,r2,r3,r4}; ldr.w r7,[r4]", "0 3"),
    ("second loaded word, read in the first cycle", "ldm.w r0,{r1,r2,r3,r4}; ldr.w r7,[r2]", "0 2"),
    ("fifth loaded word", "ldm.w r0,{r1,r2,r3,r4,r5,r6}; ldr.w r7,[r5]", "0 4"),
    ("fifth loaded word as an index", "ldm.w r0,{r1,r2,r3,r4,r5,r6}; ldr.w r7,[r8,r5]", "0 5"),
    ("the same a cycle later", "nop.w; nop.w; ldm.w r0,{r1,r2,r3,r4}; ldr.w r7,[r4]", "0 0 1 4"),
    ("the base is written at once", "ldm.w r0!,{r1,r2,r3,r4,r5,r6,r7,r8}; ldr.w r9,[r0]", "0 4"),
    ("the base is there early", "ldm.w r0!,{r1,r2,r3,r4,r5,r6,r7,r8}; add.w r9,r0,r10; ldr.w r11,[r9]", "0 4 5"),
    ("the base of stores too", "stm.w r0!,{r1,r2,r3,r4,r5,r6,r7,r8}; add.w r9,r0,r10; ldr.w r11,[r9]", "0 4 5"),
    ("the base is no loaded word", "ldm.w r0!,{r1,r2}; ldr.w r9,[r2]", "0 2"),
    ("eighth loaded word", "ldm.w r0,{r1,r2,r3,r4,r5,r6,r7,r8}; ldr.w r9,[r8]", "0 5"),
    # A product is stored four cycles after VMLA (JNK); VSTM stores two words a cycle: later ones may come later.
    ("first stored word waits for its product", "vmla.f32 s0,s8,s9; vstm r0,{s0,s1,s2,s3,s4,s5}", "0 4"),
    ("second stored word too", "vmla.f32 s1,s8,s9; vstm r0,{s0,s1,s2,s3,s4,s5}", "0 4"),
    ("third stored word a cycle less", "vmla.f32 s2,s8,s9; vstm r0,{s0,s1,s2,s3,s4,s5}", "0 3"),
    ("fourth as the third", "vmla.f32 s3,s8,s9; vstm r0,{s0,s1,s2,s3,s4,s5}", "0 3"),
    ("fifth stored word two cycles less", "vmla.f32 s4,s8,s9; vstm r0,{s0,s1,s2,s3,s4,s5}", "0 2"),
    ("first word of STM, there two cycles later", "it eq; muleq r0,r8,r9; stm.w r7,{r0,r1,r2,r3,r4}", "0 0 2"),
    ("third word of STM a cycle less", "it eq; muleq r2,r8,r9; stm.w r7,{r0,r1,r2,r3,r4}", "0 0 1"),
    # JNK: the early ALU wants its operands a cycle earlier; its result is an address one cycle later instead of two.
    ("operand a cycle before: late", "eor.w r0,r1,r2; add.w r3,r0,r4; ldr.w r5,[r3]", "0 1 3"),
    ("second operand a cycle before: late", "eor.w r0,r1,r2; add.w r3,r4,r0; ldr.w r5,[r3]", "0 1 3"),
    (
        "operand two cycles before: early",
        "eor.w r0,r1,r2; nop.w; nop.w; nop.w; add.w r3,r0,r4; ldr.w r5,[r3]",
        "0 0 1 1 2 3",
    ),
    (
        "operand long before: early",
        "eor.w r0,r1,r2; nop.w; " + FOUR + "nop.w; nop.w; add.w r3,r0,r4; ldr.w r5,[r3]",
        "0 0 1 1 2 2 3 3 4 5",
    ),
    (
        "the same two cycles later: late",
        FOUR + "eor.w r0,r1,r2; nop.w; add.w r3,r0,r4; ldr.w r5,[r3]",
        "0 0 1 1 2 2 3 5",
    ),
    ("an updated base is there two cycles later", "ldr.w r0,[r1],#4; nop.w; add.w r2,r1,r3; ldr.w r4,[r2]", "0 0 1 3"),
    (
        "an updated base two cycles before: early",
        "ldr.w r0,[r1],#4; nop.w; nop.w; nop.w; add.w r2,r1,r3; ldr.w r4,[r2]",
        "0 0 1 1 2 3",
    ),
    ("an updated base for a shift", "ldr.w r0,[r1],#4; nop.w; lsl.w r2,r1,#2; ldr.w r4,[r2]", "0 0 1 2"),
    ("a product two cycles before: late", "mul r0,r1,r2; add.w r3,r0,r4; ldr.w r5,[r3]", "0 2 4"),
    ("a word loaded a cycle before: late", "ldr.w r0,[r1]; nop.w; add.w r2,r0,r3; ldr.w r4,[r2]", "0 0 1 3"),
    ("a shift beside a shifted operand: late", "add.w r0,r1,r2,lsl #2; lsl.w r3,r4,#1; ldr.w r5,[r3]", "0 0 2"),
    ("a shift beside an extraction: late", "ubfx r0,r1,#4,#4; lsl.w r3,r4,#1; ldr.w r5,[r3]", "0 0 2"),
    ("an add with a shifted operand: late", "add.w r0,r1,r2,lsl #2; ldr.w r5,[r0]", "0 2"),
    ("a conditional add: late, and a cycle more", "it eq; addeq.w r0,r1,r2; ldr.w r5,[r0]", "0 0 3"),
    # LLVM: one cycle more under another condition, at most three in all.
    ("a conditional result, the same condition", "itt eq; addeq.w r0,r1,r2; eoreq.w r3,r0,r4", "0 0 1"),
    ("a conditional result, the other one", "ite eq; addeq.w r0,r1,r2; eorne.w r3,r0,r4", "0 0 2"),
    ("a conditional result, stored", "nop.w; it eq; addeq.w r0,r1,r2; str.w r0,[r3]", "0 0 1 2"),
    ("a result that is always there, under a condition", "eor.w r0,r1,r2; it eq; addeq.w r3,r0,r4", "0 0 1"),
    ("a conditional product: two and one", "it eq; muleq r0,r1,r2; eor.w r3,r0,r4", "0 0 3"),
    ("a conditional product as an address: four as ever", "it eq; muleq r0,r1,r2; ldr.w r3,[r0]", "0 0 4"),
    # LLVM: flags of a compare with shifted operand come in two cycles.
    ("flags of a shifted compare", "cmp.w r0,r1,lsl #2; it eq; moveq.w r2,r3", "0 0 2"),
    ("flags of a product", "muls r0,r1,r0; it eq; moveq.w r2,r3", "0 0 2"),
    # LLVM: a load of the word that was stored waits for the store, four cycles.
    ("store and load of one word, later on", EIGHT + "str.w r0,[r1,#4]; ldr.w r2,[r1,#4]", "0 0 1 1 2 2 3 3 4 8"),
    ("store and load of another word", "str.w r0,[r1,#4]; ldr.w r2,[r1,#8]", "0 0"),
    ("store and load of another size", "str.w r0,[r1,#4]; ldrb.w r2,[r1,#4]", "0 0"),
    ("store and load from another base", "str.w r0,[r1,#4]; ldr.w r2,[r3,#4]", "0 0"),
    ("the base was written in between", "str.w r0,[r3,#4]; add.w r3,r3,r5; ldr.w r2,[r3,#4]", "0 0 2"),
    ("a lower register was written", "str.w r0,[r3,#4]; mov.w r1,#5; ldr.w r2,[r3,#4]", "0 0 4"),
    ("a higher register was written", "str.w r0,[r3,#4]; mov.w r5,#5; ldr.w r2,[r3,#4]", "0 0 4"),
    ("two loads of one word", "ldr.w r0,[r1,#4]; ldr.w r2,[r1,#4]", "0 1"),
    ("a store after a load of its word", "ldr.w r0,[r1,#4]; str.w r2,[r1,#4]", "0 0"),
    ("two stores of one word", "str.w r0,[r1,#4]; str.w r2,[r1,#4]", "0 1"),
    ("a load of two words is issued alone", "ldr.w r0,[r1]; ldrd r2,r3,[r1,#4]", "0 1"),
    ("offsets in registers are unknown", "str.w r0,[r1,r2]; ldr.w r3,[r1,r2]", "0 0"),
    ("a store that moves its base", "str.w r0,[r1,#4]!; ldr.w r3,[r1,#4]", "0 1"),
    ("a load that moves its base", "str.w r0,[r1,#4]; ldr.w r3,[r1,#4]!", "0 0"),
    # JNK: loads collide by bank, other pairs do not.
    ("a load and an add of one base", "ldr.w r0,[r2]; add.w r1,r2,#8", "0 0"),
    ("a load and a store to one bank", "ldr.w r0,[r2]; str.w r1,[r2,#8]", "0 0"),
    ("a store and a load from one bank", "str.w r0,[r2]; ldr.w r1,[r2,#8]", "0 0"),
    # Long operations: what follows waits for their end, and for their result from then on.
    ("a quotient as an address", "udiv r0,r1,r2; ldr.w r3,[r0]", "0 8"),
    ("a load after a store of the same word in time", "str.w r0,[r1]; udiv r3,r4,r5; ldr.w r2,[r1]", "0 1 8"),
]

# Instructions; of the last one: cycle, lost cycles by cause, and what it waited for.
REASONS = [
    ("nop.w", 0, {}, ""),
    ("nop; nop; nop", 1, {}, ""),
    ("nop; nop; nop; nop", 1, {}, ""),
    ("nop.w; nop.w; nop.w", 1, {}, "fetch"),
    ("uxtb.w r0,r1; uxtb.w r2,r3", 1, {}, "two bit-field or SIMD operations"),
    ("nop; nop; nop; nop; uxtb.w r0,r1; uxtb.w r2,r3", 3, {}, "two bit-field or SIMD operations"),
    ("eor.w r0,r1,r2; uxtb.w r3,r4", 1, {}, "bit-field and SIMD in the older slot only"),
    ("ldr.w r0,[r2]; ldr.w r1,[r2,#8]", 1, {}, "two loads from one bank"),
    ("ldr.w r0,[r2]; ldr.w r1,[r2,#4]", 0, {}, ""),
    ("eor.w r0,r1,r2; eor.w r3,r0,r4", 1, {}, "r0"),
    ("mul r0,r1,r2; eor.w r3,r0,r4", 2, {Stall.RESULT: 1}, "r0"),
    ("mul r0,r1,r2; ldr.w r3,[r0]", 4, {Stall.ADDRESS: 3}, "r0"),
    ("mul r0,r1,r2; ldr.w r3,[r4,r0]", 4, {Stall.ADDRESS: 3}, "r0"),
    ("mul r6,r1,r2; ldr.w r3,[r6]", 4, {Stall.ADDRESS: 3}, "r6"),
    ("ldr.w r0,[r1]; ldr.w r2,[r3,r0]", 3, {Stall.LOAD_USE: 2}, "r0"),
    ("ldrb.w r0,[r1]; eor.w r2,r0,r3", 2, {Stall.LOAD_USE: 1}, "r0"),
    ("vldr s0,[r0]; vmla.f32 s0,s1,s2", 3, {Stall.LOAD_USE: 2}, "s0"),
    ("str.w r0,[r1,#4]; ldr.w r2,[r1,#4]", 4, {Stall.MEMORY: 3}, "store of the same word"),
    ("udiv r0,r1,r2", 0, {Stall.MULTI_CYCLE: 6}, ""),
    ("ldm.w r0,{r1,r2,r3,r4,r5}", 0, {Stall.MEMORY: 2}, ""),
    ("push.w {r4,r5,r6,r7}", 0, {Stall.MEMORY: 1}, ""),
    ("mul r0,r1,r2; ldm.w r0,{r1,r2,r3,r4}", 4, {Stall.ADDRESS: 3, Stall.MEMORY: 1}, "r0"),
    ("mul r0,r1,r2; udiv r3,r0,r4", 2, {Stall.RESULT: 1, Stall.MULTI_CYCLE: 6}, "r0"),
    ("nop.w; udiv r3,r0,r4", 1, {Stall.MULTI_CYCLE: 6}, "issued alone"),
]

# Instructions that end with a conditional branch; JNK: 6 cycles for a wrong prediction of flags that were set three
# cycles before the branch, 8 for later ones.
MISPREDICTED = [
    ("nop; beq 9f", 6),
    ("cmp r0,r1; nop; nop; nop; nop; beq 9f", 8),
    ("cmp r0,r1; nop; nop; nop; nop; nop; beq 9f", 6),
    ("cmp r0,r1; nop; nop; nop; nop; nop; nop; nop; beq 9f", 6),
    ("nop; nop; nop; nop; cmp r0,r1; nop; nop; beq 9f", 8),
    ("nop; nop; nop; nop; cmp r0,r1; nop; nop; nop; nop; beq 9f", 8),
    ("nop; nop; nop; nop; cmp r0,r1; nop; nop; nop; nop; nop; beq 9f", 6),
    ("nop; nop; nop; cbz r0,9f", 8),
    ("cbz r0,9f", 8),
]


SIX_WIDE = "nop.w; " * 5 + "nop.w"


@pytest.fixture(scope="module")
def code() -> dict[str, Block]:
    texts = [text for _, text, _ in ISSUED] + [row[0] for row in (*REASONS, *MISPREDICTED)] + [SIX_WIDE]
    return dict(zip(texts, assemble(texts), strict=True))


def explained(block: Block) -> tuple[IssuedInsn, ...]:
    return MODEL.explain(block, None, False)


@pytest.mark.parametrize(("why", "text", "cycles"), ISSUED, ids=[row[0] for row in ISSUED])
def test_issue_cycles(why: str, text: str, cycles: str, code: dict[str, Block]) -> None:
    assert " ".join(str(step.cycle) for step in explained(code[text])) == cycles


@pytest.mark.parametrize(("text", "cycle", "stalls", "blocker"), REASONS, ids=[row[0] for row in REASONS])
def test_reasons(text: str, cycle: int, stalls: dict[Stall, int], blocker: str, code: dict[str, Block]) -> None:
    last = explained(code[text])[-1]
    assert (last.cycle, dict(last.stalls), last.blocker) == (cycle, stalls, blocker)


@pytest.mark.parametrize(("text", "cycles"), MISPREDICTED)
def test_wrong_predictions(text: str, cycles: int, code: dict[str, Block]) -> None:
    terminator = MODEL.cost(code[text], None, False).terminator
    assert (terminator.branch, terminator.mispredict_cycles) == (BranchKind.CONDITIONAL, cycles)


def test_the_first_word_is_fetched_when_a_block_begins(code: dict[str, Block]) -> None:
    """TRM: 64 aligned bits a cycle. From the middle of a word one instruction comes first, then two a cycle."""
    block = code[SIX_WIDE]
    middle = Block(block.address + 4, block.code[4:])
    assert [step.cycle for step in explained(middle)] == [0, 1, 1, 2, 2]
    assert [step.blocker for step in explained(middle)] == ["", "fetch", "", "fetch", ""]
    assert [step.slot for step in explained(middle)] == [0, 0, 1, 0, 1]


def test_an_empty_block_falls_through() -> None:
    cost = MODEL.cost(Block(0x0800_0000, b""), None, False)
    assert (cost.cycles, cost.terminator.branch) == (0, BranchKind.FALL_THROUGH)
