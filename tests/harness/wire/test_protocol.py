# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlperf_tiny.errors import UsageError
from mlperf_tiny.harness.wire import protocol
from mlperf_tiny.harness.wire.protocol import (
    ErrorLine,
    Expecting,
    InferStart,
    InitDone,
    Lap,
    LineAssembler,
    LoadDone,
    ModelId,
    Name,
    ProfileText,
    Ready,
    Results,
    Text,
    TimestampMode,
    decode_line,
)

# A conversation with everything published devices do to it: echo, glued debug text, missing line ends, trailing commas.
STREAM = (
    b"\x80\xf8m-timestamp-mode-performance\r\nm-lap-us-17\r\nInitialized\r\nm-init-done\r\nm-ready\r\n"
    b"name%m-name-dut-[unspecified]\r\nm-ready\r\n"
    b"th_load_tensor starting at 380137430m-warmup-start-0\r\nm-infer-start-1\r\nm-lap-us-380656942\r\n"
    b"Input db has 490 elemented, expected 490\nm-results-[0.016,0.984,]\r\nm-ready\r\n"
)
MEANING = [
    TimestampMode("performance"),
    Lap(17),
    Text("Initialized"),
    InitDone(),
    Ready(),
    Name("dut", "unspecified"),
    Ready(),
    Text("th_load_tensor starting at 380137430m-warmup-start-0"),
    InferStart(1),
    Lap(380656942),
    Text("Input db has 490 elemented, expected 490"),
    Results((0.016, 0.984)),
    Ready(),
]


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_cut_anywhere_decodes_the_same(cut: int) -> None:
    assembler = LineAssembler()
    lines = assembler.feed(STREAM[:cut]) + assembler.feed(STREAM[cut:])
    assert [decode_line(line) for line in lines] == MEANING
    assert assembler.pending == ""


def test_a_stream_byte_by_byte_decodes_the_same() -> None:
    assembler = LineAssembler()
    lines = [line for byte in STREAM for line in assembler.feed(bytes([byte]))]
    assert [decode_line(line) for line in lines] == MEANING


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("m-ready", Ready()),
        ("m-ready  ", Ready()),
        ("[dut]: m-ready", Ready()),
        ("db 0011%m-ready", Ready()),
        ("m-ready-finished[dut]", Text("m-ready-finished[dut]")),
        ("m-load-done", LoadDone()),
        ("db 0011%m-load-done", LoadDone()),
        ("m-[Expecting 490 bytes]", Expecting(490)),
        ("Expecting 490 bytes", Expecting(490)),
        ("m-lap-us-4294967295", Lap(4294967295)),
        ("m-lap-us-12, ", Lap(12)),
        ("m-lap-us-12\x80", Text("m-lap-us-12\x80")),
        ("m-lap-us--3", Text("m-lap-us--3")),
        ("m-name-dut-[]", Name("dut", "")),
        ("m-name-other-[STMicroelectronics]", Name("other", "STMicroelectronics")),
        ("profile%m-profile-[ULPMark for tinyML Firmware V0.0.1]", ProfileText("ULPMark for tinyML Firmware V0.0.1")),
        ("m-model-[kws01]", ModelId("kws01")),
        ("m-results-[0.016,0.984]", Results((0.016, 0.984))),
        ("m-results-[ 0.016 , 0.984 ,, ]", Results((0.016, 0.984))),
        ("m-results-[-0.138,1.138]", Results((-0.138, 1.138))),
        ("m-results-[10.265]", Results((10.265,))),
        ("m-results-[]", Text("m-results-[]")),
        ("m-results-[nan,0.1]", Text("m-results-[nan,0.1]")),
        ("m-results-[0.1,1e999]", Text("m-results-[0.1,1e999]")),
        ("m-results-[0.1,1_0]", Text("m-results-[0.1,1_0]")),
        ("m-results-[0.1,0.", Text("m-results-[0.1,0.")),
        ("e-[Unknown command: x]", ErrorLine("Unknown command: x")),
        ("x%e-[Unknown command: x]", ErrorLine("Unknown command: x")),
        ("e-[torn", ErrorLine("torn")),
        ("debuge-[Insufficent number of hex digits]", ErrorLine("Insufficent number of hex digits")),
        ("m-ready e-[late]", ErrorLine("late")),
        (
            "Supplied buffer size 491 exceeds maximum of 490",
            ErrorLine("Supplied buffer size 491 exceeds maximum of 490"),
        ),
        ("Input db has 3 elemented, expected 490", ErrorLine("Input db has 3 elemented, expected 490")),
        ("", Text("")),
        ("m-buffer-00-01-02", Text("m-buffer-00-01-02")),
    ],
)
def test_decode_line(line: str, meaning: object) -> None:
    assert decode_line(line) == meaning


@given(st.text(max_size=200))
def test_decode_line_never_raises(line: str) -> None:
    decode_line(line)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_framing_keeps_every_byte(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    assembler = LineAssembler()
    lines = [line for piece in pieces for line in assembler.feed(piece)]
    wanted = [line.rstrip(b"\r\0").decode("latin-1") for line in stream.split(b"\n")]
    assert [*lines, assembler.pending.rstrip("\r\0")] == wanted


def test_an_endless_line_is_cut() -> None:
    assembler = LineAssembler()
    lines = assembler.feed(b"x" * (3 * protocol.LINE_BYTES + 7))
    assert [len(line) for line in lines] == [protocol.LINE_BYTES] * 3
    assert assembler.pending == "x" * 7


@pytest.mark.parametrize("line", ["e-[" * 1300, "m-name-" * 580, "m-name-a-[" * 400, "e-[" + " " * 4000 + "x"])
def test_decode_line_takes_linear_time(line: str) -> None:
    # Backtracking that grew with the square of the line would show here as seconds.
    for _ in range(3):
        decode_line(line[: protocol.LINE_BYTES])


def test_the_limit_of_a_download_command_follows_from_the_command_buffer() -> None:
    assert protocol.DB_BYTES == 38
    data = bytes(range(100))
    commands = list(protocol.db_commands(data))
    assert commands[0] == "db " + bytes(range(38)).hex()
    assert [len(command) for command in commands] == [79, 79, 51]
    assert b"".join(bytes.fromhex(command[3:]) for command in commands) == data
    assert len(list(protocol.db_commands(data, 31))) == 4


@pytest.mark.parametrize("command", ["", "  ", "x" * 81, "a%b", "a\nb", "nämé"])
def test_a_command_the_wire_cannot_carry_is_refused(command: str) -> None:
    with pytest.raises(UsageError):
        protocol.encode(command)


def test_commands() -> None:
    assert protocol.encode("x" * 80) == b"x" * 80 + b"%"
    assert protocol.encode(protocol.infer_command(70, 10)) == b"infer 70 10%"
    for count, warmup in ((0, 0), (1, -1)):
        with pytest.raises(UsageError):
            protocol.infer_command(count, warmup)
    for chunk_bytes in (0, 39):
        with pytest.raises(UsageError):
            list(protocol.db_commands(b"x", chunk_bytes))


@pytest.mark.parametrize("spoiled", list("\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"), ids=repr)
@pytest.mark.parametrize("line", ["m-lap-us-123{}", "m-results-[0.25{}]", "m-results-[0.2{},0.1]", "m-ready{}"])
def test_a_spoiled_byte_is_no_space(line: str, spoiled: str) -> None:
    assert decode_line(line.format(spoiled)) == Text(line.format(spoiled))
