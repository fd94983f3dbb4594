# SPDX-License-Identifier: Apache-2.0
"""``benchmark-devices``: what can be run on, and which serial ports look like one of them."""

from __future__ import annotations

import json

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.firmware.boards import BOARDS, Board
from mlperf_tiny.runners.transports.serial_port import FoundPort, find_ports


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
@reports_errors
def main(as_json: bool) -> None:
    """List the devices of --device, and the serial ports of this machine for --port."""
    ports = find_ports()
    if as_json:
        click.echo(
            json.dumps({"devices": [_values(board) for board in BOARDS], "ports": [_port(p) for p in ports]}, indent=2)
        )
        return
    rows: list[tuple[str, ...]] = [("device", "board", "core", "clock", "flash", "RAM", "measured how")]
    rows += [_row(board) for board in BOARDS]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo()
    if not ports:
        click.echo("no serial ports")
    for port in ports:
        may_be = f"may be {' or '.join(port.devices)}" if port.devices else "not a known board"
        click.echo(f"{port.url}  {port.description}  {may_be}")


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
