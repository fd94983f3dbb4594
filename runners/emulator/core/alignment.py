# SPDX-License-Identifier: Apache-2.0
"""A debugging aid: accesses that fault on a Cortex-M when unaligned, and that the emulating engine permits.

LDM, STM, LDRD, STRD and the floating-point loads and stores need a word-aligned address whatever CCR says; on silicon
they raise UsageFault. Compilers make them from two neighbouring word accesses, so an int8 kernel that reads words
through a cast pointer can pass here and crash on the board. Looking at each instruction costs a factor of a hundred.
"""

from __future__ import annotations

from collections.abc import Callable

import unicorn.arm_const as arm
from unicorn import UC_HOOK_CODE, Uc

from mlperf_tiny.runners.emulator.core.faults import Fault
from mlperf_tiny.runners.emulator.timing.decode.thumb import is_wide

_STACK_POINTER, _PROGRAM_COUNTER = 13, 15


def base_to_align(first: int, second: int) -> int | None:
    """Return the base register of an instruction that needs a word-aligned address; None for every other one.

    Stack- and PC-relative ones are skipped: those bases are always aligned.

    Args:
        first: The first half-word.
        second: The second of a 32-bit instruction.

    Examples:
        >>> base_to_align(0xC80E, 0)  # ldmia r0, {r1-r3}
        0
        >>> base_to_align(0x6808, 0) is None  # ldr r0, [r1]
        True
    """
    base = None
    if not is_wide(first):
        if first >> 12 == 0b1100:  # LDM, STM
            base = first >> 8 & 7
    elif first >> 9 == 0b1110100:
        exclusive_or_table = first & 0x0160 == 0x0040
        if not exclusive_or_table:  # LDM, STM, LDRD, STRD
            base = first & 0xF
    elif first >> 9 == 0b1110110 and second >> 9 & 7 == 0b101 and first & 0x01E0 not in (0x0040, 0x0000):
        base = first & 0xF  # VLDR, VSTR, VLDM, VSTM
    return None if base in (_STACK_POINTER, _PROGRAM_COUNTER) else base


class AlignmentCheck:
    """Watches every instruction of a core; hands a Fault to ``report`` at the first unaligned one, and stops it."""

    def __init__(self, uc: Uc, report: Callable[[Fault], None]) -> None:
        self._bases: dict[int, int | None] = {}
        self._report = report
        uc.hook_add(UC_HOOK_CODE, self._on_instruction)

    def _on_instruction(self, uc: Uc, address: int, size: int, data: object) -> None:
        try:
            register = self._bases[address]
        except KeyError:
            code = uc.mem_read(address, size)
            second = int.from_bytes(code[2:4], "little")
            base = base_to_align(int.from_bytes(code[:2], "little"), second)
            # R0 to R12 have consecutive numbers; LR, the only other base there can be, has its own.
            register = None if base is None else arm.UC_ARM_REG_LR if base == 14 else arm.UC_ARM_REG_R0 + base
            self._bases[address] = register
        if register is None:
            return
        target = uc.reg_read(register)
        if target & 3:
            self._report(
                Fault(
                    f"UsageFault: a multiple-word access at {target:#010x}, which is not word-aligned "
                    "(the emulating engine would let it pass, silicon does not)",
                    target,
                )
            )
            uc.emu_stop()
