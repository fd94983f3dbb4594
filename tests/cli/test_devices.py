# SPDX-License-Identifier: Apache-2.0
"""``benchmark-devices``: its table and JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlperf_tiny.cli import devices
from mlperf_tiny.firmware.boards import BOARDS
from mlperf_tiny.runners.transports import serial_port
from mlperf_tiny.runners.transports.serial_port import FoundPort

PORTS = (
    FoundPort(url="/dev/ttyACM0", description="STLINK-V3", usb_id=(0x0483, 0x374E), devices=("stm32f446", "stm32f746")),
    FoundPort(url="/dev/ttyS0", description="", usb_id=None, devices=()),
)


@pytest.mark.parametrize("ports", [PORTS, ()])
def test_table_has_a_row_per_device_and_port(monkeypatch: pytest.MonkeyPatch, ports: tuple[FoundPort, ...]) -> None:
    monkeypatch.setattr(serial_port, "find_ports", lambda: ports)
    result = CliRunner().invoke(devices.main, [])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(BOARDS)]] == [board.device for board in BOARDS]
    assert "216 MHz" in result.stdout
    if ports:
        assert "/dev/ttyACM0  STLINK-V3  may be stm32f446 or stm32f746" in lines
        assert lines[-1].startswith("/dev/ttyS0")
    else:
        assert lines[-1] == "no serial ports"


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "find_ports", lambda: PORTS)
    values = json.loads(CliRunner().invoke(devices.main, ["--json"]).stdout)
    assert {row["device"]: row["clock_hz"] for row in values["devices"]}["stm32f746"] == 216_000_000
    assert values["ports"][0]["devices"] == ["stm32f446", "stm32f746"]
