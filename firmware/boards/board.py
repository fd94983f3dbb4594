# SPDX-License-Identifier: Apache-2.0
"""The types of a device row. Every fact of a chip and its board stands once, in the device's own file in this folder.

The linker script, the generated ``board_config.h``, the flash-size check, the emulator and the commands read the row.
Where a board is plugged in is an argument (``--port``), never a row.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

STLINK_USB_IDS = tuple(
    (0x0483, pid) for pid in (0x374B, 0x374D, 0x374E, 0x374F, 0x3752, 0x3753, 0x3754, 0x3755, 0x3757)
)
"""(vendor, product) ids of the ST-LINK probes that have a virtual COM port."""


def pin_port(pin: str) -> str:
    """Return the letter of a pin's GPIO port.

    Examples:
        >>> pin_port("PD8"), pin_number("PF13")
        ('D', 13)
    """
    return pin[1]


def pin_number(pin: str) -> int:
    """Return a pin's number within its GPIO port (see ``pin_port``)."""
    return int(pin[2:])


@dataclass(frozen=True, kw_only=True)
class Memory:
    """One contiguous memory of a chip."""

    name: str
    """``flash``, ``ram``, ``itcm`` ..."""
    base: int
    """The address at which the linker uses it."""
    size_bytes: int
    aliases: tuple[int, ...] = ()
    """Other addresses that show the same bytes. The first alias of the flash is the one that the core boots from."""


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A level 1 cache."""

    size_bytes: int
    ways: int
    line_bytes: int = 32


@dataclass(frozen=True, kw_only=True)
class FlashAccelerator:
    """A buffer of flash lines between flash and core: ART on an STM32F4 and F7."""

    line_bytes: int
    instruction_lines: int
    data_lines: int
    """0: data shares the lines of the instructions, and one enable bit is for both."""
    bases: tuple[int, ...] = ()
    """The addresses of the flash that it serves; empty for all of them."""


@dataclass(frozen=True, kw_only=True)
class MemorySystem:
    """What lies between the core and its memories."""

    accelerator: FlashAccelerator
    instruction_cache: Cache | None = None
    data_cache: Cache | None = None
    tightly_coupled: tuple[tuple[int, int], ...] = ()
    """(base, size in bytes) of the memories without wait states."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """Mean active power of a board. Energy of an emulated run is this times time, and is labelled as modelled."""

    active_w: float
    lowest_w: float
    """The lowest power measured on the board, over networks."""
    highest_w: float
    """The highest power measured on the board, over networks."""
    supply_v: float | None
    source: str
    """The publication that the figures are from."""


@dataclass(frozen=True, kw_only=True)
class ClockTree:
    """Oscillators, PLL factors and limits of an STM32F4 or F7 whose PLL runs from the internal oscillator (HSI).

    The limits are those of the data sheet at 2.7 V to 3.6 V.

    Examples:
        >>> tree = ClockTree(
        ...     pll_m=8, pll_n=216, pll_q=9, max_core_hz=216_000_000, overdrive_above_hz=180_000_000,
        ...     max_apb1_hz=54_000_000, max_apb2_hz=108_000_000,
        ... )
        >>> tree.core_hz, tree.apb1_hz, tree.timer1_hz, tree.flash_wait_states
        (216000000, 54000000, 108000000, 7)
    """

    pll_m: int
    """Divider from HSI to the PLL's input."""
    pll_n: int
    """Multiplier from the PLL's input to its VCO; the core gets half of that."""
    pll_q: int
    """Divider from the VCO to the 48 MHz domain, which the firmware does not use."""
    pll_r: int = 2
    """Divider from the VCO to the R output, which the firmware does not use."""
    max_core_hz: int
    overdrive_above_hz: int
    """Core clocks above this need PWR over-drive."""
    max_apb1_hz: int
    max_apb2_hz: int
    hsi_hz: int = 16_000_000
    """The internal oscillator, which is also the clock after a reset."""
    hse_hz: int = 8_000_000
    """The external clock that the probe of a Nucleo board supplies."""
    flash_hz_per_wait_state: int = 30_000_000
    """The core clock that each wait state of the flash allows."""
    pll_input_hz: tuple[int, int] = (1_000_000, 2_000_000)
    """Allowed range of the PLL's input."""
    vco_hz: tuple[int, int] = (100_000_000, 432_000_000)
    """Allowed range of the PLL's VCO."""
    pll_n_range: tuple[int, int] = (50, 432)
    """Allowed range of ``pll_n``."""

    @property
    def core_hz(self) -> int:
        """The core clock after the port's set-up (``ports/stm32/clock.c``)."""
        return self.hsi_hz // self.pll_m * self.pll_n // 2

    @property
    def apb1_hz(self) -> int:
        """The clock of the slow peripheral bus: a quarter of the core's."""
        return self.core_hz // 4

    @property
    def apb2_hz(self) -> int:
        """The clock of the fast peripheral bus: half of the core's."""
        return self.core_hz // 2

    @property
    def timer1_hz(self) -> int:
        """The clock of the timers on APB1 (TIM2): twice the bus, as it is divided."""
        return 2 * self.apb1_hz

    @property
    def flash_wait_states(self) -> int:
        """Wait states of the flash at ``core_hz``."""
        return (self.core_hz - 1) // self.flash_hz_per_wait_state


