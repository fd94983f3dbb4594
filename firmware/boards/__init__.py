# SPDX-License-Identifier: Apache-2.0
"""What each device is: one row per chip. Where a board is plugged in is an argument (``--port``), never a row.

Facts are from the chips' reference manuals and device headers; the power figures name their own source.
A new device is a row here and, if its clock tree or serial port differ from the families at hand, a folder in
``firmware/ports``.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Memory:
    """One contiguous memory of a chip. ``base`` is where the linker puts things; ``aliases`` show the same bytes."""

    name: str  # "flash", "ram", "itcm", ...
    base: int
    size_bytes: int
    aliases: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cache:
    """A level 1 cache."""

    size_bytes: int
    ways: int
    line_bytes: int = 32


@dataclass(frozen=True)
class FlashAccelerator:
    """Lines of the flash kept between it and the core. ``data_lines`` 0: data shares the lines of the instructions.

    ``bases`` are the addresses of the flash it serves; empty: all of them.
    """

    line_bytes: int
    instruction_lines: int
    data_lines: int
    bases: tuple[int, ...] = ()


@dataclass(frozen=True)
class MemorySystem:
    """What stands between the core and its memories. ``tightly_coupled`` are (base, size in bytes) without waits."""

    accelerator: FlashAccelerator
    instruction_cache: Cache | None = None
    data_cache: Cache | None = None
    tightly_coupled: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Power:
    """Mean active power of a board; energy of an emulated run is this times time, and is labelled as modelled.

    ``lowest_w`` and ``highest_w`` are the least and the most that was measured on it, over networks.
    """

    active_w: float
    lowest_w: float
    highest_w: float
    supply_v: float | None
    source: str


@dataclass(frozen=True)
class Board:
    """One row of the device table.

    ``cpu`` is the compiler's name of the core. ``port`` is the folder in ``firmware/ports``. ``uart_clock_hz`` and
    ``timer_clock_hz`` are what the port's clock set-up gives the console UART and TIM2. ``reset_clock_hz`` is the
    clock the chip starts on. ``usb_ids`` are (vendor, product) ids of the on-board probe's virtual COM port.
    """

    device: str
    boards: tuple[str, ...]
    port: str
    cpu: str = ""
    fpu: str = ""
    cpuid: int = 0
    clock_hz: int = 0
    reset_clock_hz: int = 0
    memories: tuple[Memory, ...] = ()
    uart: str = ""
    uart_base: int = 0
    uart_clock_hz: int = 0
    timer_clock_hz: int = 0
    baud: int = 115_200
    flash_wait_states: int = 0
    memory_system: MemorySystem | None = None
    power: Power | None = None
    usb_ids: tuple[tuple[int, int], ...] = ()

    @property
    def is_host(self) -> bool:
        """True for the row that runs the firmware as a process on this machine."""
        return not self.cpu

    def memory(self, name: str) -> Memory:
        """Return the memory called ``name``; raises KeyError when the chip has none."""
        for memory in self.memories:
            if memory.name == name:
                return memory
        raise KeyError(f"{self.device} has no memory called {name!r}")


_STLINK = tuple((0x0483, pid) for pid in (0x374B, 0x374D, 0x374E, 0x374F, 0x3752, 0x3753, 0x3754, 0x3755, 0x3757))

BOARDS: tuple[Board, ...] = (
    Board(device="host", boards=("this machine",), port="host"),
    Board(
        device="stm32f446",
        boards=("NUCLEO-F446RE",),
        port="stm32f446",
        cpu="cortex-m4",
        fpu="fpv4-sp-d16",
        cpuid=0x410FC241,
        clock_hz=180_000_000,
        reset_clock_hz=16_000_000,
        memories=(
            Memory("flash", 0x0800_0000, 512 * KIB, aliases=(0x0000_0000,)),
            Memory("ram", 0x2000_0000, 128 * KIB),
        ),
        uart="USART2",
        uart_base=0x4000_4400,
        uart_clock_hz=45_000_000,
        timer_clock_hz=90_000_000,
        flash_wait_states=5,
        memory_system=MemorySystem(FlashAccelerator(line_bytes=16, instruction_lines=64, data_lines=8)),
        power=Power(0.163, 0.151, 0.168, None, "MicroNets (Banbury et al. 2021), table 4, an STM32F446RE board"),
        usb_ids=_STLINK,
    ),
    Board(
        device="stm32f746",
        boards=("NUCLEO-F746ZG",),
        port="stm32f746",
        cpu="cortex-m7",
        fpu="fpv5-sp-d16",
        cpuid=0x410FC271,
        clock_hz=216_000_000,
        reset_clock_hz=16_000_000,
        memories=(
            Memory("flash", 0x0800_0000, 1 * MIB, aliases=(0x0020_0000,)),
            # DTCM 64 KiB, SRAM1 240 KiB and SRAM2 16 KiB lie one behind the other and are used as one RAM.
            Memory("ram", 0x2000_0000, 320 * KIB),
            Memory("itcm", 0x0000_0000, 16 * KIB),
        ),
        uart="USART3",
        uart_base=0x4000_4800,
        uart_clock_hz=54_000_000,
        timer_clock_hz=108_000_000,
        flash_wait_states=7,
        memory_system=MemorySystem(
            # Only on the flash's alias at the ITCM interface; the AXI interface has the caches instead.
            FlashAccelerator(line_bytes=32, instruction_lines=64, data_lines=0, bases=(0x0020_0000,)),
            instruction_cache=Cache(4 * KIB, ways=2),
            data_cache=Cache(4 * KIB, ways=4),
            tightly_coupled=((0x2000_0000, 64 * KIB), (0x0000_0000, 16 * KIB)),
        ),
        power=Power(0.445, 0.420, 0.460, None, "MicroNets (Banbury et al. 2021), table 4, an STM32F746ZG board"),
        usb_ids=_STLINK,
    ),
)

DEVICES: dict[str, Board] = {board.device: board for board in BOARDS}


def find_board(device: str) -> Board:
    """Return the row of ``device``; raises UsageError naming the devices there are."""
    try:
        return DEVICES[device]
    except KeyError:
        raise UsageError(f"there is no device {device!r}; choose one of {', '.join(sorted(DEVICES))}.") from None
