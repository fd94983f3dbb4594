# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.harness.wire.transcript import FORMAT, TRANSCRIPT_FILE, Event, Transcript, read_transcript
from mlperf_tiny.harness.wire.transcript_writer import TranscriptWriter
from mlperf_tiny.runners.transports.recording import RecordingTransport
from tests.fakes.device import FakeDevice, Spoil
from tests.fakes.transcripts import chained

META = {"e": "meta", "format": FORMAT}
META_LINE = json.dumps(META).encode()
OLD_META_LINE = b'{"e":"meta","format":1}'


def writer_at(folder: Path) -> TranscriptWriter:
    return TranscriptWriter(folder / TRANSCRIPT_FILE, lambda: 1.25)


def events_of(folder: Path) -> Transcript:
    return read_transcript(folder / TRANSCRIPT_FILE)


def recorded_load(folder: Path, data: bytes, spoil: Spoil = lambda command, reply: reply) -> tuple[Event, ...]:
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
    assert list(before_closing[1:]) == [
        {"e": "out", "t": 1.25, "s": "name"},
        {"e": "in", "t": 1.25, "s": "\x80m-name-dut-[x]"},
        {"e": "in", "t": 1.25, "s": "m-ready"},
    ]
    assert list(events_of(tmp_path)[4:]) == [{"e": "in", "t": 1.25, "s": "m-", "torn": True}]


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


def test_a_refused_piece_of_a_download_is_written_as_sent(tmp_path: Path) -> None:
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
def test_a_torn_last_line_is_skipped_and_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / TRANSCRIPT_FILE
    note = b'{"e":"note","s":"a"}'
    path.write_bytes(chained([META_LINE, note]) + torn)
    assert list(events_of(tmp_path)) == [META, {"e": "note", "s": "a"}]
    transcript = writer_at(tmp_path)
    transcript.event("resume")
    transcript.close()
    assert path.read_bytes() == chained([META_LINE, note, b'{"e":"resume"}'])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not begin with the 'meta' line"),
        (b'{"e":"note"}\n', "does not begin with the 'meta' line"),
        (b'{"e":"meta","format":99}\n', "in format 3 or 2 or 1"),
        (b'{"e":"end","format":1}\n', "does not begin with the 'meta' line"),
        (b'{"e":"note","format":1}\n', "does not begin with the 'meta' line"),
        (b"\xff\n", "line 1 is damaged"),
        (chained([META_LINE]) + b"{torn\n{}\n", "line 2 is not what was written there: it has no check value"),
        (chained([META_LINE, b"[1}"]), "line 2 is damaged"),
        (chained([META_LINE, b'{"x":1}']), "line 2 is damaged"),
        (OLD_META_LINE + b"\n{torn\n{}\n", "line 2 is damaged"),
        (OLD_META_LINE + b"\n" + b"[" * 200_000 + b"\n", "line 2 is damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / TRANSCRIPT_FILE).write_bytes(content)
    with pytest.raises(RecordError, match=sentence):
        events_of(tmp_path)


def test_the_hash_chain_follows_its_definition(tmp_path: Path) -> None:
    transcript = writer_at(tmp_path)
    transcript.event("meta", format=FORMAT)
    transcript.event("note", s='odd ","h":"0123456789abcdef"} text')
    transcript.close()
    bodies = [b'{"e":"meta","format":3}', rb'{"e":"note","s":"odd \",\"h\":\"0123456789abcdef\"} text"}']
    value, wanted = bytes(32), b""
    for body in bodies:
        value = hashlib.sha256(value + body).digest()
        wanted += body[:-1] + b',"h":"' + value.hex()[:16].encode() + b'"}\n'
    assert (tmp_path / TRANSCRIPT_FILE).read_bytes() == wanted
    assert events_of(tmp_path).chain_digest == ChainDigest(2, value.hex())


NOTES = [META_LINE, *(b'{"e":"note","s":"%d"}' % number for number in range(5))]
CHAINED = chained(NOTES).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        pytest.param([*CHAINED[:3], CHAINED[3].replace(b'"s":"2"', b'"s":"7"'), *CHAINED[4:]], 4, id="changed"),
        pytest.param([*CHAINED[:2], *CHAINED[3:]], 3, id="lost"),
        pytest.param([*CHAINED[:2], CHAINED[1], *CHAINED[2:]], 3, id="twice"),
        pytest.param([*CHAINED[:2], CHAINED[3], CHAINED[2], *CHAINED[4:]], 3, id="exchanged"),
        pytest.param([*CHAINED[:2], b'{"e":"note","s":"new"}\n', *CHAINED[2:]], 3, id="inserted"),
        pytest.param([CHAINED[0].replace(b"meta", b"META"), *CHAINED[1:]], 1, id="the first"),
    ],
)
def test_an_error_names_the_changed_line(tmp_path: Path, lines: list[bytes], line: int) -> None:
    (tmp_path / TRANSCRIPT_FILE).write_bytes(b"".join(lines))
    with pytest.raises(RecordError, match=rf"transcript\.jsonl line {line} is not what was written there"):
        events_of(tmp_path)


