# SPDX-License-Identifier: Apache-2.0
"""Reset and clock control, power control and the flash interface of the STM32L4+ (RM0432)."""

from __future__ import annotations

from typing import ClassVar

from mlperf_tiny.runners.emulator.peripherals.clock_tree_l4 import ClockRegistersL4, clocks
from mlperf_tiny.runners.emulator.peripherals.clocking import (
    FlashControl,
    PowerControl,
    ResetAndClockControl,
    Supply,
    hse_ready,
)
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks, Machine

# Ready bits of RCC_CR by their enable bit: MSI, HSI16, HSE, PLL, PLLSAI1, PLLSAI2.
_READY = {0: 1, 8: 10, 16: 17, 24: 25, 26: 27, 28: 29}
_READY_MASK = sum(1 << bit for bit in _READY.values())
_HSE_READY = 1 << 17
DUAL_BANK_BYTES = 8
"""Width of a read of the flash in dual-bank mode."""


class RccL4(ResetAndClockControl):
    """Oscillators are ready at once, and the switch follows at once; both take microseconds on silicon."""

    CR, CFGR, PLLCFGR, CCIPR, BDCR, CSR, CRRCR = 0x00, 0x08, 0x0C, 0x88, 0x90, 0x94, 0x98
    ENABLES: ClassVar = {
        0x48: "AHB1ENR",
        0x4C: "AHB2ENR",
        0x50: "AHB3ENR",
        0x58: "APB1ENR1",
        0x5C: "APB1ENR2",
        0x60: "APB2ENR",
    }
    RESET: ClassVar = {
        **dict.fromkeys(range(0x00, 0xA0, 4), 0),
        CR: 0x0000_0063,
        0x04: 0x4000_0000,  # ICSCR: the factory's trimming
        PLLCFGR: 0x0000_1000,
        0x10: 0x0000_1000,
        0x14: 0x0000_1000,
        0x48: 0x0000_0100,  # AHB1ENR: the flash interface
        0x68: 0x0003_1307,  # enables during sleep; nothing here sleeps
        0x6C: 0x0057_77FF,
        0x70: 0x0000_0301,
        0x78: 0xF3FE_CC3F,
        0x7C: 0x0000_0023,
        0x80: 0x0567_7801,
        CSR: 0x0C00_0600,
    }

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        value = self.words[offset]
        if offset == self.CR:
            ready = sum(1 << ready for enable, ready in _READY.items() if value >> enable & 1)
            if not hse_ready(value, self.machine.chip.clocks):
                ready &= ~_HSE_READY
            return value & ~_READY_MASK | ready
        if offset == self.CFGR:
            return value & ~0xC | (value & 3) << 2
        if offset in (self.BDCR, self.CSR, self.CRRCR):
            return value & ~2 | (value & 1) << 1
        return value

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        self.words[offset] = value
        if offset in (self.CR, self.PLLCFGR, self.CFGR, self.CCIPR, self.CSR):
            self.machine.clocks_changed()
        elif offset in self.ENABLES:
            self.machine.gates_changed()

    def clocks(self, supply: Supply) -> Clocks:
        """Return the clocks that the registers give; raises ClockProblem outside the chip's limits."""
        registers = ClockRegistersL4(
            cr=self.words[self.CR],
            pllcfgr=self.words[self.PLLCFGR],
            cfgr=self.words[self.CFGR],
            csr=self.words[self.CSR],
        )
        return clocks(registers, self.machine.chip.clocks, supply)


class PwrL4(PowerControl):
    """Voltage range and boost; each is ready at once. Low-power modes are not emulated."""

    CR1, CR2, SR2, SCR, CR5 = 0x00, 0x04, 0x14, 0x18, 0x80
    RESET: ClassVar = {
        **dict.fromkeys(range(0x00, 0x68, 4), 0),
        CR1: 0x0000_0200,
        0x08: 0x0000_8000,
        CR5: 0x0000_0100,
    }

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        return 0 if offset in (0x10, self.SR2, self.SCR) else self.words[offset]

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        self.words[offset] = value
        if offset in (self.CR1, self.CR5):
            self.machine.clocks_changed()

    @property
    def boost(self) -> bool:
        """Range 1 with boost."""
        return not self.low and not self.words[self.CR5] & 1 << 8

    @property
    def low(self) -> bool:
        """Range 2."""
        return self.words[self.CR1] >> 9 & 3 == 2

    def unpowered(self, pin: str) -> str:
        """PG2 to PG15 have a supply of their own, VDDIO2, which the firmware must declare valid (RM0432 5.1.3)."""
        if pin[1] != "G" or int(pin[2:]) < 2 or self.words[self.CR2] & 1 << 9:
            return ""
        return "PWR_CR2.IOSV is 0"


class FlashL4(FlashControl):
    """Wait states and accelerator bits read back as written; programming is refused by the read-only memory."""

    KEYR, SR, CR, OPTR = 0x08, 0x10, 0x14, 0x20
    DUAL_BANK: ClassVar = 1 << 22
    RESET: ClassVar = {
        **dict.fromkeys(range(0x00, 0x54, 4), 0),
        FlashControl.ACR: 0x0000_0600,
        CR: 0xC000_0000,
        OPTR: 0xFFEF_F8AA,
        0x130: 0,
    }

    def __init__(self, machine: Machine, name: str, base: int) -> None:
        super().__init__(machine, name, base)
        system = machine.board.memory_system
        if system is not None and system.accelerator.line_bytes > DUAL_BANK_BYTES:
            self.words[self.OPTR] &= ~self.DUAL_BANK

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
        elif offset not in (self.SR, self.OPTR):
            self.words[offset] = value
            if offset == self.ACR:
                self.machine.clocks_changed()

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        return 0 if offset in (0x04, self.KEYR, 0x0C) else self.words[offset]
