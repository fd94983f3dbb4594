# SPDX-License-Identifier: Apache-2.0
"""What every register model shares: a bank of named 32-bit words, and the machine it is part of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from mlperf_tiny.firmware.boards import Board, Chip, Uart
from mlperf_tiny.runners.emulator.native.state import NEVER, State


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """The clocks in Hz."""

    sysclk_hz: int
    """The selected source."""
    core_hz: int
    """Core and AHB."""
    apb1_hz: int
    """The first peripheral bus."""
    apb2_hz: int
    """The second peripheral bus."""
    timer1_hz: int
    """What the timers on APB1 count."""
    timer2_hz: int
    """What the timers on APB2 count."""


class PeripheralFault(Exception):
    """The firmware did something to a register that silicon, or this emulator, does not do; the text names it."""


class Machine(Protocol):
    """What a register model may use of the machine it is part of."""

    state: State
    board: Board
    chip: Chip
    clocks: Clocks
    device_id: int
    host_baud: int | None  # what the host's end of the line is set to; None follows the firmware
    active_exception: int  # number of the exception whose handler runs; 0 for none
    unmodelled: Unmodelled | None  # of a foreign image: takes what is not emulated; None: that is a fault

    @property
    def trace_enabled(self) -> bool:
        """DEMCR.TRCENA: the DWT runs."""

    def trace_changed(self) -> None:
        """DEMCR has been written."""

    def uart_hz(self, uart: Uart) -> float:
        """The clock of a UART."""

    def pin_function(self, pin: str) -> tuple[int, int]:
        """Mode and alternate function of a pin such as ``"PD8"``."""

    def pin_problem(self, pin: str) -> str:
        """What keeps a pin without supply; "" when nothing does."""

    def clocks_changed(self) -> None:
        """RCC, PWR or FLASH has changed: recompute the clocks; raises PeripheralFault outside the chip's limits."""

    def caches_changed(self) -> None:
        """The core's CCR has changed, which switches its caches."""

    def instruction_cache_invalidated(self) -> None:
        """ICIALLU has been written."""

    def gates_changed(self) -> None:
        """An RCC enable register has changed; notify the peripherals whose clock gate moved."""

    def interrupts_changed(self) -> None:
        """What may interrupt, or when, has changed; seen at the end of the present block."""

    def request_reset(self) -> None:
        """Restart the chip at the end of the present block."""

    def is_console(self, uart: Peripheral) -> bool:
        """Whether a UART is the one whose line leads to the host."""

    def offer_console(self, uart: Peripheral) -> bool:
        """A UART is used: it becomes the console where none is yet. Returns whether it is."""

    def pin_changed(self, pin: str, level: int) -> None:
        """An output pin has an edge.

        Args:
            pin: Such as ``PF13``.
            level: 0 or 1.
        """


class Unmodelled:
    """What a foreign image does that is not emulated, counted by name: it goes on, with registers that hold values."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, what: str) -> None:
        """Count one more occurrence of ``what``."""
        self.counts[what] += 1


class Peripheral:
    """A bank of registers at ``base``. ``RESET`` lists every register there is, by offset; others are a fault.

    Subclasses override ``load`` and ``store`` for registers that do something. Both get whole words; narrower
    accesses are cut and merged here.
    """

    RESET: ClassVar[Mapping[int, int]] = {}
    SIZE_BYTES: ClassVar[int] = 0x400

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        self.machine, self.name, self.base = machine, name, base
        self.words: dict[int, int] = dict(self.RESET)
        self.unknown: set[int] = set()
        """Offsets without a model, which a foreign image has used."""

    @property
    def interrupts(self) -> bool:
        """An interrupt of this peripheral is enabled at its source."""
        return False

    @property
    def interrupt_pending(self) -> bool:
        """Its interrupt line is up."""
        return False

    @property
    def due(self) -> int:
        """The cycle at which the line will next go up by itself."""
        return NEVER

    def refuse(self, problem: str) -> None:
        """Raise PeripheralFault for what is not emulated; of a foreign image it is counted instead.

        Args:
            problem: What the firmware does.
        """
        if self.machine.unmodelled is None:
            raise PeripheralFault(problem)
        self.machine.unmodelled.note(problem.removeprefix("the firmware "))

    def gate(self, enabled: bool) -> None:
        """The clock gate has opened or closed."""

    def retime(self) -> None:
        """A clock has changed."""

    def load(self, offset: int) -> int:
        """The value of the register at ``offset``."""
        return self.words[offset]

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        self.words[offset] = value

    def read(self, offset: int, size: int) -> int:
        """Answer a read by the core.

        Args:
            offset: From the base of the peripheral.
            size: 1, 2 or 4 bytes.

        Returns:
            The value.

        Raises:
            PeripheralFault: for an offset without a register.
        """
        aligned = self._known(offset, "reads")
        return self.load(aligned) >> 8 * (offset - aligned) & (1 << 8 * size) - 1

    def write(self, offset: int, size: int, value: int) -> None:
        """Carry out a write by the core.

        Args:
            offset: From the base of the peripheral.
            size: 1, 2 or 4 bytes.
            value: What is written.

        Raises:
            PeripheralFault: for an offset without a register.
        """
        aligned = self._known(offset, f"writes {value:#x} to")
        if size < 4:
            shift = 8 * (offset - aligned)
            mask = ((1 << 8 * size) - 1) << shift
            value = self.words[aligned] & ~mask | value << shift & mask
        self.store(aligned, value & 0xFFFF_FFFF)

    def _known(self, offset: int, verb: str) -> int:
        aligned = offset & ~3
        if aligned not in self.words and self.machine.unmodelled is not None:
            self.unknown.add(aligned)
            self.words[aligned] = 0
        if aligned in self.unknown and self.machine.unmodelled is not None:
            self.machine.unmodelled.note(f"{self.name} + {aligned:#x}: {'read' if verb == 'reads' else 'written'}")
        elif aligned not in self.words:
            raise PeripheralFault(
                f"the firmware {verb} {self.name} + {offset:#x} ({self.base + offset:#010x}), a register "
                "this emulator does not have"
            )
        return aligned
