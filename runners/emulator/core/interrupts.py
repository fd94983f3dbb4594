# SPDX-License-Identifier: Apache-2.0
"""Interrupts of SysTick and of the console UART, and the exception model around them.

The engine has no exceptions of this architecture: it would jump to the magic return address and stop there. So they
are taken here, between two time slices of the core: ``arm`` stacks a frame and starts the handler when an interrupt is
pending, the fetch of the return address ends the handler, and ``leave`` unstacks. The core is stopped at the first
block that starts at or after the cycle at which an interrupt is due; a block has at most a few hundred instructions, so
the interrupt comes that much late.

Handlers do not nest: an interrupt that becomes pending in a handler waits for its end, as with the priorities of
reset; priorities count against BASEPRI and among those that wait. Where the FPU is on, the frame always holds its
registers, and at once: silicon leaves them out while nothing used them (CONTROL.FPCA) and stores them lazily, so a
handler there starts with 72 bytes more of stack at best. Not there, and refused: SVC, PendSV, interrupts made pending
by hand, those of timers, and interrupts of, or returns to, code on the process stack.

Frames, return values, masks: ARMv7-M Architecture Reference Manual (DDI 0403), chapters B1.4 and B1.5.
"""

from __future__ import annotations

from collections.abc import Callable

import unicorn.arm_const as arm
from unicorn import Uc, UcError

from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.core.faults import Fault, FaultWatch
from mlperf_tiny.runners.emulator.native.entry_points import advance, next_event, start_line, wake
from mlperf_tiny.runners.emulator.native.state import NEVER, State
from mlperf_tiny.runners.emulator.peripherals.core import SYSTICK
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.decode.operation import InsnKind

ENTRY_CYCLES, RETURN_CYCLES = 12, 10  # Cortex-M4 and M7 with memory that does not wait
# Instructions between two checks whether the core only waits: few at first, more while it works.
MIN_LOOK, MAX_LOOK, LOOK_GROWTH = 2_000, 200_000, 10
SPIN_BLOCKS = 4
# A masked interrupt is checked again at each block, so that a short opening is not missed; not for ever, though.
PROMPT_CHECKS, LATE_CHECK_CYCLES = 64, 1_000
# Ticks alone do not keep a board that waits for input awake for longer than this.
ONLY_TICKS_S = 2.0
# The handler of a tick, and the way back to sleep, are shorter than so many instructions.
TICK_INSTRUCTIONS = 10_000

_RETURN, _RETURN_FLOAT = 0xFFFF_FFF9, 0xFFFF_FFE9
_IT_BITS = 0x0600_FC00
_ALIGNED = 1 << 9  # of the stacked xPSR: four bytes were left out
_WRITES = (InsnKind.STORE, InsnKind.STORE_MULTIPLE, InsnKind.EXCLUSIVE)
_SCRATCH = (*(arm.UC_ARM_REG_R0 + index for index in range(4)), arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR)
_AFTER_RESET = (arm.UC_ARM_REG_IPSR, arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_CONTROL)
_FLOATS = tuple(arm.UC_ARM_REG_S0 + index for index in range(16))


