# SPDX-License-Identifier: Apache-2.0
"""Which register model sits at which address: the facts of a board row (``firmware/boards``) to the emulator's models.

Addresses and clock enable bits that the firmware uses too are in the family's row, the others here.
Sources: device headers of the STM32F446xx, STM32F746xx and STM32L4R5xx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import BOARDS, Board, Chip
from mlperf_tiny.firmware.boards.facts.family import Gate
from mlperf_tiny.runners.emulator.peripherals.clocking import FlashControl, PowerControl, ResetAndClockControl
from mlperf_tiny.runners.emulator.peripherals.core import DebugMcu, Dwt, SystemConfig, SystemControl
from mlperf_tiny.runners.emulator.peripherals.gpio import Gpio, GpioL4
from mlperf_tiny.runners.emulator.peripherals.power import FlashInterface, Pwr, Rcc
from mlperf_tiny.runners.emulator.peripherals.power_l4 import FlashL4, PwrL4, RccL4
from mlperf_tiny.runners.emulator.peripherals.registers import Peripheral
from mlperf_tiny.runners.emulator.peripherals.timer import Timer
from mlperf_tiny.runners.emulator.peripherals.units import CrcUnit, NotEmulated, RandomNumbers
from mlperf_tiny.runners.emulator.peripherals.usart import Usart, UsartL4Plus, UsartV1, UsartV2


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One peripheral of a chip."""

    name: str
    base: int
    model: type[Peripheral]
    gate: Gate | None = None
    """Its clock enable: (offset of the RCC register, bit). None: always clocked."""
    position: int | None = None
    """Of its interrupt in the NVIC; None: it has none that is emulated."""


@dataclass(frozen=True, kw_only=True)
class Models:
    """The register models of a family, and the addresses that the firmware's own files have no use for."""

    rcc: type[ResetAndClockControl]
    flash: type[FlashControl]
    flash_base: int
    pwr: type[PowerControl]
    pwr_enable: Gate
    crc: int
    """Base of the CRC unit."""
    crc_enable: Gate
    system_config: int
    """Base of SYSCFG."""
    system_config_enable: Gate
    gpio: type[Gpio]
    usarts: Mapping[str, type[Usart]]
    """``Uart.registers`` to the model of that layout."""


_F4_F7 = Models(
    rcc=Rcc,
    flash=FlashInterface,
    flash_base=0x4002_3C00,
    pwr=Pwr,
    pwr_enable=(0x40, 28),
    crc=0x4002_3000,
    crc_enable=(0x30, 12),
    system_config=0x4001_3800,
    system_config_enable=(0x44, 14),
    gpio=Gpio,
    usarts={"usart_v1": UsartV1, "usart_v2": UsartV2},
)
FAMILIES: Mapping[str, Models] = {
    "stm32f4": _F4_F7,
    "stm32f7": _F4_F7,
    "stm32l4+": Models(
        rcc=RccL4,
        flash=FlashL4,
        flash_base=0x4002_2000,
        pwr=PwrL4,
        pwr_enable=(0x58, 28),
        crc=0x4002_3000,
        crc_enable=(0x48, 12),
        system_config=0x4001_0000,
        system_config_enable=(0x60, 0),
        gpio=GpioL4,
        usarts={"usart_v2": UsartL4Plus},
    ),
}
"""``Family.name`` to the register models of that family."""

SPECIAL: Mapping[str, type[Peripheral]] = {"RNG": RandomNumbers}
"""Models of those in ``Family.other`` that have one."""


def chip_of(board: Board) -> Chip:
    """Return the chip of a row; raises UsageError when the emulator has no models for its family."""
    if board.chip is None or board.chip.family.name not in FAMILIES:
        emulated = sorted(row.device for row in BOARDS if row.chip is not None and row.chip.family.name in FAMILIES)
        raise UsageError(f"there is no emulator for {board.device!r}; there is one for {', '.join(emulated)}.")
    return board.chip


def slots_of(board: Board, foreign: bool = False) -> tuple[Slot, ...]:
    """Return the peripherals of a row's chip.

    Args:
        board: The board's row.
        foreign: For firmware of others: all serial ports, and what is not emulated too.

    Raises:
        UsageError: as ``chip_of``.
    """
    chip = chip_of(board)
    family, models = chip.family, FAMILIES[chip.family.name]
    uarts = family.uarts if foreign else (chip.console_uart,)
    other = family.other if foreign else ()
    return (
        *_ports(chip, models),
        Slot(name="RCC", base=family.rcc, model=models.rcc),
        Slot(name="FLASH", base=models.flash_base, model=models.flash),
        Slot(name="PWR", base=0x4000_7000, model=models.pwr, gate=models.pwr_enable),
        Slot(name="SYSCFG", base=models.system_config, model=SystemConfig, gate=models.system_config_enable),
        Slot(name="CRC", base=models.crc, model=CrcUnit, gate=models.crc_enable),
        *(
            Slot(name=timer.name, base=timer.base, model=Timer, gate=timer.enable, position=timer.interrupt)
            for timer in family.timers
        ),
        *(
            Slot(
                name=uart.name,
                base=uart.base,
                model=models.usarts[uart.registers],
                gate=uart.enable,
                position=uart.interrupt,
            )
            for uart in uarts
        ),
        *(Slot(name=name, base=base, model=SPECIAL.get(name, NotEmulated), gate=gate) for name, base, gate in other),
        Slot(name="SCS", base=0xE000_E000, model=SystemControl),
        Slot(name="DWT", base=0xE000_1000, model=Dwt),
        Slot(name="DBGMCU", base=0xE004_2000, model=DebugMcu),
    )


def _ports(chip: Chip, models: Models) -> list[Slot]:
    """The GPIO ports: port A and those after it are 0x400 apart."""
    family = chip.family
    places = [(letter, ord(letter) - ord("A")) for letter in chip.gpio_ports]
    return [
        Slot(
            name=f"GPIO{letter}",
            base=family.gpio + 0x400 * place,
            model=models.gpio,
            gate=(family.gpio_enable, place),
        )
        for letter, place in places
    ]
