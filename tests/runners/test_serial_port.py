# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from mlperf_tiny.errors import DeviceGone, PortUnavailable
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.runners.transports import serial_port
from mlperf_tiny.runners.transports.serial_port import SerialTransport, find_ports, is_local_program
from tests.fakes.device import FakeDevice


def serve(receive: Callable[[], bytes], send: Callable[[bytes], object]) -> threading.Thread:
    """Put a fake device at the other end of a line until that end closes."""

    def run() -> None:
        device = FakeDevice(input_bytes=100)
        try:
            while True:
                while output := device.read(0):
                    send(output)
                data = receive()
                if not data:
                    return
                device.write(data)
        except OSError:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def over_pty() -> tuple[str, Callable[[], None]]:
    near, far = os.openpty()
    serve(lambda: os.read(near, 1000), lambda data: os.write(near, data))
    url = os.ttyname(far)
    return url, lambda: (os.close(far), os.close(near))[0]


def over_tcp() -> tuple[str, Callable[[], None]]:
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        line, _ = server.accept()
        with line:
            serve(lambda: line.recv(1000), line.sendall).join()

    threading.Thread(target=accept, daemon=True).start()
    return f"socket://127.0.0.1:{server.getsockname()[1]}", server.close


@pytest.fixture(params=[over_pty, over_tcp], ids=["pty", "tcp"])
def line(request: pytest.FixtureRequest) -> Iterator[str]:
    url, close = request.param()
    yield url
    close()


def test_session_over_a_serial_line(line: str) -> None:
    transport = SerialTransport(line, 115_200)
    assert transport.device_info.timing == "hardware"
    session = Session(transport)
    assert session.start().model_id == "kws01"
    session.load(bytes(range(100)))
    assert session.infer(10, 1).elapsed_us == 10_000
    transport.close()
    transport.close()


def test_loop_url_returns_what_is_sent() -> None:
    transport = SerialTransport("loop://", 9600)
    transport.write(b"name%")
    got = b""
    while len(got) < 5:
        got += transport.read(1.0)
    assert got == b"name%"
    assert transport.read(0.001) == b""
    transport.close()


@pytest.mark.parametrize(
    "url",
    [
        "/dev/there-is-no-such-port",
        "socket://127.0.0.1:1",
        "nonsense://x",
        "socket://",
        "socket://localhost:x",
        "rfc2217://h",
    ],
)
def test_unopenable_port_raises_port_unavailable(url: str) -> None:
    with pytest.raises(PortUnavailable, match="cannot open") as refused:
        SerialTransport(url, 115_200)
    assert "NoneType" not in str(refused.value) and "debug|" not in str(refused.value)  # pyserial's own message


def test_pulled_cable_raises_device_gone() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    transport = SerialTransport(f"socket://127.0.0.1:{server.getsockname()[1]}", 9600)
    connection, _ = server.accept()
    connection.close()
    with pytest.raises(DeviceGone, match=r"connection to .* lost"):
        transport.read(5.0)
    server.close()


def test_ports_are_matched_to_devices_by_usb_id(monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, product = find_board("stm32f746").usb_ids[0]
    ports = [
        SimpleNamespace(device="/dev/ttyS0", description=None, vid=None, pid=None),
        SimpleNamespace(device="/dev/ttyACM0", description="STLINK-V3", vid=vendor, pid=product),
    ]
    monkeypatch.setattr(serial_port.list_ports, "comports", lambda: ports)
    board, other = find_ports()
    assert (board.url, "stm32f746" in board.devices) == ("/dev/ttyACM0", True)
    assert (other.url, other.usb_id, other.devices) == ("/dev/ttyS0", None, ())


def test_is_local_program(tmp_path: Path) -> None:
    near, far = os.openpty()
    link = tmp_path / "board"
    link.symlink_to(os.ttyname(far))
    assert is_local_program(os.ttyname(far)) and is_local_program(str(link))
    os.close(near)
    os.close(far)
    for url in ("socket://localhost:5331", "socket://127.0.0.1:5331", "rfc2217://[::1]:5331"):
        assert is_local_program(url)
    for url in ("/dev/ttyACM0", "/dev/ttyS0", "COM3", "socket://bench.example:5331", "rfc2217://192.0.2.7:1"):
        assert not is_local_program(url)


@pytest.mark.parametrize("group", ["dialout", "uucp", "root", None])
def test_a_port_that_may_not_be_opened_names_the_group(group: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, **_: object) -> None:
        raise serial.SerialException(errno.EACCES, f"could not open port {url}")

    def of_group(_: int) -> SimpleNamespace:
        if group is None:
            raise KeyError
        return SimpleNamespace(gr_name=group)

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    monkeypatch.setattr("grp.getgrgid", of_group)
    named = "uucp" if group == "uucp" else "dialout"
    with pytest.raises(PortUnavailable, match=f"Permission denied; .* group {named}: run 'sudo usermod -aG {named} "):
        SerialTransport("/dev/null", 115_200)
