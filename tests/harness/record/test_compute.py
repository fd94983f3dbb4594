# SPDX-License-Identifier: Apache-2.0
"""The figures of a record, from events written by hand, against values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record.compute import _accuracy, compute_record
from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.harness.wire.events import Event
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.harness.wire.transcript import Transcript
from mlperf_tiny.models.tasks import find_task
from tests.harness.record.run_events import (
    answer,
    choice,
    counted,
    exchange,
    infer,
    mark,
    meta,
    settings,
    window,
)

DIGEST = ChainDigest(7, "ab" * 32)
OPEN = settings()


def record_of(*events: Event, given: Settings = OPEN) -> RunRecord:
    return compute_record(Transcript((meta(given), *events), DIGEST))


def one_hot(label: int, value: float = 1.0) -> list[float]:
    return [value if place == label else 0.0 for place in range(12)]


def test_a_run_without_replies_has_no_figures() -> None:
    record = record_of()
    assert (record.performance, record.accuracy, record.identity, record.energy) == (None, None, None, None)
    assert (record.instructions_per_inference, record.cycles_per_inference) == (None, None)
    assert (record.complete, record.resumed, record.notes) == (False, 0, ())
    assert record.settings == OPEN and record.chain_digest == DIGEST
    assert [violation.rule for violation in record.violations] == [RuleId.MODEL_ID]


def test_the_latency_is_the_median_of_the_last_attempts_windows() -> None:
    windows = [(0, 10_000_000), (2, 20_000_000), (1, 12_500_000)]  # the second one was lost and run again
    events = [event for number, us in windows for event in window(2, number, 100, us, f"{number}.bin")]
    record = record_of(choice(1, 10), *window(1, 0, 10, 1_000_000), choice(2, 100), *events)
    performance = record.performance
    assert performance is not None
    assert (performance.attempts, performance.iterations) == (2, 100)
    assert [row.sample for row in performance.windows] == ["0.bin", "1.bin", "2.bin"]
    assert [row.elapsed_us for row in performance.windows] == [10_000_000, 12_500_000, 20_000_000]
    assert [row.iterations for row in performance.windows] == [100, 100, 100]
    assert [row.throughput_per_s for row in performance.windows] == [10.0, 8.0, 5.0]
    assert (performance.throughput_per_s, performance.latency_ms) == (8.0, 125.0)


def test_throughput_and_latency_are_fractions() -> None:
    performance = record_of(choice(1, 64), *window(1, 0, 64, 10_250_000)).performance
    assert performance is not None
    assert performance.windows[0].throughput_per_s == pytest.approx(6.2439024, rel=1e-7)
    assert performance.latency_ms == pytest.approx(160.15625, rel=1e-12)


def test_an_even_number_of_windows_has_the_mean_of_the_middle_ones() -> None:
    record = record_of(choice(1, 100), *window(1, 0, 100, 10_000_000), *window(1, 1, 100, 20_000_000))
    assert record.performance is not None and record.performance.throughput_per_s == 7.5


def test_windows_without_a_choice_or_of_another_attempt_are_no_performance() -> None:
    for events in (
        window(1, 0, 100, 10_000_000),
        [choice(1, 100)],
        [*window(0, 0, 100, 10_000_000), choice(1, 100)],
        [choice(1, 100), *window(1, 0, 100, 10_000_000), choice(2, 200)],
    ):
        assert record_of(*events).performance is None


def test_a_window_of_no_time_is_an_error() -> None:
    with pytest.raises(RecordError, match=r"the window on a\.bin lasted 0 us"):
        record_of(choice(1, 100), *window(1, 0, 100, 0))
    one_us = record_of(choice(1, 100), *window(1, 0, 100, 1)).performance
    assert one_us is not None and one_us.throughput_per_s == pytest.approx(1e8)


def test_classes_are_scored() -> None:
    rows = [one_hot(0), one_hot(1), one_hot(3), one_hot(5)]
    record = record_of(*(e for i, row in enumerate(rows) for e in answer(i, (0, 1, 2, 5)[i], row)))
    accuracy = record.accuracy
    assert accuracy is not None
    assert (accuracy.samples, accuracy.listed, accuracy.inferences) == (4, 3, 4)
    assert (accuracy.correct, accuracy.top1_percent) == (3, 75.0)
    assert (accuracy.auc, accuracy.auc_101, accuracy.auc_mlcommons) == (None, None, None)  # classes are missing
    assert (accuracy.precision_recall, accuracy.file_scores) == (None, None)


def test_files_are_in_the_order_of_the_list() -> None:
    events = [*answer(2, 2, one_hot(2)), *answer(0, 0, one_hot(1)), *answer(1, 1, one_hot(1))]
    record = record_of(*events)
    assert record.accuracy is not None and record.accuracy.correct == 2
    assert not {RuleId.FILES_IN_ORDER, RuleId.ALL_FILES} & {violation.rule for violation in record.violations}


def test_the_file_with_another_models_answer_is_named() -> None:
    events = [*answer(0, 0, one_hot(0)), *answer(1, 1, (0.5, 0.5)), *answer(2, 1, (1.0,))]
    with pytest.raises(RecordError, match=r"answered b\.bin with 2 values, task kws has 12 classes"):
        record_of(*events)
    with pytest.raises(RecordError, match=r"answered a\.bin with 13 values"):
        record_of(*answer(0, 0, [*one_hot(0), 0.0]))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("normal_id_02_1.wav", ((1.0, 2.0),)),
        ("normal_id_02_1.wav", ((1.0, 2.0, 3.0, 4.0),)),
        ("normal_id_02_1.wav", ((1.0, 2.0, 3.0), (1.0, 2.0))),
        ("normal_id_03_1.wav", ((1.0, 2.0, 3.0),)),
        ("normal_1.wav", ((1.0, 2.0, 3.0),)),
    ],
)
def test_answers_that_do_not_fit_the_machines_are_refused(name: str, rows: Sequence[Sequence[float]]) -> None:
    events = [e for part, row in enumerate(rows) for e in answer(0, 0, row, part, len(rows), name)]
    measured = Measured(
        answers={0: dict(enumerate(map(tuple, rows)))}, windows_of={0: len(rows)}, names={0: name}, labels={0: 0}
    )
    assert measure([meta(settings(task="ad")), *events]) == measured
    with pytest.raises(RecordError, match=f"answered {name} with {len(rows[0])} values, .* machines 00, 02, 05"):
        _accuracy(measured, find_task("ad"), 1, ("00", "02", "05"))


def cycles(value: int) -> dict[str, int]:
    return {"cycles": value}


def counts(*rows: tuple[int, int]) -> list[Event]:
    """Runs of so many inferences that took so many cycles."""
    return [
        e for count, took in rows for e in (mark("count"), *counted(infer(count, 0, 9), cycles(5), cycles(took + 5)))
    ]


def timed(attempt: int, number: int, count: int, took: int) -> list[Event]:
    return counted(window(attempt, number, count, 9_999), cycles(70), cycles(70 + took))


def test_the_cost_is_what_a_window_takes_more_than_one_inference() -> None:
    # 400 cycles of printing in each reply, 1,000 an inference; in the second window 1,002, in the third 1,010.
    printing = 400
    windows = [(0, 1_000), (1, 1_002), (2, 1_010)]
    events = [event for number, each in windows for event in timed(1, number, 99, printing + 1_000 + 99 * each + 33)]
    one_and_ten = counts((10, printing + 10_900), (1, printing + 1_000))
    record = record_of(*one_and_ten, choice(1, 99), *events)
    # 100 inferences with the warm-up: 99 more than one, and 33 cycles more.
    assert record.cycles_per_inference == pytest.approx(1_002 + 1 / 3)
    assert record.instructions_per_inference is None
    assert record.former_counts.cycles_per_inference == 1_100.0  # 9,900 cycles, 9 inferences
    assert record.former_counts.instructions_per_inference is None


@pytest.mark.parametrize(
    ("iterations", "cost"),
    [(9, 1_100.0), (10, 1_000.0)],  # ten with its warm-up, as many as the longest count; eleven
)
def test_windows_count_when_they_are_longer_than_the_counts(iterations: int, cost: float) -> None:
    window_cycles = 1_400 + iterations * 1_000
    events = [*counts((1, 1_400), (10, 11_300)), choice(1, iterations), *timed(1, 0, iterations, window_cycles)]
    assert record_of(*events).cycles_per_inference == cost


def test_every_window_must_be_longer_than_the_counts() -> None:
    events = [*timed(1, 0, 50, 51_400), *timed(1, 1, 5, 6_400)]
    assert record_of(*counts((1, 1_400), (10, 11_300)), choice(1, 50), *events).cycles_per_inference == 1_100.0


def test_windows_of_the_last_attempt_count() -> None:
    events = [choice(1, 50), *timed(1, 0, 50, 1_400 + 50 * 7_000), choice(2, 60), *timed(2, 0, 60, 1_400 + 60 * 1_000)]
    assert record_of(*counts((1, 1_400), (10, 11_300)), *events).cycles_per_inference == 1_000.0
    alone = timed(1, 0, 50, 1_400 + 50 * 7_000)  # nothing was chosen
    assert record_of(*counts((1, 1_400), (10, 11_300)), *alone).cycles_per_inference == 1_100.0


@pytest.mark.parametrize(
    ("rows", "cost"),
    [
        ((), None),
        (((1, 400),), None),
        (((5, 900), (5, 950)), None),
        (((500, 900), (500, 950)), None),
        (((1, 400), (2, 900)), 500.0),
        (((2, 900), (1, 400)), 500.0),
        (((1, 400), (3, 901)), 250.5),
        (((10, 2_200), (4, 1_000), (1, 400)), 200.0),
        (((1, 400), (3, 100)), -150.0),
    ],
)
def test_without_windows_the_cost_is_between_the_longest_and_the_shortest_count(
    rows: tuple[tuple[int, int], ...], cost: float | None
) -> None:
    assert record_of(*counts(*rows)).cycles_per_inference == cost


def test_counts_without_a_counter_are_passed_over() -> None:
    other = counted(infer(3, 0, 9), {"instructions": 0}, {"instructions": 900})
    more = counted(infer(6, 0, 9), {"instructions": 0}, {"instructions": 1_500})
    events = [*counts((1, 400), (2, 900)), mark("count"), *other, mark("count"), *more]
    record = record_of(*events)
    assert (record.cycles_per_inference, record.instructions_per_inference) == (500.0, 200.0)
    uncounted = window(1, 0, 50, 9_999)
    record = record_of(*events, choice(1, 50), *uncounted, *timed(1, 1, 50, 400 + 50 * 300))
    assert (record.cycles_per_inference, record.instructions_per_inference) == (300.0, 200.0)
    only_windows = [choice(1, 50), *timed(1, 1, 50, 400 + 50 * 300)]
    assert record_of(*only_windows).cycles_per_inference is None


def test_rules_look_at_the_figures_of_the_record() -> None:
    identity = exchange("profile", "m-profile-[x]", "m-model-[kws01]")
    good = [*identity, choice(1, 100), *(e for n in range(5) for e in window(1, n, 100, 10_000_000, f"{n}.bin"))]
    assert record_of(*good).violations == ()
    short = [*good, *window(1, 3, 100, 9_999_999, "3.bin")]  # of two replies to one window the last counts
    (violation,) = record_of(*short).violations
    assert (violation.rule, violation.got, violation.where) == (RuleId.WINDOW_LENGTH, 9.999999, "window 4")
    few = [*good, *window(1, 0, 9, 10_000_000, "0.bin")]
    (violation,) = record_of(*few).violations
    assert (violation.rule, violation.got, violation.where) == (RuleId.WINDOW_ITERATIONS, 9, "window 1")
    (violation,) = record_of(*good, *window(1, 4, 100, 10_000_000, "0.bin")).violations
    assert (violation.rule, violation.got) == (RuleId.FIVE_INPUTS, 4)
    (violation,) = record_of(*good, mark("trial"), *exchange("infer 5 0", "e-[busy]")).violations
    assert (violation.rule, violation.got) == (RuleId.NO_ERROR_LINES, "busy")


def test_rules_look_at_the_answers_and_the_settings() -> None:
    identity = exchange("profile", "m-profile-[x]", "m-model-[kws01]")
    answers = [e for index in range(3) for e in answer(index, index, one_hot(index))]
    assert record_of(*identity, *answers).violations == ()
    (violation,) = record_of(*identity, *answers[: len(answers) * 2 // 3]).violations
    assert (violation.rule, violation.got, violation.needed) == (RuleId.ALL_FILES, 2, 3)
    wrong = answer(1, 1, one_hot(7))
    (violation,) = record_of(*identity, *answers, *wrong).violations
    assert (violation.rule, violation.needed) == (RuleId.QUALITY_TARGET, 90.0)
    assert violation.got == pytest.approx(200 / 3)
    open_division = replace(OPEN, division="open")
    assert record_of(*identity, *answers, *wrong, given=open_division).violations == ()
    (violation,) = record_of(*identity, *answers, given=settings(complete=False)).violations
    assert violation.rule is RuleId.OFFICIAL_LIST
    (violation,) = record_of(*identity, *answers, given=settings(source="synthetic")).violations
    assert violation.rule is RuleId.REAL_DATA
    vww = exchange("profile", "m-model-[vww01]")
    (violation,) = record_of(*vww, *answers).violations
    assert (violation.rule, violation.got) == (RuleId.MODEL_ID, "vww01")


def test_energy_is_power_times_latency() -> None:
    powered = replace(OPEN.device, active_power_w=0.5, lowest_power_w=0.25, highest_power_w=1.0, power_source="a paper")
    record = record_of(choice(1, 100), *window(1, 0, 100, 10_000_000), given=replace(OPEN, device=powered))
    assert record.energy is not None
    # 100 ms at half a watt.
    assert (record.energy.uj_per_inference, record.energy.lowest_uj, record.energy.highest_uj) == pytest.approx(
        (50_000.0, 25_000.0, 100_000.0)
    )


def test_notes_and_resumes_are_kept() -> None:
    record = record_of({"e": "note", "s": "one"}, {"e": "resume"}, {"e": "resume"}, {"e": "end"})
    assert (record.notes, record.resumed, record.complete) == (("one",), 2, True)


# The areas come last: importing the libraries that compute them takes longest.


def test_areas_of_logits_are_those_of_their_probabilities() -> None:
    # One file of each class; the last one's logits say class 0 louder than the first one's, of larger values.
    labels = list(range(12))
    logits = [[9.0 if place == label else 1.0 for place in labels] for label in labels[:-1]]
    logits.append([12.0] + [11.0] * 10 + [13.0])
    record = record_of(*(e for label in labels for e in answer(label, label, logits[label], sample=f"{label}.bin")))
    accuracy = record.accuracy
    assert accuracy is not None and accuracy.top1_percent == 100.0
    # As probabilities each file is the surest of its own class; as logits the last one would be, of every class.
    assert (accuracy.auc, accuracy.auc_101, accuracy.auc_mlcommons) == (1.0, 1.0, 1.0)


def softmax(row: Sequence[float]) -> list[float]:
    return [math.exp(value) / sum(map(math.exp, row)) for value in row]


def test_probabilities_that_are_given_are_used() -> None:
    labels = list(range(12))
    rows = [one_hot(label, 0.75) for label in labels]
    for row, label in zip(rows, labels, strict=True):
        row[(label + 1) % 12] = 0.25
    events = [e for label in labels for e in answer(label, label, rows[label], sample=f"{label}.bin")]
    accuracy = record_of(*events).accuracy
    assert accuracy is not None
    assert (accuracy.auc, accuracy.auc_101, accuracy.auc_mlcommons) == (1.0, 1.0, 1.0)


def test_files_that_were_not_answered_in_full_are_not_scored() -> None:
    rows = [(0, 0, 1.0, 0), (0, 0, 3.0, 1), (1, 1, 9.0, 0), (2, 1, 2.5, 0), (2, 1, 2.5, 1)]
    events = [e for index, label, score, part in rows for e in answer(index, label, (score,), part, 2)]
    record = record_of(*events, given=settings(task="ad"))
    accuracy = record.accuracy
    assert accuracy is not None
    assert (accuracy.samples, accuracy.listed, accuracy.inferences) == (2, 3, 5)
    assert accuracy.file_scores == {"a.bin": 2.0, "c.bin": 2.5}
    assert (accuracy.auc, accuracy.auc_101, accuracy.precision_recall) == (1.0, 1.0, 100.0)
    assert (accuracy.correct, accuracy.top1_percent, accuracy.auc_mlcommons) == (None, None, None)
    missing = [violation for violation in record.violations if violation.rule is RuleId.ALL_FILES]
    assert [(violation.got, violation.needed) for violation in missing] == [(2, 3)]
    assert record_of(*answer(0, 0, (1.0,), 0, 2), given=settings(task="ad")).accuracy is None


def test_anomalies_are_labelled_one() -> None:
    scores = [(0, 1.0), (1, 2.0), (0, 3.0), (1, 4.0)]
    events = [e for index, (label, score) in enumerate(scores) for e in answer(index, label, (score,))]
    accuracy = record_of(*events, given=settings(task="ad")).accuracy
    assert accuracy is not None and (accuracy.auc, accuracy.auc_101) == (0.75, 0.75)
    assert accuracy.precision_recall == pytest.approx(100 * (2 / 3 + 1) / 2)  # above 1: two of three, and all
    assert accuracy.metric(find_task("ad")) == 0.75


def test_machines_are_scored_by_the_probability_of_their_own() -> None:
    rows = {"normal_id_00_1.wav": [(2.0, 1.0), (0.0, 0.0)], "anomaly_id_02_1.wav": [(1.0, 0.0), (1.0, 0.0)]}
    events = [
        event
        for index, (name, parts) in enumerate(rows.items())
        for part, row in enumerate(parts)
        for event in answer(index, index, row, part, 2, name)
    ]
    accuracy = record_of(*events, given=settings(task="ad", classes=("00", "02"))).accuracy
    assert accuracy is not None and accuracy.file_scores is not None
    assert accuracy.file_scores["normal_id_00_1.wav"] == pytest.approx(-(softmax((2.0, 1.0))[0] + 0.5) / 2)
    assert accuracy.file_scores["anomaly_id_02_1.wav"] == pytest.approx(-softmax((1.0, 0.0))[1])
    assert accuracy.auc == 1.0
