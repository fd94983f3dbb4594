# SPDX-License-Identifier: Apache-2.0
"""Whole replayed runs are in tests/harness/run/test_whole_runs.py; here are the edges."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlperf_tiny.errors import DeviceGone, DeviceSilent, RecordError
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.runners.transports.replay import ReplayTransport
from mlperf_tiny.runners.transports.transport import ClockedTransport, CountingTransport

DATA = bytes(range(50))
LOAD = [
    {"e": "meta", "device": {"timing": "emulated"}},
    {"e": "in", "s": "m-init-done"},
    {"e": "in", "s": "m-ready"},
    {"e": "out", "s": "db load 50"},
    {"e": "in", "s": "m-[Expecting 50 bytes]"},
    {"e": "in", "s": "m-ready"},
    {"e": "download", "bytes": 50, "sha256": hashlib.sha256(DATA).hexdigest(), "done": True},
    {"e": "note", "s": "of no interest here"},
    {"e": "out", "s": "name"},
    {"e": "in", "s": "m-na", "torn": True},
]


def started() -> tuple[ReplayTransport, Session]:
    transport = ReplayTransport(LOAD)
    assert transport.device_info.timing == "emulated"
    assert transport.read(1.0) == b"m-init-done\r\nm-ready\r\n"
    return transport, Session(transport, clock=transport.clock)


def test_recorded_download_is_replayed() -> None:
    _, session = started()
    session.load(DATA)
    with pytest.raises(DeviceSilent, match="got only 'm-na'"):
        session.command("name")


def test_other_payload_raises_device_gone() -> None:
    _, session = started()
    with pytest.raises(DeviceGone, match="50 bytes with sha256"):
        session.load(DATA[::-1])


@pytest.mark.parametrize("command", [b"profile%", b"db 00%"])
def test_other_command_raises_device_gone(command: bytes) -> None:
    transport, _ = started()
    with pytest.raises(DeviceGone, match="was sent where the recording has 'db load 50'"):
        transport.write(command)


def test_command_after_the_end_raises_device_gone() -> None:
    transport = ReplayTransport([])
    assert (transport.device_info.timing, transport.read(2.0), transport.clock()) == ("hardware", b"", 2.0)
    assert isinstance(transport, ClockedTransport) and not isinstance(transport, CountingTransport)
    with pytest.raises(DeviceGone, match="the end of the recording"):
        transport.write(b"name%")
    transport.close()


def test_unreadable_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not a transcript"):
        ReplayTransport(tmp_path / "missing")
    for text in ("hello", "5", '{"e":"in","s":5}', '{"e":"meta","device":[]}', '{"s":"x"}', "[" * 200_000):
        (tmp_path / "text").write_text(text + "\n")
        with pytest.raises(RecordError, match="is not a transcript"):
            ReplayTransport(tmp_path / "text")
    with pytest.raises(RecordError, match="recorded in 'lunar' time"):
        ReplayTransport([{"e": "meta", "device": {"timing": "lunar"}}])


def test_unexpected_download_raises_device_gone() -> None:
    transport = ReplayTransport([LOAD[6]])
    with pytest.raises(DeviceGone, match="'db load 50' was sent where the recording has 'download'"):
        transport.write(b"db load 50%")
