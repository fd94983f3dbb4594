# SPDX-License-Identifier: Apache-2.0
"""``benchmark-devices``: the known devices, and the serial ports that look like one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_tiny.cli.command import click_command, json_option
from mlperf_tiny.cli.output import echo, echo_json
from mlperf_tiny.terminal import text_table

if TYPE_CHECKING:
    from mlperf_tiny.firmware.boards import Board
    from mlperf_tiny.runners.transports.serial_port import FoundPort

HEADING = ("device", "board", "core", "clock", "flash", "RAM", "measured how")


@click_command()
@json_option
def main(as_json: bool) -> None:
    """List the devices for --device, and the serial ports of this machine for --port."""
    from mlperf_tiny.firmware.boards import BOARDS
    from mlperf_tiny.runners.transports.serial_port import find_ports

    ports = find_ports()
    if as_json:
        values = {"devices": [_values(board) for board in BOARDS], "ports": [_port(port) for port in ports]}
        echo_json(values)
        return
    echo(text_table([HEADING, *map(_row, BOARDS)]))
    echo()
    echo("\n".join(map(_port_line, ports)) or "no serial ports")


def _row(board: Board) -> tuple[str, ...]:
    if board.is_host:
        return (board.device, ", ".join(board.boards), "-", "-", "-", "-", "as a process, in host time")
    return (
        board.device,
        ", ".join(board.boards),
        board.cpu,
        f"{board.clock_hz / 1e6:g} MHz",
        f"{board.memory('flash').size_bytes // 1024} KiB",
        f"{board.memory('ram').size_bytes // 1024} KiB",
        "emulated, or --port",
    )


def _port_line(port: FoundPort) -> str:
    device = f"may be {' or '.join(port.devices)}" if port.devices else "not a known board"
    return f"{port.url}  {port.description}  {device}"


def _values(board: Board) -> dict[str, object]:
    return {
        "device": board.device,
        "boards": board.boards,
        "cpu": board.cpu,
        "clock_hz": board.clock_hz,
        "flash_bytes": 0 if board.is_host else board.memory("flash").size_bytes,
        "ram_bytes": 0 if board.is_host else board.memory("ram").size_bytes,
        "baud": board.baud,
    }


def _port(port: FoundPort) -> dict[str, object]:
    return {"url": port.url, "description": port.description, "usb_id": port.usb_id, "devices": port.devices}
