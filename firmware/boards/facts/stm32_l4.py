# SPDX-License-Identifier: Apache-2.0
"""The family STM32L4+ (STM32L4Rx and L4Sx)."""

from __future__ import annotations

from mlperf_tiny.firmware.boards.facts.family import Family, Timer, Uart

_AHB1, _AHB2, _APB1, _APB1_2, _APB2 = 0x48, 0x4C, 0x58, 0x5C, 0x60
_CCIPR = 0x88

L4_PLUS = Family(
    name="stm32l4+",
    clock_driver="clock_l4",
    rcc=0x4002_1000,
    gpio=0x4800_0000,
    gpio_enable=_AHB2,
    uarts=(
        *(
            Uart(
                name=name,
                registers="usart_v2",
                base=base,
                bus=bus,
                enable=enable,
                select=(_CCIPR, select),
                interrupt=interrupt,
            )
            for name, base, bus, enable, select, interrupt in (
                ("USART1", 0x4001_3800, 2, (_APB2, 14), 0, 37),
                ("USART2", 0x4000_4400, 1, (_APB1, 17), 2, 38),
                ("USART3", 0x4000_4800, 1, (_APB1, 18), 4, 39),
                ("UART4", 0x4000_4C00, 1, (_APB1, 19), 6, 52),
                ("UART5", 0x4000_5000, 1, (_APB1, 20), 8, 53),
            )
        ),
        Uart(
            name="LPUART1",
            registers="usart_v2",
            base=0x4000_8000,
            bus=1,
            enable=(_APB1_2, 0),
            select=(_CCIPR, 10),
            interrupt=70,
            low_power=True,
        ),
    ),
    timers=(
        Timer(name="TIM2", base=0x4000_0000, bus=1, enable=(_APB1, 0), interrupt=28, bits=32),
        Timer(name="TIM3", base=0x4000_0400, bus=1, enable=(_APB1, 1), interrupt=29),
        Timer(name="TIM4", base=0x4000_0800, bus=1, enable=(_APB1, 2), interrupt=30),
        Timer(name="TIM5", base=0x4000_0C00, bus=1, enable=(_APB1, 3), interrupt=50, bits=32),
        Timer(name="TIM6", base=0x4000_1000, bus=1, enable=(_APB1, 4), interrupt=54),
        Timer(name="TIM7", base=0x4000_1400, bus=1, enable=(_APB1, 5), interrupt=55),
        Timer(name="TIM15", base=0x4001_4000, bus=2, enable=(_APB2, 16), interrupt=24),
        Timer(name="TIM16", base=0x4001_4400, bus=2, enable=(_APB2, 17), interrupt=25),
        Timer(name="TIM17", base=0x4001_4800, bus=2, enable=(_APB2, 18), interrupt=26),
    ),
    other=(
        ("RTC", 0x4000_2800, None),
        ("WWDG", 0x4000_2C00, (_APB1, 11)),
        ("IWDG", 0x4000_3000, None),
        ("SPI2", 0x4000_3800, (_APB1, 14)),
        ("SPI3", 0x4000_3C00, (_APB1, 15)),
        ("I2C1", 0x4000_5400, (_APB1, 21)),
        ("I2C2", 0x4000_5800, (_APB1, 22)),
        ("I2C3", 0x4000_5C00, (_APB1, 23)),
        ("CRS", 0x4000_6000, (_APB1, 24)),
        ("CAN1", 0x4000_6400, (_APB1, 25)),
        ("DAC", 0x4000_7400, (_APB1, 29)),
        ("OPAMP", 0x4000_7800, (_APB1, 30)),
        ("LPTIM1", 0x4000_7C00, (_APB1, 31)),
        ("I2C4", 0x4000_8400, (_APB1_2, 1)),
        ("LPTIM2", 0x4000_9400, (_APB1_2, 5)),
        ("EXTI", 0x4001_0400, None),
        ("FIREWALL", 0x4001_1C00, (_APB2, 7)),
        ("TIM1", 0x4001_2C00, (_APB2, 11)),
        ("SPI1", 0x4001_3000, (_APB2, 12)),
        ("TIM8", 0x4001_3400, (_APB2, 13)),
        ("SAI1", 0x4001_5400, (_APB2, 21)),
        ("SAI2", 0x4001_5800, (_APB2, 22)),
        ("DFSDM1", 0x4001_6000, (_APB2, 24)),
        ("LTDC", 0x4001_6800, (_APB2, 26)),
        ("DMA1", 0x4002_0000, (_AHB1, 0)),
        ("DMA2", 0x4002_0400, (_AHB1, 1)),
        ("DMAMUX1", 0x4002_0800, (_AHB1, 2)),
        ("TSC", 0x4002_4000, (_AHB1, 16)),
        ("DMA2D", 0x4002_B000, (_AHB1, 17)),
        ("OTG_FS", 0x5000_0000, (_AHB2, 12)),
        ("ADC", 0x5004_0000, (_AHB2, 13)),
        ("DCMI", 0x5005_0000, (_AHB2, 14)),
        ("RNG", 0x5006_0800, (_AHB2, 18)),
        ("OCTOSPIM", 0x5006_1C00, (_AHB2, 20)),
        ("SDMMC1", 0x5006_2400, (_AHB2, 22)),
    ),
)
