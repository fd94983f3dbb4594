# SPDX-License-Identifier: Apache-2.0
"""STM32F746 on a NUCLEO-F746ZG: the ST-LINK's virtual COM port is on USART3; Arduino D7 is PF13.

Sources: RM0385 (memories, clocks, flash), the data sheet (limits), the device header (addresses, bits), UM1974 (pins).
"""

from __future__ import annotations

from mlperf_tiny.firmware.boards.facts.board import (
    KIB,
    MIB,
    STLINK_USB_IDS,
    Board,
    Cache,
    Chip,
    ChipIdentity,
    Console,
    FlashAccelerator,
    Memory,
    MemorySystem,
    Power,
)
from mlperf_tiny.firmware.boards.facts.clocks import ClockTree
from mlperf_tiny.firmware.boards.facts.stm32_f4_f7 import F7

BOARD = Board(
    device="stm32f746",
    boards=("NUCLEO-F746ZG",),
    port="stm32",
    cpu="cortex-m7",
    fpu="fpv5-sp-d16",
    cpuid=0x410FC271,
    memories=(
        Memory(name="flash", base=0x0800_0000, size_bytes=1 * MIB, aliases=(0x0020_0000,)),
        # DTCM 64 KiB, SRAM1 240 KiB and SRAM2 16 KiB follow each other and are used as one RAM.
        Memory(name="ram", base=0x2000_0000, size_bytes=320 * KIB),
        Memory(name="itcm", base=0x0000_0000, size_bytes=16 * KIB),
    ),
    memory_system=MemorySystem(
        # Only on the flash's alias at the ITCM interface; the AXI interface has the caches instead.
        accelerator=FlashAccelerator(line_bytes=32, instruction_lines=64, data_lines=0, bases=(0x0020_0000,)),
        instruction_cache=Cache(size_bytes=4 * KIB, ways=2),
        data_cache=Cache(size_bytes=4 * KIB, ways=4),
        tightly_coupled=((0x2000_0000, 64 * KIB), (0x0000_0000, 16 * KIB)),
    ),
    chip=Chip(
        family=F7,
        clocks=ClockTree(
            pll_m=8,
            pll_n=216,
            pll_q=9,
            max_core_hz=216_000_000,
            boost_above_hz=180_000_000,
            max_apb1_hz=54_000_000,
            max_apb2_hz=108_000_000,
            apb1_divider=4,
            apb2_divider=2,
            flash_hz_per_wait_state=30_000_000,
            pll_input_hz=(1_000_000, 2_000_000),
            vco_hz=(100_000_000, 432_000_000),
            pll_n_range=(50, 432),
        ),
        console=Console(
            uart="USART3",
            tx_pin="PD8",
            rx_pin="PD9",
            alternate_function=7,
        ),
        gpio_ports="ABCDEFGHIJK",
        timestamp_pin="PF13",
        identity=ChipIdentity(idcode=0x1001_6449, page=0x1FF0_F000, unique_id=0x1FF0_F420, flash_size=0x1FF0_F442),
    ),
    power=Power(
        active_w=0.445,
        lowest_w=0.420,
        highest_w=0.460,
        supply_v=None,
        source="MicroNets (Banbury et al. 2021), table 4, an STM32F746ZG board",
    ),
    usb_ids=STLINK_USB_IDS,
)
