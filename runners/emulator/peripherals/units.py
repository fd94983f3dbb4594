# SPDX-License-Identifier: Apache-2.0
"""Small units that firmware of others uses: the CRC unit, random numbers, and whatever is not emulated."""

from __future__ import annotations

from typing import ClassVar

from mlperf_tiny.runners.emulator.peripherals.registers import Peripheral

_WORD = 0xFFFF_FFFF


def reversed_bits(value: int, width: int) -> int:
    """Return ``value`` with its lowest ``width`` bits in reverse order.

    Args:
        value: The bits.
        width: How many.

    Examples:
        >>> reversed_bits(0b0010, 4)
        4
    """
    return int(f"{value & (1 << width) - 1:0{width}b}"[::-1], 2)


class CrcUnit(Peripheral):
    """The CRC unit of an F7 and L4 (RM0432 15, RM0385 12); an F4's is this one at its reset values."""

    DR, IDR, CR, INIT, POL = 0x00, 0x04, 0x08, 0x10, 0x14
    RESET: ClassVar = {DR: _WORD, IDR: 0, CR: 0, INIT: _WORD, POL: 0x04C1_1DB7}
    WIDTHS: ClassVar = (32, 16, 8, 7)

    @property
    def width(self) -> int:
        """Bits of the polynomial."""
        return self.WIDTHS[self.words[self.CR] >> 3 & 3]

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        if offset != self.DR:
            return self.words[offset]
        value = self.words[self.DR] & (1 << self.width) - 1
        return reversed_bits(value, self.width) if self.words[self.CR] & 1 << 7 else value

    def write(self, offset: int, size: int, value: int) -> None:
        """Carry out a write by the core: data of one, two or four bytes, or a whole register.

        Args:
            offset: From the base of the peripheral.
            size: 1, 2 or 4 bytes.
            value: What is written.
        """
        if offset == self.DR:
            self._add(value & (1 << 8 * size) - 1, 8 * size)
        else:
            super().write(offset, size, value)

    def store(self, offset: int, value: int) -> None:
        """Write a register.

        Args:
            offset: Of the register, from the base of the peripheral.
            value: The 32-bit word.
        """
        if offset == self.CR and value & 1:
            self.words[self.DR] = self.words[self.INIT]
        self.words[offset] = value & ~1 if offset == self.CR else value
        if offset == self.INIT:
            self.words[self.DR] = value

    def _add(self, value: int, bits: int) -> None:
        """Shift data in, the highest bit first; REV_IN reverses it by bytes, half-words or as a word before."""
        step = (0, 8, 16, 32)[self.words[self.CR] >> 5 & 3]
        if step:
            step = min(step, bits)
            value = sum(reversed_bits(value >> at, step) << at for at in range(0, bits, step))
        width, polynomial = self.width, self.words[self.POL]
        crc, top = self.words[self.DR], 1 << width - 1
        for bit in range(bits - 1, -1, -1):
            feedback = bool(crc & top) ^ (value >> bit & 1)
            crc = crc << 1 & (1 << width) - 1
            if feedback:
                crc ^= polynomial & (1 << width) - 1
        self.words[self.DR] = crc


class RandomNumbers(Peripheral):
    """The RNG: always ready, and the same numbers in every run (RM0385 16)."""

    CR, SR, DR = 0x00, 0x04, 0x08
    RESET: ClassVar = {CR: 0, SR: 0, DR: 0, 0x10: 0}

    def load(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""
        enabled = self.words[self.CR] >> 2 & 1
        if offset == self.SR:
            return enabled
        if offset == self.DR and enabled:
            self.words[offset] = (self.words[offset] * 1_664_525 + 1_013_904_223) & _WORD
        return self.words[offset]


class NotEmulated(Peripheral):
    """A peripheral without a model: its registers hold what is written, and each access is counted by name."""

    RESET: ClassVar = {}