@dataclass(frozen=True, kw_only=True)
class Console:
    """The UART of the probe's virtual COM port, and how the board wires it."""

    uart: str
    """``USART3``."""
    registers: str
    """The register layout: ``usart_v1`` (F4) or ``usart_v2`` (F7), a driver in ``firmware/ports/stm32``."""
    base: int
    bus: int
    """1 or 2: the APB that clocks it."""
    clock_enable_bit: int
    """Its bit in RCC_APB1ENR or RCC_APB2ENR."""
    clock_select_bit: int | None = None
    """Its field in RCC_DCKCFGR2; None where the clock cannot be chosen."""
    tx_pin: str
    """``PD8``."""
    rx_pin: str
    alternate_function: int
    interrupt: int
    """Its position in the NVIC."""


@dataclass(frozen=True, kw_only=True)
class ChipIdentity:
    """Where a chip's identity can be read."""

    idcode: int
    """DBGMCU_IDCODE."""
    page: int
    """The address of the system ROM page with the next two."""
    unique_id: int
    """The address of the unique device id."""
    flash_size: int
    """The address of the flash size in KiB."""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """What the port's C and the emulator's register models need of a chip on its board."""

    clocks: ClockTree
    console: Console
    gpio_ports: str
    """The letters of the GPIO ports: ``ABCDEFGH``."""
    timestamp_pin: str
    """The output that marks the start and the end of a measured window (``PF13``)."""
    identity: ChipIdentity


@dataclass(frozen=True, kw_only=True)
class Board:
    """One row of the device table."""

    device: str
    """The name for ``--device``: the chip."""
    boards: tuple[str, ...]
    """The boards it stands for, as sold."""
    port: str
    """The folder in ``firmware/ports``."""
    cpu: str = ""
    """The compiler's name of the core; "" for the host."""
    fpu: str = ""
    """The compiler's name of the floating-point unit."""
    cpuid: int = 0
    """The core's CPUID register."""
    memories: tuple[Memory, ...] = ()
    memory_system: MemorySystem | None = None
    chip: Chip | None = None
    power: Power | None = None
    usb_ids: tuple[tuple[int, int], ...] = ()
    """(vendor, product) ids of the on-board probe's virtual COM port."""
    baud: int = 115_200
    """The console's rate unless another is asked for."""

    @property
    def is_host(self) -> bool:
        """True for the row that runs the firmware as a process on this machine."""
        return not self.cpu

    @property
    def clock_hz(self) -> int:
        """The core clock; 0 for the host."""
        return self.chip.clocks.core_hz if self.chip else 0

    @property
    def uart_clock_hz(self) -> int:
        """The clock of the console UART; 0 for the host."""
        if self.chip is None:
            return 0
        return self.chip.clocks.apb1_hz if self.chip.console.bus == 1 else self.chip.clocks.apb2_hz

    def memory(self, name: str) -> Memory:
        """Return the memory called ``name``; raises KeyError when the chip has none."""
        for memory in self.memories:
            if memory.name == name:
                return memory
        raise KeyError(f"{self.device} has no memory called {name!r}")