class Interrupts:
    """The interrupts of one core. Nothing here costs anything until the firmware has switched one on."""

    def __init__(self, uc: Uc, state: State, bus: Bus, faults: FaultWatch) -> None:
        self._uc, self._state, self._bus, self._faults = uc, state, bus, faults
        self.reset()

    def reset(self) -> None:
        """Power-on or reset: thread mode, nothing masked, the main stack."""
        for register in _AFTER_RESET:
            self._uc.reg_write(register, 0)
        self._handling = 0  # the exception whose handler runs
        self._return_value = 0  # what it must jump to at its end
        self._masked_checks = 0
        self._waited_since: int | None = None
        self._slept_at = 0  # instructions
        self._look_after, self._looked_at = MIN_LOOK, 0
        self._faults.in_handler = False
        self._state.core.interrupt_at = NEVER

    @property
    def in_use(self) -> bool:
        """The firmware has enabled an interrupt that may come."""
        return bool(self._bus.enabled_interrupts)

    @property
    def only_ticks(self) -> bool:
        """Whether the core sleeps, and nothing but ticks has come since: in 2 s of device time it is idle.

        Until then its time must not depend on how fast the host is: what the host sends next would meet another tick.
        """
        instructions = self._state.core.instructions - self._slept_at
        return self._waited_since is not None and instructions < TICK_INSTRUCTIONS

    def prepare(self, limit: int) -> int:
        """Before a slice with interrupts in use: start the handler of a pending one, or set when the next one is due.

        Returns how many instructions the slice may have: at most ``limit``, few where the firmware may soon be found
        waiting. Raises Fault where the handler cannot be started.
        """
        wake(self._state)
        self._arm()
        return min(self._look_after, limit)

    def _arm(self) -> None:
        state = self._state
        if self._handling:
            state.core.interrupt_at = NEVER
            return
        pending = self._pending()
        number = next((number for number in pending if not self._masked(number)), None)
        if not pending:
            self._masked_checks = 0
            state.core.interrupt_at = self._due()
        elif number is None or self._uc.reg_read(arm.UC_ARM_REG_XPSR) & _IT_BITS:
            self._masked_checks += 1
            state.core.interrupt_at = state.core.cycles + (
                LATE_CHECK_CYCLES if self._masked_checks > PROMPT_CHECKS else 1
            )
        else:
            self._enter(number)
            state.core.interrupt_at = NEVER

    def leave(self) -> None:
        """After a slice that ended in an exception return: go back to what was interrupted.

        Raises Fault for a return to anything but the code and the stack that was interrupted.
        """
        self._faults.returned = False
        value = self._uc.reg_read(arm.UC_ARM_REG_PC) | 1
        if value != self._return_value:
            raise Fault(
                f"the handler of exception {self._handling} returns to {value:#010x}, not {self._return_value:#x}"
            )
        has_float = value == _RETURN_FLOAT
        sp = self._uc.reg_read(arm.UC_ARM_REG_SP)
        words = self._words(sp, 26 if has_float else 8)
        xpsr = words[7]
        for register, word in zip(_SCRATCH, words, strict=False):
            self._uc.reg_write(register, word)
        if has_float:
            for register, word in zip((*_FLOATS, arm.UC_ARM_REG_FPSCR), words[8:], strict=False):
                self._uc.reg_write(register, word)
        self._uc.reg_write(arm.UC_ARM_REG_XPSR, xpsr & ~_ALIGNED & ~0x1FF)
        self._uc.reg_write(arm.UC_ARM_REG_IPSR, 0)
        self._uc.reg_write(arm.UC_ARM_REG_SP, sp + 4 * len(words) + (4 if xpsr & _ALIGNED else 0))
        self._uc.reg_write(arm.UC_ARM_REG_PC, words[6] | 1)
        if self._handling != SYSTICK:
            self._look_after, self._waited_since = MIN_LOOK, None
        self._handling, self._faults.in_handler = 0, False
        self._elapse(RETURN_CYCLES, words[6])

    def sleep(self) -> None:
        """WFI, or a loop that only an interrupt can end: go to where the next one is due, or be idle."""
        state = self._state
        self._look_after, self._slept_at = MIN_LOOK, state.core.instructions
        if self._pending():
            return
        start_line(state)
        due = self._due()
        now = state.core.cycles
        if self._waited_since is None:
            self._waited_since = now
        only_ticks = self._console_quiet() and now - self._waited_since > ONLY_TICKS_S * self._bus.clocks.core_hz
        if due == NEVER or only_ticks:
            state.core.idle = 1
            self._waited_since = None
        elif due > now:
            state.core.idle_cycles += due - now
            state.core.cycles = due
            advance(state)

    def only_waits(self, run_on: Callable[[], bool]) -> bool:
        """Whether the core goes round in a loop that nothing but an interrupt can end; looked for now and then.

        ``run_on()`` lets the core run one block on and returns whether it could. A core that is busy for long, or
        waits in a way that is not recognised, gets the bytes that wait for it all the same.
        """
        now = self._state.core.instructions
        if self._handling or not self.in_use or now - self._looked_at < self._look_after:
            return False
        self._looked_at, self._look_after = now, min(self._look_after * LOOK_GROWTH, MAX_LOOK)
        if self._spins(run_on):
            return True
        if self._look_after == MAX_LOOK:
            start_line(self._state)
        return False

    def _spins(self, run_on: Callable[[], bool]) -> bool:
        """Whether a few blocks lead back to where they began, with nothing changed: register, memory or device."""
        self._state.core.interrupt_at = NEVER
        before, accesses = self._faults.registers(), self._state.core.register_reads
        for _ in range(SPIN_BLOCKS):
            start = self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1
            if not run_on():
                return False
            end = self._state.core.next_address
            if not start < end <= start + 1024 or self._state.core.register_reads != accesses:
                return False
            code = bytes(self._uc.mem_read(start, end - start))
            if any(decoded.operation.kind in _WRITES for decoded in decode_block(Block(start, code))):
                return False
            if self._faults.registers() == before:
                return True
        return False

    def _pending(self) -> list[int]:
        """The numbers of the enabled exceptions whose sources request them, in the order in which they are taken."""
        advance(self._state)
        pending = filter(self._bus.interrupt_pending, self._bus.enabled_interrupts)
        return sorted(pending, key=lambda number: (self._bus.interrupt_priority(number), number))

    def _console_quiet(self) -> bool:
        return bool(next_event(self._state) == 0)

    def _due(self) -> int:
        """The cycle at which a source will next request one by itself."""
        return min((self._bus.interrupt_due(number) for number in self._bus.enabled_interrupts), default=NEVER)

    def _masked(self, number: int) -> bool:
        read = self._uc.reg_read
        if read(arm.UC_ARM_REG_PRIMASK) & 1 or read(arm.UC_ARM_REG_FAULTMASK) & 1:
            return True
        base = read(arm.UC_ARM_REG_BASEPRI) & 0xFF
        return bool(base) and self._bus.interrupt_priority(number) >= base

    def _enter(self, number: int) -> None:
        read, write = self._uc.reg_read, self._uc.reg_write
        if read(arm.UC_ARM_REG_CONTROL) & 2:
            raise Fault(f"exception {number} comes while code runs on the process stack, which is not emulated")
        table = self._bus.vector_table
        try:
            handler = self._words(table + 4 * number, 1)[0]
        except UcError:
            handler = 0
        if not handler & 1:
            raise Fault(f"exception {number} has no handler: its vector at {table + 4 * number:#010x} is {handler:#x}")
        has_float = self._bus.fpu_enabled
        frame = [read(register) for register in _SCRATCH]
        frame += [read(arm.UC_ARM_REG_PC) & ~1, read(arm.UC_ARM_REG_XPSR)]
        if has_float:
            frame += [read(register) for register in (*_FLOATS, arm.UC_ARM_REG_FPSCR)] + [0]
        sp = read(arm.UC_ARM_REG_SP) - 4 * len(frame)
        if sp & 4:
            sp -= 4
            frame[7] |= _ALIGNED
        try:
            self._uc.mem_write(sp, b"".join(word.to_bytes(4, "little") for word in frame))
        except UcError:
            raise Fault(f"stack overflow: the frame of exception {number} does not fit above {sp:#010x}") from None
        self._bus.interrupt_taken(number)
        self._handling, self._faults.in_handler = number, True
        write(arm.UC_ARM_REG_SP, sp)
        self._return_value = _RETURN_FLOAT if has_float else _RETURN
        write(arm.UC_ARM_REG_LR, self._return_value)
        write(arm.UC_ARM_REG_IPSR, number)
        write(arm.UC_ARM_REG_PC, handler)
        self._elapse(ENTRY_CYCLES, handler & ~1)

    def _elapse(self, cycles: int, next_address: int) -> None:
        """Charge an entry or return; the block after it is not the target of a branch that anything predicted."""
        self._state.core.cycles += cycles
        self._state.core.next_address = next_address
        self._state.core.before = 0

    def _words(self, address: int, count: int) -> list[int]:
        data = bytes(self._uc.mem_read(address, 4 * count))
        return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
