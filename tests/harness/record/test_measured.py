# SPDX-License-Identifier: Apache-2.0
"""What a transcript has measured: which reply belongs to which mark, and which replies measure nothing."""

from __future__ import annotations

import pytest

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.wire.events import Event
from tests.harness.record.run_events import (
    answer,
    choice,
    counted,
    counters,
    exchange,
    infer,
    mark,
    meta,
    settings,
    window,
)

BUSY = "e-[busy]"


def test_nothing_is_measured_before_the_first_reply() -> None:
    assert measure([meta()]) == Measured()
    assert Measured().resumed == 0 and not Measured().ended and Measured().identity is None


def test_windows_are_kept_by_attempt_and_number() -> None:
    events = [*window(1, 0, 10, 4_000), choice(2, 20), *window(2, 0, 20, 8_000), *window(2, 3, 20, 8_001, "b.bin")]
    measured = measure([meta(settings()), choice(1, 10), *events])
    assert sorted(measured.attempts) == [1, 2] and sorted(measured.attempts[2]) == [0, 3]
    timed = measured.attempts[2][3]
    assert (timed.sample, timed.inference.count, timed.inference.elapsed_us) == ("b.bin", 20, 8_001)
    assert timed.inferences == 21  # the warm-up is one of them
    assert measured.calibration is not None and measured.calibration.attempt == 2
    assert not measured.answers and not measured.counted


def test_answers_are_kept_by_file_and_window() -> None:
    events = [*answer(0, 1, (0.25,), 0, 2), *answer(0, 1, (0.75,), 1, 2), *answer(2, 0, (0.5,))]
    measured = measure([meta(settings()), *events])
    assert measured.answers == {0: {0: (0.25,), 1: (0.75,)}, 2: {0: (0.5,)}}
    assert measured.windows_of == {0: 2, 2: 1}
    assert measured.names == {0: "a.bin", 2: "c.bin"}
    assert measured.labels == {0: 1, 2: 0}
    assert not measured.attempts and not measured.counted


def test_trials_measure_nothing_and_counts_are_kept_in_order() -> None:
    events = [mark("trial"), *infer(1, 1, 20), mark("count"), *infer(1, 0, 20), mark("count", "b.bin"), *infer(9, 3, 4)]
    measured = measure(events)
    assert [(timed.sample, timed.inference.count, timed.inferences) for timed in measured.counted] == [
        ("a.bin", 1, 1),
        ("b.bin", 9, 12),
    ]
    assert not measured.attempts and not measured.answers


def test_counters_are_differences_and_start_at_zero() -> None:
    events = [
        mark("count"),
        *counted(infer(1, 0, 20), {"cycles": 1_000}, {"cycles": 1_250, "instructions": 40}),
        mark("window", attempt=1, window=0),
        *counted(infer(2, 1, 20), {"cycles": 5_000, "instructions": 50}, {"cycles": 5_007, "instructions": 50}),
    ]
    measured = measure(events)
    assert measured.counted[0].counted == {"cycles": 250, "instructions": 40}
    assert measured.attempts[1][0].counted == {"cycles": 7, "instructions": 0}


def test_counters_of_a_refused_infer_are_nobodys() -> None:
    events = [
        mark("count"),
        *counted(infer(1, 0, 20), {"cycles": 100}, {"cycles": 110}),
        mark("window", attempt=1, window=0),
        *counted(exchange("infer 10 1", BUSY), {"cycles": 200}, {"cycles": 900}),
    ]
    measured = measure(events)
    assert [timed.counted for timed in measured.counted] == [{"cycles": 10}]
    assert not measured.attempts
    assert measure([counters("after", cycles=3)]) == Measured()


