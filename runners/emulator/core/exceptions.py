# SPDX-License-Identifier: Apache-2.0
"""Entry to and return from exceptions: frames, stacks and nesting.

The engine has no exceptions of this architecture: it would jump to the magic return address and stop there. So they
are taken here, between two time slices of the core: ``enter`` stacks a frame and starts the handler, the fetch of the
return address ends it, and ``leave`` unstacks. Where the FPU is on, the frame always holds its registers, and at once:
silicon leaves them out while nothing used them (CONTROL.FPCA) and stores them lazily, so a handler there starts with 72
bytes more of stack at best.

Sources: ARMv7-M Architecture Reference Manual (DDI 0403), chapters B1.4 and B1.5.
"""

from __future__ import annotations

import struct

import unicorn.arm_const as arm
from unicorn import Uc, UcError

from mlperf_tiny.runners.emulator.chip.bus import LOWEST_PRIORITY, Bus
from mlperf_tiny.runners.emulator.core.faults import Fault, FaultWatch
from mlperf_tiny.runners.emulator.core.register_batch import RegisterBatch
from mlperf_tiny.runners.emulator.native.state import State

ENTRY_CYCLES, RETURN_CYCLES = 12, 10  # Cortex-M4 and M7 with memory that does not wait

# Of EXC_RETURN: where to return to, which stack the frame lies on, and whether it is without floating point.
_EXC_RETURN, _TO_THREAD, _PROCESS_STACK, _NO_FLOAT = 0xFFFF_FFE1, 1 << 3, 1 << 2, 1 << 4
_RETURN_VALUES = {0xFFFF_FFE1 | bits | short for bits in (0, 8, 12) for short in (0, _NO_FLOAT)}
_ALIGNED = 1 << 9  # of the stacked xPSR: four bytes were left out
_STACK_SELECT = 1 << 1  # of CONTROL
_SCRATCH = (*(arm.UC_ARM_REG_R0 + index for index in range(4)), arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR)
_FLOATS = (*(arm.UC_ARM_REG_S0 + index for index in range(16)), arm.UC_ARM_REG_FPSCR)
_FRAME = (*_SCRATCH, arm.UC_ARM_REG_PC, arm.UC_ARM_REG_XPSR)
_FRAME_FLOAT = (*_FRAME, *_FLOATS)
_AFTER_RESET = (arm.UC_ARM_REG_IPSR, arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_CONTROL)


