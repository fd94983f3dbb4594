# SPDX-License-Identifier: Apache-2.0
"""What sits at which address, per chip: the emulator's half of a device row.

Sources: device headers of the STM32F446xx and STM32F746xx; pins and clock of the boards from their user manuals.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.peripherals.clock_tree import ClockLimits
from mlperf_tiny.runners.emulator.peripherals.core import DebugMcu, Dwt, SystemConfig, SystemControl
from mlperf_tiny.runners.emulator.peripherals.gpio import Gpio
from mlperf_tiny.runners.emulator.peripherals.power import FlashInterface, Pwr, Rcc
from mlperf_tiny.runners.emulator.peripherals.registers import Console, Peripheral
from mlperf_tiny.runners.emulator.peripherals.timer import Timer
from mlperf_tiny.runners.emulator.peripherals.usart import Usart, UsartV1, UsartV2


@dataclass(frozen=True)
class Slot:
    """One peripheral. ``gate`` is its clock enable, (RCC register offset, bit); None: always clocked."""

    name: str
    base: int
    model: type[Peripheral]
    gate: tuple[int, int] | None = None


@dataclass(frozen=True)
class Chip:
    """The emulated parts of one chip, and how its board wires the console."""

    limits: ClockLimits
    slots: tuple[Slot, ...]
    device_id: int  # DBGMCU_IDCODE
    identity_page: int  # the ROM page with the unique id and the flash size
    unique_id: int
    flash_size: int
    console: Console


_AHB1ENR, _APB1ENR, _APB2ENR = 0x30, 0x40, 0x44


def _ports(letters: str) -> tuple[Slot, ...]:
    return tuple(
        Slot(f"GPIO{letter}", 0x4002_0000 + 0x400 * index, Gpio, (_AHB1ENR, index))
        for index, letter in enumerate(letters)
    )


def _slots(ports: str, console: str, base: int, bit: int, model: type[Usart]) -> tuple[Slot, ...]:
    """The parts an F4 and an F7 have at the same addresses, and the console UART."""
    return (
        *_ports(ports),
        Slot("RCC", 0x4002_3800, Rcc),
        Slot("FLASH", 0x4002_3C00, FlashInterface),
        Slot("PWR", 0x4000_7000, Pwr, (_APB1ENR, 28)),
        Slot("SYSCFG", 0x4001_3800, SystemConfig, (_APB2ENR, 14)),
        Slot("TIM2", 0x4000_0000, Timer, (_APB1ENR, 0)),
        Slot("TIM5", 0x4000_0C00, Timer, (_APB1ENR, 3)),
        Slot(console, base, model, (_APB1ENR, bit)),
        Slot("SCS", 0xE000_E000, SystemControl),
        Slot("DWT", 0xE000_1000, Dwt),
        Slot("DBGMCU", 0xE004_2000, DebugMcu),
    )


CHIPS: dict[str, Chip] = {
    "stm32f446": Chip(
        limits=ClockLimits(
            hse_hz=8_000_000,
            core_hz=180_000_000,
            overdrive_above_hz=168_000_000,
            apb1_hz=45_000_000,
            apb2_hz=90_000_000,
        ),
        slots=_slots("ABCDEFGH", "USART2", 0x4000_4400, 17, UsartV1),
        device_id=0x1000_0421,
        identity_page=0x1FFF_7000,
        unique_id=0x1FFF_7A10,
        flash_size=0x1FFF_7A22,
        console=Console(tx_pin="PA2", rx_pin="PA3", alternate_function=7, bus=1, clock_select_bit=None, interrupt=38),
    ),
    "stm32f746": Chip(
        limits=ClockLimits(
            hse_hz=8_000_000,
            core_hz=216_000_000,
            overdrive_above_hz=180_000_000,
            apb1_hz=54_000_000,
            apb2_hz=108_000_000,
        ),
        slots=_slots("ABCDEFGHIJK", "USART3", 0x4000_4800, 18, UsartV2),
        device_id=0x1001_6449,
        identity_page=0x1FF0_F000,
        unique_id=0x1FF0_F420,
        flash_size=0x1FF0_F442,
        console=Console(tx_pin="PD8", rx_pin="PD9", alternate_function=7, bus=1, clock_select_bit=4, interrupt=39),
    ),
}


def find_chip(device: str) -> Chip:
    """The emulated chip of a device row; raises UsageError for a device that only exists as hardware or host."""
    try:
        return CHIPS[device]
    except KeyError:
        raise UsageError(f"there is no emulator for {device!r}; there is one for {', '.join(sorted(CHIPS))}.") from None
