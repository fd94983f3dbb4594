# SPDX-License-Identifier: Apache-2.0
"""The recomputation of a review, from plain evidence, against values worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlperf_tiny.harness.energy.trace import Trace
from mlperf_tiny.harness.record.rules import TimedWindow
from mlperf_tiny.models.data.formats.labels import Listed
from mlperf_tiny.results.mlperf.benchmarks import benchmark_of
from mlperf_tiny.results.mlperf.layout import FoundResult
from mlperf_tiny.results.review.checks.metrics import CheckedMetric, Recomputed
from mlperf_tiny.results.review.checks.recompute import recompute, timed_windows
from mlperf_tiny.results.review.evidence.claims import ClaimedWindow, Claims
from mlperf_tiny.results.review.evidence.evidence import Evidence
from mlperf_tiny.results.review.evidence.label_lists import LabelList
from mlperf_tiny.results.review.evidence.runner_log import Detections, LoggedInference, Run

FOUND = FoundResult(
    folder="x",
    round="v1.3",
    division="closed",
    submitter="y",
    system="z",
    benchmark=None,
    variant="",
    files={},
    base="",
    marker=False,
)
NOTHING = Evidence(
    found=FOUND,
    benchmark=benchmark_of("kws"),
    runs={},
    claims={},
    scripts={},
    trace=None,
    stamps=None,
    system=None,
    system_path=None,
    labels=None,
    official=(),
    words=None,
    problems=(),
)


def run(*inferences: LoggedInference, runner: str = "EEMBC", **values: Any) -> Run:
    return Run(runner=runner, source="log.txt", inferences=inferences, **values)


def window(file: str, iterations: int, seconds: float | None) -> LoggedInference:
    return LoggedInference(file, iterations, 1, seconds=seconds)


def claims(windows: Sequence[tuple[int, int | None, str | None]] = (), **metrics: str) -> Claims:
    rows = tuple(ClaimedWindow(number, iterations, seconds) for number, iterations, seconds in windows)
    return Claims("results.txt", metrics, rows)


def evidence(benchmark: str = "kws", files: Sequence[str] = (), **values: Any) -> Evidence:
    found = replace(FOUND, files={mode: {} for mode in files})
    return replace(NOTHING, found=found, benchmark=benchmark_of(benchmark), **values)


def named(out: Recomputed, name: str) -> CheckedMetric:
    (metric,) = [metric for metric in out.metrics if metric.name == name]
    return metric


def values(out: Recomputed) -> dict[str, float | None]:
    return {metric.name: metric.recomputed for metric in out.metrics}


FIVE = tuple(window(f"{number}.bin", 100, seconds) for number, seconds in enumerate((10.0, 12.5, 20.0, 25.0, 50.0)))


def test_the_throughput_is_the_median_of_the_raw_windows() -> None:
    found = evidence(runs={"performance": run(*FIVE)}, claims={"performance": claims(throughput="5.000")})
    out = recompute(found)
    assert out.windows == tuple(TimedWindow(i.file, 100, i.seconds or 0.0) for i in FIVE)
    assert named(out, "throughput") == CheckedMetric("throughput", "inf./s", "5.000", 5.0, "log.txt")
    assert named(out, "latency") == CheckedMetric("latency", "ms", None, 200.0, "log.txt")
    assert out.metrics[:2] == [named(out, "throughput"), named(out, "latency")]
    four = recompute(evidence(runs={"performance": run(*FIVE[:4])}))
    assert named(four, "throughput").recomputed == 6.5  # of 10, 8, 5 and 4 a second
    assert named(four, "throughput").claimed is None


@pytest.mark.parametrize("source", ["log.txt", "v1.3/closed/x/results/y/kws/performance/log.txt", "results.json"])
def test_the_basis_is_the_file_of_the_windows(source: str) -> None:
    out = recompute(evidence(runs={"performance": replace(run(*FIVE), source=source)}))
    assert (named(out, "throughput").recomputed, named(out, "throughput").basis) == (5.0, source)


def test_short_windows_count_too() -> None:
    out = recompute(evidence(runs={"performance": run(window("a", 3, 0.5), window("b", 3, 0.75), window("c", 7, 0.8))}))
    assert named(out, "throughput").recomputed == 6.0
    assert named(out, "latency").recomputed == pytest.approx(166.66667)


def test_without_windows_there_is_no_throughput() -> None:
    out = recompute(evidence(claims={"performance": claims(throughput="5")}))
    assert out.windows == ()
    assert named(out, "throughput") == CheckedMetric("throughput", "inf./s", "5", None, "")
    assert named(out, "latency") == CheckedMetric("latency", "ms", None, None, "")


PRINTED = tuple((number, 100, f"{9 + number}.5") for number in range(1, 6))
AS_PRINTED = tuple(TimedWindow(f"window {number}", 100, 9.5 + number) for number in range(1, 6))


@pytest.mark.parametrize(
    ("raw", "printed", "from_log"),
    [
        (FIVE, PRINTED, True),
        (FIVE[:4], PRINTED, False),  # the log lacks a window
        (FIVE[:4], PRINTED[:4], True),
        (FIVE[:4], PRINTED[:3], True),
        (FIVE, (*PRINTED, (6, 100, "11.0")), True),  # five are what the rules want
        (FIVE, (), True),
        ((), PRINTED, False),
        (FIVE[:1], PRINTED[:1], True),
        ((*FIVE[:4], window("4.bin", 100, None)), PRINTED, False),  # its end is not in the log
        ((*FIVE[:4], window("4.bin", 100, 0.0)), PRINTED, False),
        ((*FIVE[:4], window("4.bin", 100, -0.5)), PRINTED, False),
        ((*FIVE[:4], window("4.bin", 100, 0.5)), PRINTED, True),
    ],
)
def test_printed_windows_count_where_the_log_holds_fewer(
    raw: tuple[LoggedInference, ...], printed: Sequence[tuple[int, int, str]], from_log: bool
) -> None:
    windows, source = timed_windows(run(*raw), claims(printed))
    if from_log:
        assert (windows, source) == (tuple(TimedWindow(i.file, i.iterations, i.seconds or 0.0) for i in raw), "log.txt")
    else:
        assert (windows, source) == (AS_PRINTED[: len(printed)], "text only")
    out = recompute(evidence(runs={"performance": run(*raw)}, claims={"performance": claims(printed)}))
    assert (named(out, "throughput").recomputed is not None) == from_log  # a text confirms nothing
    assert named(out, "throughput").basis == source


def test_printed_windows_without_their_figures_are_none() -> None:
    assert timed_windows(None, claims([(1, 100, None), (2, None, "10.0"), (3, 0, "0.000")])) == (
        (TimedWindow("window 3", 0, 0.0),),
        "text only",
    )
    assert timed_windows(None, claims([(1, 100, None)])) == ((), "")
    assert timed_windows(None, None) == ((), "")
    assert timed_windows(run(*FIVE), None)[1] == "log.txt"
    assert timed_windows(run(window("a", 1, None)), None) == ((), "")


def answered(file: str, *scores: float) -> LoggedInference:
    return LoggedInference(file, 1, 0, scores=scores or None)


def listed(**labels: int) -> LabelList:
    return LabelList(tuple(Listed(file, label) for file, label in labels.items()), True, "a list")


def one_hot(label: int, classes: int = 12) -> list[float]:
    return [1.0 if place == label else 0.0 for place in range(classes)]


@pytest.mark.parametrize(
    ("benchmark", "name", "unit", "claim"),
    [("kws", "top-1", "%", "90.1"), ("ic", "top-1", "%", "90.1"), ("ad", "AUC", "", "0.87")],
)
def test_accuracy_that_cannot_be_recomputed_stays_a_claim(benchmark: str, name: str, unit: str, claim: str) -> None:
    claimed = {"accuracy": claims(top1="90.1", auc="0.87")}
    whole = run(answered("a", *one_hot(0)), finished=True)
    for found in (
        evidence(benchmark, claims=claimed),
        evidence(benchmark, claims=claimed, runs={"accuracy": whole}),
        evidence(benchmark, claims=claimed, labels=listed(a=0)),
        evidence(benchmark, claims=claimed, labels=listed(a=0), runs={"accuracy": replace(whole, finished=False)}),
    ):
        out = recompute(found)
        assert out.accuracy is None
        assert out.metrics[2:] == [CheckedMetric(name, unit, claim, None)]
    assert recompute(evidence(benchmark)).metrics[2:] == [CheckedMetric(name, unit, None, None)]


def test_without_a_benchmark_only_the_windows_are_recomputed() -> None:
    found = replace(NOTHING, benchmark=None, runs={"performance": run(*FIVE), "accuracy": run()}, labels=listed(a=0))
    out = recompute(found)
    assert values(out) == {"throughput": 5.0, "latency": 200.0} and out.accuracy is None


@pytest.mark.parametrize("finished", [True, None])
def test_top1_is_of_the_listed_files_that_were_answered(finished: bool | None) -> None:
    inferences = (
        answered("a", *one_hot(0)),
        answered("b", *one_hot(5)),
        answered("c", *one_hot(2)),
        answered("d", *one_hot(3)),
        answered("stranger", *one_hot(1)),
        answered("none"),
        answered("short", 1.0, 0.0),
        answered("long", *one_hot(0, 13)),
    )
    labels = listed(a=0, b=1, c=2, d=3, none=4, short=0, long=0, more=5)
    claimed = {"accuracy": claims(top1="75.0", auc="0.99")}
    for runner in ("EEMBC", "MLCommons"):
        accuracy = {"accuracy": run(*inferences, runner=runner, finished=finished)}
        out = recompute(evidence(runs=accuracy, labels=labels, claims=claimed))
        assert named(out, "top-1") == CheckedMetric("top-1", "%", "75.0", 75.0, "3 of 4")
        assert named(out, "AUC") == CheckedMetric("AUC", "", "0.99", None, f"by {runner}'s method")
        assert [metric.name for metric in out.metrics[2:]] == [
            "top-1",
            "AUC",
            "AUC exact",
            "AUC EEMBC",
            "AUC MLCommons",
        ]
        assert out.accuracy is not None
        assert (out.accuracy.metric, out.accuracy.correct) == (75.0, 3)
        assert out.accuracy.answered == ("a", "b", "c", "d", "stranger", "short", "long")


def test_top1_is_a_fraction() -> None:
    inferences = (answered("a", *one_hot(0)), answered("b", *one_hot(1)), answered("c", *one_hot(1)))
    out = recompute(evidence(runs={"accuracy": run(*inferences)}, labels=listed(a=0, b=1, c=2)))
    assert named(out, "top-1").recomputed == pytest.approx(200 / 3)
    assert out.accuracy is not None and out.accuracy.metric == pytest.approx(200 / 3)


def test_answers_of_another_shape_give_no_top1() -> None:
    for inferences in ((answered("a", 1.0),), (answered("stranger", *one_hot(0)),), (answered("a"),)):
        claimed = {"accuracy": claims(top1="90", auc="0.9")}
        out = recompute(evidence(runs={"accuracy": run(*inferences)}, labels=listed(a=0), claims=claimed))
        assert out.metrics[2:] == [CheckedMetric("top-1", "%", "90", None, "log.txt")]
        assert out.accuracy is not None and out.accuracy.metric is None and out.accuracy.correct is None
        assert out.accuracy.answered == tuple(i.file for i in inferences if i.scores)


def stamped(file: str, iterations: int, started_s: float | None = None, done_s: float | None = None) -> LoggedInference:
    return LoggedInference(file, iterations, 1, started_s=started_s, done_s=done_s)


def trace(*samples_uj: float) -> Trace:
    """One sample a second, from 0 s."""
    return Trace(np.array(samples_uj), 1.0)


# 20 s; 1 uJ a second, in 4..6 s 3 uJ, in 12..14 s 5 uJ.
LEVELS = [1.0] * 4 + [3.0] * 3 + [1.0] * 5 + [5.0] * 3 + [1.0] * 5


def test_energy_is_that_of_the_windows_the_runner_cut() -> None:
    out = recompute(
        evidence(
            files=("energy",),
            runs={"energy": run(stamped("a", 3), stamped("b", 5))},
            claims={"energy": claims(energy="3.000", throughput="2.0")},
            trace=trace(*LEVELS),
            stamps=(0.5, 4.0, 6.0, 12.0, 14.0),
        )
    )
    info = out.energy
    assert info is not None
    assert info.windows == (TimedWindow("a", 3, 2.0), TimedWindow("b", 5, 2.0))
    assert info.per_inference_uj == (3.0, 3.0)  # 9 uJ for 3 inferences, 15 uJ for 5
    assert info.over_uj is None and info.lost == ()
    assert named(out, "energy") == CheckedMetric("energy", "uJ/inf.", "3.000", 3.0, "trace")
    rate = CheckedMetric("energy throughput", "inf./s", "2.0", 2.0, "in the energy run")
    assert out.metrics[-1] == rate  # of 1.5 and 2.5 a second
    assert "energy as cut" not in values(out)


def test_a_window_may_begin_early_in_the_trace() -> None:
    found = evidence(
        files=("energy",), runs={"energy": run(stamped("a", 4))}, trace=trace(*LEVELS), stamps=(0.5, 1.0, 4.5)
    )
    info = recompute(found).energy
    assert info is not None and info.windows == (TimedWindow("a", 4, 3.5),)
    assert info.per_inference_uj == (1.5,)  # 1, 1, 1 and 3 uJ at 1..4 s


def test_of_the_windows_of_a_trace_a_hundred_are_computed() -> None:
    found = evidence(
        files=("energy",),
        runs={"energy": run(*(stamped(f"{number}", 1) for number in range(102)))},
        trace=trace(*[1.0] * 250),
        stamps=(0.5, *(float(second) for second in range(1, 205))),
    )
    info = recompute(found).energy
    assert info is not None and info.per_inference_uj == (2.0,) * 100  # both ends belong to a window
    assert [row.sample for row in info.windows] == [f"{number}" for number in range(100)]


def test_the_median_of_the_windows_is_the_energy() -> None:
    found = evidence(
        files=("energy",),
        runs={"energy": run(stamped("a", 3), stamped("b", 3), stamped("c", 0), stamped("d", 1), stamped("e", 1))},
        trace=trace(*LEVELS),
        stamps=(0.5, 4.0, 6.0, 12.0, 14.0, 15.0, 16.0, 17.0, 17.5),
    )
    info = recompute(found).energy
    assert info is not None
    assert info.per_inference_uj == (3.0, 5.0, 1.0)  # c has no inferences, e has no stamps
    assert len(info.windows) == 4
    assert named(recompute(found), "energy") == CheckedMetric("energy", "uJ/inf.", None, 3.0, "trace")


@pytest.mark.parametrize(
    ("more_uj", "told"),
    [(0.0, False), (0.99, False), (1.0, False), (1.01, True), (-1.0, False), (-1.01, True), (600.0, True)],
)
def test_energy_over_the_inference_is_told_from_that_of_the_cut(more_uj: float, told: bool) -> None:
    # The log puts the inference at 4..6 s; the first stamp was lost, so that the runner cut 6..8 s: 1,000 uJ.
    found = evidence(
        files=("energy",),
        runs={"energy": run(stamped("a", 1, 104.0, 106.0), trace_on_s=100.0)},
        claims={"energy": claims(energy="1000")},
        trace=trace(0.0, 0.0, 0.0, 0.0, 500.0 + more_uj, 500.0, 0.0, 500.0, 500.0, 0.0),
        stamps=(4.0, 6.0, 8.0),
    )
    out = recompute(found)
    assert out.energy is not None and out.energy.over_uj == (1000.0 + more_uj,)
    assert out.energy.per_inference_uj == (1000.0,) and out.energy.lost == ()
    if told:
        assert named(out, "energy").recomputed == 1000.0 + more_uj
        assert (named(out, "energy").claimed, named(out, "energy").basis) == ("1000", "over the inferences")
        assert named(out, "energy as cut").recomputed == 1000.0
        assert named(out, "energy as cut").basis == "between the stamps the runner took"
    else:
        assert named(out, "energy") == CheckedMetric("energy", "uJ/inf.", "1000", 1000.0, "trace")
        assert "energy as cut" not in values(out)


def test_energy_over_the_inferences_is_a_median() -> None:
    timed = (stamped("a", 1, 104.0, 106.0), stamped("b", 1, 112.0, 114.0), stamped("c", 1, 116.0, 118.0))
    found = evidence(
        files=("energy",),
        runs={"energy": run(*timed, trace_on_s=100.0)},
        trace=trace(*LEVELS),
        stamps=(4.0, 6.0, 12.0, 14.0, 16.0, 18.0),  # the first stamp was lost
    )
    assert named(recompute(found), "energy").recomputed == 9.0  # of 9, 15 and 3 uJ


def test_inferences_that_lack_a_stamp_are_named() -> None:
    timed = (stamped("a", 4, 104.0, 106.0), stamped("b", 0, 106.0, 112.0), stamped("c", 5, 112.0, 114.0))
    found = evidence(
        files=("energy",),
        runs={"energy": run(*timed, trace_on_s=100.0)},
        trace=trace(*LEVELS),
        stamps=(0.5, 4.0, 6.0, 12.0),
    )
    info = recompute(found).energy
    assert info is not None
    assert info.lost == (3,) and info.over_uj == (2.25,)  # b has a time but no inferences
    assert info.windows == (TimedWindow("a", 4, 2.0),)
    all_lost = recompute(replace(found, stamps=(0.5, 8.0, 10.0)))
    assert all_lost.energy is not None and (all_lost.energy.lost, all_lost.energy.over_uj) == ((1, 2, 3), ())
    assert named(all_lost, "energy").basis == "trace" and named(all_lost, "energy").recomputed == 0.75  # 3 of 4
    uncut = recompute(replace(found, stamps=(4.0, 6.0)))
    assert uncut.energy is not None and (uncut.energy.over_uj, uncut.energy.per_inference_uj) == ((2.25,), ())


def test_results_json_has_the_energy_of_its_samples() -> None:
    inferences = (
        LoggedInference("a", 10, 1, window_j=0.002, window_s=4.0),
        LoggedInference("b", 10, 1, window_j=0.004, window_s=2.0),
        LoggedInference("c", 10, 1, window_j=0.001, window_s=None),
        LoggedInference("d", 10, 1),
        LoggedInference("e", 0, 1, window_j=0.5, window_s=1.0),
        LoggedInference("f", 10, 1, window_j=0.003, window_s=-1.0),
        LoggedInference("g", 10, 1, window_j=0.0, window_s=0.0),
        LoggedInference("h", 8, 1, window_j=0.00042, window_s=0.0),
    )
    out = recompute(
        evidence(
            files=("energy",),
            runs={"energy": run(*inferences, runner="MLCommons")},
            claims={"energy": claims(energy="200")},
        )
    )
    info = out.energy
    assert info is not None
    assert info.per_inference_uj == pytest.approx((200.0, 400.0, 100.0, 300.0, 0.0, 52.5))  # 2 mJ of ten inferences ...
    assert [(row.sample, row.seconds) for row in info.windows] == [
        ("a", 4.0),
        ("b", 2.0),
        ("c", 0.0),
        ("f", -1.0),
        ("g", 0.0),
        ("h", 0.0),
    ]
    assert [row.iterations for row in info.windows] == [10, 10, 10, 10, 10, 8]
    assert named(out, "energy").recomputed == pytest.approx(150.0)
    assert named(out, "energy throughput").recomputed == 3.75  # of 2.5 and 5 a second


def test_without_trace_and_samples_energy_stays_a_claim() -> None:
    claimed = {"energy": claims(PRINTED, energy="200", throughput="9")}
    runs = {"energy": run(*FIVE)}
    out = recompute(evidence(files=("energy",), claims=claimed, runs=runs))
    assert out.energy is not None and out.energy.windows == AS_PRINTED and out.energy.per_inference_uj == ()
    assert out.metrics[-1] == CheckedMetric("energy", "uJ/inf.", "200", None)
    assert "energy throughput" not in values(out)
    for incomplete in (
        {"runs": {}, "trace": trace(1.0, 1.0), "stamps": (0.0, 1.0, 2.0)},
        {"runs": {"energy": run()}, "trace": trace(1.0, 1.0), "stamps": (0.0, 1.0, 2.0)},
        {"runs": {"energy": run(stamped("a", 1))}, "stamps": (0.0, 1.0, 2.0)},
        {"runs": {"energy": run(stamped("a", 1))}, "trace": trace(1.0, 1.0)},
    ):
        out = recompute(evidence(files=("energy",), **incomplete))
        assert out.energy is None and out.metrics[-1] == CheckedMetric("energy", "uJ/inf.", None, None)


def test_without_an_energy_folder_there_is_no_energy() -> None:
    out = recompute(
        evidence(files=("performance",), claims={"energy": claims(energy="200")}, runs={"energy": run(*FIVE)})
    )
    assert out.energy is None and "energy" not in values(out)


def test_streaming_wake_words_have_metrics_of_their_own() -> None:
    detections = Detections((0, 10_500), (1.0, 2.0, 3.0), (1.25, 2.25, 3.25))
    found = evidence(
        "sww", ("performance",), runs={"performance": run(*FIVE, detections=detections)}, words=((10.0, 11.0),)
    )
    out = recompute(found)
    assert not {"throughput", "latency", "top-1", "AUC"} & set(values(out)) and out.windows == ()
    assert named(out, "performance true positives").recomputed == 1


# The areas come last: importing the libraries that compute them takes longest.


def test_the_claimed_area_is_compared_with_that_of_its_runner() -> None:
    # Class 0 of ten is told apart at 0.501 and 0.504: for thresholds of hundredths they are equal.
    inferences = [answered(f"f{label}", *one_hot(label, 10)) for label in range(10)]
    inferences += [answered("g0", 0.501, *[0.0] * 9), answered("g1", 0.504, 0.9, *[0.0] * 8)]
    labels = listed(**{f"f{label}": label for label in range(10)}, g0=0, g1=1)
    for runner in ("EEMBC", "MLCommons"):
        out = recompute(evidence("ic", runs={"accuracy": run(*inferences, runner=runner)}, labels=labels))
        # Exact, class 0: 2 positive, 10 negative files; only g0 against g1 is lost. Class 1: 0.9 against 0s.
        assert named(out, "AUC exact").recomputed == pytest.approx((19 / 20 + 9) / 10)
        assert named(out, "AUC EEMBC").recomputed == pytest.approx((19.5 / 20 + 9) / 10)
        # Divided by their sums g0 says 1 and g1 0.36 of class 0.
        assert named(out, "AUC MLCommons").recomputed == 1.0
        assert named(out, "AUC").recomputed == named(out, f"AUC {runner}").recomputed
        assert named(out, "AUC").basis == f"by {runner}'s method"


def test_anomalies_are_scored_by_the_mean_of_their_windows() -> None:
    inferences = (
        answered("n1", 1.0),
        answered("n1", 3.0),
        answered("n1", 2.0, 2.0, 2.0),
        answered("a1", 4.0, 2.0),
        answered("n2", 0.0),
        answered("stranger", 9.0),
        answered("a2", 9.0),
        answered("a2"),
        answered("n2", 7.0),
    )
    labels = listed(n1=0, n2=0, a1=1, a2=1)
    claimed = {"accuracy": claims(auc="0.75", top1="83.3")}
    for runner in ("EEMBC", "MLCommons"):
        accuracy = {"accuracy": run(*inferences, runner=runner)}
        out = recompute(evidence("ad", runs=accuracy, labels=labels, claims=claimed))
        # Means: n1 2, a1 3, n2 3.5, a2 9. Of four pairs a1 against n2 is lost.
        assert named(out, "AUC") == CheckedMetric("AUC", "", "0.75", 0.75, f"by {runner}'s method")
        assert (named(out, "AUC exact").recomputed, named(out, "AUC MLCommons").recomputed) == (0.75, 0.75)
        # Alarm above 2: two anomalies of three alarms, and all.
        assert named(out, "precision/recall").recomputed == pytest.approx(100 * (2 / 3 + 1) / 2)
        assert named(out, "precision/recall").basis == "printed as Top-1; no rule uses it"
        assert out.accuracy is not None and out.accuracy.metric == 0.75 and out.accuracy.correct is None
        assert out.accuracy.answered == ("n1", "a1", "n2", "stranger", "a2", "n2")


def test_the_mean_of_a_file_is_not_its_greatest_window() -> None:
    inferences = (answered("n1", 5.0), answered("n1", 5.0), answered("a1", 4.0))
    out = recompute(evidence("ad", runs={"accuracy": run(*inferences)}, labels=listed(n1=0, a1=1)))
    assert named(out, "AUC exact").recomputed == 0.0


def test_anomaly_scores_closer_than_a_threshold_differ_in_the_exact_area_alone() -> None:
    inferences = (answered("n1", 0.0), answered("n2", 1.2), answered("a1", 1.8), answered("a2", 100.0))
    labels = listed(n1=0, n2=0, a1=1, a2=1)
    for runner, area in (("EEMBC", 0.875), ("MLCommons", 1.0)):
        out = recompute(evidence("ad", runs={"accuracy": run(*inferences, runner=runner)}, labels=labels))
        assert (named(out, "AUC").recomputed, named(out, "AUC exact").recomputed) == (area, 1.0)
        assert out.accuracy is not None and out.accuracy.metric == 1.0


def test_anomalies_that_no_list_names_leave_the_claim() -> None:
    claimed = {"accuracy": claims(auc="0.9")}
    out = recompute(evidence("ad", runs={"accuracy": run(answered("x", 1.0))}, labels=listed(a=0), claims=claimed))
    assert out.metrics[2:] == [CheckedMetric("AUC", "", "0.9", None, "log.txt")]
    assert out.accuracy is not None and (out.accuracy.metric, out.accuracy.answered) == (None, ("x",))
