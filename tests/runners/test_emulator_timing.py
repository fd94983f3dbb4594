# SPDX-License-Identifier: Apache-2.0
"""Instruction lengths and classes, against encodings taken from a disassembler."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from runners.emulator.thumb import Kind, branches_to_itself, decode_block
from runners.emulator.timing import CORTEX_M4, CORTEX_M7, BlockCost, cost_function, timing_of


def halfwords(text: str) -> bytes:
    return b"".join(int(word, 16).to_bytes(2, "little") for word in text.split())


@pytest.mark.parametrize(
    ("code", "kind", "registers", "writes_pc"),
    [
        ("b5d0", Kind.STORE_MULTIPLE, 4, False),  # push {r4, r6, r7, lr}
        ("bd80", Kind.LOAD_MULTIPLE, 2, True),  # pop {r7, pc}
        ("bcf0", Kind.LOAD_MULTIPLE, 4, False),  # pop {r4-r7}
        ("c807", Kind.LOAD_MULTIPLE, 3, False),  # ldmia r0!, {r0-r2}
        ("4770", Kind.BRANCH, 1, False),  # bx lr
        ("4780", Kind.BRANCH, 1, False),  # blx r0
        ("46f7", Kind.BRANCH, 1, True),  # mov pc, lr
        ("4620", Kind.DATA, 1, False),  # mov r0, r4
        ("4348", Kind.MULTIPLY, 1, False),  # muls r0, r1
        ("4801", Kind.LOAD, 1, False),  # ldr r0, [pc, #4]
        ("5821", Kind.LOAD, 1, False),  # ldr r1, [r4, r0]
        ("5021", Kind.STORE, 1, False),  # str r1, [r4, r0]
        ("5621", Kind.LOAD, 1, False),  # ldrsb r1, [r4, r0]
        ("7008", Kind.STORE, 1, False),  # strb r0, [r1]
        ("9801", Kind.LOAD, 1, False),  # ldr r0, [sp, #4]
        ("b150", Kind.BRANCH_CONDITIONAL, 1, False),  # cbz r0
        ("d204", Kind.BRANCH_CONDITIONAL, 1, False),  # bcs
        ("e04a", Kind.BRANCH, 1, False),  # b
        ("df00", Kind.SYSTEM, 1, False),  # svc 0
        ("bf48", Kind.IF_THEN, 1, False),  # it mi
        ("bf00", Kind.DATA, 1, False),  # nop
        ("b662", Kind.SYSTEM, 1, False),  # cpsie i
        ("ba00", Kind.DATA, 1, False),  # rev
        ("f644 4400", Kind.DATA, 1, False),  # movw
        ("eb02 00d0", Kind.DATA, 1, False),  # add.w shifted
        ("fa0f f081", Kind.DATA, 1, False),  # sxth.w
        ("fb00 f201", Kind.MULTIPLY, 1, False),  # mul.w
        ("fb21 0302", Kind.MULTIPLY, 1, False),  # smlad
        ("fb81 0102", Kind.MULTIPLY, 1, False),  # smull
        ("fb90 f0f1", Kind.DIVIDE, 1, False),  # sdiv
        ("fbb0 f0f1", Kind.DIVIDE, 1, False),  # udiv
        ("f8d0 1004", Kind.LOAD, 1, False),  # ldr.w
        ("f850 1b04", Kind.LOAD, 1, False),  # ldr.w post-indexed
        ("f8c0 1004", Kind.STORE, 1, False),  # str.w
        ("f8df f010", Kind.LOAD, 1, True),  # ldr pc, [pc, #16]
        ("e9d0 1200", Kind.LOAD_MULTIPLE, 2, False),  # ldrd
        ("e9c0 1200", Kind.STORE_MULTIPLE, 2, False),  # strd
        ("e92d 41f0", Kind.STORE_MULTIPLE, 6, False),  # push {r4-r8, lr}
        ("e8bd 81f0", Kind.LOAD_MULTIPLE, 6, True),  # pop {r4-r8, pc}
        ("e8df f000", Kind.LOAD, 1, True),  # tbb [pc, r0]
        ("e850 1f00", Kind.LOAD, 1, False),  # ldrex
        ("f000 f846", Kind.BRANCH, 1, False),  # bl
        ("f000 b846", Kind.BRANCH, 1, False),  # b.w
        ("f040 8046", Kind.BRANCH_CONDITIONAL, 1, False),  # bne.w
        ("f3bf 8f4f", Kind.SYSTEM, 1, False),  # dsb
        ("f3af 8000", Kind.DATA, 1, False),  # nop.w
        ("ed90 0a01", Kind.LOAD, 1, False),  # vldr s0
        ("ed90 0b01", Kind.LOAD_MULTIPLE, 2, False),  # vldr d0
        ("ecb0 0a04", Kind.LOAD_MULTIPLE, 4, False),  # vldmia r0!, {s0-s3}
        ("ed2d 8b02", Kind.STORE_MULTIPLE, 2, False),  # vpush {d8}
        ("ee30 0a20", Kind.FLOAT, 1, False),  # vadd.f32
        ("ee00 0a10", Kind.FLOAT, 1, False),  # vmov s0, r0
        ("eea0 0a20", Kind.FLOAT_MAC, 1, False),  # vfma.f32
        ("ee80 0a20", Kind.FLOAT_DIVIDE, 1, False),  # vdiv.f32
        ("eeb1 0ac0", Kind.FLOAT_DIVIDE, 1, False),  # vsqrt.f32
    ],
)
def test_classes(code: str, kind: Kind, registers: int, writes_pc: bool) -> None:
    (instruction,) = decode_block(halfwords(code), 0x0800_0000)
    assert (instruction.kind, instruction.registers, instruction.writes_pc) == (kind, registers, writes_pc)
    assert instruction.size_bytes == len(halfwords(code))


def test_a_block_is_the_sum_of_its_instructions() -> None:
    # movw, ldr, push of 4, beq: on the M4 1 + 1.5 + (1 + 4) + 1 = 8.5; on the M7 0.6 + 0.7 + 2.5 + 0.6 = 4.4
    code = halfwords("f644 4400 6808 b5d0 d000")
    assert cost_function(CORTEX_M4)(code, 0) == BlockCost(4, 9, 2)
    assert cost_function(CORTEX_M7)(code, 0) == BlockCost(4, 4, 0)


def test_no_block_is_free() -> None:
    assert cost_function(CORTEX_M4)(halfwords("bf48"), 0).cycles == 1


@pytest.mark.parametrize("code", ["e7fe", "f7ff bffe"])
def test_a_branch_to_itself_is_seen(code: str) -> None:
    assert branches_to_itself(halfwords(code))
    assert not branches_to_itself(halfwords(code + " bf00"))


def test_every_class_has_a_price() -> None:
    priced = set(Kind) - {Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE}
    assert set(CORTEX_M4.single) == set(CORTEX_M7.single) == priced


def test_unknown_core() -> None:
    with pytest.raises(UsageError, match="no cycle model for the core 'cortex-m33'"):
        timing_of("cortex-m33")
