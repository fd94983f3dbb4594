# SPDX-License-Identifier: Apache-2.0
"""STM32F446 on a NUCLEO-F446RE: the ST-LINK's virtual COM port is on USART2; Arduino D7 is PA8.

Sources: RM0390 (memories, clocks, flash), the data sheet (limits), the device header (addresses, bits), UM1724 (pins).
"""

from __future__ import annotations

from mlperf_tiny.firmware.boards.facts.board import (
    KIB,
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
from mlperf_tiny.firmware.boards.facts.stm32_f4_f7 import F4

BOARD = Board(
    device="stm32f446",
    boards=("NUCLEO-F446RE",),
    port="stm32",
    cpu="cortex-m4",
    fpu="fpv4-sp-d16",
    cpuid=0x410FC241,
    memories=(
        Memory(name="flash", base=0x0800_0000, size_bytes=512 * KIB, aliases=(0x0000_0000,)),
        Memory(name="ram", base=0x2000_0000, size_bytes=128 * KIB),
    ),
    memory_system=MemorySystem(accelerator=FlashAccelerator(line_bytes=16, instruction_lines=64, data_lines=8)),
    chip=Chip(
        family=F4,
        clocks=ClockTree(
            pll_m=8,
            pll_n=180,
            pll_q=8,
            max_core_hz=180_000_000,
            boost_above_hz=168_000_000,
            max_apb1_hz=45_000_000,
            max_apb2_hz=90_000_000,
            apb1_divider=4,
            apb2_divider=2,
            flash_hz_per_wait_state=30_000_000,
            pll_input_hz=(1_000_000, 2_000_000),
            vco_hz=(100_000_000, 432_000_000),
            pll_n_range=(50, 432),
        ),
        console=Console(
            uart="USART2",
            tx_pin="PA2",
            rx_pin="PA3",
            alternate_function=7,
        ),
        gpio_ports="ABCDEFGH",
        timestamp_pin="PA8",
        identity=ChipIdentity(idcode=0x1000_0421, page=0x1FFF_7000, unique_id=0x1FFF_7A10, flash_size=0x1FFF_7A22),
    ),
    power=Power(
        active_w=0.163,
        lowest_w=0.151,
        highest_w=0.168,
        supply_v=None,
        source="MicroNets (Banbury et al. 2021), table 4, an STM32F446RE board",
    ),
    usb_ids=STLINK_USB_IDS,
)
