# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.transports.recording import RecordingTransport
from tests.fakes.device import FakeDevice


def test_both_directions_are_told_in_order() -> None:
    heard: list[tuple[str, bytes]] = []
    device = FakeDevice(boots=False, timing="emulated", instructions_per_inference=7)
    transport = RecordingTransport(device, lambda direction, data: heard.append((direction, data)))
    assert (transport.url, transport.timing) == ("fake://", "emulated")
    transport.write(b"name%")
    assert transport.read(1.0) == b"m-name-dut-[unspecified]\r\nm-ready\r\n"
    assert transport.read(1.0) == b""
    assert heard == [("out", b"name%"), ("in", b"m-name-dut-[unspecified]\r\nm-ready\r\n")]
    assert transport.counters()["instructions"] > 0
    transport.close()
    assert device.closed


def test_what_broke_the_pipe_is_told() -> None:
    heard: list[tuple[str, bytes]] = []
    device = FakeDevice(boots=False)
    device.gone = True
    transport = RecordingTransport(device, lambda direction, data: heard.append((direction, data)))
    with pytest.raises(DeviceGone):
        transport.write(b"name%")
    assert heard == [("out", b"name%")]


def test_what_the_wrapped_transport_lacks_is_lacking() -> None:
    assert not hasattr(RecordingTransport(FakeDevice(), lambda direction, data: None), "counters")
