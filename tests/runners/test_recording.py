# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time

import pytest

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.transports.recording import RecordingTransport
from mlperf_tiny.runners.transports.transport import clock_of, counters_of
from tests.fakes.device import FakeDevice


def test_both_directions_are_recorded_in_order() -> None:
    heard: list[tuple[str, bytes]] = []
    device = FakeDevice(boots=False, timing="emulated", instructions_per_inference=7)
    transport = RecordingTransport(device, lambda direction, data: heard.append((direction, data)))
    assert (transport.url, transport.device_info) == ("fake://", device.device_info)
    transport.write(b"name%")
    assert transport.read(1.0) == b"m-name-dut-[unspecified]\r\nm-ready\r\n"
    assert transport.read(1.0) == b""
    assert heard == [("out", b"name%"), ("in", b"m-name-dut-[unspecified]\r\nm-ready\r\n")]
    transport.close()
    assert device.closed


def test_failed_write_is_recorded() -> None:
    heard: list[tuple[str, bytes]] = []
    device = FakeDevice(boots=False)
    device.gone = True
    transport = RecordingTransport(device, lambda direction, data: heard.append((direction, data)))
    with pytest.raises(DeviceGone):
        transport.write(b"name%")
    assert heard == [("out", b"name%")]


def test_counters_and_clock_are_found_by_protocol() -> None:
    counting, silent = FakeDevice(instructions_per_inference=7), FakeDevice()
    counters = counters_of(counting)
    assert counters is not None and counters()["instructions"] > 0
    assert counters_of(silent) is None
    recording = RecordingTransport(counting, lambda direction, data: None)
    assert counters_of(recording) is None  # it carries bytes and nothing else
    assert clock_of(counting) == counting.clock and clock_of(recording) is time.monotonic
