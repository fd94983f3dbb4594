# SPDX-License-Identifier: Apache-2.0
"""Accuracy metrics against published results, and against the definition of the area on random scores."""

from __future__ import annotations

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
