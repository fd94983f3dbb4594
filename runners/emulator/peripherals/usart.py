# SPDX-License-Identifier: Apache-2.0
"""The console UART: control registers here, the data path in ``native/uart.py``. Two register layouts, one behaviour.

Eight data bits, no parity, one stop bit; polled, or with interrupts for a byte received, room to send and all sent.
Anything else (other interrupts, DMA, parity) is refused by name, because a firmware that uses it would not work here
and should not seem to.
"""

from __future__ import annotations

from typing import ClassVar

from mlperf_tiny.runners.emulator.native.entry_points import advance, read_data, read_status, status, write_data
from mlperf_tiny.runners.emulator.native.state import NEVER
from mlperf_tiny.runners.emulator.native.uart import ORE, RXNE, TC, TXE
from mlperf_tiny.runners.emulator.peripherals.registers import Machine, Peripheral, PeripheralFault

BITS_PER_FRAME = 10
LOOKS_OF_A_CONSOLE = 1_000
"""A foreign image that asks a receiver so often, and sends nothing, waits there for the host."""

_TE, _RE, _PARITY, _OVER8 = 1 << 3, 1 << 2, 1 << 10, 1 << 15
_WORD_LENGTH = 1 << 12 | 1 << 28
_RXNEIE, _TCIE, _TXEIE = 1 << 5, 1 << 6, 1 << 7
_OTHER_INTERRUPTS = 0x110
_DMA, _OVRDIS = 0xC0, 1 << 12
_TEACK, _REACK = 1 << 21, 1 << 22
_FIFOS = 1 << 29


