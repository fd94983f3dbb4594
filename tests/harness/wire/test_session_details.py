# SPDX-License-Identifier: Apache-2.0
"""How long a session waits, how often it asks, what it drops and what it notes: on a scripted device with a clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlperf_tiny.errors import DeviceSilent, Refused, SurplusReply, UnexpectedReply
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.runners.transports.transport import DeviceInfo
from tests.fakes.device import FakeDevice
from tests.harness.wire.test_session import session_of, when

READY = b"m-ready\r\n"
PROFILE = b"m-profile-[p]\r\nm-model-[kws01]\r\n" + READY
START_S = 100.0

Pieces = list[tuple[float, bytes]]
"""What comes: (host seconds after the piece before, bytes)."""


class Script:
    """A transport that answers each command with pieces in time; where it has no more, it says nothing.

    ``idle`` is the part of a time-out that an empty read takes.
    """

    url = "script://"

    def __init__(
        self, answers: dict[str, list[Pieces]], boot: Pieces | None = None, timing: str = "hardware", idle: float = 1.0
    ) -> None:
        self.answers = {"name": [[(0, b"m-name-dut-[v]\r\n" + READY)]], "profile": [[(0, PROFILE)]], **answers}
        self.coming = list(boot or [])
        self.just_started = boot is not None
        self.timing, self.idle = timing, idle
        self.now_s = START_S
        self.sent: list[tuple[float, str]] = []
        self.reads = 0

    @property
    def device_info(self) -> DeviceInfo:
        return DeviceInfo(timing=self.timing, just_started=self.just_started)

    def clock(self) -> float:
        return self.now_s

    def write(self, data: bytes) -> None:
        command = data.decode().removesuffix("%")
        self.sent.append((self.now_s - START_S, command))
        left = self.answers.get(command, [])
        self.coming += left.pop(0) if len(left) > 1 else left[0] if left else []

    def read(self, timeout_s: float) -> bytes:
        assert timeout_s > 0
        self.reads += 1
        assert self.reads < 1000
        if self.coming and self.coming[0][0] <= timeout_s:
            delay_s, data = self.coming.pop(0)
            self.now_s += delay_s
            return data
        if self.coming:
            self.coming[0] = (self.coming[0][0] - timeout_s * self.idle, self.coming[0][1])
        self.now_s += timeout_s * self.idle
        return b""

    def close(self) -> None:
        pass


def lap(value: int) -> bytes:
    return b"m-lap-us-%d\r\n" % value


def made(wire: Script, notes: list[str] | None = None, dropped: Callable[[], None] = lambda: None) -> Session:
    return Session(
        wire, Timeouts(), clock=wire.clock, note=(notes if notes is not None else []).append, line_dropped=dropped
    )


def took(wire: Script, work: Callable[[], object]) -> float:
    before = wire.now_s
    work()
    return wire.now_s - before


def test_a_device_that_needs_no_patience_gets_none() -> None:
    """Booted long ago: quiet for 0.2 s at first and after its name. Nothing is noted or dropped."""
    notes: list[str] = []
    dropped: list[None] = []
    wire = Script({})
    identity = made(wire, notes, lambda: dropped.append(None)).start()
    assert (identity.device, identity.vendor, identity.profile, identity.model_id) == ("dut", "v", "p", "kws01")
    assert [(pytest.approx(at), text) for at, text in wire.sent] == [(0.2, "name"), (0.4, "profile")]
    assert notes == [] and dropped == []


@pytest.mark.parametrize("boots_at_s", [0.0, 1.0, 29.5])
def test_a_device_that_was_just_started_is_awaited_until_it_is_ready(boots_at_s: float) -> None:
    wire = Script({}, boot=[(boots_at_s, b"m-init-done\r\n" + READY)])
    made(wire).start()
    assert wire.sent[0] == (pytest.approx(boots_at_s), "name")


def test_a_device_that_boots_after_30_seconds_is_silent() -> None:
    wire = Script({}, boot=[(30.5, b"m-init-done\r\n" + READY)])
    with pytest.raises(DeviceSilent, match=r"'\(boot\)' in 30 s"):
        made(wire).start()
    assert wire.now_s == START_S + 30.0


def test_a_second_ready_is_awaited_and_noted_once() -> None:
    notes: list[str] = []
    again: Pieces = [(0.05, b"m-re"), (0.05, b"ady\r\n")]
    answers: dict[str, list[Pieces]] = {
        "name": [[(0, b"m-name-dut-[v]\r\n" + READY), *again]],
        "profile": [[(0, PROFILE), *again]],
        "timestamp": [
            [(0, lap(1) + READY), *again],
            [(0, lap(2) + READY + READY + READY)],
            [(0, lap(3) + READY)],
            [(0, lap(4) + READY), *again],
        ],
    }
    wire = Script(answers)
    session = made(wire, notes)
    session.start()
    assert [note for note in notes if "waited for" in note] == [
        "the device ends a reply with 2 lines 'm-ready'; all of them are waited for"
    ]
    for number, wanted_s in ((1, 0.1), (2, 0.0), (3, 0.2), (4, 0.1)):
        lines: list[str] = []
        assert took(wire, lambda lines=lines: lines.extend(session.command("timestamp"))) == pytest.approx(wanted_s)
        assert lines == [f"m-lap-us-{number}"]


def test_a_third_ready_is_counted() -> None:
    notes: list[str] = []
    wire = Script({"name": [[(0, b"m-name-dut-[v]\r\n" + READY), (0.1, READY), (0.1, READY)]]})
    made(wire, notes).start()
    assert any("ends a reply with 3 lines 'm-ready'" in note for note in notes)


def test_what_comes_after_the_name_is_dropped_and_noted() -> None:
    notes: list[str] = []
    dropped: list[None] = []
    late: Pieces = [(0.1, READY), (0.1, lap(9) + READY), (0.1, b"tor")]
    wire = Script({"name": [[(0, b"m-name-abc-[v]\r\n" + READY), *late]], "timestamp": [[(0, lap(5) + READY)]]})
    session = made(wire, notes, lambda: dropped.append(None))
    session.start()
    assert notes == [
        "dropped to resynchronise: m-ready | m-lap-us-9 | m-ready | tor",
        "the device is named 'abc'; the official runner refuses all but 'dut'",
    ]
    assert len(dropped) == 1
    assert session.command("timestamp") == ["m-lap-us-5"]


def test_what_is_dropped_is_bounded() -> None:
    wire = Script({})
    session = made(wire)
    wire.coming = [(0, b"x\r\n" * 6000), (0, b"y\r\n" * 6000)]
    assert session.resync() == ["x"] * 4000 + ["y"] * 6000


def test_a_line_after_ready_belongs_to_no_reply() -> None:
    wire = Script({"timestamp": [[(0, b"a\r\n" + lap(1) + READY + b"b\r\n")], [(0, lap(2) + READY)]]})
    session = made(wire)
    assert session.command("timestamp") == ["a", "m-lap-us-1"]
    assert session.command("timestamp") == ["m-lap-us-2"]


def test_the_first_line_after_ready_is_kept_for_the_next_command() -> None:
    wire = Script({"timestamp": [[(0, b"a\r\n" + lap(1) + READY + b"e-[late]\r\n")]]})
    session = made(wire)
    session.command("timestamp")
    with pytest.raises(Refused, match=r"sent before 'timestamp'.*late"):
        session.command("timestamp")


@pytest.mark.parametrize(("command", "tries"), [("name", 3), ("profile", 3)])
def test_questions_are_asked_three_times(command: str, tries: int) -> None:
    answer = {"name": b"m-name-dut-[v]\r\n", "profile": b"m-profile-[p]\r\nm-model-[kws01]\r\n"}[command]
    wire = Script({command: [*[[(0.0, READY)]] * (tries - 1), [(0.0, answer + READY)]]})
    notes: list[str] = []
    assert made(wire, notes).start().device == "dut"
    assert [text for _, text in wire.sent].count(command) == tries
    wire = Script({command: [*[[(0.0, READY)]] * tries, [(0.0, answer + READY)]]})
    if command == "profile":
        with pytest.raises(UnexpectedReply, match="m-model"):
            made(wire).start()
    else:
        assert made(wire).start().device == ""
    assert [text for _, text in wire.sent].count(command) == tries


@pytest.mark.parametrize("spoiled", [1, 2, 3])
def test_a_load_is_tried_twice_and_asks_nothing_else(spoiled: int) -> None:
    device = FakeDevice(spoil=when("db 5", lambda reply: READY, times=spoiled), input_bytes=4)
    session = session_of(device)
    session.start()
    if spoiled == 1:
        session.load(b"\x55\x01\x02\x03")
    else:
        with pytest.raises(UnexpectedReply, match="m-load-done"):
            session.load(b"\x55\x01\x02\x03")
    assert device.commands.count("db load 4") == 2
    assert device.commands.count("profile") == 1


@pytest.mark.parametrize("model_id", ["kws01", "vww01"])
def test_a_device_that_boots_during_a_load_must_be_the_same(model_id: str) -> None:
    def boot(reply: bytes) -> bytes:
        device.model_id = model_id
        return b"m-init-done\r\n" + READY

    device = FakeDevice(spoil=when("db 5", boot, times=1), input_bytes=4)
    session = session_of(device)
    session.start()
    if model_id == "kws01":
        session.load(b"\x55\x01\x02\x03")
    else:
        with pytest.raises(UnexpectedReply, match="of the device that the session began with"):
            session.load(b"\x55\x01\x02\x03")
    assert device.commands.count("profile") == 2


@pytest.mark.parametrize("size", [48, 491, 500])
def test_another_number_of_bytes_than_was_announced(size: int) -> None:
    wire = Script({"db load 490": [[(0, b"m-[Expecting %d bytes]\r\n" % size + READY)]]})
    with pytest.raises(UnexpectedReply, match="Expecting 490 bytes"):
        made(wire).load(bytes(490))


@pytest.mark.parametrize(("piece_s", "fits"), [(0.95, True), (1.0, False)])
def test_a_download_has_5_seconds_and_16_milliseconds_a_byte(piece_s: float, fits: bool) -> None:
    """490 bytes are 13 pieces and have 12.84 s."""
    pieces: list[Pieces] = [[(piece_s, READY)]] * 12
    last = [(piece_s, b"m-load-done\r\n" + READY)]
    wire = Script(
        {
            "db load 490": [[(0, b"m-[Expecting 490 bytes]\r\n" + READY)]],
            f"db {bytes(38).hex()}": pieces,
            f"db {bytes(34).hex()}": [last],
        }
    )
    session = made(wire)
    session._again_if_spoiled = lambda work, **_: work()  # type: ignore[method-assign, assignment]
    if fits:
        assert took(wire, lambda: session.load(bytes(490))) == pytest.approx(13 * piece_s)
    else:
        with pytest.raises(DeviceSilent):
            session.load(bytes(490))


def test_a_short_command_has_5_seconds() -> None:
    wire = Script({"timestamp": [[(4.9, lap(1) + READY)], [(5.1, lap(2) + READY)]]})
    session = made(wire)
    assert session.timestamp() == 1
    with pytest.raises(DeviceSilent, match="'timestamp' in 5 s"):
        session.timestamp()


def test_a_time_is_said_in_milliseconds() -> None:
    with pytest.raises(DeviceSilent, match=r"in 1\.235 s"):
        made(Script({})).command("x", timeout_s=1.23456)


@pytest.mark.parametrize(
    ("idle", "silent_at_once"), [(0.0, True), (0.4, True), (0.45, True), (0.5, False), (0.6, False)]
)
def test_an_emulated_device_that_returns_early_is_silent(idle: float, silent_at_once: bool) -> None:
    """It has nothing to say and waits for input; one that used up half of the time-out may be busy."""
    wire = Script({}, timing="emulated", idle=idle)
    with pytest.raises(DeviceSilent):
        made(wire).command("x", timeout_s=7.0)
    assert (wire.reads == 1) == silent_at_once


def test_a_board_that_returns_early_is_asked_again() -> None:
    wire = Script({"x": [[(4.0, READY)]]}, idle=0.25)
    assert made(wire).command("x", timeout_s=7.0) == []


def test_a_read_that_takes_longer_than_it_may_ends_the_wait() -> None:
    wire = Script({}, idle=3.0)
    with pytest.raises(DeviceSilent, match="in 15 s"):
        made(wire).command("x", timeout_s=5.0)
    assert wire.reads == 1


def test_a_reply_has_at_most_10000_lines() -> None:
    lines = b"".join(b"l%d\r\n" % number for number in range(10_000))
    wire = Script({"x": [[(0, lines), (0, READY)], [(0, lines + b"l10000\r\n"), (0, READY)]]})
    session = made(wire)
    assert len(session.command("x")) == 10_000
    with pytest.raises(UnexpectedReply, match="within 10000 lines") as caught:
        session.command("x")
    assert "l9998 | l9999 | l10000" in str(caught.value) and "l9997" not in str(caught.value)


def test_a_timestamp_is_one_lap() -> None:
    session = made(
        Script({"timestamp": [[(0, READY)], [(0, lap(1) + lap(2) + READY)], [(0, b"x\r\n" + lap(3) + READY)]]})
    )
    session.start()
    with pytest.raises(UnexpectedReply, match="'timestamp' lacks a 'm-lap-us-' line"):
        session.timestamp()
    with pytest.raises(SurplusReply):
        session.timestamp()
    assert session.timestamp() == 3


def test_time_outs_chunks_and_values_are_those_that_were_asked_for() -> None:
    answers: dict[str, list[Pieces]] = {
        "db load 3": [[(0, b"m-[Expecting 3 bytes]\r\n" + READY)]],
        "db 6162": [[(0, READY)]],
        "db 63": [[(0, b"m-load-done\r\n" + READY)]],
        "infer 1 0": [[(0, b"m-infer-start-1\r\n" + lap(1) + lap(2) + b"m-results-[1.0,2.0]\r\n" + READY)]],
    }
    wire = Script(answers)
    session = Session(wire, Timeouts(command_s=2.0), clock=wire.clock, chunk_bytes=2, result_values=3)
    session.start()
    session.load(b"abc")
    assert [text for _, text in wire.sent[-3:]] == ["db load 3", "db 6162", "db 63"]
    with pytest.raises(UnexpectedReply, match="a result of 3 values"):
        session.infer(1, 0)
    with pytest.raises(DeviceSilent, match="in 2 s"):
        session.timestamp()
    with pytest.raises(DeviceSilent, match=r"in 3\.5 s"):
        session.infer(2, 0, 3.5)
