# SPDX-License-Identifier: Apache-2.0
"""The transport with one fault: what it does to one command, and to nothing else."""

from __future__ import annotations

import pytest

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.transports.faults import BY_NAME, FAULTS, FaultyTransport, Moment
from mlperf_tiny.runners.transports.transport import Transport
from tests.fakes.device import FakeDevice

LOAD = b"m-[Expecting 9 bytes]\r\nm-ready\r\n"


def talk(transport: Transport, command: str) -> bytes:
    transport.write(command.encode() + b"%")
    return b"".join(iter(lambda: transport.read(1.0), b""))


def faulty(name: str, device: FakeDevice, seed: int = 0) -> FaultyTransport:
    other = FakeDevice(model_id="other")
    return FaultyTransport(
        device, BY_NAME[name], Moment(word="db load", occurrence=1), seed, 1.0, lambda: FakeDevice(), lambda: other
    )


@pytest.mark.parametrize(
    ("name", "reply", "commands"),
    [
        ("command lost", b"", 1),
        ("command twice", LOAD * 2, 3),
        ("reply lost", b"", 2),
        ("reply twice", LOAD * 2, 2),
        ("reply in single bytes", LOAD, 2),
        ("silent from here on", b"", 1),
    ],
)
def test_one_command_is_spoiled(name: str, reply: bytes, commands: int) -> None:
    device = FakeDevice(input_bytes=9, boots=False)
    transport = faulty(name, device)
    assert talk(transport, "db load 9") == LOAD
    assert talk(transport, "db load 9") == reply
    assert device.commands == ["db load 9"] * commands
    assert talk(transport, "db load 9") == (b"" if name == "silent from here on" else LOAD)


def test_a_late_reply_comes_later() -> None:
    transport = faulty("reply late", FakeDevice(input_bytes=9, boots=False))
    talk(transport, "db load 9")
    transport.write(b"db load 9%")
    assert transport.read(0.05) == b""
    assert b"".join(transport.read(0.1) for _ in range(20)) == LOAD


def test_a_rebooted_device_says_so_and_another_one_is_another() -> None:
    assert b"m-init-done" in talk(faulty_at_first("rebooted before the command"), "db load 9")
    transport = faulty_at_first("another device")
    talk(transport, "db load 9")
    assert b"m-model-[other]" in talk(transport, "profile")


def faulty_at_first(name: str) -> FaultyTransport:
    transport = faulty(name, FakeDevice(input_bytes=9, boots=False))
    talk(transport, "db load 9")
    return transport


@pytest.mark.parametrize("name", ["disconnected before", "disconnected after"])
def test_a_cut_connection_stays_cut(name: str) -> None:
    transport = faulty(name, FakeDevice(input_bytes=9, boots=False))
    talk(transport, "db load 9")
    with pytest.raises(DeviceGone):
        talk(transport, "db load 9")
    with pytest.raises(DeviceGone):
        transport.write(b"name%")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_seed_decides_what_is_spoiled(fault: object) -> None:
    def replies(seed: int) -> list[bytes]:
        transport = faulty(fault.name, FakeDevice(input_bytes=9, boots=False), seed)  # type: ignore[attr-defined]
        try:
            return [talk(transport, "db load 9") for _ in range(3)]
        except DeviceGone:
            return []

    assert replies(7) == replies(7)
