# SPDX-License-Identifier: Apache-2.0
"""Clocks of an STM32F4 or F7, computed from its RCC, PWR and FLASH registers, and what silicon would not stand.

A pure function of register values and the limits in the board row. Bit positions: device headers of the STM32F446 and
STM32F746.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.firmware.boards import ClockTree
from mlperf_tiny.runners.emulator.peripherals.clocking import ClockProblem, ahb_divider, bus_divider, mhz
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks

HSI_ON, HSE_ON, PLL_ON = 1 << 0, 1 << 16, 1 << 24
SOURCE_HSI, SOURCE_HSE, SOURCE_PLL = 0, 1, 2
SOURCE_NAMES = ("HSI", "HSE", "PLL", "reserved")


@dataclass(frozen=True, kw_only=True)
class ClockRegisters:
    """The register values the clocks depend on."""

    cr: int
    """RCC_CR: oscillators."""
    pllcfgr: int
    """RCC_PLLCFGR."""
    cfgr: int
    """RCC_CFGR: source and dividers."""
    flash_acr: int
    """FLASH_ACR: wait states."""
    overdrive: bool
    """PWR's ODSWRDY."""


def pll_hz(registers: ClockRegisters, limits: ClockTree) -> int:
    """Return the PLL's P output in Hz.

    Args:
        registers: As the firmware has set them.
        limits: The chip's clock tree.

    Raises:
        ClockProblem: when a factor, the input or the VCO is out of range.
    """
    from_hse = registers.pllcfgr >> 22 & 1
    m, n = registers.pllcfgr & 0x3F, registers.pllcfgr >> 6 & 0x1FF
    p = 2 * ((registers.pllcfgr >> 16 & 3) + 1)
    source_hz = (limits.hse_hz or 0) if from_hse else limits.hsi_hz
    if m < 2 or not limits.pll_n_range[0] <= n <= limits.pll_n_range[1]:
        raise ClockProblem(f"RCC_PLLCFGR has M = {m}, N = {n}; M must be 2..63 and N {limits.pll_n_range[0]}..432")
    input_hz, vco_hz = source_hz / m, source_hz * n / m
    if not limits.pll_input_hz[0] * 0.95 <= input_hz <= limits.pll_input_hz[1]:
        raise ClockProblem(f"the PLL input is {mhz(input_hz)} (M = {m}); it must be 1 to 2 MHz")
    if not limits.vco_hz[0] <= vco_hz <= limits.vco_hz[1]:
        raise ClockProblem(f"the PLL's VCO would run at {mhz(vco_hz)} (M = {m}, N = {n}); it must be 100 to 432 MHz")
    needed, name = (HSE_ON, "HSE") if from_hse else (HSI_ON, "HSI")
    if not registers.cr & needed:
        raise ClockProblem(f"the PLL is switched on while its source {name} is off")
    return round(vco_hz / p)


def clocks(registers: ClockRegisters, limits: ClockTree) -> Clocks:
    """Return the clocks that these registers give.

    Args:
        registers: As the firmware has set them.
        limits: The chip's clock tree.

    Raises:
        ClockProblem: naming the register and the limit it violates.
    """
    pll = pll_hz(registers, limits) if registers.cr & PLL_ON else 0
    source = registers.cfgr & 3
    sysclk_hz = (limits.hsi_hz, limits.hse_hz or 0, pll, 0)[source]
    running = (registers.cr & HSI_ON, registers.cr & HSE_ON, pll, 0)[source]
    if not running:
        raise ClockProblem(f"RCC_CFGR selects {SOURCE_NAMES[source]}, which is not running")
    core_hz = sysclk_hz // ahb_divider(registers.cfgr >> 4 & 0xF)
    divider1, divider2 = bus_divider(registers.cfgr >> 10 & 7), bus_divider(registers.cfgr >> 13 & 7)
    result = Clocks(
        sysclk_hz=sysclk_hz,
        core_hz=core_hz,
        apb1_hz=core_hz // divider1,
        apb2_hz=core_hz // divider2,
        timer1_hz=core_hz // divider1 * (1 if divider1 == 1 else 2),
        timer2_hz=core_hz // divider2 * (1 if divider2 == 1 else 2),
    )
    _check(result, registers, limits)
    return result


def _check(result: Clocks, registers: ClockRegisters, limits: ClockTree) -> None:
    core = mhz(result.core_hz)
    if result.core_hz > limits.max_core_hz:
        raise ClockProblem(f"the core would run at {core}; its maximum is {mhz(limits.max_core_hz)}", result)
    if result.core_hz > limits.boost_above_hz and not registers.overdrive:
        raise ClockProblem(
            f"the core would run at {core} without over-drive, which PWR_CR.ODEN and ODSWEN must switch on "
            f"above {mhz(limits.boost_above_hz)}",
            result,
        )
    wait_states = registers.flash_acr & 0xF
    needed = (result.core_hz - 1) // limits.flash_hz_per_wait_state
    if wait_states < needed:
        raise ClockProblem(
            f"FLASH_ACR sets {wait_states} wait states at {core}; the flash needs {needed} "
            "before the clock is raised and until it is lowered",
            result,
        )
    for name, hz, limit in (("APB1", result.apb1_hz, limits.max_apb1_hz), ("APB2", result.apb2_hz, limits.max_apb2_hz)):
        if hz > limit:
            raise ClockProblem(f"{name} would run at {mhz(hz)}; its maximum is {mhz(limit)}", result)
