# SPDX-License-Identifier: Apache-2.0
"""What all chips of a family have in common, in rows: where its peripherals are and which bits clock them.

The port's C gets what it needs through ``board_config.h``; the emulator puts a register model at each address. A device
of a known family is one file in ``devices/``; a new family is a row in a module beside this one, a ``clock_*.c`` in
``firmware/ports/stm32`` and the register models of its clocks, power and flash in ``runners/emulator``.

Sources: device headers of the STM32F446xx, STM32F746xx and STM32L4R5xx; RM0390, RM0385, RM0432.
"""

from __future__ import annotations

from dataclasses import dataclass

Gate = tuple[int, int]
"""Offset of a register of the RCC, and the number of a bit in it."""


@dataclass(frozen=True, kw_only=True)
class Uart:
    """A serial port of a chip."""

    name: str
    """``USART3``."""
    registers: str
    """The register layout: ``usart_v1`` or ``usart_v2``, a driver in ``firmware/ports/stm32``."""
    base: int
    bus: int
    """1 or 2: the APB that clocks it."""
    enable: Gate
    """Its clock enable bit."""
    select: Gate | None = None
    """The field of two bits that chooses its clock: bus, system, HSI, LSE. None where there is no choice."""
    interrupt: int
    """Its position in the NVIC."""
    low_power: bool = False
    """An LPUART: its divider counts 256ths of a clock, which must be 3 to 4096 times the rate."""


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A timer of a chip."""

    name: str
    """``TIM2``."""
    base: int
    bus: int
    """1 or 2: the APB that clocks it."""
    enable: Gate
    """Its clock enable bit."""
    interrupt: int
    """Position of its update interrupt in the NVIC."""
    bits: int = 16
    """Width of its counter."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of chips."""

    name: str
    """``stm32f7``: the key of the emulator's register models."""
    clock_driver: str
    """The C file of the clock set-up, in ``firmware/ports/stm32``."""
    rcc: int
    """Base of the reset and clock control."""
    gpio: int
    """Base of GPIO port A; the ports lie 0x400 apart."""
    gpio_enable: int
    """Offset in the RCC of the ports' clock enable register; the bit is the port's place in the alphabet."""
    uarts: tuple[Uart, ...]
    """All serial ports."""
    timers: tuple[Timer, ...]
    """All timers."""
    other: tuple[tuple[str, int, Gate | None], ...]
    """(name, base, clock enable bit) of what else there is, so that accesses to it can be named."""

    def uart(self, name: str) -> Uart:
        """Return the serial port called ``name``; raises KeyError when the family has none."""
        for uart in self.uarts:
            if uart.name == name:
                return uart
        raise KeyError(f"{self.name} has no {name}")

    def timer(self, name: str) -> Timer:
        """Return the timer called ``name``; raises KeyError when the family has none."""
        for timer in self.timers:
            if timer.name == name:
                return timer
        raise KeyError(f"{self.name} has no {name}")
