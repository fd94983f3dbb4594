# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlperf_tiny.harness.record import metrics
from tests.harness.record import published

# The figures their submitters published, and for the accuracies that no runner prints in full the ones recomputed
# when the folders were collected: throughput (inf./s), right, of, AUC by 101 thresholds, exact, of normalised rows.
PUBLISHED = [
    ("v0.7/open/hls4ml-finn/results/pynq-z2/kws/KWS-W3A3", "kws01/y_labels.csv",
     57268.135, 825, 1000, 0.9060, 0.9060, 0.9060),
    ("v0.7/closed/silicon_labs/results/silicon_labs_xG24_DK2601B/vww", "vww01/y_labels.csv",
     5.371, 847, 1000, 0.9365, 0.9367, 0.9367),
    ("v1.1/closed/STMicroelectronics/results/NUCLEO_L4R5ZI/ic", "ic01/y_labels.eembc.csv",
     4.673, 170, 200, 0.9878, 0.9907, 0.9909),
    ("v1.2/closed/bosch/results/CY8CPROTO_062_4343W_float/ic", "ic01/y_labels.csv",
     2.084, 174, 200, 0.9805, 0.9881, 0.9881),
    ("v1.3/closed/syntiant/results/syntiant_9120_1v1_98mhz/kws", "kws01/y_labels.csv",
     675.024, 911, 1000, 0.9923, 0.9959, 0.9959),
    ("v1.3/closed/STMicroelectronics/results/NUCLEO_U385RG_Q/ic", "ic01/y_labels.csv",
     5.481, 174, 200, 0.9800, 0.9880, 0.9884),
    ("v1.3/closed/kai_jiang/results/VCU128/vww", "vww01/y_labels.csv",
     4624.902, 849, 1000, 0.9567, 0.9567, 0.9567),
]  # fmt: skip
PERFORMANCE_ONLY = [
    ("v1.1/closed/Skymizer/results/NUCLEO_L4R5ZI-zephyr/ad", 124.906),
    ("v1.3/closed/Qualcomm/results/Next_Generation_Snapdragon_Mobile_Platform_MTP/ad", 14624.973),
]


@pytest.mark.parametrize(
    ("folder", "throughput"),
    [(row[0], row[2]) for row in PUBLISHED] + PERFORMANCE_ONLY,
    ids=lambda value: value.split("/results/")[-1] if isinstance(value, str) else "",
)
def test_published_throughput_follows_from_the_laps(data_dir: Path, folder: str, throughput: float) -> None:
    found = published.inferences(data_dir / "published" / folder, "performance")
    assert len(found) == 5
    rates = [inference.count / (inference.elapsed_us / 1e6) for _, inference in found]
    assert round(metrics.median(rates), 3) == throughput


@pytest.mark.parametrize("row", PUBLISHED, ids=[row[0].split("/results/")[-1] for row in PUBLISHED])
def test_published_accuracy_follows_from_the_results(data_dir: Path, row: tuple) -> None:
    folder, label_list, _, right, of, auc_101, auc_exact, auc_mlcommons = row
    found = published.inferences(data_dir / "published" / folder, "accuracy")
    scores, labels = published.scored(found, published.labels(data_dir / "labels" / label_list))
    assert (metrics.top1_correct(scores, labels), len(labels)) == (right, of)
    assert round(metrics.auc_101(scores, labels) or 0, 4) == auc_101
    assert round(metrics.auc_exact(scores, labels) or 0, 4) == auc_exact
    assert round(metrics.auc_mlcommons(scores, labels) or 0, 4) == auc_mlcommons


