# SPDX-License-Identifier: Apache-2.0
"""The generated part of a program besides the model: ``app_config.h``, ``board_config.h`` and the linker script."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.firmware.boards.board import pin_number, pin_port
from mlperf_tiny.firmware.elf import UNLIMITED_BYTES
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat

VENDOR = "mlperf-tiny-harness"
LINKER_SCRIPT = Path(__file__).parent / "ports" / "cortex_m" / "sections.ld"

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
    clocks, console = chip.clocks, chip.console
    values = {
        "BOARD_HSI_HZ": f"{clocks.hsi_hz}u",
        "BOARD_PLL_M": f"{clocks.pll_m}u",
        "BOARD_PLL_N": f"{clocks.pll_n}u",
        "BOARD_PLL_Q": f"{clocks.pll_q}u",
        "BOARD_PLL_R": f"{clocks.pll_r}u",
        "BOARD_CLOCK_HZ": f"{clocks.core_hz}u",
        "BOARD_TIMER_CLOCK_HZ": f"{clocks.timer1_hz}u",
        "BOARD_FLASH_WAIT_STATES": f"{clocks.flash_wait_states}u",
        "BOARD_FLASH_DATA_LINES": f"{system.accelerator.data_lines}u",
        "BOARD_HAS_CACHES": str(int(system.data_cache is not None)),
        "BOARD_UART_BASE": f"0x{console.base:08X}u",
        "BOARD_UART_CLOCK_HZ": f"{board.uart_clock_hz}u",
        "BOARD_UART_ENABLE_REGISTER": f"APB{console.bus}ENR",
        "BOARD_UART_ENABLE_BIT": f"{console.clock_enable_bit}u",
        "BOARD_UART_TX_PORT": f"'{pin_port(console.tx_pin)}'",
        "BOARD_UART_TX_PIN": f"{pin_number(console.tx_pin)}u",
        "BOARD_UART_RX_PORT": f"'{pin_port(console.rx_pin)}'",
        "BOARD_UART_RX_PIN": f"{pin_number(console.rx_pin)}u",
        "BOARD_UART_FUNCTION": f"{console.alternate_function}u",
        "BOARD_TIMESTAMP_PORT": f"'{pin_port(chip.timestamp_pin)}'",
        "BOARD_TIMESTAMP_PIN": f"{pin_number(chip.timestamp_pin)}u",
    }
    return _header("BOARD_CONFIG_H", values)


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
