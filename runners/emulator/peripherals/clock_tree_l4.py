# SPDX-License-Identifier: Apache-2.0
"""Clocks of an STM32L4+, computed from its RCC, PWR and FLASH registers, and what silicon would not stand.

A pure function of register values and the limits in the board row. Sources: RM0432 (3.3.3 wait states, 5.1.8 voltage
ranges, 6.2 clocks), the device header of the STM32L4R5.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.firmware.boards import ClockTree
from mlperf_tiny.runners.emulator.peripherals.clocking import ClockProblem, Supply, ahb_divider, bus_divider, mhz
from mlperf_tiny.runners.emulator.peripherals.registers import Clocks

MSI_ON, HSI_ON, HSE_ON, PLL_ON = 1 << 0, 1 << 8, 1 << 16, 1 << 24
RANGE_FROM_CR, PLL_R_ON = 1 << 3, 1 << 24
MSI_HZ = tuple(
    int(hz)
    for hz in (100e3, 200e3, 400e3, 800e3, 1e6, 2e6, 4e6, 8e6, 16e6, 24e6, 32e6, 48e6)  # by MSIRANGE
)
SOURCE_NAMES = ("MSI", "HSI16", "HSE", "PLL")
LOW_MAX_HZ, LOW_HZ_PER_WAIT_STATE = 26_000_000, 8_000_000
"""In range 2: the highest clock, and what each wait state of the flash allows."""


@dataclass(frozen=True, kw_only=True)
class ClockRegistersL4:
    """The register values the clocks depend on."""

    cr: int
    """RCC_CR: oscillators."""
    pllcfgr: int
    """RCC_PLLCFGR."""
    cfgr: int
    """RCC_CFGR: source and dividers."""
    csr: int
    """RCC_CSR: the range of MSI after a reset."""


def msi_hz(registers: ClockRegistersL4) -> int:
    """The multi-speed oscillator's rate: the range in RCC_CR where MSIRGSEL says so, else the one in RCC_CSR."""
    field = registers.cr >> 4 if registers.cr & RANGE_FROM_CR else registers.csr >> 8
    return MSI_HZ[min(field & 0xF, len(MSI_HZ) - 1)]


def pll_hz(registers: ClockRegistersL4, limits: ClockTree) -> int:
    """Return the PLL's R output in Hz.

    Args:
        registers: As the firmware has set them.
        limits: The chip's clock tree.

    Raises:
        ClockProblem: when a factor, the input or the VCO is out of range.
    """
    source = registers.pllcfgr & 3
    m, n = (registers.pllcfgr >> 4 & 0xF) + 1, registers.pllcfgr >> 8 & 0x7F
    sources = (
        (0, 0, "nothing"),
        (registers.cr & MSI_ON, msi_hz(registers), "MSI"),
        (registers.cr & HSI_ON, limits.hsi_hz, "HSI16"),
        (registers.cr & HSE_ON, limits.hse_hz or 0, "HSE"),
    )
    on, source_hz, name = sources[source]
    if not on or not source_hz:
        raise ClockProblem(f"the PLL is switched on while its source {name} is off")
    if not limits.pll_n_range[0] <= n <= limits.pll_n_range[1]:
        lowest, highest = limits.pll_n_range
        raise ClockProblem(f"RCC_PLLCFGR has N = {n}; it must be {lowest}..{highest}")
    input_hz, vco_hz = source_hz / m, source_hz * n / m
    if not limits.pll_input_hz[0] * 0.95 <= input_hz <= limits.pll_input_hz[1]:
        raise ClockProblem(f"the PLL input is {mhz(input_hz)} (M = {m}); it must be 4 to 16 MHz")
    if not limits.vco_hz[0] <= vco_hz <= limits.vco_hz[1]:
        raise ClockProblem(f"the PLL's VCO would run at {mhz(vco_hz)} (M = {m}, N = {n}); it must be 64 to 344 MHz")
    return round(vco_hz / (2 * (registers.pllcfgr >> 25 & 3) + 2))


def clocks(registers: ClockRegistersL4, limits: ClockTree, supply: Supply) -> Clocks:
    """Return the clocks that these registers give.

    Args:
        registers: As the firmware has set them.
        limits: The chip's clock tree.
        supply: Regulator and wait states.

    Raises:
        ClockProblem: naming the register and the limit it violates.
    """
    pll = pll_hz(registers, limits) if registers.cr & PLL_ON else 0
    if not registers.pllcfgr & PLL_R_ON:
        pll = 0
    source = registers.cfgr & 3
    sysclk_hz = (msi_hz(registers), limits.hsi_hz, limits.hse_hz or 0, pll)[source]
    running = (registers.cr & MSI_ON, registers.cr & HSI_ON, registers.cr & HSE_ON, pll)[source]
    if not running or not sysclk_hz:
        raise ClockProblem(f"RCC_CFGR selects {SOURCE_NAMES[source]}, which is not running")
    core_hz = sysclk_hz // ahb_divider(registers.cfgr >> 4 & 0xF)
    divider1, divider2 = bus_divider(registers.cfgr >> 8 & 7), bus_divider(registers.cfgr >> 11 & 7)
    result = Clocks(
        sysclk_hz=sysclk_hz,
        core_hz=core_hz,
        apb1_hz=core_hz // divider1,
        apb2_hz=core_hz // divider2,
        timer1_hz=core_hz // divider1 * (1 if divider1 == 1 else 2),
        timer2_hz=core_hz // divider2 * (1 if divider2 == 1 else 2),
    )
    _check(result, limits, supply)
    return result


def _check(result: Clocks, limits: ClockTree, supply: Supply) -> None:
    core_hz, core = result.core_hz, mhz(result.core_hz)
    if core_hz > limits.max_core_hz:
        raise ClockProblem(f"the core would run at {core}; its maximum is {mhz(limits.max_core_hz)}", result)
    if supply.low and core_hz > LOW_MAX_HZ:
        raise ClockProblem(
            f"the core would run at {core} in range 2 of PWR_CR1.VOS; its maximum there is 26 MHz", result
        )
    if core_hz > limits.boost_above_hz and not supply.boost:
        raise ClockProblem(
            f"the core would run at {core} without boost, which clearing PWR_CR5.R1MODE must switch on "
            f"above {mhz(limits.boost_above_hz)}",
            result,
        )
    wait_states = supply.flash_acr & 0xF
    each = LOW_HZ_PER_WAIT_STATE if supply.low else limits.flash_hz_per_wait_state
    needed = (core_hz - 1) // each if not supply.low else min((core_hz - 1) // each, 2)
    if wait_states < needed:
        raise ClockProblem(
            f"FLASH_ACR sets {wait_states} wait states at {core}; the flash needs {needed} "
            "before the clock is raised and until it is lowered",
            result,
        )
