# SPDX-License-Identifier: Apache-2.0
"""What instructions read and write, against tables written by hand and against an independent disassembler."""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.timing.decode.block import decode_block, it_state_after
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BranchKind
from mlperf_tiny.runners.emulator.timing.decode.operation import FLAGS, PC, S0, InsnKind, Operation, register_name
from tests.fakes.thumb_code import assemble

# Instruction, kind, what it needs as role:registers, what it makes.
OPERATIONS = [
    ("adds r0,r1,r2", InsnKind.ADD_MOVE, "operand:r1,r2", "r0,flags"),
    ("movs r0,#5", InsnKind.ADD_MOVE, "", "r0,flags"),
    ("mov r8,r9", InsnKind.ADD_MOVE, "operand:r9", "r8"),
    ("lsls r0,r1,#3", InsnKind.SHIFT, "operand:r1", "r0,flags"),
    ("lsr.w r0,r1,r2", InsnKind.SHIFT, "operand:r1,r2", "r0"),
    ("adcs r0,r1", InsnKind.LOGIC, "operand:r0,r1,flags", "r0,flags"),
    ("cmp r0,r9", InsnKind.LOGIC, "operand:r0,r9", "flags"),
    ("tst.w r0,#3", InsnKind.LOGIC, "operand:r0", "flags"),
    ("mvn.w r0,r1", InsnKind.LOGIC, "operand:r1", "r0"),
    ("add.w r0,r1,r2,lsl #3", InsnKind.ADD_MOVE, "beside_early:r1 early:r2", "r0"),
    ("cmp.w r0,r1,asr #2", InsnKind.LOGIC, "beside_early:r0 early:r1", "flags"),
    ("bfi r0,r1,#4,#4", InsnKind.BIT_FIELD, "beside_early:r0 early:r1", "r0"),
    ("bfc r0,#4,#4", InsnKind.BIT_FIELD, "beside_early:r0", "r0"),
    ("movt r0,#4", InsnKind.ADD_MOVE, "operand:r0", "r0"),
    ("sxtab16 r0,r1,r2,ror #8", InsnKind.EXTEND, "beside_early:r1 early:r2", "r0"),
    ("uxtb r0,r1", InsnKind.EXTEND, "operand:r1", "r0"),
    ("pkhbt r0,r1,r2,lsl #16", InsnKind.EXTEND, "beside_early:r1 early:r2", "r0"),
    ("pkhtb r0,r1,r2,asr #16", InsnKind.EXTEND, "early:r1,r2", "r0"),
    ("sadd16 r0,r1,r2", InsnKind.PARALLEL, "operand:r1,r2", "r0,GE"),
    ("sel r0,r1,r2", InsnKind.PARALLEL, "operand:r1,r2,GE", "r0"),
    ("qadd r0,r1,r2", InsnKind.SATURATE, "operand:r1,r2", "r0"),
    ("qdadd r0,r1,r2", InsnKind.SATURATE, "early:r1,r2", "r0"),
    ("ssat r0,#8,r1,asr #2", InsnKind.SATURATE, "early:r1", "r0"),
    ("clz r0,r1", InsnKind.PARALLEL, "operand:r1", "r0"),
    ("rev16 r0,r1", InsnKind.REVERSE, "early:r1", "r0"),
    ("muls r0,r1,r0", InsnKind.MULTIPLY, "multiplicand:r0,r1", "r0,flags"),
    ("smlad r0,r1,r2,r3", InsnKind.MULTIPLY, "multiplicand:r1,r2 accumulator:r3", "r0"),
    ("smull r0,r1,r2,r3", InsnKind.MULTIPLY, "multiplicand:r2,r3", "r0,r1"),
    ("smlald r0,r1,r2,r3", InsnKind.MULTIPLY, "multiplicand:r2,r3 accumulator:r0,r1", "r0,r1"),
    ("usada8 r0,r1,r2,r3", InsnKind.SATURATE, "operand:r1,r2 accumulator:r3", "r0"),
    ("sdiv r0,r1,r2", InsnKind.DIVIDE, "operand:r1,r2", "r0"),
    ("ldr.w r0,[r1],#4", InsnKind.LOAD, "address:r1", "r0,r1"),
    ("ldrb.w r0,[r1,r2,lsl #1]", InsnKind.LOAD, "address:r1 index:r2", "r0"),
    ("ldr r0,[sp,#8]", InsnKind.LOAD, "address:sp", "r0"),
    ("pld [r1,#8]", InsnKind.LOAD, "address:r1", ""),
    ("str r0,[r1,r2]", InsnKind.STORE, "address:r1 index:r2 stored:r0", ""),
    ("strh.w r0,[r1,#-2]!", InsnKind.STORE, "address:r1 stored:r0", "r1"),
    ("ldrd r0,r1,[r2,#8]!", InsnKind.LOAD_MULTIPLE, "address:r2", "r0,r1,r2"),
    ("strd r0,r1,[r2]", InsnKind.STORE_MULTIPLE, "address:r2 stored:r0,r1", ""),
    ("ldm r0!,{r1,r2}", InsnKind.LOAD_MULTIPLE, "address:r0", "r0,r1,r2"),
    ("ldm r0,{r0,r2}", InsnKind.LOAD_MULTIPLE, "address:r0", "r0,r2"),
    ("push {r4,lr}", InsnKind.STORE_MULTIPLE, "address:sp stored:r4,lr", "sp"),
    ("vldr s3,[r0,#4]", InsnKind.LOAD, "address:r0", "s3"),
    ("vldr d1,[r0]", InsnKind.LOAD_MULTIPLE, "address:r0", "s2,s3"),
    ("vstmia r0!,{s2,s3}", InsnKind.STORE_MULTIPLE, "address:r0 fp_stored:s2,s3", "r0"),
    ("vadd.f32 s0,s1,s2", InsnKind.FP_ADD, "fp_operand:s1,s2", "s0"),
    ("vmul.f32 s0,s1,s2", InsnKind.FP_MULTIPLY, "fp_multiplicand:s1,s2", "s0"),
    ("vfma.f32 s0,s1,s2", InsnKind.FP_FUSED, "fp_multiplicand:s1,s2 fp_accumulator:s0", "s0"),
    ("vmla.f32 s0,s1,s2", InsnKind.FP_MAC, "fp_multiplicand:s1,s2 fp_accumulator:s0", "s0"),
    ("vsqrt.f32 s0,s1", InsnKind.FP_ROOT, "fp_operand:s1", "s0"),
    ("vcmp.f32 s0,s1", InsnKind.FP_ADD, "fp_operand:s0,s1", "FPSCR"),
    ("vmrs APSR_nzcv,fpscr", InsnKind.FP_STATUS, "fp_moved:FPSCR", "flags"),
    ("vmov r0,s1", InsnKind.FP_TO_CORE, "fp_moved:s1", "r0"),
    ("vmov s0,r1", InsnKind.FP_FROM_CORE, "operand:r1", "s0"),
    ("vmov d0,r1,r2", InsnKind.FP_FROM_CORE, "operand:r1,r2", "s0,s1"),
    ("vcvt.s32.f32 s0,s1", InsnKind.FP_ADD, "fp_operand:s1", "s0"),
    ("mrs r0,primask", InsnKind.SYSTEM, "operand:flags", "r0"),
    ("bl 9f", InsnKind.BRANCH, "", "lr"),
    ("blx r3", InsnKind.BRANCH, "operand:r3", "lr"),
    ("dsb", InsnKind.BARRIER, "", ""),
    ("nop.w", InsnKind.NOP, "", ""),
]