def test_a_transcript_is_compared_with_the_recorded_digest(tmp_path: Path) -> None:
    path = tmp_path / TRANSCRIPT_FILE
    path.write_bytes(b"".join(CHAINED))
    whole = read_transcript(path).chain_digest
    path.write_bytes(b"".join(CHAINED[:4]))
    early = read_transcript(path, read_transcript(path).chain_digest).chain_digest
    with pytest.raises(RecordError, match="has 4 whole lines, 6 were recorded: its end was cut off"):
        read_transcript(path, whole)
    path.write_bytes(b"".join(CHAINED))
    assert read_transcript(path, early).chain_digest == whole  # a run that went on
    path.write_bytes(chained([*NOTES[:2], b'{"e":"note","s":"7"}', *NOTES[3:]]))
    for digest in (early, whole):
        assert digest is not None
        with pytest.raises(
            RecordError, match="is not the transcript of its record: the chain digest of its first"
        ) as caught:
            read_transcript(path, digest)
        found, stated = re.findall(r" ([0-9a-f]+)\.\.\.", str(caught.value))
        assert stated == digest.value[:16] and len(found) == 16 and found != stated


def test_format_2_has_a_chain_too(tmp_path: Path) -> None:
    path = tmp_path / TRANSCRIPT_FILE
    lines = chained([b'{"e":"meta","format":2}', *NOTES[1:]]).splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    digest = read_transcript(path).chain_digest
    assert digest is not None and digest.lines == len(NOTES)
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b'"s":"1"', b'"s":"7"'), *lines[3:]]))
    with pytest.raises(RecordError, match="line 3 is not what was written there"):
        read_transcript(path)


def test_a_damaged_line_is_shown_by_its_first_60_bytes(tmp_path: Path) -> None:
    line = b"{" + b"x" * 59 + b"yz"
    (tmp_path / TRANSCRIPT_FILE).write_bytes(OLD_META_LINE + b"\n" + line + b"\n")
    with pytest.raises(RecordError, match=re.escape(f"line 2 is damaged ({line[:60]!r}: ")):
        events_of(tmp_path)


def test_format_1_is_read_and_continued_without_a_chain(tmp_path: Path) -> None:
    path = tmp_path / TRANSCRIPT_FILE
    path.write_bytes(OLD_META_LINE + b'\n{"e":"note","s":"a"}\n{"e":"no')
    assert events_of(tmp_path).chain_digest is None
    transcript = writer_at(tmp_path)
    transcript.event("resume")
    transcript.close()
    assert path.read_bytes() == OLD_META_LINE + b'\n{"e":"note","s":"a"}\n{"e":"resume"}\n'
    with pytest.raises(RecordError, match="has no hash chain"):
        read_transcript(path, ChainDigest(1, "0" * 64))


def test_a_missing_transcript(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        events_of(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "runs/a-run"
    folder.mkdir(parents=True)
    (folder / "transcript.jsonl").symlink_to("/dev/full")
    transcript = TranscriptWriter(folder / "transcript.jsonl", lambda: 1.25)
    sentence = f"{folder.parent} cannot be written: the disk of {folder.parent} is full. Free space there, or name"
    with pytest.raises(RecordError, match=re.escape(sentence)):
        transcript.event("note", s="x")
    transcript.close()