def mann_whitney(scores: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive sample scores higher than a negative one, ties counting half."""
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float(((above > 0) + (above == 0) / 2).mean())


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 12))
def test_the_exact_area_is_the_mann_whitney_statistic(seed: int, samples: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, levels, samples) / levels  # few levels, so ties are common
    positive = random.random(samples) < 0.5
    got = metrics.binary_auc(scores, positive)
    if positive.all() or not positive.any():
        assert got is None
    else:
        assert got == pytest.approx(mann_whitney(scores, positive), abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_multi_class_areas_are_means_of_one_against_the_rest(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 30)])
    scores = random.random((len(labels), classes)) + np.eye(classes)[labels] * 0.3
    rows = scores / scores.sum(axis=1, keepdims=True)
    wanted = np.mean([mann_whitney(rows[:, label], labels == label) for label in range(classes)])
    assert metrics.auc_exact(rows, labels) == pytest.approx(wanted, abs=1e-12)
    if classes == 2:
        wanted = mann_whitney(rows[:, 1], labels == 1)
    assert metrics.auc_mlcommons(scores, labels) == pytest.approx(wanted, abs=1e-12)


def test_logits_become_probabilities_and_probabilities_stay() -> None:
    random = np.random.default_rng(4)
    logits = random.normal(0.0, 4.0, (40, 5))
    probabilities = metrics.as_probabilities(logits)
    assert probabilities == pytest.approx(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    cut = np.floor(probabilities * 1000) / 1000  # as the reference firmware prints them
    assert metrics.as_probabilities(cut) is cut
    cut[3] = 0.0  # a row MLCommons' runner would divide by zero
    assert metrics.as_probabilities(cut) is cut
    assert metrics.as_probabilities(1.0 + logits) == pytest.approx(probabilities)


def slow_auc_101(scores: np.ndarray, labels: np.ndarray) -> float:
    """The rule read aloud, one threshold after the other."""
    areas = []
    for label in range(scores.shape[1]):
        points = []
        for step in range(101):
            hit = [float(value) > step / 100 for value in scores[:, label]]
            true = (
                sum(h for h, is_label in zip(hit, labels == label, strict=True) if is_label) / (labels == label).sum()
            )
            false = sum(h for h, is_label in zip(hit, labels != label, strict=True) if is_label)
            points.append((1.0, 1.0) if step == 0 else (float(false) / (labels != label).sum(), float(true)))
        areas.append(sum((a[0] - b[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points)))
    return sum(areas) / len(areas)


def test_the_101_threshold_area_is_its_rule() -> None:
    random = np.random.default_rng(1)
    labels = np.concatenate([np.arange(3), random.integers(0, 3, 50)])
    scores = np.round(random.random((len(labels), 3)), 3)
    assert metrics.auc_101(scores, labels) == pytest.approx(slow_auc_101(scores, labels))


@pytest.mark.parametrize(
    ("scores", "labels", "right"),
    [
        ([[0.5, 0.5]], [0], 1),
        ([[0.5, 0.5]], [1], 0),
        ([[0.0, 0.0, 0.0]], [0], 1),
        ([[0.1, 0.9], [0.9, 0.1], [0.4, 0.6]], [1, 1, 1], 2),
    ],
)
def test_the_first_of_equal_values_is_the_answer(scores: list, labels: list, right: int) -> None:
    assert metrics.top1_correct(np.array(scores), np.array(labels)) == right


def test_metrics_that_cannot_be_computed_are_none() -> None:
    one_class = (np.array([[0.2, 0.8], [0.3, 0.7]]), np.array([1, 1]))
    assert metrics.auc_exact(*one_class) is None
    assert metrics.auc_101(*one_class) is None
    assert metrics.auc_mlcommons(*one_class) is None
    assert metrics.auc_mlcommons(np.array([[0.0, 0.0], [0.3, 0.7]]), np.array([0, 1])) is None
    assert metrics.precision_recall_metric(np.array([1.0, 2.0]), np.array([False, False])) is None


def test_anomaly_metrics_of_a_small_set() -> None:
    scores, anomaly = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True])
    assert metrics.binary_auc(scores, anomaly) == 0.75
    assert metrics.auc_101_range(scores, anomaly) == 0.75
    # Alarm above 1: both anomalies of three alarms, (2/3 + 1) / 2; above 3: one of one, (1 + 1/2) / 2.
    assert metrics.precision_recall_metric(scores, anomaly) == pytest.approx(100 * (2 / 3 + 1) / 2)


@pytest.mark.parametrize(("values", "middle"), [([3.0], 3.0), ([5.0, 1.0, 3.0], 3.0), ([4.0, 1.0], 2.5)])
def test_median(values: list[float], middle: float) -> None:
    assert metrics.median(values) == middle


def test_the_median_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        metrics.median([])
