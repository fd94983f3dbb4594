# SPDX-License-Identifier: Apache-2.0
"""An emulated board offered to other programs: pyserial on a pseudo terminal and on a TCP port."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import serial
from click.testing import CliRunner

from mlperf_tiny.cli.emulate import main
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.console_bridge import PseudoTerminal, TcpPort, bridge
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from tests.runners.emulator_images import build_image


@contextmanager
def served(line: PseudoTerminal | TcpPort) -> Iterator[None]:
    """Serve an echo board on ``line`` from another thread."""
    transport = EmulatorTransport(EmulatedBoard(find_board("stm32f746"), build_image("echo.c", "stm32f746")))
    stop = threading.Event()
    thread = threading.Thread(target=bridge, args=(transport, line, lambda: not stop.is_set()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        line.close()


@pytest.mark.parametrize("make_line", [PseudoTerminal, lambda: TcpPort(0)], ids=["pty", "tcp"])
def test_pyserial_connects_twice(make_line: Callable[[], PseudoTerminal | TcpPort]) -> None:
    line = make_line()
    with served(line):
        for text in (b"hello", b"again"):
            with serial.serial_for_url(line.name, baudrate=115_200, timeout=10) as port:
                port.write(text + b"%")
                assert port.read_until(b"]\r\n").endswith(b"[" + text + b"]\r\n")


def test_command_prints_port_and_bridges_it(tmp_path: Path) -> None:
    elf = tmp_path / "echo.elf"
    elf.write_bytes(build_image("echo.c", "stm32f746"))
    code = "from mlperf_tiny.cli.emulate import main; main()"
    command = [sys.executable, "-c", code, "--device", "stm32f746", "--elf", str(elf), "--pty"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root, text=True) as process:
        try:
            assert process.stdout is not None
            with serial.Serial(process.stdout.readline().strip(), timeout=20) as port:
                port.write(b"t%")
                assert len(port.read_until(b"\r\n").split()) in (1, 2)
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--device", "stm32f746", "--elf", "nowhere.elf"], 2, "cannot read the image nowhere.elf"),
        (["--device", "pdp11", "--elf", "x"], 2, "there is no device 'pdp11'"),
        (["--device", "host", "--elf", "x"], 2, "no emulator for 'host'"),
        (["--device", "stm32f746", "--elf", "x", "--pty", "--tcp", "1"], 2, "exclude each other"),
    ],
)
def test_command_errors_are_one_line(arguments: list[str], status: int, message: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.output.count("\n")) == (status, 1)
    assert message in result.output


class Talking:
    """A device that always has something to say."""

    idle = False

    def __init__(self) -> None:
        self.reads = 0
        self.heard = b""

    def read(self, timeout_s: float) -> bytes:
        self.reads += 1
        return bytes(1 << 20)

    def write(self, data: bytes) -> None:
        self.heard += data


def test_a_tcp_client_that_never_reads_does_not_stall_the_board() -> None:
    """A gigabyte is said to it, far more than any buffer holds; then the next client is heard."""
    device, line = Talking(), TcpPort(0)
    address = ("127.0.0.1", int(line.name.rpartition(":")[2]))
    started_s = time.monotonic()
    try:
        with socket.create_connection(address):
            bridge(cast("EmulatorTransport", device), line, lambda: device.reads < 1000)
        with socket.create_connection(address) as second:
            second.sendall(b"name%")
            bridge(cast("EmulatorTransport", device), line, lambda: not device.heard and device.reads < 5000)
    finally:
        line.close()
    assert device.heard == b"name%"
    assert time.monotonic() - started_s < 20
