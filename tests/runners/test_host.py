# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlperf_tiny.errors import DeviceGone, PortUnavailable
from mlperf_tiny.runners.transports.host import HostTransport


def program(folder: Path, body: str) -> Path:
    """An executable that runs ``body`` in Python."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\nimport os, sys\n{body}\n")
    path.chmod(0o755)
    return path


def read_until(transport: HostTransport, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        got += transport.read(10.0)
    return got


def test_process_receives_and_answers(tmp_path: Path) -> None:
    transport = HostTransport(program(tmp_path, "while data := os.read(0, 100): os.write(1, data.upper())"))
    assert transport.device_info.timing == "host"
    assert transport.read(0.0) == b""
    transport.write(b"name%")
    assert read_until(transport, b"%") == b"NAME%"
    transport.close()
    transport.close()
    with pytest.raises(DeviceGone):
        transport.read(1.0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("os.write(1, b'bye'); sys.exit(3)", "ended with status 3"),
        ("os.write(1, b'bye'); os.kill(os.getpid(), 9)", "ended by signal 9"),
    ],
)
def test_process_that_ends_raises_device_gone(tmp_path: Path, body: str, reason: str) -> None:
    transport = HostTransport(program(tmp_path, body))
    assert read_until(transport, b"bye") == b"bye"
    with pytest.raises(DeviceGone, match=reason):
        transport.read(10.0)
    transport.close()


def test_write_to_an_ended_process_raises_device_gone(tmp_path: Path) -> None:
    transport = HostTransport(program(tmp_path, "sys.exit(0)"))
    with pytest.raises(DeviceGone, match="ended with status 0"):
        for _ in range(100):
            transport.write(bytes(100_000))
    transport.close()


def test_close_kills_a_process_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlperf_tiny.runners.transports.host.CLOSE_S", 0.05)
    transport = HostTransport(program(tmp_path, "os.write(1, b'up')\nwhile True: pass"))
    assert read_until(transport, b"up") == b"up"
    transport.close()
    assert transport._process.returncode == -9


def test_missing_executable_raises_port_unavailable(tmp_path: Path) -> None:
    with pytest.raises(PortUnavailable, match="No such file"):
        HostTransport(tmp_path / "missing")
    (tmp_path / "text").write_text("no program")
    with pytest.raises(PortUnavailable, match=r"[Pp]ermission denied"):
        HostTransport(tmp_path / "text")
