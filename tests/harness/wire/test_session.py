# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mlperf_tiny.errors import BenchError, DeviceGone, DeviceSilent, Refused, UnexpectedReply
from mlperf_tiny.harness.wire.inference import read_inference
from mlperf_tiny.harness.wire.session import Identity, Session
from tests.fakes.device import FakeDevice, Spoil

INPUT = bytes(range(256)) + bytes(234)
READY = b"m-ready\r\n"


def session_of(device: FakeDevice, notes: list[str] | None = None) -> Session:
    return Session(device, clock=device.clock, note=(notes if notes is not None else []).append)


def when(prefix: str, fault: Callable[[bytes], bytes], times: int = 10**9) -> Spoil:
    """Apply ``fault`` to the first ``times`` replies to commands that begin with ``prefix``."""
    left = [times]

    def spoil(command: str, reply: bytes) -> bytes:
        if not command.startswith(prefix) or not left[0]:
            return reply
        left[0] -= 1
        return fault(reply)

    return spoil


def without(pattern: bytes) -> Callable[[bytes], bytes]:
    """Drop the lines that hold ``pattern``."""
    return lambda reply: b"".join(line for line in reply.splitlines(keepends=True) if pattern not in line)


@pytest.mark.parametrize("timing", ["hardware", "emulated", "host"])
@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 1000])
def test_a_whole_session(timing: str, piece_bytes: int) -> None:
    device = FakeDevice(timing=timing, piece_bytes=piece_bytes, infer=lambda data: [f"{data[1] / 4:.3f}", "0.5"])
    session = session_of(device)
    assert session.start() == Identity("dut", "unspecified", "ULPMark for tinyML Firmware V0.0.1", "kws01")
    assert session.timestamp() == 5_000
    session.load(INPUT)
    inference = session.infer(10, 1)
    assert (inference.count, inference.elapsed_us, inference.wrapped) == (10, 10_000, False)
    assert inference.results == (0.25, 0.5)
    assert device.inferred == [(INPUT, 10, 1)]


@pytest.mark.parametrize(
    ("spoil", "boots"),
    [
        (lambda command, reply: reply, False),
        (when("(boot)", lambda reply: b"\x80\xf8\x00" + reply), True),
        (when("(boot)", lambda reply: reply[:20]), True),
        (when("name", lambda reply: b"", times=1), True),
        (when("name", lambda reply: b"e-[Unknown command: 00ffname]\r\n" + READY, times=1), True),
        (when("name", lambda reply: b"m-init-done\r\n" + READY + reply, times=1), True),
        (when("name", without(b"m-name")), True),
        (when("profile", lambda reply: b"m-lap-us-3\r\n" + READY, times=2), True),
        (when("", lambda reply: b"echo%" + reply), True),
        (when("", lambda reply: reply.replace(b"\r\n", b"\n")), True),
        (when("profile", without(b"m-profile")), True),
    ],
    ids=["booted long ago", "garbage first", "torn boot", "name lost", "half a command", "late boot", "nameless",
         "late lines", "echo", "bare line ends", "no profile"],
)  # fmt: skip
def test_start_tolerates_spoiled_replies(spoil: Spoil, boots: bool) -> None:
    device = FakeDevice(spoil=spoil, boots=boots)
    session = session_of(device)
    assert session.start().model_id == "kws01"
    session.load(INPUT)
    assert session.infer(1, 0).elapsed_us == 1000


@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (when("", lambda reply: b""), DeviceSilent, "did not finish answering 'name' in 2 s"),
        (when("profile", without(b"m-model")), UnexpectedReply, "answer to 'profile' lacks 'm-model-"),
        (when("profile", lambda reply: b"e-[no]\r\n" + READY), Refused, "refused 'profile': no"),
    ],
    ids=["silent", "no model", "refused"],
)
def test_start_raises_after_three_tries(spoil: Spoil, error: type[BenchError], sentence: str) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        session_of(FakeDevice(spoil=spoil)).start()


INFER_FAULTS: dict[str, tuple[Callable[[bytes], bytes], type[BenchError], str]] = {
    "refused": (lambda reply: b"e-[busy]\r\n" + READY, Refused, "refused 'infer 2 0': busy"),
    "refused, then results": (lambda reply: b"e-[busy]\r\n" + reply, Refused, "busy"),
    "refused, no ready": (lambda reply: b"e-[busy]\r\n", Refused, "busy"),
    "silence": (lambda reply: b"", DeviceSilent, "'infer 2 0' in 120 s (got nothing, wanted a line 'm-ready')"),
    "no ready": (without(b"m-ready"), DeviceSilent, "m-results-["),
    "torn": (lambda reply: reply[:40], DeviceSilent, "got only 'm-warmup-start-0 | m-warmup-done | m-in"),
    "no laps": (without(b"m-lap-us"), UnexpectedReply, "lacks two 'm-lap-us-' lines (0 came"),
    "one lap": (
        lambda reply: re.sub(rb"m-lap-us-\d+\r\n", b"", reply, count=1),
        UnexpectedReply,
        "lacks two 'm-lap-us-' lines (1 came",
    ),
    "no results": (without(b"m-results"), UnexpectedReply, "readable 'm-results-[...]' line"),
    "results not numbers": (
        lambda reply: re.sub(rb"results-\[.*\]", b"results-[nan,nan]", reply),
        UnexpectedReply,
        "readable 'm-results-[...]' line",
    ),
    "other count": (
        lambda reply: reply.replace(b"infer-start-2", b"infer-start-1"),
        UnexpectedReply,
        "'m-infer-start-2'",
    ),
    "wrong load": (
        lambda reply: b"Input db has 489 elemented, expected 490\n" + reply,
        Refused,
        "Input db has 489 elemented, expected 490",
    ),
    "chatter": (lambda reply: b"x\r\n" * 30_000, UnexpectedReply, "'m-ready' within 10000 lines"),
}


