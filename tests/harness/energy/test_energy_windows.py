# SPDX-License-Identifier: Apache-2.0
"""Windows of an energy trace by both runners' arithmetic, beside plain loops over the samples."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.errors import DataError, TraceRefused
from mlperf_tiny.harness.energy.trace import Trace, parse_stamps, parse_trace, stamps_bytes, trace_bytes
from mlperf_tiny.harness.energy.windows import (
    EnergyWindow,
    Trial,
    eembc_windows,
    mean_power_uw,
    median_uj,
    mlcommons_windows,
)

RANDOM = random.Random(18)
SAMPLES = [RANDOM.uniform(10.0, 60.0) for _ in range(4000)]
RATE_HZ = 1000.0
STAMPS = (0.05, 0.4, 0.9, 1.1, 1.634, 2.0, 2.5, 2.7, 3.2, 3.4, 3.95)
COUNTS = (10, 20, 30, 40, 50)


def trace(samples: Any = SAMPLES, rate_hz: float = RATE_HZ) -> Trace:
    return Trace(np.array(samples, dtype=np.float64), rate_hz)


def added_up(start_s: float, end_s: float) -> tuple[int, float]:
    """Number and sum of the samples of a window: times by repeated addition, both ends included."""
    count, total, time_s = 0, 0.0, 0.0
    for sample in SAMPLES:
        if start_s <= time_s <= end_s:
            count, total = count + 1, total + sample
        time_s += 1 / RATE_HZ
    return count, total


def test_windows_lie_between_the_second_and_third_stamp_and_so_on() -> None:
    windows = eembc_windows(trace(), STAMPS, COUNTS, "t")
    assert len(windows) == 5
    for window, iterations, at in zip(windows, COUNTS, range(1, 10, 2), strict=True):
        count, total = added_up(STAMPS[at], STAMPS[at + 1])
        assert (window.iterations, window.samples) == (iterations, count)
        assert window.energy_uj == pytest.approx(total, rel=1e-12)
        assert window.power_uw == pytest.approx(total * RATE_HZ / count, rel=1e-12)
        assert window.seconds == STAMPS[at + 1] - STAMPS[at]
        assert window.uj_per_inference == window.energy_uj / iterations
        assert window.throughput_per_s == iterations / window.seconds


def test_edge_samples_are_decided_by_the_sum_of_the_periods() -> None:
    # 0.1 s added 10 times is 0.9999999999999999: sample 10 is in a window that ends at 0.9999999999999999, and
    # 10 / 10 Hz would not be.
    windows = eembc_windows(trace([1.0] * 20, 10.0), (0.0, 0.5, 0.9999999999999999), (1,), "t")
    assert windows[0].samples == 6


LOST = [
    (STAMPS[:1] + STAMPS[2:], "10 timestamps, wanted 11 .* 1 of them was lost"),
    (STAMPS[:8], "8 timestamps, wanted 11 .* 3 of them were lost"),
    ((), "0 timestamps, wanted 11"),
    ((*STAMPS, 3.96), "12 timestamps, wanted 11 .*: the pin had 1 edges more"),
    ((*STAMPS[:9], 3.4, 3.4), "window 5 has no length"),
    ((*STAMPS[:10], 4.5), "window 5 ends at 4.500 s, the samples at 3.999 s"),
]


@pytest.mark.parametrize(("stamps", "reason"), LOST)
def test_a_trace_without_the_stamps_of_its_run_is_refused(stamps: tuple[float, ...], reason: str) -> None:
    with pytest.raises(TraceRefused, match=reason) as raised:
        eembc_windows(trace(), stamps, COUNTS, "energy/trace1-energy.bin")
    assert str(raised.value).startswith("energy/trace1-energy.bin gives no energy: ")
    assert str(raised.value).endswith("Measure again.")


def trial(*events: tuple[int, int], iterations: int = 10, samples: int = 4000) -> Trial:
    return Trial(samples_j=np.array(SAMPLES[:samples]) / 1e6, events=events, iterations=iterations)


def test_the_last_two_events_of_a_trial_are_its_window() -> None:
    windows = mlcommons_windows([trial((0, 3), (1, 400), (2, 1400)), trial((3, 5), (4, 3005), iterations=20)], "r")
    for window, (start, stop, iterations) in zip(windows, ((400, 1400, 10), (5, 3005, 20)), strict=True):
        total_uj = sum(SAMPLES[start:stop])
        assert window.energy_uj == pytest.approx(total_uj, rel=1e-12)
        assert (window.samples, window.iterations) == (stop - start, iterations)
        assert window.seconds == pytest.approx((stop - start) / 1000)
        assert window.power_uw == pytest.approx(total_uj * 1000 / (stop - start), rel=1e-12)


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([trial((0, 3), (1, 400), (3, 1400))], "event 3 of trial 1 follows event 1: one was lost"),
        ([trial((0, 3), (1, 400)), trial((3, 1), (4, 2))], "event 3 of trial 2 follows event 1: one was lost"),
        ([trial((0, 3))], "trial 1 has 1 timestamps, wanted 2 or more"),
        ([trial((0, 3), (1, 3))], "window 1 has no length"),
        ([trial((0, 3), (1, 4001))], "the window of trial 1 is samples 3 to 4001 of 4000"),
        ([trial((0, -1), (1, 4))], "the window of trial 1 is samples -1 to 4 of 4000"),
        ([trial((0, 9), (1, 4))], "the window of trial 1 is samples 9 to 4 of 4000"),
    ],
)
def test_events_that_give_no_window_are_refused(trials: list[Trial], reason: str) -> None:
    with pytest.raises(TraceRefused, match=reason):
        mlcommons_windows(trials, "results.json")


def test_the_score_is_the_median_and_power_is_weighted_by_time() -> None:
    values = ((10, 1.0, 50.0), (10, 3.0, 90.0), (10, 1.0, 20.0))
    windows = [EnergyWindow(iterations=n, seconds=s, samples=1, energy_uj=uj, power_uw=uj / s) for n, s, uj in values]
    assert median_uj(windows) == 5.0
    assert mean_power_uw(windows) == pytest.approx((50.0 + 90.0 + 20.0) / 5.0)


def test_the_two_files_of_a_trace_are_read_as_written() -> None:
    written = trace_bytes(trace())
    assert (written[0], len(written)) == (0xF1, 5 + 4 * len(SAMPLES))
    read = parse_trace(written, "t")
    assert read.rate_hz == RATE_HZ
    assert read.samples_uj == pytest.approx(np.array(SAMPLES), rel=1e-7)
    assert trace_bytes(read) == written
    assert stamps_bytes((0.0104, 1.5)) == b"[0.01, 1.5]"
    assert parse_stamps(json.loads(stamps_bytes(STAMPS)), "t") == STAMPS


BROKEN = [
    (b"", "got 0 bytes"),
    (b"\xf1\x00\x00\x7aD", "got 5 bytes"),
    (b"\xf0" + trace_bytes(trace([1.0]))[1:], "got 9 bytes"),
    (trace_bytes(trace([1.0])) + b"\x00", "got 10 bytes"),
    (trace_bytes(trace([1.0], 0.5)), "its rate is 0.5 Hz"),
    (trace_bytes(trace([1.0], float("nan"))), "its rate is nan Hz"),
    (trace_bytes(trace([1.0, float("nan")])), "samples that are not finite"),
]


@pytest.mark.parametrize(("content", "problem"), BROKEN)
def test_what_is_no_trace_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        parse_trace(content, "t")


@pytest.mark.parametrize("value", [{}, [1, "2"], [2.0, 1.0], [True], [1e10], [float("nan")], [0.0] * 10_001])
def test_what_is_no_list_of_times_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match="not a list of times in rising order"):
        parse_stamps(value, "t")
