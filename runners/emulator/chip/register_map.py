# SPDX-License-Identifier: Apache-2.0
"""Which register model sits at which address: the facts of a board row (``firmware/boards``) to the emulator's models.

The addresses and gates that all chips of a family share are here; what differs between chips is in the rows.
Sources: device headers of the STM32F446xx and STM32F746xx.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import BOARDS, Board, Chip
from mlperf_tiny.runners.emulator.peripherals.core import DebugMcu, Dwt, SystemConfig, SystemControl
from mlperf_tiny.runners.emulator.peripherals.gpio import Gpio
from mlperf_tiny.runners.emulator.peripherals.power import FlashInterface, Pwr, Rcc
from mlperf_tiny.runners.emulator.peripherals.registers import Peripheral
from mlperf_tiny.runners.emulator.peripherals.timer import Timer
from mlperf_tiny.runners.emulator.peripherals.usart import Usart, UsartV1, UsartV2


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One peripheral of a chip."""

    name: str
    base: int
    model: type[Peripheral]
    gate: tuple[int, int] | None = None
    """Its clock enable: (offset of the RCC register, bit). None: always clocked."""


AHB1ENR, APB1ENR, APB2ENR = 0x30, 0x40, 0x44
"""Offsets of the RCC's clock enable registers."""

USARTS: Mapping[str, type[Usart]] = {"usart_v1": UsartV1, "usart_v2": UsartV2}
"""``Console.registers`` to the model of that register layout."""


def stm32_f4_f7_slots(chip: Chip) -> tuple[Slot, ...]:
    """Return the peripherals that an F4 and an F7 have at the same addresses, its GPIO ports, and the console UART."""
    console = chip.console
    ports = ((letter, ord(letter) - ord("A")) for letter in chip.gpio_ports)
    return (
        *(
            Slot(name=f"GPIO{letter}", base=0x4002_0000 + 0x400 * index, model=Gpio, gate=(AHB1ENR, index))
            for letter, index in ports
        ),
        Slot(name="RCC", base=0x4002_3800, model=Rcc),
        Slot(name="FLASH", base=0x4002_3C00, model=FlashInterface),
        Slot(name="PWR", base=0x4000_7000, model=Pwr, gate=(APB1ENR, 28)),
        Slot(name="SYSCFG", base=0x4001_3800, model=SystemConfig, gate=(APB2ENR, 14)),
        Slot(name="TIM2", base=0x4000_0000, model=Timer, gate=(APB1ENR, 0)),
        Slot(name="TIM5", base=0x4000_0C00, model=Timer, gate=(APB1ENR, 3)),
        Slot(
            name=console.uart,
            base=console.base,
            model=USARTS[console.registers],
            gate=(APB1ENR if console.bus == 1 else APB2ENR, console.clock_enable_bit),
        ),
        Slot(name="SCS", base=0xE000_E000, model=SystemControl),
        Slot(name="DWT", base=0xE000_1000, model=Dwt),
        Slot(name="DBGMCU", base=0xE004_2000, model=DebugMcu),
    )


FAMILIES: Mapping[str, Callable[[Chip], tuple[Slot, ...]]] = {"stm32": stm32_f4_f7_slots}
"""``Board.port`` to the peripherals of that family."""


def chip_of(board: Board) -> Chip:
    """Return the chip of a row; raises UsageError when the emulator has no models for its family."""
    if board.chip is None or board.port not in FAMILIES:
        emulated = sorted(row.device for row in BOARDS if row.chip is not None and row.port in FAMILIES)
        raise UsageError(f"there is no emulator for {board.device!r}; there is one for {', '.join(emulated)}.")
    return board.chip


def slots_of(board: Board) -> tuple[Slot, ...]:
    """Return the peripherals of a row's chip; raises UsageError as ``chip_of``."""
    return FAMILIES[board.port](chip_of(board))