class Exceptions:
    """The active exceptions of one core."""

    def __init__(self, uc: Uc, state: State, bus: Bus, faults: FaultWatch) -> None:
        self._uc, self._state, self._bus, self._faults = uc, state, bus, faults
        self._frame, self._frame_float = RegisterBatch(uc, _FRAME), RegisterBatch(uc, _FRAME_FLOAT)
        self._scratch, self._floats = RegisterBatch(uc, _SCRATCH), RegisterBatch(uc, _FLOATS)
        self.active: list[int] = []
        """Numbers of the exceptions whose handlers run, the innermost last."""

    def reset(self) -> None:
        """Power-on or reset: thread mode, nothing masked, the main stack."""
        for register in _AFTER_RESET:
            self._uc.reg_write(register, 0)
        self.active = []
        self._note_active()
        self._faults.in_handler = False

    def enter(self, number: int) -> None:
        """Stack a frame and start the handler of an exception.

        Args:
            number: Of the exception.

        Raises:
            Fault: without a handler, or where the frame does not fit.
        """
        read, write = self._uc.reg_read, self._uc.reg_write
        handler = self._handler(number)
        has_float = self._bus.fpu_enabled
        on_process_stack = not self.active and bool(read(arm.UC_ARM_REG_CONTROL) & _STACK_SELECT)
        frame = (self._frame_float if has_float else self._frame).read()
        frame[6] &= ~1
        if has_float:
            frame.append(0)
        sp = read(arm.UC_ARM_REG_SP) - 4 * len(frame)
        if sp & 4:
            sp -= 4
            frame[7] |= _ALIGNED
        try:
            self._uc.mem_write(sp, struct.pack(f"<{len(frame)}I", *frame))
        except UcError:
            raise Fault(f"stack overflow: the frame of exception {number} does not fit above {sp:#010x}") from None
        self._bus.interrupt_taken(number)
        value = _EXC_RETURN | (0 if self.active else _TO_THREAD) | (_PROCESS_STACK if on_process_stack else 0)
        self.active.append(number)
        self._note_active()
        self._faults.in_handler = True
        write(arm.UC_ARM_REG_SP, sp)
        write(arm.UC_ARM_REG_IPSR, number)  # handler mode: the main stack
        write(arm.UC_ARM_REG_LR, value | (0 if has_float else _NO_FLOAT))
        write(arm.UC_ARM_REG_PC, handler)
        self._elapse(ENTRY_CYCLES, handler & ~1)

    def leave(self) -> int:
        """After a slice that ended in an exception return: go back to what was interrupted.

        Returns:
            The number of the exception that was left.

        Raises:
            Fault: for a return that the architecture does not have, or to another mode than the one interrupted.
        """
        self._faults.returned = False
        read, write = self._uc.reg_read, self._uc.reg_write
        value = read(arm.UC_ARM_REG_PC) | 1
        if value not in _RETURN_VALUES or bool(value & _TO_THREAD) != (len(self.active) == 1):
            raise Fault(f"the handler of exception {self.active[-1]} returns to {value:#010x}")
        number = self.active.pop()
        self._faults.in_handler = bool(self.active)
        self._note_active()
        write(arm.UC_ARM_REG_IPSR, self._bus.active_exception)
        if not self.active:
            select = _STACK_SELECT if value & _PROCESS_STACK else 0
            write(arm.UC_ARM_REG_CONTROL, read(arm.UC_ARM_REG_CONTROL) & ~_STACK_SELECT | select)
        self._unstack(value)
        return number

    def _note_active(self) -> None:
        """Tell the bus which handler runs, and how urgent the most urgent one is."""
        groups = map(self._bus.interrupt_group, self.active)
        self._bus.active_exception = self.active[-1] if self.active else 0
        self._bus.running_priority = min(groups, default=LOWEST_PRIORITY)

    def _unstack(self, value: int) -> None:
        read, write = self._uc.reg_read, self._uc.reg_write
        has_float = not value & _NO_FLOAT
        sp = read(arm.UC_ARM_REG_SP)
        words = self._words(sp, 26 if has_float else 8)
        xpsr = words[7]
        self._scratch.write(words[:6])
        if has_float:
            self._floats.write(words[8:25])
        write(arm.UC_ARM_REG_XPSR, xpsr & ~_ALIGNED & ~0x1FF)
        write(arm.UC_ARM_REG_IPSR, self._bus.active_exception)
        write(arm.UC_ARM_REG_SP, sp + 4 * len(words) + (4 if xpsr & _ALIGNED else 0))
        write(arm.UC_ARM_REG_PC, words[6] | 1)
        self._elapse(RETURN_CYCLES, words[6])

    def _handler(self, number: int) -> int:
        place = self._bus.vector_table + 4 * number
        try:
            handler = self._words(place, 1)[0]
        except UcError:
            handler = 0
        if not handler & 1:
            raise Fault(f"exception {number} has no handler: its vector at {place:#010x} is {handler:#x}")
        return handler

    def _elapse(self, cycles: int, next_address: int) -> None:
        """Charge an entry or return; the block after it is not the target of a branch that anything predicted."""
        self._state.core.cycles += cycles
        self._state.core.next_address = next_address
        self._state.core.before = 0

    def _words(self, address: int, count: int) -> list[int]:
        return list(struct.unpack(f"<{count}I", self._uc.mem_read(address, 4 * count)))
