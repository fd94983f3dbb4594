# SPDX-License-Identifier: Apache-2.0
"""A port of sixteen pins. Edges of outputs are recorded with device time: one of them is the timestamp pin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mlperf_tiny.runners.emulator.peripherals.registers import Machine, Peripheral


class Gpio(Peripheral):
    """Outputs read back on IDR; inputs read 0, or 1 with a pull-up."""

    MODER, PUPDR, IDR, ODR, BSRR, AFRL, AFRH = 0x00, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x24
    RESET = dict.fromkeys(range(0x00, 0x28, 4), 0)
    # The debug port's pins come up in their alternate function.
    PORT_RESET: ClassVar[Mapping[str, Mapping[int, int]]] = {
        "GPIOA": {0x00: 0xA800_0000, 0x08: 0x0C00_0000, 0x0C: 0x6400_0000},
        "GPIOB": {0x00: 0x0000_0280, 0x08: 0x0000_00C0, 0x0C: 0x0000_0100},
    }

    ANALOG: ClassVar = 0
    """MODER of the other ports."""

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        super().__init__(machine, name, base)
        self.words[self.MODER] = self.ANALOG
        self.words.update(self.PORT_RESET.get(name, {}))

    def mode(self, pin: int) -> int:
        """0 input, 1 output, 2 alternate function, 3 analog."""
        return self.words[self.MODER] >> 2 * pin & 3

    def alternate_function(self, pin: int) -> int:
        """The number of the alternate function chosen for ``pin``."""
        return self.words[self.AFRL + 4 * (pin // 8)] >> 4 * (pin % 8) & 0xF

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if offset == self.BSRR:
            return 0
        if offset != self.IDR:
            return self.words[offset]
        level = 0
        for pin in range(16):
            mode = self.mode(pin)
            pulled_up = self.words[self.PUPDR] >> 2 * pin & 3 == 1
            high = self.words[self.ODR] >> pin & 1 if mode == 1 else mode != 3 and pulled_up
            level |= int(high) << pin
        return level

    def store(self, offset: int, value: int) -> None:
        """Write a register; an output that changes is noted as an edge.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        before = self._driven()
        if offset == self.BSRR:
            self.words[self.ODR] = self.words[self.ODR] & ~(value >> 16) & 0xFFFF | value & 0xFFFF
        elif offset != self.IDR:
            self.words[offset] = value & 0xFFFF if offset == self.ODR else value
        after = self._driven()
        for pin, level in after.items():
            if before.get(pin) != level:
                self.machine.pin_changed(f"P{self.name[-1]}{pin}", level)

    def _driven(self) -> dict[int, int]:
        """Levels of the pins that are outputs; becoming an output counts as an edge."""
        return {pin: self.words[self.ODR] >> pin & 1 for pin in range(16) if self.mode(pin) == 1}


class GpioL4(Gpio):
    """STM32L4: pins come up analog, and a register that only resets outputs (RM0432 8.4)."""

    BRR: ClassVar = 0x28
    RESET = dict.fromkeys(range(0x00, 0x2C, 4), 0)
    ANALOG: ClassVar = 0xFFFF_FFFF
    PORT_RESET: ClassVar[Mapping[str, Mapping[int, int]]] = {
        "GPIOA": {0x00: 0xABFF_FFFF, 0x08: 0x0C00_0000, 0x0C: 0x6400_0000},
        "GPIOB": {0x00: 0xFFFF_FEBF, 0x08: 0, 0x0C: 0x0000_0100},
    }

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        return 0 if offset == self.BRR else super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        if offset == self.BRR:
            super().store(self.BSRR, (value & 0xFFFF) << 16)
        else:
            super().store(offset, value)
