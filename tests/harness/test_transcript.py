# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.session import Session
from harness.transcript import FORMAT, TRANSCRIPT_FILE, Event, TranscriptWriter, read_transcript
from runners.record import RecordingTransport
from tests.fakes.device import FakeDevice, Spoil

META = {"e": "meta", "format": FORMAT}


def writer_at(folder: Path) -> TranscriptWriter:
    return TranscriptWriter(folder / TRANSCRIPT_FILE, lambda: 1.25)


def events_of(folder: Path) -> list[Event]:
    return read_transcript(folder / TRANSCRIPT_FILE)


def recorded_load(folder: Path, data: bytes, spoil: Spoil = lambda command, reply: reply) -> list[Event]:
    """The events of loading ``data`` into a fake device that has started."""
    device = FakeDevice(input_bytes=len(data), boots=False, spoil=spoil)
    transcript = writer_at(folder)
    transcript.event("meta", format=FORMAT)
    Session(RecordingTransport(device, transcript.listen), clock=device.clock).load(data)
    transcript.close()
    return events_of(folder)[1:]


def test_lines_are_written_raw_and_at_once(tmp_path: Path) -> None:
    transcript = writer_at(tmp_path)
    transcript.event("meta", format=FORMAT)
    transcript.listen("out", b"name%")
    transcript.listen("in", b"\x80m-na")
    transcript.listen("in", b"me-dut-[x]\r\nm-ready\r\nm-")
    before_closing = events_of(tmp_path)
    transcript.close()
    transcript.close()
    assert before_closing[1:] == [
        {"e": "out", "t": 1.25, "s": "name"},
        {"e": "in", "t": 1.25, "s": "\x80m-name-dut-[x]"},
        {"e": "in", "t": 1.25, "s": "m-ready"},
    ]
    assert events_of(tmp_path)[4:] == [{"e": "in", "t": 1.25, "s": "m-", "torn": True}]


def test_a_clean_download_is_one_event(tmp_path: Path) -> None:
    data = bytes(range(100))
    *_, ready, download = recorded_load(tmp_path, data)
    assert ready["s"] == "m-ready"
    assert download == {
        "e": "download", "t": 1.25, "from": 0, "bytes": 100, "chunk": 38,
        "sha256": hashlib.sha256(data).hexdigest(), "done": True,
    }  # fmt: skip


def test_a_piece_that_is_answered_otherwise_is_written_as_it_was(tmp_path: Path) -> None:
    data = bytes(100)
    odd = [True]

    def once(command: str, reply: bytes) -> bytes:
        if command.startswith("db 0") and len(command) == 79 and odd.pop() if odd else False:
            return b"hm\r\n" + reply
        return reply

    events = recorded_load(tmp_path, data, once)
    assert [event["e"] for event in events] == ["out", "in", "in", "out", "in", "in", "download"]
    assert events[3]["s"] == "db " + bytes(38).hex()
    assert events[4]["s"] == "hm"
    assert (events[6]["from"], events[6]["bytes"], events[6]["done"]) == (38, 62, True)


def test_a_refused_piece_is_written_as_it_was(tmp_path: Path) -> None:
    refused = iter([b"e-[Invalid hex digit 'x0']\r\nm-ready\r\n"])

    def once(command: str, reply: bytes) -> bytes:
        return next(refused, reply) if len(command) == 51 else reply

    events = recorded_load(tmp_path, bytes(100), once)
    kinds = [event["e"] for event in events]
    assert kinds == ["out", "in", "in", "download", "out", "in", "in", "out", "in", "in", "download"]
    assert (events[3]["bytes"], events[3]["done"]) == (76, False)
    assert events[5]["s"] == "e-[Invalid hex digit 'x0']"
    assert (events[10]["from"], events[10]["bytes"]) == (0, 100)


@pytest.mark.parametrize("torn", [b'{"e":"in","t":1', b"\x00\xff", b"{}"])
def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / TRANSCRIPT_FILE
    whole = json.dumps(META).encode() + b'\n{"e":"note","s":"a"}\n'
    path.write_bytes(whole + torn)
    assert events_of(tmp_path) == [META, {"e": "note", "s": "a"}]
    transcript = writer_at(tmp_path)
    transcript.event("resume")
    transcript.close()
    assert path.read_bytes() == whole + b'{"e":"resume"}\n'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not begin with the 'meta' line"),
        (b'{"e":"note"}\n', "does not begin with the 'meta' line"),
        (b'{"e":"meta","format":99}\n', "in format 1"),
        (json.dumps(META).encode() + b"\n{torn\n{}\n", "line 2 is damaged"),
        (json.dumps(META).encode() + b"\n[1]\n", "line 2 is damaged"),
        (json.dumps(META).encode() + b'\n{"x":1}\n', "line 2 is damaged"),
        (json.dumps(META).encode() + b"\n" + b"[" * 200_000 + b"\n", "line 2 is damaged"),
    ],
)
def test_what_is_no_transcript(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / TRANSCRIPT_FILE).write_bytes(content)
    with pytest.raises(RecordError, match=sentence):
        events_of(tmp_path)


def test_a_missing_transcript(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        events_of(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence() -> None:
    transcript = TranscriptWriter(Path("/dev/full"), lambda: 1.25)
    with pytest.raises(RecordError, match="/dev/full cannot be written: No space left on device"):
        transcript.event("note", s="x")
    transcript.close()
