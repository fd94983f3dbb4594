# SPDX-License-Identifier: Apache-2.0
"""STM32F446 on a NUCLEO-F446RE: the ST-LINK's virtual COM port is on USART2; Arduino D7 is PA8.

Sources: RM0390 (memories, clocks, flash), the data sheet (limits), the device header (addresses, bits), UM1724 (pins).
"""

from __future__ import annotations

from mlperf_tiny.firmware.boards.board import (
    KIB,
    STLINK_USB_IDS,
    Board,
    Chip,
    ChipIdentity,
    ClockTree,
    Console,
    FlashAccelerator,
    Memory,
    MemorySystem,
    Power,
)

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
        clocks=ClockTree(
            pll_m=8,
            pll_n=180,
            pll_q=8,
            max_core_hz=180_000_000,
            overdrive_above_hz=168_000_000,
            max_apb1_hz=45_000_000,
            max_apb2_hz=90_000_000,
        ),
        console=Console(
            uart="USART2",
            registers="usart_v1",
            base=0x4000_4400,
            bus=1,
            clock_enable_bit=17,
            tx_pin="PA2",
            rx_pin="PA3",
            alternate_function=7,
            interrupt=38,
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
