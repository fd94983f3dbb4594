# SPDX-License-Identifier: Apache-2.0
"""Bounds of the protocol and of a reply to ``infer``: lengths, limits, what is nearly a message, times and counts."""

from __future__ import annotations

import re

import pytest

from mlperf_tiny.errors import BenchError, Refused, UnexpectedReply, UsageError
from mlperf_tiny.harness.wire import protocol
from mlperf_tiny.harness.wire.inference import Inference, raise_refusal, read_inference, window_us
from mlperf_tiny.harness.wire.protocol import (
    ErrorLine,
    InferStart,
    InputCrc,
    Lap,
    Name,
    OffersCrc,
    ProfileText,
    Ready,
    ReplyCrcLine,
    Results,
    Text,
    decode_line,
)

FORTY = "0." + "1" * 38
"""A number of 40 characters."""


def text(line: str) -> tuple[str, Text]:
    return line, Text(line)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("m-profile-[]", ProfileText("")),
        ("x m-profile-[a]b]", ProfileText("a]b")),
        text("m-profile-[a"),
        ("m-name-dut-[a]", Name("dut", "a")),
        ("m-name-x[m-name-dut-[a]", Name("dut", "a")),
        text("m-name-x[y]"),
        text("m-name-dut-]"),
        text("m-name-dut-[a"),
        text("m-name-dut-["),
        text("m-name-the-[a"),  # cut short: no error, though it holds the mark of one
        text("m-model-[cache-[a"),
        ("[2026-01-01 12:00] m-results-[1.5]", Results((1.5,))),
        ("m-results-[9.9e29]", Results((9.9e29,))),
        ("m-results-[-9.9e29]", Results((-9.9e29,))),
        text("m-results-[1e30]"),
        text("m-results-[-1e30]"),
        (f"m-results-[{FORTY},1]", Results((float(FORTY), 1.0))),
        text(f"m-results-[{FORTY}1,1]"),
        text(f"m-results-[{FORTY}{FORTY}]"),
        ("ab]de m-results-[0.5]", Results((0.5,))),
        ("m-crc-12-00c0ffee", ReplyCrcLine(12, 0x00C0FFEE)),
        ("m-crc-7-12345678", ReplyCrcLine(7, 0x12345678)),
        text("m-crc-12-c0ffee"),
        text("m-crc-12-00C0FFEE"),
        text("m-crc-12345678901-00c0ffee"),
        text("m-crc-on"),
        ("m-input-crc-89abcdef", InputCrc(0x89ABCDEF)),
        ("m-input-crc-00000010", InputCrc(16)),
        text("m-input-crc-89abcde"),
        ("m-offers-crc", OffersCrc()),
        ("Input db has 500 elemented, expected 490", ErrorLine("Input db has 500 elemented, expected 490")),
        ("Input db has 48 elemented, expected 490", ErrorLine("Input db has 48 elemented, expected 490")),
        text("Input db has 0490 elemented, expected 490"),
        ("m-infer-start-1234567890", InferStart(1234567890)),
        text("m-infer-start-12345678901"),
        ("x m-lap-us-5", Lap(5)),
        ("m-lap-us-3m-lap-us-5", Lap(5)),  # the last one
        ("m-lap-us-" + "9" * 20, Lap(10**20 - 1)),
        text("m-lap-us-" + "9" * 21),
    ],
)
def test_decode_line(line: str, meaning: object) -> None:
    assert decode_line(line) == meaning


def test_65536_characters_of_a_line_are_decoded() -> None:
    before = "x" * (65_536 - len("m-ready"))
    assert decode_line(before + "m-ready") == Ready()
    assert decode_line(before + "m-ready" + "e-[late]") == Ready()
    assert decode_line("x" + before + "m-ready") == Text("x" + before + "m-ready")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("a]234m-x-[b]c]", "b"),
        ("m-x-[b]", "b"),
        ("m-x-[]", ""),
        ("abcm-x-[b, c]", "b, c"),
        ("m-x-[b", None),
        ("]]]m-x-[b", None),
        ("xyz abc]", None),
        ("", None),
    ],
)
def test_bracketed(line: str, wanted: str | None) -> None:
    assert protocol.bracketed(line, "m-x-[") == wanted


def test_a_line_is_cut_after_65536_bytes() -> None:
    assert protocol.LineAssembler().feed(b"x" * 65_536 + b"\n") == ["x" * 65_536]
    assert protocol.LineAssembler().feed(b"x" * 65_537 + b"\n") == ["x" * 65_536, "x"]
    assert protocol.LineAssembler().feed(b"\n\nx\n") == ["", "", "x"]


