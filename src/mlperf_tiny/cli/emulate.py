# SPDX-License-Identifier: Apache-2.0
"""``benchmark-emulate``: an emulated board on a pseudo terminal or TCP port, for any serial program."""

from __future__ import annotations

from pathlib import Path

import click

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.console_bridge import Line, PseudoTerminal, TcpPort, serve
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS
from mlperf_tiny.runners.emulator.transport import EmulatorTransport


@click.command()
@click.option("--device", required=True, help="stm32f746, stm32f446, ...")
@click.option("--elf", type=click.Path(path_type=Path), required=True, help="The image that would be flashed.")
@click.option("--pty", "on_pty", is_flag=True, help="Offer a pseudo terminal (the default); its path goes to stdout.")
@click.option("--tcp", "tcp_port", type=click.IntRange(0, 65535), help="Offer a TCP port of this machine; 0: any.")
@click.option("--baud", type=click.IntRange(min=1), help="Insist that the firmware uses this rate.")
@click.option(
    "--timing",
    type=click.Choice(LEVELS),
    default=DEFAULT_LEVEL,
    show_default=True,
    help="How closely device time is modelled.",
)
@click.option("--check-alignment", is_flag=True, help="Look for unaligned accesses silicon refuses (100 times slower).")
@reports_errors
def main(
    device: str,
    elf: Path,
    on_pty: bool,
    tcp_port: int | None,
    baud: int | None,
    timing: str,
    check_alignment: bool,
) -> None:
    """Run an image on an emulated board and give its console a port, until Ctrl-C.

    The port's name is the one line on stdout: a path for --pty, a pyserial URL for --tcp.
    """
    if on_pty and tcp_port is not None:
        raise UsageError("--pty and --tcp are two ways to offer the same line; choose one.")
    board = EmulatedBoard(find_board(device), elf, timing, baud=baud, check_alignment=check_alignment)
    transport = EmulatorTransport(board)
    line: Line = PseudoTerminal() if tcp_port is None else TcpPort(tcp_port)
    try:
        click.echo(line.name)
        click.echo(f"emulated {device} runs {elf}; Ctrl-C ends it", err=True)
        serve(transport, line)
    finally:
        line.close()
        transport.close()