@pytest.mark.parametrize(
    ("events", "refusals"),
    [
        ([mark("trial"), *exchange("infer 1 1", BUSY)], ["busy"]),
        ([mark("window", attempt=1, window=0), *exchange("infer 1 1", BUSY, "e-[again]")], ["busy", "again"]),
        ([mark("trial"), *exchange("db load 490", BUSY), *infer(1, 1, 20)], []),  # was sent again by the session
        ([mark("trial"), *exchange("infer", BUSY)], []),
        (exchange("infer 1 1", BUSY), []),  # nothing was to be measured
    ],
    ids=["of a trial", "twice", "of another command", "no infer", "without a mark"],
)
def test_refusals_count_when_an_infer_was_to_be_measured(events: list[Event], refusals: list[str]) -> None:
    measured = measure(events)
    assert measured.refusals == refusals
    assert not measured.attempts and not measured.counted


def test_an_infer_after_a_resume_needs_a_mark_of_its_own() -> None:
    resumed: Event = {"e": "resume"}
    measured = measure([mark("count"), resumed, *infer(1, 0, 20), resumed, mark("count"), *infer(2, 0, 40)])
    assert [timed.inference.count for timed in measured.counted] == [2]
    assert measured.resumed == 2


def test_a_reply_is_the_lines_since_its_command() -> None:
    stray: list[Event] = [{"e": "in", "t": 0.0, "s": "m-results-[9]"}]
    measured = measure([mark("count"), *stray, *infer(1, 0, 20, (0.5,)), *exchange("results"), *infer(3, 0, 60)])
    assert [timed.inference.results for timed in measured.counted] == [(0.5,), (0.5,)]


def test_a_second_ready_line_answers_nothing() -> None:
    again: Event = {"e": "in", "t": 0.0, "s": "m-ready"}
    assert len(measure([mark("count"), *infer(1, 0, 20), again, again]).counted) == 1


def test_a_torn_line_is_not_read() -> None:
    command, *lines = infer(1, 0, 20)
    torn: Event = {"e": "in", "t": 0.0, "s": "m-lap-us-77", "torn": True}
    assert len(measure([mark("count"), command, torn, *lines]).counted) == 1
    unfinished = {**lines[-1], "torn": True}
    assert not measure([mark("count"), command, *lines[:-1], unfinished]).counted


def test_an_answer_of_another_length_than_the_settings_say_measures_nothing() -> None:
    twelve = [0.0] * 11 + [1.0]
    assert measure([meta(), *answer(0, 1, twelve)]).answers == {0: {0: tuple(twelve)}}
    assert measure([meta(), *answer(0, 1, twelve[1:])]).answers == {}
    assert measure([meta(settings()), *answer(0, 1, twelve[1:])]).answers == {0: {0: tuple(twelve[1:])}}


def test_the_identity_is_from_name_and_profile() -> None:
    name, profile = "m-name-dut-[A Board]", ("m-profile-[Firmware 1]", "m-model-[kws01]")
    found = measure([*exchange("name", name), *exchange("profile", *profile)]).identity
    assert found is not None
    assert (found.device, found.vendor) == ("dut", "A Board")
    assert (found.profile, found.model_id) == ("Firmware 1", "kws01")
    alone = measure(exchange("profile", "m-model-[ad01]")).identity
    assert alone is not None and (alone.device, alone.vendor, alone.profile, alone.model_id) == ("", "", "", "ad01")
    assert measure(exchange("profile", profile[0])).identity is None
    for other in ("name", "results"):
        assert measure(exchange(other, *profile)).identity is None


def test_notes_stops_and_the_end_are_kept() -> None:
    events: list[Event] = [
        {"e": "note", "s": "one"},
        {"e": "stop", "s": "gone"},
        {"e": "note", "s": "two"},
        {"e": "new kind", "s": "of a later program"},
    ]
    measured = measure(events)
    assert (measured.notes, measured.stops, measured.ended) == (["one", "two"], ["gone"], False)
    assert measure([*events, {"e": "end"}]).ended


def test_a_damaged_event_is_an_error() -> None:
    with pytest.raises(RecordError, match="damaged"):
        measure([mark("window")])