@pytest.fixture(scope="module")
def blocks() -> dict[str, Block]:
    texts = [row[0] for row in OPERATIONS]
    return dict(zip(texts, assemble(texts), strict=True))


def spelled(operation: Operation) -> tuple[str, str]:
    consumes: dict[str, list[int]] = {}
    for register, consumer in operation.consumes:
        consumes.setdefault(consumer.name.lower(), []).append(register)
    needed = " ".join(f"{role}:{names(registers)}" for role, registers in consumes.items())
    return needed, names([register for register, _ in operation.produces])


def names(registers: list[int]) -> str:
    return ",".join(register_name(register) for register in sorted(registers))


@pytest.mark.parametrize(("text", "kind", "consumes", "produces"), OPERATIONS, ids=[row[0] for row in OPERATIONS])
def test_operations(text: str, kind: InsnKind, consumes: str, produces: str, blocks: dict[str, Block]) -> None:
    (decoded,) = decode_block(blocks[text])
    assert decoded.operation.kind is kind
    needed = " ".join(f"{role}:{','.join(sorted_names(regs))}" for role, regs in parsed(consumes))
    assert spelled(decoded.operation) == (needed, ",".join(sorted_names(produces.split(","))))


def parsed(consumes: str) -> list[tuple[str, list[str]]]:
    return [(role, registers.split(",")) for role, registers in (one.split(":") for one in consumes.split())]


