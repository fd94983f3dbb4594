# SPDX-License-Identifier: Apache-2.0
"""What goes wrong inside the core: noticed by Unicorn's hooks, described for the report.

Fault exceptions are not taken: where silicon would enter HardFault, the run ends with the place and the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import unicorn.arm_const as arm
from unicorn import (
    UC_ERR_INSN_INVALID,
    UC_HOOK_INTR,
    UC_HOOK_MEM_INVALID,
    UC_MEM_FETCH_PROT,
    UC_MEM_FETCH_UNMAPPED,
    UC_MEM_READ_UNMAPPED,
    UC_MEM_WRITE_PROT,
    UC_MEM_WRITE_UNMAPPED,
    Uc,
    UcError,
)

from mlperf_tiny.runners.emulator.core import exact_pc
from mlperf_tiny.runners.emulator.core.register_batch import RegisterBatch
from mlperf_tiny.runners.emulator.memory.memory import MappedMemory
from mlperf_tiny.runners.emulator.native.bindings import error_text

REGISTERS = {
    **{f"r{index}": arm.UC_ARM_REG_R0 + index for index in range(13)},
    "sp": arm.UC_ARM_REG_SP,
    "lr": arm.UC_ARM_REG_LR,
    "pc": arm.UC_ARM_REG_PC,
    "xpsr": arm.UC_ARM_REG_XPSR,
}

_VERBS = {
    UC_MEM_READ_UNMAPPED: "reads",
    UC_MEM_WRITE_UNMAPPED: "writes",
    UC_MEM_FETCH_UNMAPPED: "jumps to",
    UC_MEM_WRITE_PROT: "writes",
    UC_MEM_FETCH_PROT: "jumps to",
}
# Exception numbers of the engine: A-profile ones, whatever the core.
_SUPERVISOR_CALL, _PREFETCH_ABORT, _DATA_ABORT, _BREAKPOINT, _EXCEPTION_EXIT = 2, 3, 4, 7, 8
_EXCEPTION_RETURN = 0xFFFF_FF00
_THUMB_STATE = 1 << 5  # of CPSR
_SATURATED = 1 << 27  # of xPSR
_HINTS = (bytes.fromhex("10bf"), bytes.fromhex("20bf"))  # YIELD, WFE
_WIDE_HINTS = (bytes.fromhex("aff30180"), bytes.fromhex("aff30280"))
_RETURNS = "the firmware returns from an exception, and is in none"


class Fault(Exception):
    """Ends a run. ``address`` is what was accessed, where that is the point."""

    def __init__(self, summary: str, address: int | None = None) -> None:
        self.summary, self.address = summary, address
        super().__init__(summary)


class FaultWatch:
    """Watches one core for faults."""

    def __init__(self, uc: Uc, memories: Iterable[MappedMemory], stack_limit: int | None, inexact_pc: int = 0) -> None:
        """Install the hooks.

        Args:
            uc: The engine.
            memories: All that is mapped.
            stack_limit: The lowest address that the stack may reach; None: not known.
            inexact_pc: Address of the flag of ``exact_pc`` where it is in use, else 0.
        """
        self._inexact_pc = inexact_pc
        self._uc, self._memories, self._stack_limit = uc, tuple(memories), stack_limit
        self._registers = RegisterBatch(uc, tuple(REGISTERS.values()))
        self.pending: BaseException | None = None
        """What ended the time slice, if anything did: a Fault, or an exception of this program."""
        self._jumped_off = False
        self.in_handler = False  # an exception return is expected
        self.returned = False  # and has come
        self.called = False  # SVC has been executed
        # Everywhere but in RAM, where nothing can go wrong: a hook there makes each store take the engine's long path.
        for first, last in self._gaps():
            uc.hook_add(UC_HOOK_MEM_INVALID, self._on_bad_access, begin=first, end=last)
        uc.hook_add(UC_HOOK_INTR, self._on_exception)

    def registers(self) -> dict[str, int]:
        """r0 to r12, sp, lr, pc, and xpsr without Q, which translations need not keep."""
        values = dict(zip(REGISTERS, self._registers.read(), strict=True))
        return {**values, "xpsr": values["xpsr"] & ~_SATURATED}

    def take(self, error: int) -> BaseException | None:
        """Return what ended the time slice, and forget it; ``error`` is Unicorn's error number, 0 for none."""
        pending, self.pending = self.pending, None
        if self._jumped_off:
            self._jumped_off, error = False, 0  # on_bad_fetch has the message, or knows that it is no fault
        if pending is None and error:
            pending = self._explain(error)
        if isinstance(pending, Fault) and self.stack_overflowed:
            return Fault(f"stack overflow below {self._stack_limit:#010x}; {pending.summary}", pending.address)
        return pending

    def has_hint(self, error: int, block_end: int) -> bool:
        """Whether the core has stopped behind WFE or YIELD: the engine (2.1.4) takes them for invalid instructions.

        Both may end at once (Armv7-M Architecture Reference Manual, A7.7), and here do.

        Args:
            error: Unicorn's error number.
            block_end: The address after the last block: the engine ends a block at a hint.
        """
        if error != UC_ERR_INSN_INVALID or self.pending is not None:
            return False
        pc = self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1
        if pc != block_end:
            return False
        try:
            code = bytes(self._uc.mem_read(pc - 4, 4))
        except UcError:
            return False
        return code in _WIDE_HINTS or code[2:] in _HINTS

    @property
    def stack_overflowed(self) -> bool:
        """The stack pointer is below the lowest address the stack may reach."""
        if self._stack_limit is None or self.on_process_stack:
            return False
        return bool(self._uc.reg_read(arm.UC_ARM_REG_SP) < self._stack_limit)

    @property
    def on_process_stack(self) -> bool:
        """The core uses a stack that is not the one of the linker script: thread mode with CONTROL.SPSEL."""
        read = self._uc.reg_read
        return bool(read(arm.UC_ARM_REG_CONTROL) & 2) and not read(arm.UC_ARM_REG_IPSR)

    def note(self, fault: Fault) -> None:
        """Something else has found a reason to end the run; the first one counts."""
        exact_pc.clear(self._inexact_pc)
        self.pending = self.pending or fault

    def on_bad_fetch(self) -> None:
        """The core jumps to where no code can be; the engine then ends the slice with an error of its own."""
        self._jumped_off = True
        self._on_exception(self._uc, _PREFETCH_ABORT, None)

    def _gaps(self) -> Iterator[tuple[int, int]]:
        """The ranges of addresses between the writable memories, as (first, last)."""
        first = 0
        for memory in sorted((memory for memory in self._memories if memory.writable), key=lambda memory: memory.base):
            if first < memory.base:
                yield first, memory.base - 1
            first = memory.base + memory.size_bytes
        yield first, 0xFFFF_FFFF

    def _on_bad_access(self, uc: Uc, access: int, address: int, size: int, value: int, data: object) -> bool:
        exact_pc.clear(self._inexact_pc)
        home = next((memory for memory in self._memories if memory.holds(address, 1)), None)
        why = f"which cannot be written ({home.name})" if home else "where there is nothing"
        self.pending = Fault(
            f"HardFault: the firmware {_VERBS.get(access, 'accesses')} {address:#010x}, {why}", address
        )
        return False

    def _on_exception(self, uc: Uc, number: int, data: object) -> None:
        exact_pc.clear(self._inexact_pc)
        # A return comes as either: the first where its address was looked up as code, the second by BX or POP.
        returns = number in (_PREFETCH_ABORT, _EXCEPTION_EXIT)
        if returns and uc.reg_read(arm.UC_ARM_REG_PC) >= _EXCEPTION_RETURN:
            if self.in_handler:
                self.returned = True
                uc.emu_stop()
                return
            summary = _RETURNS
        elif number == _SUPERVISOR_CALL:
            self.called = True
            uc.emu_stop()
            return
        else:
            summary = {
                _BREAKPOINT: "HardFault: the firmware executes BKPT and there is no debugger",
                _PREFETCH_ABORT: "HardFault: the firmware jumps to where no code can be",
                _DATA_ABORT: "HardFault: an unaligned access that the core refuses",
            }.get(number, f"HardFault: the core takes exception {number}")
        self.pending = Fault(summary)
        uc.emu_stop()

    def _explain(self, error: int) -> Fault:
        pc = self._uc.reg_read(arm.UC_ARM_REG_PC)
        if not self._uc.reg_read(arm.UC_ARM_REG_CPSR) & _THUMB_STATE:
            return Fault("HardFault: the firmware jumps to an even address, which would mean Arm state", pc)
        try:
            first, second = self._uc.mem_read(pc & ~1, 2)
        except UcError:
            return Fault("HardFault: the firmware jumps to where there is nothing", pc)
        if second == 0xDE:
            return Fault("HardFault: the firmware executes UDF, a trap put in by hand or by the compiler")
        return Fault(f"HardFault: {error_text(error)} (instruction {second << 8 | first:#06x})")
