# SPDX-License-Identifier: Apache-2.0
"""The types of a device row. Every fact of a chip and its board stands once, in the device's own file in this folder.

The linker script, the generated ``board_config.h``, the flash-size check, the emulator and the commands read the row.
Where a board is plugged in is an argument (``--port``), never a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlperf_tiny.firmware.boards.facts.clocks import ClockTree
from mlperf_tiny.firmware.boards.facts.family import Family, Uart

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
    windows: tuple[tuple[int, int, int], ...] = ()
    """(address, offset, size in bytes) of other addresses that show a part of it."""


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
    """In the bank mode of the factory."""
    other_bank_mode: FlashAccelerator | None = None
    """Where an option byte joins or splits the banks of the flash: the same in the other mode."""
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
class Console:
    """The UART of the probe's virtual COM port, and how the board wires it. Its registers are facts of the family."""

    uart: str
    """``USART3``."""
    tx_pin: str
    """``PD8``."""
    rx_pin: str
    alternate_function: int
    from_hsi: bool = False
    """The port clocks it from HSI instead of its bus, so that the rate does not depend on the core's clock."""


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

    family: Family
    clocks: ClockTree
    console: Console
    gpio_ports: str
    """The letters of the GPIO ports: ``ABCDEFGH``."""
    timestamp_pin: str
    """The output that marks the start and the end of a measured window (``PF13``)."""
    identity: ChipIdentity

    @property
    def console_uart(self) -> Uart:
        """The console's row in the family."""
        return self.family.uart(self.console.uart)


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
        clocks = self.chip.clocks
        if self.chip.console.from_hsi:
            return clocks.hsi_hz
        return clocks.apb1_hz if self.chip.console_uart.bus == 1 else clocks.apb2_hz

    @property
    def uart_clocks_per_bit(self) -> tuple[int, int]:
        """How many clocks of the console UART a bit may take, lowest and highest: what its divider allows."""
        low_power = self.chip is not None and self.chip.console_uart.low_power
        return (3, 4096) if low_power else (16, 0xFFFF)

    def in_other_bank_mode(self) -> Board:
        """The board with its option byte for the flash banks set the other way; raises KeyError where it has none."""
        system = self.memory_system
        if system is None or system.other_bank_mode is None:
            raise KeyError(f"{self.device} has one way to use its flash banks only")
        swapped = replace(system, accelerator=system.other_bank_mode, other_bank_mode=system.accelerator)
        return replace(self, memory_system=swapped)

    def memory(self, name: str) -> Memory:
        """Return the memory called ``name``; raises KeyError when the chip has none."""
        for memory in self.memories:
            if memory.name == name:
                return memory
        raise KeyError(f"{self.device} has no memory called {name!r}")
