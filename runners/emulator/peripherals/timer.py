# SPDX-License-Identifier: Apache-2.0
"""Timers: up-counters. CNT is brought up to date when it is read, by the compiled read path."""

from __future__ import annotations

from math import gcd
from typing import ClassVar

from mlperf_tiny.runners.emulator.native.entry_points import read_counter
from mlperf_tiny.runners.emulator.native.state import NEVER
from mlperf_tiny.runners.emulator.peripherals.registers import Machine, Peripheral

_EVENTS = 0x1F  # of DIER, SR and EGR: update, four compares
_ONE_PULSE = 1 << 3

DWT_ROW, FIRST_TIMER_ROW = 0, 1
"""Rows of the shared counter table."""


class Counter:
    """One row of the shared counter table: counts numerator / denominator per core cycle, modulo something.

    Every change starts from the present count; the fraction of a count that had passed is dropped.
    """

    def __init__(self, machine: Machine, index: int) -> None:
        self.state, self.index = machine.state, index
        self.state.array["counters"][0, index] = 0
        self.row = self.state.counters[index]
        self.row.denominator = 1
        self.row.modulus = 1 << 32

    def publish(self, address: int) -> None:
        """Let reads of ``address`` be answered natively; 0 sends them to the Python model again."""
        self.row.address = address

    @property
    def count(self) -> int:
        """The present value."""
        return int(read_counter(self.state, self.index))

    def set_count(self, value: int) -> None:
        """Continue from ``value``."""
        self.row.base = value
        self.row.since = self.state.core.cycles

    def set_rate(self, numerator: int, denominator: int, modulus: int = 1 << 32) -> None:
        """Count at another rate from now on.

        Args:
            numerator: Counts per ``denominator`` cycles; 0 stops the counter.
            denominator: Core cycles, above 0.
            modulus: The count that is never reached: it wraps to 0.
        """
        self.set_count(self.count)
        # Lowest terms, so that cycles * numerator stays within 64 bits for years of device time.
        common = gcd(numerator, denominator)
        self.row.numerator = numerator // common
        self.row.denominator = denominator // common
        self.row.modulus = modulus


class Timer(Peripheral):
    """A free-running counter: enable, prescaler, reload, update generation; interrupts at updates and compares."""

    CR1, DIER, SR, EGR, CNT, PSC, ARR, CCR1 = 0x00, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C, 0x34
    RESET: ClassVar = dict.fromkeys(range(0x00, 0x64, 4), 0)

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        super().__init__(machine, name, base)
        timers = machine.chip.family.timers
        self.row = machine.chip.family.timer(name)
        self.highest = (1 << self.row.bits) - 1
        self.words[self.ARR] = self.highest
        self.counter = Counter(machine, FIRST_TIMER_ROW + timers.index(self.row))
        self.prescaler = 0  # takes over PSC at an update
        self.due_cycles: dict[int, int] = {}
        """For each event whose interrupt is enabled, by its bit in SR: the cycle at which it will next come."""

    def gate(self, enabled: bool) -> None:
        """The clock gate has opened or closed."""
        self.counter.publish(self.base + self.CNT if enabled else 0)

    def retime(self) -> None:
        """Follow a change of clock, prescaler, reload value or enable bit."""
        clocks = self.machine.clocks
        hz = clocks.timer1_hz if self.row.bus == 1 else clocks.timer2_hz
        running = self.words[self.CR1] & 1
        self.counter.set_rate(hz if running else 0, clocks.core_hz * (self.prescaler + 1), self._modulus)
        self._plan()

    @property
    def _modulus(self) -> int:
        return (self.words[self.ARR] & self.highest) + 1

    def _plan(self) -> None:
        """Find out when each event whose interrupt is enabled will next come."""
        self._advance()
        enabled = self.words[self.DIER] & _EVENTS
        self.due_cycles = {bit: self._cycle_of(bit) for bit in range(5) if enabled >> bit & 1}
        if self.counter.row.numerator == 0:
            self.due_cycles = dict.fromkeys(self.due_cycles, NEVER)

    def _cycle_of(self, bit: int) -> int:
        """The next cycle at which the counter reaches what event ``bit`` waits for: 0, or a compare value."""
        row, modulus = self.counter.row, self._modulus
        if row.numerator == 0:
            return NEVER
        target = 0 if bit == 0 else self.words[self.CCR1 + 4 * (bit - 1)] & self.highest
        if target >= modulus:
            return NEVER
        now = self.machine.state.core.cycles
        counts = row.base + (now - row.since) * row.numerator // row.denominator
        ahead = (target - counts) % modulus or modulus
        # The first cycle with so many counts: the smallest c with c * numerator // denominator >= them.
        wanted = counts + ahead - row.base
        return int(row.since + -(-wanted * row.denominator // row.numerator))

    def _advance(self) -> None:
        """Set the flags of the events that have come."""
        now = self.machine.state.core.cycles
        for bit, cycle in self.due_cycles.items():
            if cycle <= now:
                self.words[self.SR] |= 1 << bit
                if bit == 0 and self.words[self.CR1] & _ONE_PULSE:
                    self.words[self.CR1] &= ~1
                self.due_cycles[bit] = self._cycle_of(bit)

    @property
    def interrupts(self) -> bool:
        """An interrupt of this timer is enabled."""
        return bool(self.words[self.DIER] & _EVENTS)

    @property
    def interrupt_pending(self) -> bool:
        """A flag is set whose interrupt is enabled."""
        self._advance()
        return bool(self.words[self.SR] & self.words[self.DIER] & _EVENTS)

    @property
    def due(self) -> int:
        """The cycle of the next event whose interrupt is enabled."""
        return min(self.due_cycles.values(), default=NEVER)

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if offset == self.CNT:
            return self.counter.count
        if offset == self.SR:
            self._advance()
        return 0 if offset == self.EGR else self.words[offset]

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.

        Raises:
            PeripheralFault: for a setting that is not emulated.
        """
        if offset == self.DIER and value & ~_EVENTS:
            self.refuse(f"the firmware enables DMA or another interrupt of {self.name}, which is not emulated")
        if offset == self.CR1 and value & 0x70:
            self.refuse(f"the firmware sets {self.name} to count down or centred; only up is emulated")
        self._advance()
        if offset == self.SR:
            self.words[offset] &= value  # zeroes clear
        else:
            self.words[offset] = value
        if offset == self.EGR:
            self._generate(value)
        elif offset == self.CNT:
            self.counter.set_count(value)
        if offset in (self.CR1, self.EGR, self.ARR):
            self.retime()
        elif offset in (self.CNT, self.DIER) or self.CCR1 <= offset < self.CCR1 + 16:
            self._plan()
        if offset not in (self.PSC,):
            self.machine.interrupts_changed()

    def _generate(self, value: int) -> None:
        """EGR: events by hand. An update takes over the prescaler and starts again from 0."""
        self.words[self.SR] |= value & _EVENTS
        if value & 1:
            self.prescaler = self.words[self.PSC] & 0xFFFF
            self.counter.set_count(0)
