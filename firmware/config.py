# SPDX-License-Identifier: Apache-2.0
"""The generated part of a program besides the model: ``app_config.h``, ``board_config.h`` and the linker script."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.firmware.boards import Board, Chip
from mlperf_tiny.firmware.boards.facts.board import pin_number, pin_port
from mlperf_tiny.firmware.elf import UNLIMITED_BYTES
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat

VENDOR = "mlperf-tiny-harness"
LINKER_SCRIPT = Path(__file__).parent / "ports" / "cortex_m" / "sections.ld"

PORT_TIMER = "TIM2"
"""The timer of the port's microseconds: one of 32 bits."""
UART_FROM_HSI = 2
"""What the field that chooses a UART's clock takes for HSI, on every family that has one."""

_INPUT = {InputFormat.INT8: "INPUT_INT8", InputFormat.UINT8: "INPUT_UINT8", InputFormat.FLOAT32: "INPUT_FLOAT32"}
_RESULT = {
    ResultFormat.TRUNCATED: "RESULT_TRUNCATED",
    ResultFormat.ROUNDED: "RESULT_ROUNDED",
    ResultFormat.MSE: "RESULT_MSE",
    ResultFormat.FINE: "RESULT_FINE",
}


def app_config(input_bytes: int, wire: WireFormat, clock_hz: int, baud: int, energy: bool) -> str:
    """Return the text of ``app_config.h``: what the monitor needs of the model and of this build.

    Args:
        input_bytes: Values of the model's int8 input.
        wire: The input and result format of the task.
        clock_hz: The core clock, for the ``info`` command.
        baud: The console's rate.
        energy: Pulse the timestamp pin.
    """
    needed = input_bytes * (4 if wire.input is InputFormat.FLOAT32 else 1)
    values = {
        "APP_VENDOR": f'"{VENDOR}"',
        "APP_MODEL_ID": f'"{wire.model_id}"',
        "APP_INPUT_FORMAT": _INPUT[wire.input],
        "APP_RESULT_FORMAT": _RESULT[wire.results],
        "APP_INPUT_BYTES": f"{input_bytes}u",
        "APP_BUFFER_BYTES": f"{max(needed, wire.buffer_bytes)}u",
        "APP_ENERGY_MODE": str(int(energy)),
        "APP_BAUD": f"{baud}u",
        "APP_CLOCK_HZ": f"{clock_hz}u",
    }
    return _header("APP_CONFIG_H", values)


def board_config(board: Board) -> str:
    """Return the text of ``board_config.h``: the row of a board with a chip, as the ports need it."""
    chip, system = board.chip, board.memory_system
    assert chip is not None and system is not None
    clocks, console, family = chip.clocks, chip.console, chip.family
    timer = family.timer(PORT_TIMER)
    values = {
        "BOARD_HSI_HZ": f"{clocks.hsi_hz}u",
        "BOARD_PLL_M": f"{clocks.pll_m}u",
        "BOARD_PLL_N": f"{clocks.pll_n}u",
        "BOARD_PLL_Q": f"{clocks.pll_q}u",
        "BOARD_PLL_R": f"{clocks.pll_r}u",
        "BOARD_CLOCK_HZ": f"{clocks.core_hz}u",
        "BOARD_FLASH_WAIT_STATES": f"{clocks.flash_wait_states}u",
        "BOARD_FLASH_DATA_LINES": f"{system.accelerator.data_lines}u",
        "BOARD_HAS_CACHES": str(int(system.data_cache is not None)),
        "BOARD_GPIO_BASE": _address(family.gpio),
        "BOARD_GPIO_ENABLE": _address(family.rcc + family.gpio_enable),
        "BOARD_TIMER_BASE": _address(timer.base),
        "BOARD_TIMER_CLOCK_HZ": f"{clocks.timer1_hz}u",
        "BOARD_TIMER_ENABLE": _address(family.rcc + timer.enable[0]),
        "BOARD_TIMER_ENABLE_BIT": f"{timer.enable[1]}u",
        **_uart_values(board, chip),
        "BOARD_UART_TX_PORT": f"'{pin_port(console.tx_pin)}'",
        "BOARD_UART_TX_PIN": f"{pin_number(console.tx_pin)}u",
        "BOARD_UART_RX_PORT": f"'{pin_port(console.rx_pin)}'",
        "BOARD_UART_RX_PIN": f"{pin_number(console.rx_pin)}u",
        "BOARD_UART_FUNCTION": f"{console.alternate_function}u",
        "BOARD_TIMESTAMP_PORT": f"'{pin_port(chip.timestamp_pin)}'",
        "BOARD_TIMESTAMP_PIN": f"{pin_number(chip.timestamp_pin)}u",
    }
    return _header("BOARD_CONFIG_H", values)


def _uart_values(board: Board, chip: Chip) -> dict[str, str]:
    """The console UART's address, clock and divider."""
    uart, family = chip.console_uart, chip.family
    units = 256 if uart.low_power else 1
    lowest, highest = board.uart_clocks_per_bit
    select, select_bit = uart.select or (0, 0)
    return {
        "BOARD_UART_BASE": _address(uart.base),
        "BOARD_UART_CLOCK_HZ": f"{board.uart_clock_hz}u",
        "BOARD_UART_UNITS": f"{units}u",
        "BOARD_UART_MIN_UNITS": f"{lowest * units}u",
        "BOARD_UART_MAX_UNITS": f"{highest * units - (units > 1)}u",
        "BOARD_UART_ENABLE": _address(family.rcc + uart.enable[0]),
        "BOARD_UART_ENABLE_BIT": f"{uart.enable[1]}u",
        "BOARD_UART_SELECT": _address(family.rcc + select),
        "BOARD_UART_SELECT_VALUE": f"{UART_FROM_HSI << select_bit if chip.console.from_hsi else 0}u",
    }


def _address(address: int) -> str:
    return f"0x{address:08X}u"


def linker_script(board: Board, stack_bytes: int) -> str:
    """Return the text of the linker script, from the template and the row's memories.

    Args:
        board: The row to link for.
        stack_bytes: The size of the stack.
    """
    template = string.Template(LINKER_SCRIPT.read_text(encoding="utf-8"))
    return template.substitute(
        flash_base=f"0x{board.memory('flash').base:08X}",
        flash_bytes=UNLIMITED_BYTES,
        ram_base=f"0x{board.memory('ram').base:08X}",
        ram_bytes=UNLIMITED_BYTES,
        stack_bytes=stack_bytes,
    )


def _header(guard: str, values: Mapping[str, str]) -> str:
    defines = "".join(f"#define {name} {value}\n" for name, value in values.items())
    guarded = f"#ifndef {guard}\n#define {guard}\n\n{defines}\n#endif\n"
    return f"/* SPDX-License-Identifier: Apache-2.0 */\n/* Generated. */\n{guarded}"
