# SPDX-License-Identifier: Apache-2.0
"""The families STM32F4 and STM32F7, which share most addresses and bits."""

from __future__ import annotations

from mlperf_tiny.firmware.boards.facts.family import Family, Gate, Timer, Uart

_AHB1, _AHB2, _APB1, _APB2 = 0x30, 0x34, 0x40, 0x44
_DCKCFGR2 = 0x90

# Name, base, bus, bit of its enable register, bit of its clock choice (F7), position in the NVIC.
_UARTS = (
    ("USART1", 0x4001_1000, 2, 4, 0, 37),
    ("USART2", 0x4000_4400, 1, 17, 2, 38),
    ("USART3", 0x4000_4800, 1, 18, 4, 39),
    ("UART4", 0x4000_4C00, 1, 19, 6, 52),
    ("UART5", 0x4000_5000, 1, 20, 8, 53),
    ("USART6", 0x4001_1400, 2, 5, 10, 71),
    ("UART7", 0x4000_7800, 1, 30, 12, 82),
    ("UART8", 0x4000_7C00, 1, 31, 14, 83),
)
_OF_F446 = 6  # it has the first so many

_TIMERS = (
    Timer(name="TIM2", base=0x4000_0000, bus=1, enable=(_APB1, 0), interrupt=28, bits=32),
    Timer(name="TIM3", base=0x4000_0400, bus=1, enable=(_APB1, 1), interrupt=29),
    Timer(name="TIM4", base=0x4000_0800, bus=1, enable=(_APB1, 2), interrupt=30),
    Timer(name="TIM5", base=0x4000_0C00, bus=1, enable=(_APB1, 3), interrupt=50, bits=32),
    Timer(name="TIM6", base=0x4000_1000, bus=1, enable=(_APB1, 4), interrupt=54),
    Timer(name="TIM7", base=0x4000_1400, bus=1, enable=(_APB1, 5), interrupt=55),
)

_OTHER: tuple[tuple[str, int, Gate | None], ...] = (
    ("RTC", 0x4000_2800, None),
    ("WWDG", 0x4000_2C00, (_APB1, 11)),
    ("IWDG", 0x4000_3000, None),
    ("SPI2", 0x4000_3800, (_APB1, 14)),
    ("SPI3", 0x4000_3C00, (_APB1, 15)),
    ("I2C1", 0x4000_5400, (_APB1, 21)),
    ("I2C2", 0x4000_5800, (_APB1, 22)),
    ("I2C3", 0x4000_5C00, (_APB1, 23)),
    ("DAC", 0x4000_7400, (_APB1, 29)),
    ("TIM1", 0x4001_0000, (_APB2, 0)),
    ("TIM8", 0x4001_0400, (_APB2, 1)),
    ("ADC", 0x4001_2000, (_APB2, 8)),
    ("SPI1", 0x4001_3000, (_APB2, 12)),
    ("EXTI", 0x4001_3C00, None),
    ("TIM9", 0x4001_4000, (_APB2, 16)),
    ("TIM10", 0x4001_4400, (_APB2, 17)),
    ("TIM11", 0x4001_4800, (_APB2, 18)),
    ("SAI1", 0x4001_5800, (_APB2, 22)),
    ("SAI2", 0x4001_5C00, (_APB2, 23)),
    ("DMA1", 0x4002_6000, (_AHB1, 21)),
    ("DMA2", 0x4002_6400, (_AHB1, 22)),
    ("OTG_FS", 0x5000_0000, (_AHB2, 7)),
)

F4 = Family(
    name="stm32f4",
    clock_driver="clock_f4_f7",
    rcc=0x4002_3800,
    gpio=0x4002_0000,
    gpio_enable=_AHB1,
    uarts=tuple(
        Uart(
            name=name,
            registers="usart_v1",
            base=base,
            bus=bus,
            enable=(_APB1 if bus == 1 else _APB2, bit),
            interrupt=interrupt,
        )
        for name, base, bus, bit, _, interrupt in _UARTS[:_OF_F446]
    ),
    timers=_TIMERS,
    other=_OTHER,
)

F7 = Family(
    name="stm32f7",
    clock_driver="clock_f4_f7",
    rcc=0x4002_3800,
    gpio=0x4002_0000,
    gpio_enable=_AHB1,
    uarts=tuple(
        Uart(
            name=name,
            registers="usart_v2",
            base=base,
            bus=bus,
            enable=(_APB1 if bus == 1 else _APB2, bit),
            select=(_DCKCFGR2, select),
            interrupt=interrupt,
        )
        for name, base, bus, bit, select, interrupt in _UARTS
    ),
    timers=_TIMERS,
    other=(*_OTHER, ("RNG", 0x5006_0800, (_AHB2, 6))),
)
