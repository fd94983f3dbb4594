# SPDX-License-Identifier: Apache-2.0
"""When exceptions are taken: interrupts of SysTick, of peripherals and by hand, PendSV and SVC, by priority.

The core is stopped at the first block that starts at or after the cycle at which an interrupt is due; a block has at
most a few hundred instructions, so the interrupt comes that much late. Priorities, their groups and BASEPRI decide what
may interrupt a handler. Lines of peripherals are level-sensitive: a handler that leaves its source pending runs again.

Masks and priorities: ARMv7-M Architecture Reference Manual (DDI 0403), chapter B1.5.
"""

from __future__ import annotations

from collections.abc import Callable

import unicorn.arm_const as arm
from unicorn import Uc

from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.core.exceptions import Exceptions
from mlperf_tiny.runners.emulator.core.faults import Fault, FaultWatch
from mlperf_tiny.runners.emulator.native.entry_points import advance, next_event, start_line, wake
from mlperf_tiny.runners.emulator.native.state import NEVER, State
from mlperf_tiny.runners.emulator.peripherals.core import PENDSV, SVCALL, SYSTICK
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.decode.operation import InsnKind

# Instructions between two checks whether the core only waits: few at first, more while it works.
MIN_LOOK, MAX_LOOK, LOOK_GROWTH = 2_000, 200_000, 10
SPIN_BLOCKS = 4
# A masked interrupt is checked again at each block, so that a short opening is not missed; not for ever, though.
PROMPT_CHECKS, LATE_CHECK_CYCLES = 64, 1_000
# Ticks alone do not keep a board that waits for input awake for longer than this.
ONLY_TICKS_S = 2.0
START_S = 60.0
# The handler of a tick, and the way back to sleep, are shorter than so many instructions.
TICK_INSTRUCTIONS = 10_000

_IT_BITS = 0x0600_FC00
_WRITES = (InsnKind.STORE, InsnKind.STORE_MULTIPLE, InsnKind.EXCLUSIVE)


class Interrupts:
    """The interrupts of one core. Nothing here costs anything until the firmware has switched one on."""

    def __init__(self, uc: Uc, state: State, bus: Bus, faults: FaultWatch) -> None:
        self._uc, self._state, self._bus, self._faults = uc, state, bus, faults
        self._exceptions = Exceptions(uc, state, bus, faults)
        self.reset()

    def reset(self) -> None:
        """Power-on or reset: thread mode, nothing masked, the main stack."""
        self._exceptions.reset()
        self._masked_checks = 0
        self._waited_since: int | None = None
        self._slept_at = 0  # instructions
        self._look_after, self._looked_at = MIN_LOOK, 0
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
        waiting; in a handler none is looked for. Raises Fault where the handler cannot be started.
        """
        wake(self._state)
        self._arm()
        return limit if self._exceptions.active else min(self._look_after, limit)

    def _arm(self) -> None:
        state = self._state
        priority = self._bus.running_priority
        pending = [number for number in self._pending() if self._bus.interrupt_group(number) < priority]
        number = next((number for number in pending if not self._masked(number)), None)
        if not pending:
            self._masked_checks = 0
            state.core.interrupt_at = self._due(priority)
        elif number is None or self._uc.reg_read(arm.UC_ARM_REG_XPSR) & _IT_BITS:
            self._masked_checks += 1
            state.core.interrupt_at = state.core.cycles + (
                LATE_CHECK_CYCLES if self._masked_checks > PROMPT_CHECKS else 1
            )
        else:
            self._enter(number)

    def _enter(self, number: int) -> None:
        """Start a handler; what is more urgent than it may interrupt it."""
        self._exceptions.enter(number)
        self._state.core.interrupt_at = self._due(self._bus.running_priority)

    def call(self) -> None:
        """After a slice that ended in SVC: start its handler.

        Raises Fault where SVC is masked, or a handler runs that SVCall cannot interrupt.
        """
        self._faults.called = False
        if self._bus.interrupt_group(SVCALL) >= self._bus.running_priority or self._masked(SVCALL):
            raise Fault("HardFault: the firmware executes SVC in a handler that SVCall cannot interrupt")
        self._enter(SVCALL)

    def leave(self) -> None:
        """After a slice that ended in an exception return: go back to what was interrupted.

        Raises Fault for a return that the architecture does not have.
        """
        if self._exceptions.leave() not in (SYSTICK, SVCALL, PENDSV):
            self._look_after, self._waited_since = MIN_LOOK, None
        if not self._bus.enabled_interrupts:
            self._state.core.interrupt_at = NEVER

    def sleep(self) -> None:
        """WFI, or a loop that only an interrupt can end: go to where the next one is due, or be idle."""
        state = self._state
        self._look_after, self._slept_at = MIN_LOOK, state.core.instructions
        if self._pending():
            return
        self._bus.find_console()
        start_line(state)
        due = self._due(self._bus.running_priority)
        now = state.core.cycles
        if self._waited_since is None:
            self._waited_since = now
        # An image that has not said anything yet may sleep for longer while it starts.
        longest_s = ONLY_TICKS_S if self._bus.console_name else START_S
        only_ticks = self._console_quiet() and now - self._waited_since > longest_s * self._bus.clocks.core_hz
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
        if self._exceptions.active or not self.in_use or now - self._looked_at < self._look_after:
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
        pending = list(filter(self._bus.interrupt_pending, self._bus.enabled_interrupts))
        if len(pending) > 1:
            pending.sort(key=lambda number: (self._bus.interrupt_priority(number), number))
        return pending

    def _console_quiet(self) -> bool:
        return bool(next_event(self._state) == 0)

    def _due(self, below: int) -> int:
        """The cycle at which a source more urgent than a priority will next request its handler by itself."""
        numbers = [number for number in self._bus.enabled_interrupts if self._bus.interrupt_group(number) < below]
        return min((self._bus.interrupt_due(number) for number in numbers), default=NEVER)

    def _masked(self, number: int) -> bool:
        read = self._uc.reg_read
        if read(arm.UC_ARM_REG_PRIMASK) & 1 or read(arm.UC_ARM_REG_FAULTMASK) & 1:
            return True
        base = read(arm.UC_ARM_REG_BASEPRI) & self._bus.priority_mask
        return bool(base) and self._bus.interrupt_group(number) >= base
