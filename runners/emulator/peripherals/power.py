# SPDX-License-Identifier: Apache-2.0
"""Reset and clock control, power control and the flash interface of the STM32F4 and F7."""

from __future__ import annotations

from typing import ClassVar

from mlperf_tiny.runners.emulator.peripherals.clock_tree import ClockRegisters, clocks
from mlperf_tiny.runners.emulator.peripherals.clocking import (
    FlashControl,
    PowerControl,
    ResetAndClockControl,
    Supply,
    hse_ready,
)
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks

# Ready bits of RCC_CR by their enable bit: HSI, HSE, PLL, PLLI2S, PLLSAI.
_READY = {0: 1, 16: 17, 24: 25, 26: 27, 28: 29}
_READY_MASK = sum(1 << bit for bit in _READY.values())
_PLL_ON, _PLL_ENABLES = 1 << 24, 0x0F00_0000


class Rcc(ResetAndClockControl):
    """Oscillators are ready at once, and the switch follows at once; both take microseconds on silicon."""

    CR, PLLCFGR, CFGR, BDCR, CSR, DCKCFGR2 = 0x00, 0x04, 0x08, 0x70, 0x74, 0x90
    ENABLES: ClassVar = {0x30: "AHB1ENR", 0x34: "AHB2ENR", 0x38: "AHB3ENR", 0x40: "APB1ENR", 0x44: "APB2ENR"}
    RESET: ClassVar = {
        CR: 0x0000_0083,
        PLLCFGR: 0x2400_3010,
        **dict.fromkeys((0x08, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x24), 0),
        0x30: 0x0010_0000,  # AHB1ENR: the DTCM clock of an F7, reserved on an F4
        **dict.fromkeys((0x34, 0x38, 0x40, 0x44), 0),
        0x50: 0x7EF7_B7FF,  # enables during sleep; nothing here sleeps
        0x54: 0x0000_00F1,
        0x58: 0x0000_0001,
        0x60: 0x36FF_ECFF,
        0x64: 0x0475_7F33,
        BDCR: 0,
        CSR: 0x0E00_0000,
        0x80: 0,
        0x84: 0x2400_3010,
        0x88: 0x2400_3010,
        **dict.fromkeys((0x8C, DCKCFGR2, 0x94), 0),
    }

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        value = self.words[offset]
        if offset == self.CR:
            ready = sum(1 << ready for enable, ready in _READY.items() if value >> enable & 1)
            if not hse_ready(value, self.machine.chip.clocks):
                ready &= ~(1 << 17)
            return value & ~_READY_MASK | ready
        if offset == self.CFGR:
            return value & ~0xC | (value & 3) << 2
        if offset in (self.CSR, self.BDCR):
            return value & ~2 | (value & 1) << 1
        return value

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        if offset == self.PLLCFGR and self.words[self.CR] & _PLL_ON:
            return  # locked while the PLL runs
        self.words[offset] = value
        if offset in (self.CR, self.PLLCFGR, self.CFGR, self.DCKCFGR2):
            self.machine.clocks_changed()
        elif offset in self.ENABLES:
            self.machine.gates_changed()

    def clocks(self, supply: Supply) -> Clocks:
        """Return the clocks that the registers give; raises ClockProblem outside the chip's limits."""
        registers = ClockRegisters(
            cr=self.words[self.CR],
            pllcfgr=self.words[self.PLLCFGR],
            cfgr=self.words[self.CFGR],
            flash_acr=supply.flash_acr,
            overdrive=supply.boost,
        )
        return clocks(registers, self.machine.chip.clocks)


class Pwr(PowerControl):
    """Voltage scaling and over-drive; each is ready at once."""

    CR, CSR = 0x00, 0x04
    OVERDRIVE, OVERDRIVE_SWITCH = 1 << 16, 1 << 17
    RESET: ClassVar = {CR: 0x0000_C000, CSR: 0, 0x08: 0, 0x0C: 0}

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if offset != self.CSR:
            return self.words[offset]
        follow = self.words[self.CR] & (self.OVERDRIVE | self.OVERDRIVE_SWITCH)
        return self.words[self.CSR] & ~(self.OVERDRIVE | self.OVERDRIVE_SWITCH) | follow | 1 << 14

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        self.words[offset] = value
        if offset == self.CR:
            self.machine.clocks_changed()

    @property
    def boost(self) -> bool:
        """Over-drive is on, and the regulator has been switched to it."""
        both = self.OVERDRIVE | self.OVERDRIVE_SWITCH
        return self.words[self.CR] & both == both


class FlashInterface(FlashControl):
    """Wait states and accelerator bits read back as written; programming is refused by the read-only memory."""

    KEYR, SR, CR = 0x04, 0x0C, 0x10
    RESET: ClassVar = {FlashControl.ACR: 0, KEYR: 0, 0x08: 0, SR: 0, CR: 0x8000_0000, 0x14: 0xC0FF_AAFD, 0x18: 0}

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        if offset == self.KEYR:
            if self.words[self.KEYR] == 0x4567_0123 and value == 0xCDEF_89AB:
                self.words[self.CR] &= 0x7FFF_FFFF
            self.words[self.KEYR] = value
        elif offset != self.SR:
            self.words[offset] = value
            if offset == self.ACR:
                self.machine.clocks_changed()

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        return 0 if offset in (self.KEYR, 0x08) else self.words[offset]
