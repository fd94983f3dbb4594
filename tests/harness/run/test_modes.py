# SPDX-License-Identifier: Apache-2.0
"""What a performance and an accuracy run ask of a device, with what is measured already left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.harness.record.measured import Measured, Timed
from mlperf_tiny.harness.run.modes import accuracy, performance
from mlperf_tiny.harness.wire.events import Calibration
from mlperf_tiny.harness.wire.inference import Inference
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.progress import Progress
from tests.harness.run.timed_session import TimedSession

MS = 1_000
S = 1_000_000


def sample(name: str, content: bytes = b"", label: int = 0) -> Sample:
    return Sample(name=name, label=label, load=lambda: content or name.encode())


SAMPLES = tuple(sample(name) for name in "abcdef")


def chosen(attempt: int, iterations: int, latency_us: float, host_s: float = 0.5) -> Calibration:
    return Calibration(attempt=attempt, iterations=iterations, latency_us=latency_us, host_s=host_s)


def timed(count: int, elapsed_us: int, counted: bool = False) -> Timed:
    return Timed("a", Inference(count, elapsed_us, False, (0.0,)), count + 1, {"cycles": 1} if counted else {})


def marks(session: TimedSession, kind: str = "mark") -> list[dict[str, object]]:
    return [values for event, values in session.events if event == kind]


def windows_of(session: TimedSession) -> list[tuple[object, ...]]:
    return [(row["attempt"], row["window"], row["sample"]) for row in marks(session) if row["mode"] == "window"]


def test_five_windows_on_five_inputs_follow_the_trial() -> None:
    session = TimedSession(lambda count: 20 * MS * count)
    performance(session.bench(), SAMPLES, Measured())
    # 15 inferences are longer than the trial's 250 ms; 505 of 20 ms are 10 s and a hundredth.
    assert session.asked == [(1, 1), (15, 1)] + [(505, 1)] * 5
    assert session.loaded == [b"a", b"a", b"b", b"c", b"d", b"e"]
    assert windows_of(session) == [(1, number, "abcde"[number]) for number in range(5)]
    (choice,) = marks(session, "choice")
    assert (choice["attempt"], choice["iterations"], choice["latency_us"]) == (1, 505, 20_000.0)
    # Host seconds pass ten times as fast: 15 inferences and a warm-up took 3 s.
    assert choice["host_s"] == pytest.approx(3.0 / 16)
    assert session.limits_s[2:] == [pytest.approx(30.0 + 4 * 506 * 3.0 / 16)] * 5
    text = "505 iterations, about 10.1 s of device time"
    assert session.steps[2:] == [
        *(Progress("performance", number, 5, text) for number in range(5)),
        Progress("performance", 5, 5, "done"),
    ]


@pytest.mark.parametrize(("latency_us", "text"), [(10_050.001, "10.1"), (10_149.999, "10.1"), (20_150.001, "20.2")])
def test_progress_has_the_planned_length(latency_us: float, text: str) -> None:
    session = TimedSession(lambda count: 10 * S)
    performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 1_000, latency_us)))
    assert session.steps[0].text == f"1,000 iterations, about {text} s of device time"


def test_fewer_inputs_give_fewer_windows_and_none_is_an_error() -> None:
    session = TimedSession(lambda count: 20 * MS * count)
    performance(session.bench(), SAMPLES[:2], Measured(calibration=chosen(1, 505, 20_000.0)))
    assert windows_of(session) == [(1, 0, "a"), (1, 1, "b")] and not marks(session, "choice")
    with pytest.raises(DataError, match="no inputs"):
        performance(session.bench(), (), Measured())


@pytest.mark.parametrize(
    ("calibration", "iterations", "trial"),
    [
        (None, None, True),
        (None, 7, True),
        (chosen(1, 505, 20_000.0), None, False),
        (chosen(1, 7, 20_000.0), 7, False),
        (chosen(1, 9, 20_000.0), 7, True),
        (chosen(1, 5, 20_000.0), 7, True),
    ],
)
def test_a_trial_is_made_unless_its_choice_is_known(
    calibration: Calibration | None, iterations: int | None, trial: bool
) -> None:
    session = TimedSession(lambda count: 20 * MS * count)
    performance(session.bench(), SAMPLES, Measured(calibration=calibration), iterations)
    assert bool([row for row in marks(session) if row["mode"] == "trial"]) == trial
    assert session.asked[-5:] == [(iterations or 505, 1)] * 5  # short or not, when they were asked for
    assert len(windows_of(session)) == 5 and len(marks(session, "choice")) == trial


@pytest.mark.parametrize(
    ("latency_us", "text"),
    [
        (3_865_470_566.4, "3,865"),
        (3_865_470_567.0, "3,865"),
        (3_999_500_001.0, "4,000"),
        (4_000_499_999.0, "4,000"),
    ],
)
def test_windows_in_which_the_counter_may_wrap_twice_are_refused(latency_us: float, text: str) -> None:
    # Nine tenths of 2^32 us are 3,865,470,566.4 us.
    session = TimedSession(lambda count: 1)
    with pytest.raises(UsageError, match=f"^1 iterations would take {text} s a window, more than the 3,865 s"):
        performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 1, latency_us)), 1)
    assert session.asked == []


def test_the_longest_window_that_can_be_timed_is_run() -> None:
    session = TimedSession(lambda count: 3_865_470_566)
    performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 3_865_470_566, 1.0)))
    assert session.asked == [(3_865_470_566, 1)] * 5
    with pytest.raises(UsageError, match=r"^3,865,470,567 iterations would take 3,865 s"):
        performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 3_865_470_567, 1.0)))


@pytest.mark.parametrize(
    ("latency_us", "longer"),
    [
        (20_000.0, 14),  # 13 of 20 ms are longer than 250 ms, and one more
        (25_000.0, 11),
        (24_999.0, 12),
        (100_000.0, 11),  # ten more at least
        (0.5, 500_001),
        (0.0, 250_000_001),
    ],
)
def test_counters_are_read_around_two_lengths(latency_us: float, longer: int) -> None:
    session = TimedSession(lambda count: 10 * S)
    known = Measured(calibration=chosen(1, 20, latency_us))
    performance(session.bench(lambda: {"cycles": 5}), SAMPLES, known)
    assert session.asked == [(1, 0), (longer, 0)] + [(20, 1)] * 5
    assert session.loaded[:2] == [b"a", b"a"]  # of the counts, and of the first window
    before, after = ("counters", {"at": "before", "cycles": 5}), ("counters", {"at": "after", "cycles": 5})
    count = ("mark", {"mode": "count", "sample": "a"})
    assert session.events[:6] == [count, before, after, count, before, after]


@pytest.mark.parametrize(
    ("counted", "again"),
    [
        ((timed(1, 9, True), timed(14, 9, True)), False),
        ((timed(1, 9, True), timed(14, 9, True), timed(20, 9, True)), False),
        ((timed(1, 9, True),), True),
        ((timed(1, 9, True), timed(1, 9, True)), True),
        ((timed(1, 9, True), timed(14, 9)), True),  # killed before the counters were written
        ((), True),
    ],
)
def test_two_lengths_that_were_counted_are_enough(counted: Sequence[Timed], again: bool) -> None:
    session = TimedSession(lambda count: 10 * S)
    known = Measured(calibration=chosen(1, 20, 20_000.0), counted=list(counted))
    performance(session.bench(lambda: {"cycles": 5}), SAMPLES, known)
    assert session.asked == [(1, 0), (14, 0)] * again + [(20, 1)] * 5


def test_devices_without_counters_count_nothing() -> None:
    session = TimedSession(lambda count: 10 * S)
    performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 20, 20_000.0)))
    assert session.asked == [(20, 1)] * 5


def in_turn(*elapsed_us: int) -> Callable[[int], int]:
    left = list(elapsed_us)
    return lambda count: left.pop(0)


def test_a_window_that_is_too_short_is_run_again_with_all_others() -> None:
    session = TimedSession(in_turn(12 * S, 9_994_999, *[10 * S] * 5))
    performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 100, 101_000.0)))
    assert windows_of(session) == [(1, 0, "a"), (1, 1, "b"), *((2, n, "abcde"[n]) for n in range(5))]
    # 9,994,999 us of 100 inferences: 101.05 of them last 10.1 s.
    assert session.asked == [(100, 1)] * 2 + [(102, 1)] * 5
    (choice,) = marks(session, "choice")
    assert choice == {"attempt": 2, "iterations": 102, "latency_us": 99_949.99, "host_s": 0.5}
    assert Progress("performance", 1, 5, "too short (9.99 s), again") in session.steps
    assert session.steps[-1] == Progress("performance", 5, 5, "done")


@pytest.mark.parametrize(("elapsed_us", "attempts"), [(9_999_999, 2), (10_000_000, 1), (10_000_001, 1)])
def test_a_window_has_ten_seconds(elapsed_us: int, attempts: int) -> None:
    session = TimedSession(in_turn(elapsed_us, *[10 * S] * 5))
    performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 100, 101_000.0)))
    assert windows_of(session)[-1] == (attempts, 4, "e")
    assert len(session.asked) == attempts + 4


def test_the_third_attempt_is_the_last() -> None:
    session = TimedSession(in_turn(8_005_001, 9 * S, *[7 * S] * 5))
    performance(session.bench(), SAMPLES, Measured(calibration=chosen(1, 100, 101_000.0)))
    assert windows_of(session) == [(1, 0, "a"), (2, 0, "a"), *((3, n, "abcde"[n]) for n in range(5))]
    # 80.05 ms each: 126.2 in 10.1 s; then 9 s of 127: 142.5.
    assert session.asked == [(100, 1), (127, 1)] + [(143, 1)] * 5
    assert [row["attempt"] for row in marks(session, "choice")] == [2, 3]
    assert [step.text for step in session.steps if "again" in step.text] == [
        "too short (8.01 s), again",
        "too short (9.00 s), again",
    ]


def test_windows_that_are_measured_are_not_run_again() -> None:
    session = TimedSession(lambda count: 10 * S)
    done = Measured(calibration=chosen(1, 100, 100_000.0), attempts={1: {0: timed(100, 10 * S), 2: timed(100, 11 * S)}})
    performance(session.bench(), SAMPLES, done)
    assert windows_of(session) == [(1, 1, "b"), (1, 3, "d"), (1, 4, "e")]
    assert session.loaded == [b"b", b"d", b"e"]


def test_a_short_window_that_is_measured_begins_the_next_attempt() -> None:
    session = TimedSession(lambda count: 10 * S)
    done = Measured(calibration=chosen(1, 100, 100_000.0), attempts={1: {0: timed(100, 5 * S)}})
    performance(session.bench(), SAMPLES, done)
    assert windows_of(session) == [(2, number, "abcde"[number]) for number in range(5)]
    assert session.asked == [(202, 1)] * 5  # 50 ms each
    kept = TimedSession(lambda count: 10 * S)
    performance(kept.bench(), SAMPLES, replace(done, calibration=chosen(1, 100, 100_000.0)), 100)
    assert windows_of(kept) == [(1, number, "abcde"[number]) for number in range(1, 5)]


def dataset(samples: Sequence[Sample]) -> Dataset:
    """Inputs of three bytes, two apart."""
    return Dataset(
        name="x",
        source="real",
        origin="",
        samples=tuple(samples),
        listed=9,
        window_bytes=3,
        stride_bytes=2,
        complete=True,
    )


FILES = (sample("a", b"01234", 1), sample("b", b"567"), sample("c", b"89abcde", 3))


def accuracy_mark(name: str, index: int, label: int, window: int, windows: int) -> dict[str, object]:
    return {"mode": "accuracy", "sample": name, "index": index, "label": label, "window": window, "windows": windows}


ALL = [
    accuracy_mark("a", 0, 1, 0, 2),
    accuracy_mark("a", 0, 1, 1, 2),
    accuracy_mark("b", 1, 0, 0, 1),
    accuracy_mark("c", 2, 3, 0, 3),
    accuracy_mark("c", 2, 3, 1, 3),
    accuracy_mark("c", 2, 3, 2, 3),
]


def test_every_window_of_every_file_is_inferred_once() -> None:
    session = TimedSession(lambda count: 5)
    accuracy(session.bench(), dataset(FILES), FILES, Measured())
    assert session.loaded == [b"012", b"234", b"567", b"89a", b"abc", b"cde"]
    assert session.asked == [(1, 0)] * 6 and session.limits_s == [None] * 6
    assert marks(session) == ALL
    assert session.steps == [
        Progress("accuracy", 0, 3, "a"),
        Progress("accuracy", 1, 3, "b"),
        Progress("accuracy", 2, 3, "c"),
        Progress("accuracy", 3, 3, "done"),
    ]


def test_answers_that_are_there_are_not_asked_for_again() -> None:
    session = TimedSession(lambda count: 5)
    answers = {0: {0: (0.0,), 1: (0.0,)}, 2: {1: (0.0,)}}
    accuracy(session.bench(), dataset(FILES), FILES, Measured(answers=answers, windows_of={0: 2, 2: 3}))
    assert marks(session) == [ALL[2], ALL[3], ALL[5]]
    assert session.loaded == [b"567", b"89a", b"cde"]
    assert len(session.steps) == 4


def test_files_that_are_complete_are_not_even_read() -> None:
    def gone() -> bytes:
        raise AssertionError("read again")

    session = TimedSession(lambda count: 5)
    files = (replace(FILES[0], load=gone), FILES[1])
    known = Measured(answers={0: {0: (0.0,), 1: (0.0,)}}, windows_of={0: 2})
    accuracy(session.bench(), dataset(files), files, known)
    assert marks(session) == [ALL[2]]


def test_a_file_shorter_than_one_input_is_an_error() -> None:
    session = TimedSession(lambda count: 5)
    files = (sample("a", b"01"),)
    with pytest.raises(DataError, match="a is shorter than one input of 3 bytes"):
        accuracy(session.bench(), dataset(files), files, Measured())
    assert not session.asked
