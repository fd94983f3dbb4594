# SPDX-License-Identifier: Apache-2.0
"""Accuracy metrics of small answers, with values worked out by hand or by their rule read aloud."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from mlperf_tiny.harness.record import metrics

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # of numpy, for a division by zero


@pytest.mark.parametrize(
    ("values", "middle"),
    [([3.0], 3.0), ([5.0, 1.0, 3.0], 3.0), ([4.0, 1.0], 2.5), ([9.0, 1.0, 2.0, 4.0], 3.0), ([7.0, 7.0, 1.0], 7.0)],
)
def test_median(values: list[float], middle: float) -> None:
    assert metrics.median(values) == middle


def test_the_median_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        metrics.median([])


@pytest.mark.parametrize(
    ("scores", "labels", "right"),
    [
        ([[0.5, 0.5]], [0], 1),
        ([[0.5, 0.5]], [1], 0),
        ([[0.0, 0.0, 0.0]], [0], 1),
        ([[0.1, 0.9], [0.9, 0.1], [0.4, 0.6]], [1, 1, 1], 2),
        ([[0.1, 0.2, 0.7], [0.9, 0.1, 0.0]], [2, 2], 1),
        ([[0.1, 0.2, 0.7]], [0], 0),
    ],
)
def test_the_first_of_equal_values_is_the_answer(scores: list, labels: list, right: int) -> None:
    correct = metrics.top1_correct(np.array(scores), np.array(labels))
    assert correct == right and type(correct) is int  # it is written as JSON


def area_101(scores: np.ndarray, positive: np.ndarray, thresholds: list[float]) -> float:
    """EEMBC's rule read aloud, one threshold after the other (spec/rules.md): the first point is (1, 1)."""
    points = [(1.0, 1.0)]
    for threshold in thresholds[1:]:
        hit = [value > threshold for value in scores.tolist()]
        true = sum(h and p for h, p in zip(hit, positive.tolist(), strict=True))
        false = sum(h and not p for h, p in zip(hit, positive.tolist(), strict=True))
        points.append((false / int((~positive).sum()), true / int(positive.sum())))
    return sum((a[0] - b[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))


HUNDREDTHS = [step / 100 for step in range(101)]


@pytest.mark.parametrize("seed", range(4))
def test_the_101_threshold_area_is_its_rule(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(3), random.integers(0, 3, 40)])
    scores = np.round(random.random((len(labels), 3)), 3)
    by_class = [area_101(scores[:, label], labels == label, HUNDREDTHS) for label in range(3)]
    assert metrics.auc_101(scores, labels) == pytest.approx(sum(by_class) / 3, abs=1e-12)


@pytest.mark.parametrize(
    ("negative", "positive", "area"),
    [
        (0.2, 0.8, 1.0),
        (0.8, 0.2, 0.0),
        (0.57, 0.571, 1.0),  # above 0.57, and not above
        (0.571, 0.579, 0.5),  # no threshold between them
        (0.0, 0.0, 0.5),
        (0.0, 0.004, 0.5),  # the first point, that of the threshold 0, is (1, 1) for both
        (0.01, 0.014, 1.0),
        (0.995, 1.0, 0.5),  # both are above 0.99, neither above 1.00
        (0.98, 0.985, 1.0),
        (1.005, 0.5, 0.0),  # above every threshold: the area ends at a false rate of 1
        (0.5, 1.005, 1.0),
        (1.005, 1.005, 0.0),
    ],
)
def test_thresholds_are_hundredths(negative: float, positive: float, area: float) -> None:
    scores, labels = np.array([[0.3, negative], [0.1, positive]]), np.array([0, 1])
    # Class 0 is told apart by 0.3 and 0.1, an area of 1.
    assert metrics.auc_101(scores, labels) == pytest.approx((1.0 + area) / 2)


