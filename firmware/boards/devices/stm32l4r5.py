# SPDX-License-Identifier: Apache-2.0
"""STM32L4R5 on a NUCLEO-L4R5ZI: the ST-LINK's virtual COM port is on LPUART1; Arduino D7 is PF13.

Sources: RM0432 (memories, clocks, flash), the data sheet (limits), the device header (addresses, bits), UM2179 (pins).
"""

from __future__ import annotations

from mlperf_tiny.firmware.boards.facts.board import (
    KIB,
    MIB,
    STLINK_USB_IDS,
    Board,
    Chip,
    ChipIdentity,
    Console,
    FlashAccelerator,
    Memory,
    MemorySystem,
    Power,
)
from mlperf_tiny.firmware.boards.facts.clocks import ClockTree
from mlperf_tiny.firmware.boards.facts.stm32_l4 import L4_PLUS

BOARD = Board(
    device="stm32l4r5",
    boards=("NUCLEO-L4R5ZI",),
    port="stm32",
    cpu="cortex-m4",
    fpu="fpv4-sp-d16",
    cpuid=0x410FC241,
    memories=(
        Memory(name="flash", base=0x0800_0000, size_bytes=2 * MIB, aliases=(0x0000_0000,)),
        # SRAM1 192 KiB, SRAM2 64 KiB and SRAM3 384 KiB follow each other and are used as one RAM.
        Memory(name="ram", base=0x2000_0000, size_bytes=640 * KIB, windows=((0x1000_0000, 192 * KIB, 64 * KIB),)),
    ),
    # The flash is read 64 bits at a time in the factory's dual-bank mode and 128 in single-bank mode; the lines are as
    # wide.
    memory_system=MemorySystem(
        accelerator=FlashAccelerator(line_bytes=8, instruction_lines=128, data_lines=32),
        other_bank_mode=FlashAccelerator(line_bytes=16, instruction_lines=64, data_lines=16),
    ),
    chip=Chip(
        family=L4_PLUS,
        clocks=ClockTree(
            pll_m=2,
            pll_n=30,
            pll_q=6,
            pll_r=2,
            max_core_hz=120_000_000,
            boost_above_hz=80_000_000,
            max_apb1_hz=120_000_000,
            max_apb2_hz=120_000_000,
            apb1_divider=1,
            apb2_divider=1,
            reset_hz=4_000_000,  # MSI
            hse_hz=None,
            flash_hz_per_wait_state=20_000_000,
            pll_input_hz=(4_000_000, 16_000_000),
            vco_hz=(64_000_000, 344_000_000),
            pll_n_range=(8, 127),
        ),
        # From HSI: LPUART1 could not divide 120 MHz down to the 9600 baud of the energy mode.
        console=Console(uart="LPUART1", tx_pin="PG7", rx_pin="PG8", alternate_function=8, from_hsi=True),
        gpio_ports="ABCDEFGHI",
        timestamp_pin="PF13",
        identity=ChipIdentity(idcode=0x1001_6470, page=0x1FFF_7000, unique_id=0x1FFF_7590, flash_size=0x1FFF_75E0),
    ),
    power=Power(
        active_w=0.0519,
        lowest_w=0.0515,
        highest_w=0.0524,
        supply_v=None,
        source="MLPerf Tiny v1.0, closed division, microTVM with CMSIS-NN on a NUCLEO-L4R5ZI: energy over latency",
    ),
    usb_ids=STLINK_USB_IDS,
)