def test_the_smallest_commands() -> None:
    assert protocol.infer_command(1, 0) == "infer 1 0"
    assert list(protocol.db_commands(b"ab", 1)) == ["db 61", "db 62"]
    assert list(protocol.db_commands(b"a" * 38, 38)) == ["db " + "61" * 38]
    assert protocol.encode("x") == b"x%"


def test_a_long_command_is_shown_by_its_first_100_characters() -> None:
    with pytest.raises(UsageError, match=f"^command '{'x' * 100}' has 150 characters, wanted 1 to 80"):
        protocol.encode("x" * 150)


@pytest.mark.parametrize(
    ("laps", "wanted"),
    [
        ((5, 5), (0, False)),
        ((5, 6), (1, False)),
        ((0, 2**33), (2**33, False)),
        ((6, 5), (2**32 - 1, True)),
        ((2**32 - 10, 5), (15, True)),
    ],
)
def test_windows(laps: tuple[int, int], wanted: tuple[int, bool]) -> None:
    assert window_us(laps) == wanted


def reply(first_us: int, second_us: int, results: str = "0.5,0.25", count: int = 2) -> list[str]:
    return [f"m-infer-start-{count}", f"m-lap-us-{first_us}", f"m-lap-us-{second_us}", f"m-results-[{results}]"]


@pytest.mark.parametrize(
    ("lines", "elapsed_us", "wrapped"),
    [
        (reply(7, 7), 0, False),
        (reply(0, 2**40 - 1), 2**40 - 1, False),
        (reply(2**32, 0), 0, True),
        (reply(2**32 - 1, 0), 1, True),
        (reply(7, 9)[1:], 2, False),
    ],
)
def test_a_reply_to_infer(lines: list[str], elapsed_us: int, wrapped: bool) -> None:
    assert read_inference(2, 0, lines, values=2) == Inference(2, elapsed_us, wrapped, (0.5, 0.25))


@pytest.mark.parametrize(
    ("lines", "values", "sentence"),
    [
        (reply(0, 2**40), 2, "less than 12 days apart"),
        (reply(0, 2**40 + 1), 2, "less than 12 days apart"),
        (reply(2**32 + 1, 0), 2, "a counter that runs forward"),
        (reply(7, 9, count=1), 2, "'m-infer-start-2'"),
        (reply(7, 9, count=3), 2, "'m-infer-start-2'"),
        (reply(7, 9), 1, "a result of 1 value (2 came: another model?)"),
        (reply(7, 9), 3, "a result of 3 values (2 came: another model?)"),
        (reply(7, 9, "0.5"), 2, "a result of 2 values (1 came: another model?)"),
        ([reply(7, 9)[1], reply(7, 9)[3]], 2, "two 'm-lap-us-' lines (1 came)"),
        (reply(7, 9)[3:], 2, "two 'm-lap-us-' lines (0 came; firmware built for energy"),
        (reply(7, 9)[:3], 2, "a readable 'm-results-[...]' line"),
    ],
)
def test_a_reply_that_lacks_something(lines: list[str], values: int, sentence: str) -> None:
    with pytest.raises(UnexpectedReply, match=re.escape(sentence)):
        read_inference(2, 0, lines, values)


@pytest.mark.parametrize(
    ("lines", "error"), [([], None), (["m-lap-us-1"], None), (["x", "e-[busy]", "e-[late]"], "refused 'x': busy")]
)
def test_a_refusal(lines: list[str], error: str | None) -> None:
    if error is None:
        raise_refusal("x", lines)
    else:
        with pytest.raises(Refused, match=re.escape(error)):
            raise_refusal("x", lines)
    assert issubclass(Refused, BenchError)


@pytest.mark.parametrize(
    "message",
    [
        "Supplied buffer size 9 exceeds maximum of 5",
        "Input db has 00A elemented, expected 5",
        "m-ready",
        "m-lap-us-123",
        "m-results-[1.0,2.0]",
        "m-load-done",
        "Expecting 5 bytes",
        "m-infer-start-5",
        "m-crc-5-01234567",
        "m-input-crc-01234567",
        "m-name-dut-[x]",
        "m-profile-[x]",
        "m-model-[x]",
        "m-timestamp-mode-performance",
        "m-init-done",
    ],
)
def test_nothing_else_on_its_line_hides_an_error(message: str) -> None:
    assert decode_line(f"e-[busy] {message}") == ErrorLine(f"busy] {message.removesuffix(']')}")
    assert decode_line(f"x e-[busy] {message}") == ErrorLine(f"busy] {message.removesuffix(']')}")