@pytest.mark.parametrize("seed", range(4))
def test_anomaly_scores_have_101_thresholds_between_the_extremes(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, positive = random.normal(5.0, 2.0, 60), np.arange(60) % 3 == 0
    low, high = scores.min(), scores.max()
    thresholds = [low + (high - low) * step / 100 for step in range(100)] + [high]
    assert metrics.auc_101_range(scores, positive) == pytest.approx(area_101(scores, positive, thresholds), abs=1e-12)


def test_anomaly_scores_within_one_hundredth_of_the_range_are_equal() -> None:
    scores = np.array([0.0, 1.2, 1.8, 100.0])
    # Thresholds 0, 1, 2 ... 100: 1.2 and 1.8 are both between 1 and 2, one positive and one negative.
    assert metrics.auc_101_range(scores, np.array([False, False, True, True])) == 0.875
    assert metrics.auc_101_range(np.array([0.0, 0.9, 1.1, 100.0]), np.array([False, False, True, True])) == 1.0


@pytest.mark.parametrize(
    ("scores", "positive", "value"),
    [
        # Alarm above 1: both anomalies of three alarms, (2/3 + 1) / 2; above 3: one of one, (1 + 1/2) / 2.
        ([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1], 100 * (2 / 3 + 1) / 2),
        ([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], 100.0),
        ([1.0, 2.0, 3.0, 4.0], [1, 1, 0, 0], 50 * (1 / 3 + 1 / 2)),  # above 1: one of three alarms, one of two
        ([4.0, 3.0, 2.0, 1.0], [0, 1, 1, 1], 50 * (2 / 3 + 2 / 3)),
        ([2.0, 2.0], [0, 1], 0.0),  # no alarm at all
        ([1.0, 2.0], [1, 0], 0.0),  # no hit
        # The last threshold with alarms is 99: only 99.5 and 100 are above it, one of them an anomaly of three.
        ([0.0, 99.5, 100.0, 0.0], [1, 0, 1, 1], 50 * (1 / 2 + 1 / 3)),
        # Above 99 but not above 98.5: with the anomaly at 100 alone, all alarms are hits.
        ([0.0, 99.0, 100.0, 0.0, 0.0], [1, 0, 1, 1, 1], 50 * (1 + 1 / 4)),
        # No threshold lies between 49.3 and 49.8: above 49 three alarms, two of them hits.
        ([0.0, 49.3, 49.8, 100.0], [0, 0, 1, 1], 50 * (2 / 3 + 1)),
        # At the threshold 0 everything above the least score is an alarm.
        ([0.0, 0.5, 100.0], [0, 1, 1], 100.0),
    ],
)
def test_the_precision_recall_metric(scores: list[float], positive: list[int], value: float) -> None:
    got = metrics.precision_recall_metric(np.array(scores), np.array(positive, dtype=bool))
    assert got == pytest.approx(value, abs=1e-12)


def test_metrics_without_samples_of_both_kinds_are_none() -> None:
    scores = np.array([1.0, 2.0])
    for positive in (np.array([True, True]), np.array([False, False])):
        assert metrics.auc_101_range(scores, positive) is None
        assert metrics.binary_auc(scores, positive) is None
    assert metrics.precision_recall_metric(scores, np.array([False, False])) is None
    assert metrics.precision_recall_metric(scores, np.array([True, True])) == 75.0  # above 1: one of one, one of two


def test_a_class_without_samples_leaves_no_area() -> None:
    scores, labels = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]]), np.array([0, 1])
    for metric in (metrics.auc_exact, metrics.auc_101, metrics.auc_mlcommons):
        assert metric(scores, labels) is None
        assert metric(scores[:, :2], labels) == 1.0
        assert metric(np.array([[0.2, 0.8], [0.3, 0.7]]), np.array([1, 1])) is None


def test_logits_become_probabilities_and_probabilities_stay() -> None:
    rows = [[1.0, 2.0, -1.0], [0.5, 0.5, 0.5]]
    by_hand = [[math.exp(value) / sum(map(math.exp, row)) for value in row] for row in rows]
    assert metrics.as_probabilities(np.array(rows)) == pytest.approx(np.array(by_hand))
    for sums in (2.0, 0.0, 1.2, 0.8):
        row = np.array([[sums / 2, sums / 2]])
        assert metrics.as_probabilities(row) is not row, sums
    for sums in (1.0, 1.05, 0.95):
        row = np.array([[sums / 4, 3 * sums / 4]])
        assert metrics.as_probabilities(row) is row, sums
    mixed = np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 0.0]])  # the broken row is one of three
    assert metrics.as_probabilities(mixed) is mixed


def test_the_exact_area_counts_pairs_and_half_of_ties() -> None:
    scores, anomaly = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True])
    assert metrics.binary_auc(scores, anomaly) == 0.75  # 3 of the 4 pairs
    assert metrics.binary_auc(np.array([1.0, 1.0]), np.array([False, True])) == 0.5


def test_the_exact_area_of_classes_is_a_mean() -> None:
    labels = np.array([0, 0, 1, 2])
    scores = np.array([[0.9, 0.3, 0.1], [0.2, 0.4, 0.3], [0.3, 0.3, 0.5], [0.1, 0.1, 0.2]])
    # Class 0: 3 of 4 pairs. Class 1: 0.3 against 0.3, 0.4, 0.1: half and none and one of 3. Class 2: 1 of 3.
    assert metrics.auc_exact(scores, labels) == pytest.approx((3 / 4 + 1.5 / 3 + 1 / 3) / 3)


def test_rows_are_divided_by_their_sums_as_mlcommons_does() -> None:
    labels = np.array([0, 0, 1, 2])
    scores = np.array([[9.0, 1.0, 0.0], [2.0, 1.0, 1.0], [1.0, 8.0, 1.0], [5.0, 1.0, 4.0]])
    # Rows: .9 .1 0, .5 .25 .25, .1 .8 .1, .5 .1 .4. Class 0: one and one, one and a half of 4; classes 1 and 2: all.
    assert metrics.auc_mlcommons(scores, labels) == pytest.approx((3.5 / 4 + 1 + 1) / 3)
    # Without the division: 9 > 1, 5 and 2 > 1, not 5.
    assert metrics.auc_exact(scores, labels) == pytest.approx((3 / 4 + 1 + 1) / 3)


def test_of_two_classes_the_second_counts_alone() -> None:
    # Divided, the second column is 1 twice, a tie; the first column would tell them apart.
    scores, labels = np.array([[1e-20, 1.0], [1e-21, 1.0], [0.5, 0.5]]), np.array([1, 0, 0])
    assert metrics.auc_mlcommons(scores, labels) == 0.75
    three = np.array([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1]])
    assert metrics.auc_mlcommons(three, np.array([0, 1, 0])) == 0.5


def test_a_row_of_zeros_has_no_mlcommons_area() -> None:
    assert metrics.auc_mlcommons(np.array([[0.0, 0.0], [0.3, 0.7]]), np.array([0, 1])) is None


def test_the_anomaly_score_is_minus_the_probability_of_the_clips_own_machine() -> None:
    rows = np.array([[1.0, 2.0, -1.0], [0.5, 0.5, 0.5]])
    by_hand = [math.exp(row[1]) / sum(math.exp(value) for value in row) for row in rows.tolist()]
    assert metrics.anomaly_score(rows, 1) == pytest.approx(-sum(by_hand) / 2)
