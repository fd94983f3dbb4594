# SPDX-License-Identifier: Apache-2.0
"""``benchmark-emulate``: an emulated board on a pseudo terminal or TCP port, for any serial program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlperf_tiny.cli.command import click_command
from mlperf_tiny.cli.options import COUNT, FILE, device_option, help_text, image_file_option, timing_option
from mlperf_tiny.cli.output import echo
from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL

if TYPE_CHECKING:
    from mlperf_tiny.runners.emulator.console_bridge import ConsolePort


@click_command()
@device_option(required=True)
@click.option("--elf", type=FILE, metavar="FILE", help="The image that would be flashed, built by this program.")
@image_file_option
@click.option("--pty", "on_pty", is_flag=True, help="Offer a pseudo terminal.  [default]")
@click.option(
    "--tcp",
    "tcp_port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Offer a TCP port of this machine; 0: a free one.",
)
@click.option(
    "--baud", type=COUNT, metavar="N", help=help_text("Rate that the firmware must set.", "the rate of the firmware")
)
@timing_option()
@click.option(
    "--check-alignment", is_flag=True, help="Report unaligned accesses that silicon refuses (100 times slower)."
)
def main(
    device: str,
    elf: Path | None,
    image_file: Path | None,
    on_pty: bool,
    tcp_port: int | None,
    baud: int | None,
    timing: str | None,
    check_alignment: bool,
) -> None:
    """Run an image on an emulated board and offer its console as a port, until Ctrl-C.

    The port's name is the only line on stdout: a path for --pty, a pyserial URL for --tcp.
    """
    from mlperf_tiny.firmware.boards import find_board
    from mlperf_tiny.runners.emulator.board import EmulatedBoard
    from mlperf_tiny.runners.emulator.console_bridge import PseudoTerminal, TcpPort, bridge
    from mlperf_tiny.runners.emulator.transport import EmulatorTransport

    if on_pty and tcp_port is not None:
        raise UsageError("--pty and --tcp exclude each other; give one of them.")
    path = elf or image_file
    if path is None or (elf and image_file):
        raise UsageError("missing option --elf or --image; give one of them.")
    board = EmulatedBoard(
        find_board(device),
        path,
        timing or DEFAULT_LEVEL,
        baud=baud,
        check_alignment=check_alignment,
        foreign=image_file is not None,
    )
    transport = EmulatorTransport(board)
    port: ConsolePort = PseudoTerminal() if tcp_port is None else TcpPort(tcp_port)
    try:
        echo(port.name)
        echo(f"emulated {device} runs {path}; Ctrl-C ends it", err=True)
        bridge(transport, port)
    finally:
        for what, times in board.unmodelled.items():
            echo(f"not emulated: {what} ({times:,} times)", err=True)
        port.close()
        transport.close()
