# SPDX-License-Identifier: Apache-2.0
"""A reply that holds more than its command asks for is an error, whatever else is in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mlperf_tiny.errors import BenchError, ProtocolError, RecordError, SurplusReply, UnexpectedReply
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.wire.grammar import REPLY_GRAMMAR, raise_surplus, text_of
from mlperf_tiny.harness.wire.inference import MAX_ELAPSED_US, read_inference
from mlperf_tiny.results.review.evidence.eembc_log import parse_eembc_log
from tests.fakes.device import FakeDevice
from tests.harness.wire.test_session import INPUT, session_of, when

CLEAN = ["m-infer-start-10", "m-lap-us-100", "m-lap-us-40100", "m-infer-done", "m-results-[0.125,0.875]"]


@pytest.mark.parametrize(
    ("lines", "error", "sentence"),
    [
        (["m-lap-us-30000", *CLEAN], SurplusReply, "holds 3 times 'm-lap-us-', wanted 2"),
        ([*CLEAN, "m-lap-us-50000"], SurplusReply, "holds 3 times 'm-lap-us-'"),
        ([*CLEAN, "m-lap-us-x"], SurplusReply, "holds 3 times 'm-lap-us-'"),
        (["m-lap-us-3" + CLEAN[1], *CLEAN[2:]], SurplusReply, "holds 3 times 'm-lap-us-'"),
        ([*CLEAN, "m-results-[0.875,0.125]"], SurplusReply, "holds 2 times 'm-results-[', wanted 1"),
        ([*CLEAN, "m-results-[nan]"], SurplusReply, "holds 2 times 'm-results-['"),
        ([*CLEAN[:-1], 2 * CLEAN[-1]], SurplusReply, "holds 2 times 'm-results-['"),
        ([*CLEAN, "m-infer-start-10"], SurplusReply, "holds 2 times 'm-infer-start-'"),
        (["m-init-done", *CLEAN], SurplusReply, "holds 1 times 'm-init-done', wanted none"),
        ([*CLEAN[:-1], "m-results-[0.125,0.125,0.75]"], UnexpectedReply, "a result of 2 values (3 came"),
        ([*CLEAN[:-1], "m-results-[0.125]"], UnexpectedReply, "a result of 2 values (1 came"),
        ([*CLEAN[:-1], "m-results-[1e308,0]"], UnexpectedReply, "readable 'm-results-[...]' line"),
        ([*CLEAN[:-1], "m-results-[inf,0]"], UnexpectedReply, "readable 'm-results-[...]' line"),
        ([CLEAN[1], "m-lap-us-" + "9" * 401, CLEAN[-1]], UnexpectedReply, "two 'm-lap-us-' lines (1 came"),
        ([CLEAN[1], "m-lap-us-" + "9" * 20, CLEAN[-1]], UnexpectedReply, "less than 12 days apart"),
    ],
)  # fmt: skip
def test_what_was_not_asked_for_is_an_error(lines: list[str], error: type[BenchError], sentence: str) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        read_inference(10, 1, lines, values=2)


def test_a_clean_reply_is_read() -> None:
    inference = read_inference(10, 1, CLEAN, values=2)
    assert (inference.elapsed_us, inference.results) == (40_000, (0.125, 0.875))
    assert read_inference(10, 1, CLEAN) == inference
    longest = [CLEAN[0], "m-lap-us-0", f"m-lap-us-{MAX_ELAPSED_US - 1}", CLEAN[-1]]
    assert read_inference(10, 1, longest).elapsed_us == MAX_ELAPSED_US - 1


LAP, RESULTS = "m-lap-us-", "m-results-["

# What a reply may hold at most, by docs/protocol.md: one answer of the kind that was asked for, two timestamps around
# the timed inferences, and neither a time nor a result where none was asked for.
MOST = {
    "name": {"m-name-": 1, RESULTS: 0},
    "profile": {"m-profile-[": 1, "m-model-[": 1, RESULTS: 0},
    "timestamp": {LAP: 1, RESULTS: 0},
    "results": {LAP: 0, RESULTS: 1},
    "db load 490": {"m-load-done": 0, LAP: 0, RESULTS: 0},
    "db 00ff": {"m-load-done": 1, LAP: 0, RESULTS: 0},
    "crc input": {"m-input-crc-": 1, LAP: 0, RESULTS: 0},
    "infer 1 0": {
        "m-init-done": 0, "m-load-done": 0, "m-infer-start-": 1, "m-input-crc-": 1, LAP: 2, RESULTS: 1,
    },
}  # fmt: skip


@pytest.mark.parametrize(("command", "mark"), [(command, mark) for command, row in MOST.items() for mark in row])
def test_each_row_of_the_grammar(command: str, mark: str) -> None:
    most = MOST[command][mark]
    raise_surplus(command, [mark + "1]"] * most)
    with pytest.raises(SurplusReply, match=re.escape(f"{most + 1} times '{mark}', wanted {most or 'none'}")):
        raise_surplus(command, [mark + "1]"] * (most + 1))


def test_the_grammar_has_no_other_rows() -> None:
    assert len(REPLY_GRAMMAR) == sum(map(len, MOST.values()))


@pytest.mark.parametrize("command", ["other", "aa load 1", "dc load 1", "zz load 1", "dbload 1", ""])
def test_other_commands_are_not_counted(command: str) -> None:
    raise_surplus(command, ["m-load-done", f"{LAP}1", f"{RESULTS}1]"] * 3)


def test_a_message_shows_the_end_of_a_reply() -> None:
    lines = ["a" * 300, "b" * 96, "c"]
    assert text_of(lines) == "a" * 297 + " | " + "b" * 96 + " | c"
    assert text_of(["x" * 400]) == "x" * 400
    assert text_of(["y" + "x" * 400]) == "x" * 400
    assert text_of(["a", "b"]) == "a | b"


def twice(pattern: bytes) -> Callable[[bytes], bytes]:
    return lambda reply: re.sub(pattern + rb"\r\n", lambda found: found[0] * 2, reply, count=1)


@pytest.mark.parametrize(
    ("command", "spoil"),
    [("infer", twice(rb"m-lap-us-\d+")), ("infer", twice(rb"m-results-.*")), ("timestamp", twice(rb"m-lap-us-\d+"))],
)
def test_a_session_does_not_choose_between_answers(command: str, spoil: Callable[[bytes], bytes]) -> None:
    session = session_of(FakeDevice(spoil=when(command, spoil)))
    session.start()
    session.load(INPUT)
    with pytest.raises(SurplusReply, match="nothing in it counts"):
        session.infer(10, 1) if command == "infer" else session.timestamp()


def test_a_stale_answer_to_a_load_is_noticed_and_loaded_again() -> None:
    notes: list[str] = []
    device = FakeDevice(spoil=when("db load", lambda reply: b"m-results-[0.5]\r\n" + reply, times=1))
    session = session_of(device, notes)
    session.start()
    session.load(INPUT)
    assert any("1 times 'm-results-['" in note for note in notes)


def transcript(lines: list[str]) -> list[dict[str, Any]]:
    return [
        {"e": "mark", "mode": "window", "attempt": 1, "window": 0, "sample": "a.bin"},
        {"e": "out", "t": 0.0, "s": "infer 10 1"},
        *({"e": "in", "t": 0.0, "s": line} for line in [*lines, "m-ready"]),
    ]


def test_a_transcript_with_three_laps_has_measured_nothing() -> None:
    assert measure(transcript(CLEAN)).attempts[1][0].inference.elapsed_us == 40_000
    assert measure(transcript(["m-lap-us-30000", *CLEAN])).attempts == {}
    assert measure(transcript([*CLEAN, CLEAN[-1]])).attempts == {}


@pytest.mark.parametrize("name", ["instructions", "cycles"])
def test_a_counter_of_401_digits_is_damage(name: str) -> None:
    with pytest.raises(RecordError, match="damaged"):
        measure([{"e": "counters", "at": "before", name: int("9" * 401)}])


@pytest.mark.parametrize(
    ("lines", "seconds", "scores", "problem"),
    [
        (CLEAN, 0.04, (0.125, 0.875), ""),
        (["m-lap-us-30000", *CLEAN], None, (0.125, 0.875), "holds 3 laps and 1 results, wanted 2 and 1"),
        ([*CLEAN, "m-results-[0.5,0.5]"], 0.04, None, "holds 2 laps and 2 results, wanted 2 and 1"),
    ],
)  # fmt: skip
def test_a_log_of_another_runner(
    lines: list[str], seconds: float | None, scores: tuple[float, ...] | None, problem: str
) -> None:
    log = ['1.0 parser: Command "dut infer 10 1"', *(f"1.0 dut: {line}" for line in lines)]
    other = ['2.0 parser: Command "dut timestamp"', "2.0 dut: m-lap-us-77777"]
    run = parse_eembc_log([*log, *other], "log.txt")
    assert [(row.seconds, row.scores) for row in run.inferences] == [(seconds, scores)]
    assert (problem in run.problems[0]) if problem else run.problems == ()


def test_a_surplus_is_a_protocol_error() -> None:
    assert issubclass(SurplusReply, ProtocolError)
