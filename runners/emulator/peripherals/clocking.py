# SPDX-License-Identifier: Apache-2.0
"""What the rest of the emulator asks of the register models that make clocks, on every family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mlperf_tiny.firmware.boards import ClockTree
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks, Peripheral

HSE_BYPASS = 1 << 18
"""Of RCC_CR, on every family."""


class ClockProblem(Exception):
    """A configuration on which the chip would fail, at once or at random."""

    def __init__(self, text: str, clocks: Clocks | None = None) -> None:
        super().__init__(text)
        self.clocks = clocks
        """The clocks that it gives all the same; None where there are none."""


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What the clocks depend on besides the RCC."""

    flash_acr: int
    """FLASH_ACR: wait states."""
    boost: bool
    """The regulator gives what the highest clocks need: over-drive of an F4 and F7, range 1 with boost of an L4+."""
    low: bool = False
    """The regulator is at its lower voltage (range 2 of an L4+)."""


class ResetAndClockControl(Peripheral):
    """The RCC of any family."""

    ENABLES: ClassVar[Mapping[int, str]] = {}
    """Offsets of the clock enable registers, and their names."""

    def clocks(self, supply: Supply) -> Clocks:
        """Return the clocks that the registers give; raises ClockProblem outside the chip's limits."""
        raise NotImplementedError

    def enabled(self, register: int, bit: int) -> bool:
        """Whether a peripheral's clock gate is open.

        Args:
            register: Offset of the clock enable register.
            bit: In it.
        """
        return bool(self.words[register] >> bit & 1)


class PowerControl(Peripheral):
    """The PWR of any family."""

    @property
    def boost(self) -> bool:
        """See ``Supply.boost``."""
        raise NotImplementedError

    @property
    def low(self) -> bool:
        """See ``Supply.low``."""
        return False

    def unpowered(self, pin: str) -> str:
        """What keeps a pin such as ``PG7`` without supply; "" when nothing does."""
        return ""


class FlashControl(Peripheral):
    """The flash interface of any family: ACR comes first on all."""

    ACR: ClassVar = 0x00


def hse_ready(cr: int, limits: ClockTree) -> bool:
    """Whether HSE, switched on, starts: a crystal by itself, a clock signal only where HSEBYP lets it in.

    Args:
        cr: RCC_CR.
        limits: Says what the board has.
    """
    return limits.hse_hz is not None and (limits.hse_is_crystal or bool(cr & HSE_BYPASS))


def mhz(hz: float) -> str:
    """``"216 MHz"``, for messages."""
    return f"{hz / 1e6:g} MHz"


def bus_divider(field: int) -> int:
    """The divider that a PPRE field means: 0xx 1, 100 2, 101 4, 110 8, 111 16."""
    return 2 << (field & 3) if field & 4 else 1


def ahb_divider(field: int) -> int:
    """The divider that an HPRE field means: 0xxx 1, 1000 2, ... 1011 16, 1100 64, ... 1111 512."""
    return (2, 4, 8, 16, 64, 128, 256, 512)[field & 7] if field & 8 else 1