def sorted_names(wanted: list[str]) -> list[str]:
    numbers = {register_name(number): number for number in range(S0 + 32) if number < 19 or number >= S0}
    return sorted((name for name in wanted if name), key=lambda name: numbers[name])


# The disassembler's own mistakes: it calls the last operand of these instructions neither read nor written.
MISSED_BY_CAPSTONE = (
    "pkh",
    "sxta",
    "uxta",
    "ssat",
    "usat",
    "smlal",
    "umlal",
    "vldm",
    "vstm",
    "vpush",
    "vpop",
    "usada8",
)


def test_registers_as_capstone_has_them(blocks: dict[str, Block]) -> None:
    capstone = pytest.importorskip("capstone", reason="needs the disassembler capstone")
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    engine.detail = True
    compared = 0
    for text, block in blocks.items():
        if text.startswith(MISSED_BY_CAPSTONE):
            continue
        instruction = next(engine.disasm(block.code, block.address))
        read, written = (flat(instruction, registers) for registers in instruction.regs_access())
        operation = decode_block(block)[0].operation
        assert {register_name(r) for r, _ in operation.consumes if is_plain(r)} == read, text
        assert {register_name(r) for r, _ in operation.produces if is_plain(r)} == written, text
        compared += 1
    assert compared > 40


def is_plain(register: int) -> bool:
    return register < PC or register >= S0


def flat(instruction: object, registers: list[int]) -> set[str]:
    found = set()
    for register in registers:
        name = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12"}.get(
            spelling := instruction.reg_name(register),  # type: ignore[attr-defined]
            spelling,
        )
        if name[0] == "d" and name[1:].isdigit():
            found |= {f"s{2 * int(name[1:])}", f"s{2 * int(name[1:]) + 1}"}
        elif (name[0] in "rs" and (name[1:].isdigit() or name == "sp")) or name == "lr":
            found.add(name)
    return found


def test_it_blocks() -> None:
    (block,) = assemble(["cmp r0,r1; ittee lt; movlt r2,r3; addlt r4,r5,r6; cmpge r0,r2; ldrge r7,[r0]; adds r1,#1"])
    decoded = decode_block(block)
    assert [one.operation.condition for one in decoded] == [None, None, 11, 11, 10, 10, None]
    assert [one.operation.sets_flags for one in decoded] == [True, False, False, False, True, False, True]
    assert all((FLAGS in dict(one.operation.consumes)) == (one.operation.condition is not None) for one in decoded)
    assert it_state_after(decoded) == 0
    assert it_state_after(decoded[:3]) != 0


def test_branch_targets() -> None:
    texts = ["beq 9f", "beq.w 9f", "b 9f", "b.w 9f", "bl 9f", "cbnz r0,9f"]
    for text, block in zip(texts, assemble(texts), strict=True):
        (decoded,) = decode_block(block)
        assert decoded.operation.target_offset == len(block.code) + 12, text
    (backwards,) = assemble(["0: nop; nop; bne 0b"])
    assert decode_block(backwards)[-1].operation.target_offset == -4
    assert decode_block(backwards)[-1].operation.branch is BranchKind.CONDITIONAL


def test_undefined_code_is_decoded_as_nops() -> None:
    assert [one.operation.kind for one in decode_block(Block(0, b"\xff\xff\xff\xff"))] == [InsnKind.NOP]
    assert len(decode_block(Block(0, b"\x00\xbf\x00\xf0"))) == 2
