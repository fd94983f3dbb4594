# SPDX-License-Identifier: Apache-2.0
"""Checksums on the wire: what a session, and the reading of its transcript, accept from a device that offers them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

import pytest

from mlperf_tiny.errors import UnexpectedReply
from mlperf_tiny.harness.wire.reply_crc import ReplyCrc
from mlperf_tiny.harness.wire.session import Session
from tests.fakes.device import FakeDevice, Spoil

INPUT = bytes(range(256)) + bytes(234)
OTHER = bytes(490)


def reply(command: str, number: int, *lines: str, prefix: str = "") -> list[str]:
    """A reply as docs/protocol.md defines it."""
    text = f"{command}%" + "".join(f"{line}\r\n" for line in lines) + f"m-crc-{number}-"
    return [prefix + line for line in (*lines, f"m-crc-{number}-{zlib.crc32(text.encode()):08x}")]


def switched_on() -> ReplyCrc:
    crc = ReplyCrc()
    crc.take("crc on", reply("crc on", 1, "m-crc-on"))
    return crc


RESULTS = ("m-results-[0.125,0.875]",)
REFUSED: dict[str, tuple[str, list[str], str]] = {
    "no checksum": ("results", list(RESULTS), "did the device restart?"),
    "no line at all": ("results", [], "did the device restart?"),
    "a digit changed": (
        "results",
        [reply("results", 2, *RESULTS)[0].replace("0.875", "0.975"), reply("results", 2, *RESULTS)[1]],
        "it was changed on the way",
    ),
    "a digit of the number changed": (
        "results",
        [RESULTS[0], reply("results", 2, *RESULTS)[1].replace("m-crc-2", "m-crc-3")],
        "it was changed on the way",
    ),
    "a line lost": ("results", reply("results", 2, *RESULTS)[1:], "it was changed on the way"),
    "a line more": ("results", ["m-lap-us-5", *reply("results", 2, *RESULTS)], "it was changed on the way"),
    "of another command": ("timestamp", reply("results", 2, *RESULTS), "it was changed on the way"),
    "an earlier one": ("results", reply("results", 1, *RESULTS), "it is an earlier one"),
    "a prefix on some lines": ("results", ["m-results-[1]", *reply("results", 2, prefix="[dut]: ")], "'[dut]: '"),
    "no input": ("infer 1 0", reply("infer 1 0", 2, *RESULTS), "one line 'm-input-crc-<crc>'"),
    "two inputs": ("crc", reply("crc", 2, "m-input-crc-00000001", "m-input-crc-00000001"), "one line"),
    "another input": ("crc", reply("crc", 2, "m-input-crc-00000002"), "the device holds another"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    command, lines, sentence = REFUSED[case]
    crc = switched_on()
    crc.input_crc = 1
    with pytest.raises(UnexpectedReply, match=re.escape(sentence)):
        crc.take(command, lines)


@pytest.mark.parametrize("prefix", ["", "[dut]: "])
def test_what_is_accepted(prefix: str) -> None:
    crc = switched_on()
    crc.take("results", reply("results", 2, *RESULTS, prefix=prefix))
    crc.take("db 0011", [])
    crc.take("db load 2", reply("db load 2", 3, "m-[Expecting 2 bytes]", prefix=prefix))
    assert crc.input_crc is None
    crc.take("crc", reply("crc", 7, "m-input-crc-0000000a", prefix=prefix))  # numbers in between were lost
    assert crc.input_crc == 10
    crc.take("infer 1 0", reply("infer 1 0", 8, "m-input-crc-0000000a", *RESULTS, prefix=prefix))


def test_on_and_off() -> None:
    crc = ReplyCrc()
    crc.take("results", list(RESULTS))
    with pytest.raises(UnexpectedReply):
        crc.take("crc on", ["m-crc-on"])
    assert not crc.on
    crc.take("crc on", reply("crc on", 1, "m-crc-on"))
    assert crc.on
    with pytest.raises(UnexpectedReply):
        crc.take("results", list(RESULTS))
    assert not crc.on, "the device has restarted"
    crc.take("crc on", reply("crc on", 1, "m-crc-on"))
    crc.take("crc off", ["m-crc-off"])
    crc.take("results", list(RESULTS))
    crc.take("crc on", reply("crc on", 1, "m-crc-on"))
    crc.forget()
    assert not crc.on


def spoil_once(prefix: str, change: Callable[[bytes], bytes]) -> Spoil:
    left = [1]

    def spoil(command: str, sent: bytes) -> bytes:
        if command.startswith(prefix) and left[0]:
            left[0] -= 1
            return change(sent)
        return sent

    return spoil


def started(device: FakeDevice, notes: list[str]) -> Session:
    session = Session(device, clock=device.clock, note=notes.append)
    session.start()
    return session


def test_a_device_that_offers_none_is_not_asked() -> None:
    device = FakeDevice()
    session = started(device, [])
    session.load(INPUT)
    session.infer(1, 0)
    assert not any(command.startswith("crc") for command in device.commands)


def test_a_lap_that_lost_a_digit() -> None:
    device = FakeDevice(offers_crc=True, spoil=spoil_once("infer", lambda sent: sent.replace(b"us-6000", b"us-600")))
    session = started(device, [])
    session.load(INPUT)
    with pytest.raises(UnexpectedReply, match="changed on the way"):
        session.infer(1, 0)


def test_a_spoiled_load_is_loaded_again() -> None:
    """One byte of a ``db`` command arrives as another: the device confirms the load all the same."""
    device = FakeDevice(offers_crc=True)
    write, left = device.write, [1]

    def write_spoiled(data: bytes) -> None:
        if data.startswith(b"db 000102") and left[0]:
            left[0] -= 1
            data = data.replace(b"db 000102", b"db 000103")
        write(data)

    device.write = write_spoiled  # type: ignore[method-assign]
    notes: list[str] = []
    session = started(device, notes)
    session.load(INPUT)
    session.infer(1, 0)
    assert device.inferred == [(INPUT, 1, 0)]
    assert any("loading again" in note and "the device holds another" in note for note in notes)


def test_an_input_that_changes_after_its_load() -> None:
    device = FakeDevice(offers_crc=True)
    session = started(device, [])
    session.load(INPUT)
    device._buffer[3] ^= 1
    with pytest.raises(UnexpectedReply, match="the device holds another"):
        session.infer(1, 0)


def test_checksums_are_asked_for_again_after_a_restart() -> None:
    device = FakeDevice(offers_crc=True)
    session = started(device, [])
    device._checked = None
    session.load(INPUT)
    session.infer(1, 0)
    assert device.commands.count("crc on") == 2
    assert device.inferred == [(INPUT, 1, 0)]
