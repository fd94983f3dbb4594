# SPDX-License-Identifier: Apache-2.0
"""Trials of a device whose clock is coarse or stands still, and the iterations chosen from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlperf_tiny.errors import UnexpectedReply
from mlperf_tiny.harness.run.calibration import calibrate, counted_inferences, iterations_for, window_iterations
from mlperf_tiny.progress import Progress
from tests.harness.run.timed_session import SAMPLE, TimedSession


@pytest.mark.parametrize(
    ("latency_us", "margin", "iterations"),
    [
        (20_000.0, 1.01, 505),
        (20_000.0, 1.0, 500),
        (20_001.0, 1.0, 500),
        (19_999.0, 1.0, 501),
        (1.0, 1.2, 12_000_000),
        (0.001, 1.0, 10**10),
        (0.0, 1.0, 10**10),
        (1e6, 1.0, 10),
        (2e6, 1.0, 10),
        (0.9e6, 1.0, 12),
    ],
)
def test_a_window_is_filled(latency_us: float, margin: float, iterations: int) -> None:
    assert iterations_for(latency_us, margin) == iterations


@pytest.mark.parametrize(
    ("latency_us", "window_us", "count"),
    [
        (20_000.0, 250_000.0, 14),  # 13 of 20 ms are longer than 250 ms, and one more
        (25_000.0, 250_000.0, 11),
        (24_999.0, 250_000.0, 12),
        (100_000.0, 250_000.0, 11),  # ten more at least
        (100_000.0, 2e6, 21),
        (0.5, 1_000.0, 2_001),
        (0.0, 1.0, 1_001),
    ],
)
def test_counted_inferences_last_as_long_as_they_should(latency_us: float, window_us: float, count: int) -> None:
    assert counted_inferences(latency_us, window_us) == count
    assert counted_inferences(1_000.0) == 251  # a trial's quarter of a second


@pytest.mark.parametrize(("timing", "iterations"), [("hardware", 1010), ("emulated", 1010), ("host", 1200)])
def test_the_margin_is_that_of_the_kind_of_time(timing: str, iterations: int) -> None:
    assert window_iterations(TimedSession(lambda count: 0, timing).bench(), 10_000.0) == iterations


@pytest.mark.parametrize(
    ("elapsed_us", "counts"),
    [
        (lambda count: 250_000 * count, [1]),
        (lambda count: 249_999 * count, [1, 2]),
        (lambda count: 20_000 * count, [1, 15]),
        (lambda count: 1_000 * count, [1, 100, 300]),
        (lambda count: 10 * count, [1, 100, 10_000, 30_000]),
        (lambda count: 70_000 * count, [1, 5]),  # 300 ms / 70 ms is 4.3
        (lambda count: count // 10, [1, 100, 10_000, 1_000_000, 3_000_000]),
        (lambda count: 240_000 if count < 4 else 250_000, [1, 2, 4]),
        (lambda count: 0 if count < 1_000_000 else 300_000, [1, 100, 10_000, 1_000_000]),
    ],
)
def test_more_and_more_inferences_are_timed(elapsed_us: Callable[[int], int], counts: list[int]) -> None:
    session = TimedSession(elapsed_us)
    calibration = calibrate(session.bench(), SAMPLE, None)
    assert session.asked == [(count, 1) for count in counts]
    assert session.loaded == [b"input"]
    assert session.events == [("mark", {"mode": "trial", "sample": "a.bin"})] * len(counts)
    last_us = elapsed_us(counts[-1])
    assert calibration.attempt == 1
    assert calibration.latency_us == pytest.approx(last_us / counts[-1], rel=1e-12)
    assert calibration.host_s == pytest.approx(10e-6 * last_us / (counts[-1] + 1), rel=1e-9)
    assert calibration.iterations == iterations_for(last_us / counts[-1], 1.01)


def test_host_seconds_are_those_of_the_trial_alone() -> None:
    session = TimedSession(lambda count: 300_000)
    session.now_s = 0.25
    # 300 ms of the device are 3 s of the host's clock, for one inference and its warm-up.
    assert calibrate(session.bench(), SAMPLE, None).host_s == pytest.approx(1.5)


def test_iterations_that_were_asked_for_are_kept() -> None:
    assert calibrate(TimedSession(lambda count: 300_000).bench(), SAMPLE, 7).iterations == 7


def test_progress_says_what_is_timed() -> None:
    session = TimedSession(lambda count: 20_000 * count)
    calibrate(session.bench(), SAMPLE, None)
    assert session.steps == [
        Progress("trial", 0, 1, "timing 1 inference"),
        Progress("trial", 0, 1, "timing 15 inferences"),
    ]


def test_two_inferences_are_several() -> None:
    session = TimedSession(lambda count: 200_000 * count)
    calibrate(session.bench(), SAMPLE, None)
    assert [step.text for step in session.steps] == ["timing 1 inference", "timing 2 inferences"]


def test_a_clock_that_stops_is_an_error_once_a_million_inferences_are_passed() -> None:
    session = TimedSession(lambda count: 20_000 if count == 1 else 0)
    with pytest.raises(UnexpectedReply, match="the same lap twice"):
        calibrate(session.bench(), SAMPLE, None)
    assert [count for count, _ in session.asked] == [1, 15, 1_500, 150_000, 15_000_000]


def test_a_clock_that_stands_still_is_an_error_after_a_million_inferences() -> None:
    session = TimedSession(lambda count: 0)
    with pytest.raises(UnexpectedReply, match=r"'infer 1000000 1' lacks laps of a counter that moves"):
        calibrate(session.bench(), SAMPLE, None)
    assert [count for count, _ in session.asked] == [1, 100, 10_000, 1_000_000]


def test_one_inference_less_than_a_million_is_no_proof_that_the_clock_stands_still() -> None:
    laps_us = {1: 6_000, 50: 0, 5_000: 3_023, 496_196: 148_859}
    session = TimedSession(lambda count: laps_us.get(count, 0))
    with pytest.raises(UnexpectedReply, match="the same lap twice"):
        calibrate(session.bench(), SAMPLE, None)
    assert [count for count, _ in session.asked] == [*laps_us, 999_999, 99_999_900]