@pytest.mark.parametrize("fault", INFER_FAULTS)
def test_a_bad_inference_is_an_error(fault: str) -> None:
    spoil, error, sentence = INFER_FAULTS[fault]
    session = session_of(FakeDevice(spoil=when("infer", spoil)))
    session.start()
    session.load(INPUT)
    with pytest.raises(error, match=re.escape(sentence)):
        session.infer(2, 0)


def test_an_error_line_after_ready_is_raised_with_the_next_command() -> None:
    session = session_of(FakeDevice(spoil=when("timestamp", lambda reply: reply + b"e-[overrun]\r\n")))
    session.start()
    session.timestamp()
    with pytest.raises(Refused, match="overrun"):
        session.load(INPUT)


LOAD_FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "refused": lambda reply: b"e-[Invalid hex digit 'zz']\r\n" + READY,
    "silence": lambda reply: b"",
    "no confirmation": without(b"m-load-done"),
}


@pytest.mark.parametrize("fault", LOAD_FAULTS)
def test_a_spoiled_load_is_repeated_once_and_noted(fault: str) -> None:
    notes: list[str] = []
    device = FakeDevice(spoil=when("db 5", LOAD_FAULTS[fault], times=1), input_bytes=4)
    session = session_of(device, notes)
    session.start()
    session.load(b"\x55\x01\x02\x03")
    session.infer(1, 0)
    assert device.inferred == [(b"\x55\x01\x02\x03", 1, 0)]
    assert any(note.startswith("loading again after: ") for note in notes)


@pytest.mark.parametrize("fault", LOAD_FAULTS)
@pytest.mark.parametrize("at", ["db 5", "db load"])
def test_a_load_that_stays_spoiled_is_an_error(fault: str, at: str) -> None:
    device = FakeDevice(spoil=when(at, LOAD_FAULTS[fault]), input_bytes=4)
    session = session_of(device)
    session.start()
    if (fault, at) == ("no confirmation", "db load"):  # that fault spoils nothing here
        return
    with pytest.raises((Refused, DeviceSilent, UnexpectedReply)):
        session.load(b"\x55\x01\x02\x03")
    assert device.inferred == []


def test_the_device_must_expect_what_is_sent() -> None:
    device = FakeDevice(spoil=when("db load", lambda reply: reply.replace(b"490", b"48")))
    session = session_of(device)
    session.start()
    with pytest.raises(UnexpectedReply, match=r"Expecting 490 bytes"):
        session.load(INPUT)


def test_an_oversize_load_is_an_error_though_it_has_no_prefix() -> None:
    session = session_of(FakeDevice(input_bytes=489))
    session.start()
    with pytest.raises(Refused, match="Supplied buffer size 490 exceeds maximum of 489"):
        session.load(INPUT)


def test_an_early_confirmation_is_an_error() -> None:
    session = session_of(FakeDevice(spoil=when("db 00", lambda reply: b"m-load-done\r\n" + reply)))
    session.start()
    with pytest.raises(UnexpectedReply, match="came early"):
        session.load(bytes(490))


@pytest.mark.parametrize("counter_us", [2**32 - 5_000, 2**32 - 1, 2**32 - 10_001])
def test_a_wrapped_counter_is_corrected_and_noted(counter_us: int) -> None:
    notes: list[str] = []
    session = session_of(FakeDevice(counter_us=counter_us), notes)
    session.start()
    session.load(INPUT)
    inference = session.infer(10, 0)
    assert inference.elapsed_us == 10_000
    assert inference.wrapped == (counter_us > 2**32 - 10_000)
    assert any("wrapped" in note for note in notes) == inference.wrapped


def test_a_counter_that_runs_backwards_beyond_a_wrap_is_an_error() -> None:
    lines = ["m-lap-us-99999999999", "m-lap-us-1", "m-results-[1]"]
    with pytest.raises(UnexpectedReply, match="runs forward"):
        read_inference(1, 0, lines)


def test_an_idle_emulated_device_is_silent_without_waiting() -> None:
    device = FakeDevice(timing="emulated", spoil=when("name", lambda reply: b""))
    with pytest.raises(DeviceSilent):
        session_of(device).start()
    assert device.clock() == 0.0
    assert device.commands == ["name"]


def test_a_device_that_disconnects_raises_device_gone() -> None:
    device = FakeDevice()
    session = session_of(device)
    session.start()
    device.gone = True
    with pytest.raises(DeviceGone):
        session.load(INPUT)


def test_a_download_has_the_official_allowance() -> None:
    device = FakeDevice()
    session = session_of(device)
    session.start()
    # Every piece answers only just in time: 13 pieces of 4.9 s do not fit 5 s and 16 ms a byte.
    device._spoil = lambda command, reply: (setattr(device, "_now_s", device._now_s + 4.9), reply)[1]
    with pytest.raises(DeviceSilent):
        session.load(INPUT)
