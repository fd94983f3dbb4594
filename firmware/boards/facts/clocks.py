# SPDX-License-Identifier: Apache-2.0
"""The clock tree of a chip: oscillators, PLL factors and the limits of the data sheet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ClockTree:
    """Oscillators, PLL factors and limits of a chip whose PLL runs from the internal oscillator (HSI).

    The limits are those of the data sheet at 2.7 V to 3.6 V.

    Examples:
        >>> tree = ClockTree(
        ...     pll_m=8, pll_n=216, pll_q=9, max_core_hz=216_000_000, boost_above_hz=180_000_000,
        ...     max_apb1_hz=54_000_000, max_apb2_hz=108_000_000, apb1_divider=4, apb2_divider=2,
        ...     flash_hz_per_wait_state=30_000_000, pll_input_hz=(1_000_000, 2_000_000),
        ...     vco_hz=(100_000_000, 432_000_000), pll_n_range=(50, 432),
        ... )
        >>> tree.core_hz, tree.apb1_hz, tree.timer1_hz, tree.flash_wait_states
        (216000000, 54000000, 108000000, 7)
    """

    pll_m: int
    """Divider from HSI to the PLL's input."""
    pll_n: int
    """Multiplier from the PLL's input to its VCO; the core gets half of that."""
    pll_q: int = 2
    """Divider from the VCO to the Q output, which the firmware does not use."""
    pll_r: int = 2
    """Divider from the VCO to the R output: of an STM32L4 the core's clock, elsewhere not used."""
    max_core_hz: int
    boost_above_hz: int
    """Core clocks above this need more of the regulator: over-drive of an F4 and F7, boost of an L4+."""
    max_apb1_hz: int
    max_apb2_hz: int
    apb1_divider: int
    """Divider from the core's clock to that of the first peripheral bus, as the port sets it."""
    apb2_divider: int
    """The same of the second."""
    hsi_hz: int = 16_000_000
    """The internal oscillator."""
    reset_hz: int = 16_000_000
    """The core's clock after a reset."""
    hse_hz: int | None = 8_000_000
    """The external clock of the board; None: it has none."""
    hse_is_crystal: bool = False
    """Whether that is a crystal. If not, it is a clock signal, for which the firmware must set HSEBYP."""
    flash_hz_per_wait_state: int
    """The core clock that each wait state of the flash allows."""
    pll_input_hz: tuple[int, int]
    """Allowed range of the PLL's input."""
    vco_hz: tuple[int, int]
    """Allowed range of the PLL's VCO."""
    pll_n_range: tuple[int, int]
    """Allowed range of ``pll_n``."""

    @property
    def core_hz(self) -> int:
        """The core clock after the port's set-up (``ports/stm32/clock_*.c``)."""
        return self.hsi_hz // self.pll_m * self.pll_n // 2

    @property
    def apb1_hz(self) -> int:
        """The clock of the first peripheral bus."""
        return self.core_hz // self.apb1_divider

    @property
    def apb2_hz(self) -> int:
        """The clock of the second peripheral bus."""
        return self.core_hz // self.apb2_divider

    @property
    def timer1_hz(self) -> int:
        """The clock of the timers on the first bus (TIM2): twice the bus where that is divided."""
        return self.apb1_hz * (1 if self.apb1_divider == 1 else 2)

    @property
    def flash_wait_states(self) -> int:
        """Wait states of the flash at ``core_hz``."""
        return (self.core_hz - 1) // self.flash_hz_per_wait_state