class Usart(Peripheral):
    """What both layouts share."""

    KIND: ClassVar[int]
    STATUS: ClassVar[int]
    RX: ClassVar[int]
    TX: ClassVar[int]
    CR1: ClassVar[int]
    CR2: ClassVar[int]
    CR3: ClassVar[int]
    BRR: ClassVar[int]
    ENABLE: ClassVar[int]

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        super().__init__(machine, name, base)
        self.state = machine.state
        self.row = machine.chip.family.uart(name)
        self.is_open = False
        self.looks = 0
        """How often the status has been read while this was not the console."""

    @property
    def is_console(self) -> bool:
        """Whether the line of this UART leads to the host."""
        return self.machine.is_console(self)

    def become_console(self) -> None:
        """The line of this UART leads to the host from now on."""
        self.state.uart.kind = self.KIND
        self.gate(self.is_open)
        self.retime()

    def gate(self, enabled: bool) -> None:
        """The clock gate has opened or closed."""
        self.is_open = enabled
        if not self.is_console:
            return
        self.state.uart.status_address = self.base + self.STATUS if enabled else 0
        self.state.uart.rx_address = self.base + self.RX if enabled else 0
        # The first byte sent goes through Python, which looks whether anything would come out of the pin.
        self.state.uart.tx_address = 0

    @property
    def divisor(self) -> float:
        """UART clock cycles per bit, from BRR."""
        if self.row.low_power:
            return (self.words[self.BRR] & 0xF_FFFF) / 256
        brr = self.words[self.BRR] & 0xFFFF
        if not self.words[self.CR1] & _OVER8:
            return brr
        return (brr >> 4) * 8 + (brr & 7)

    @property
    def baud(self) -> float:
        """The rate the registers give at the present clocks; 0 while there is no divisor."""
        return self.machine.uart_hz(self.row) / self.divisor if self.divisor else 0.0

    def retime(self) -> None:
        """Follow a change of clock or control register."""
        if not self.is_console:
            return
        advance(self.state)
        now, old_frame = self.state.core.cycles, self.state.uart.frame
        hz = self.machine.uart_hz(self.row)
        frame = round(BITS_PER_FRAME * self.divisor * self.machine.clocks.core_hz / hz)
        if old_frame and frame != old_frame:
            uart = self.state.uart
            for event in ("tx_end", "rx_arrival"):
                cycle = getattr(uart, event)
                if cycle > now:
                    setattr(uart, event, now + (cycle - now) * frame // old_frame)
        control = self.words[self.CR1]
        on = bool(control & self.ENABLE) and self.divisor >= (3 if self.row.low_power else 8)
        self.state.uart.frame = frame
        self.state.uart.tx_on = on and bool(control & _TE)
        self.state.uart.rx_on = on and bool(control & _RE)
        self.state.uart.tx_address = 0
        self.state.uart.keep_newest = self.KIND == 2 and bool(self.words[self.CR3] & _OVRDIS)

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if not self.is_console:
            return self._load_elsewhere(offset)
        if offset == self.STATUS:
            return int(read_status(self.state))
        if offset == self.RX:
            return int(read_data(self.state))
        return self.words[offset]

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.

        Raises:
            PeripheralFault: for a setting that is not emulated.
        """
        if offset == self.TX:
            sends = self.words[self.CR1] & (self.ENABLE | _TE) == self.ENABLE | _TE
            if not self.is_console and not (sends and self.machine.offer_console(self)):
                self.refuse(f"the firmware sends through {self.name}, which is not the console")
                return
            self._check_output()
            self.state.uart.tx_address = self.base + self.TX
            write_data(self.state, value)
            return
        self._check_control(offset, value)
        self.words[offset] = value
        if offset in (self.CR1, self.CR2, self.CR3, self.BRR):
            self.retime()
            self.machine.interrupts_changed()

    def _load_elsewhere(self, offset: int) -> int:
        """The registers of a UART with nothing at the other end of its line: what is sent is gone at once.

        One whose receiver is asked again and again becomes the console where none has been found yet.
        """
        if offset != self.STATUS:
            return 0 if offset == self.RX and self.RX != self.TX else self.words[offset]
        self.looks += 1
        listens = self.words[self.CR1] & (self.ENABLE | _RE) == self.ENABLE | _RE
        if listens and self.looks >= LOOKS_OF_A_CONSOLE and self.machine.offer_console(self):
            return self.load(offset)
        return TXE | TC | self.acknowledged

    @property
    def acknowledged(self) -> int:
        """Status bits that follow the control registers."""
        return 0

    @property
    def listens(self) -> bool:
        """The firmware takes received bytes by interrupt."""
        wanted = self.ENABLE | _RE | _RXNEIE
        return self.words[self.CR1] & wanted == wanted

    @property
    def interrupts(self) -> bool:
        """An interrupt of this UART is enabled."""
        return bool(self.words[self.CR1] & (_RXNEIE | _TCIE | _TXEIE))

    @property
    def interrupt_pending(self) -> bool:
        """The interrupt line is up. The shift registers must have been brought up to date."""
        control, flags = self.words[self.CR1], int(status(self.state)) if self.is_console else TXE | TC
        return bool((control & _RXNEIE and flags & (RXNE | ORE)) or (control & _TXEIE and flags & TXE)
                    or (control & _TCIE and flags & TC))  # fmt: skip

    @property
    def due(self) -> int:
        """The cycle at which the line will next go up by itself."""
        control, state = self.words[self.CR1], self.state
        if not self.is_console:
            return NEVER
        arrival = state.uart.rx_arrival if control & _RXNEIE else 0
        sent = state.uart.tx_end if control & (_TXEIE | _TCIE) else 0
        return min((cycle for cycle in (arrival, sent) if cycle > state.core.cycles), default=NEVER)

    def _check_control(self, offset: int, value: int) -> None:
        problem = ""
        if offset == self.CR1:
            if value & _OTHER_INTERRUPTS:
                problem = "interrupt on an idle line or on a parity error, which is not emulated"
            elif value & (_PARITY | _WORD_LENGTH):
                problem = "a frame other than eight bits without parity, the only one emulated"
        elif offset == self.CR2 and value >> 12 & 3:
            problem = "more or less than one stop bit, which is not emulated"
        elif offset == self.CR3 and value & _DMA:
            problem = "DMA, which is not emulated"
        if problem:
            self.refuse(f"the firmware sets {self.name} to {problem}")

    def _check_output(self) -> None:
        """Refuse a byte that would not reach the host on silicon."""
        if self.machine.unmodelled is None:  # the pins of a foreign image's board need not be those of the row
            self._check_pins()
        host_baud = self.machine.host_baud
        if host_baud and abs(self.baud / host_baud - 1) > 0.025:
            raise PeripheralFault(
                f"{self.name} runs at {self.baud:.0f} baud (BRR = {self.words[self.BRR]} at "
                f"{self.machine.uart_hz(self.row) / 1e6:g} MHz), the host's end at {host_baud}"
            )

    def _check_pins(self) -> None:
        console = self.machine.chip.console
        if not self.state.uart.tx_on:
            raise PeripheralFault(
                f"the firmware sends a byte through {self.name}, whose transmitter is off "
                f"(CR1 = {self.words[self.CR1]:#x}, BRR = {self.words[self.BRR]:#x})"
            )
        pins = [console.tx_pin] + ([console.rx_pin] if self.state.uart.rx_on else [])
        for pin in pins:
            if problem := self.machine.pin_problem(pin):
                raise PeripheralFault(f"the firmware uses {self.name} while its pin {pin} has no supply: {problem}")
            mode, function = self.machine.pin_function(pin)
            if mode != 2 or function != console.alternate_function:
                raise PeripheralFault(
                    f"the firmware uses {self.name} while its pin {pin} is not in alternate function "
                    f"{console.alternate_function} (mode {mode}, function {function})"
                )


class UsartV1(Usart):
    """STM32F4: one data register, status bits that reading clears."""

    KIND, STATUS, RX, TX = 1, 0x00, 0x04, 0x04
    BRR, CR1, CR2, CR3 = 0x08, 0x0C, 0x10, 0x14
    ENABLE = 1 << 13
    RESET: ClassVar = {STATUS: 0xC0, RX: 0, BRR: 0, CR1: 0, CR2: 0, CR3: 0, 0x18: 0}

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.

        Raises:
            PeripheralFault: for a setting that is not emulated.
        """
        if offset == self.STATUS:
            if not value & 1 << 5 and self.is_console:
                self.state.uart.rx_full = 0
            return
        super().store(offset, value)


class UsartV2(Usart):
    """STM32F7 and L4: separate data registers, flags cleared through ICR, acknowledged enables."""

    KIND, STATUS, RX, TX = 2, 0x1C, 0x24, 0x28
    CR1, CR2, CR3, BRR, RQR, ICR = 0x00, 0x04, 0x08, 0x0C, 0x18, 0x20
    ENABLE = 1 << 0
    RESET: ClassVar = {**dict.fromkeys(range(0x00, 0x2C, 4), 0), STATUS: 0xC0}

    def retime(self) -> None:
        """Follow a change of clock or control register."""
        super().retime()
        if self.is_console:
            self.state.uart.status_bits = self.acknowledged

    @property
    def acknowledged(self) -> int:
        """TEACK and REACK follow their enable bits."""
        control = self.words[self.CR1]
        if not control & self.ENABLE:
            return 0
        return (_TEACK if control & _TE else 0) | (_REACK if control & _RE else 0)

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.

        Raises:
            PeripheralFault: for a setting that is not emulated.
        """
        if offset == self.ICR:
            if value & 1 << 3 and self.is_console:
                self.state.uart.overrun = 0
        elif offset == self.RQR:
            if value & 1 << 3 and self.is_console:
                self.state.uart.rx_full = 0
        elif offset in (self.STATUS, self.RX):
            return
        elif offset == self.BRR and self.words[self.CR1] & self.ENABLE:
            self.refuse(f"the firmware writes {self.name}_BRR while the UART is enabled, which has no effect")
        else:
            super().store(offset, value)


class UsartL4Plus(UsartV2):
    """STM32L4+: also a prescaler before the divider. The FIFOs are not emulated."""

    PRESC: ClassVar = 0x2C
    RESET: ClassVar = {**UsartV2.RESET, PRESC: 0}
    PRESCALERS: ClassVar = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)

    @property
    def divisor(self) -> float:
        """UART clock cycles per bit, from PRESC and BRR."""
        field = self.words[self.PRESC] & 0xF
        return super().divisor * self.PRESCALERS[min(field, len(self.PRESCALERS) - 1)]

    def _check_control(self, offset: int, value: int) -> None:
        super()._check_control(offset, value)
        if offset == self.CR1 and value & _FIFOS:
            self.refuse(f"the firmware switches on the FIFOs of {self.name}, which are not emulated")
