# SPDX-License-Identifier: Apache-2.0
"""Accuracy metrics of answers: pure functions over scores and labels.

Three areas under the ROC curve are in use and they differ in the second decimal, so each has its own name here:
``auc_exact`` (the definition, by scikit-learn), ``auc_101`` (what EEMBC's runner prints), ``auc_mlcommons`` (what
MLCommons' runner prints). ``Scores`` are float64 of shape (samples, classes), or (samples,) of one score each;
``Labels`` are int64 of shape (samples,). scikit-learn and scipy take a second to import and are imported where used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def median(values: Sequence[float]) -> float:
    """Return the middle value, of an even number the mean of the two middle ones; raises ValueError for none."""
    if not values:
        raise ValueError("no values to take the median of")
    return float(np.median(np.asarray(values, dtype=np.float64)))


def top1_correct(scores: Scores, labels: Labels) -> int:
    """Return how many rows have their largest value at their label; of equal values the first counts.

    Args:
        scores: Shape (samples, classes).
        labels: Shape (samples,).

    Examples:
        >>> top1_correct(np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([0, 0]))
        1
    """
    return int((np.argmax(scores, axis=1) == labels).sum())


def binary_auc(scores: Scores, positive: npt.NDArray[np.bool_]) -> float | None:
    """Return the exact area under the ROC curve of one score per sample; None without samples of both kinds.

    It is the chance that a positive sample scores higher than a negative one, ties counting half.

    Args:
        scores: Shape (samples,).
        positive: Shape (samples,).
    """
    if positive.all() or not positive.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores))


def auc_exact(scores: Scores, labels: Labels) -> float | None:
    """Return the mean over classes of the exact one-vs-rest area; None when a class has no samples.

    Args:
        scores: Shape (samples, classes), of two classes or more.
        labels: Shape (samples,).
    """
    members = labels[:, None] == np.arange(scores.shape[1])
    if not members.any(axis=0).all():
        return None
    from sklearn.metrics import roc_auc_score

    # One call for all classes: the library's checks of its arguments cost more than the areas.
    areas = roc_auc_score(members, scores, average=None)
    return float(sum(areas) / len(areas))


def as_probabilities(scores: Scores) -> Scores:
    """Return ``scores`` as probabilities, which the runners' areas want: logits go through a softmax.

    Where rows add up to about 1 they are probabilities already, however a device rounds them, and a broken row is left
    as it is; networks without a softmax at their end, such as the MicroNets, give rows of any sum. The order within a
    row stays.
    """
    if np.median(np.abs(scores.sum(axis=1) - 1.0)) < 0.1:
        return scores
    from scipy.special import softmax

    return np.asarray(softmax(scores, axis=1))


def auc_mlcommons(scores: Scores, labels: Labels) -> float | None:
    """Return the area as MLCommons' runner computes it: rows divided by their sum; of two classes only the second.

    None when a class is missing or a row sums to 0 (which makes that runner divide by zero).

    Args:
        scores: Shape (samples, classes).
        labels: Shape (samples,).
    """
    sums = scores.sum(axis=1, keepdims=True)
    if not sums.all():
        return None
    rows = scores / sums
    if rows.shape[1] == 2:
        return binary_auc(rows[:, 1], labels == 1)
    return auc_exact(rows, labels)


def auc_101(scores: Scores, labels: Labels) -> float | None:
    """Return the area as EEMBC's runner computes it: thresholds 0.00, 0.01 ... 1.00, mean over classes.

    A sample counts as positive when its value is above the threshold; the first point is forced to (1, 1), because
    values of 0 are not above 0; the area is a sum of trapezoids.

    Args:
        scores: Shape (samples, classes).
        labels: Shape (samples,).
    """
    thresholds = np.arange(101) / 100
    return _mean([_threshold_auc(scores[:, label], labels == label, thresholds) for label in range(scores.shape[1])])


def anomaly_score(logits: Scores, output: int) -> float:
    """Return the anomaly score of a clip from a network that classifies the machine id (MicroNets, arXiv 2010.11267).

    The score is minus the probability, by softmax, of the clip's own machine; mean over the windows, -1..0.

    Args:
        logits: Answers to the clip's windows, shape (windows, machines).
        output: Place of the clip's machine among the outputs.
    """
    from scipy.special import softmax

    return float(-np.mean(softmax(logits, axis=1)[:, output]))


def auc_101_range(scores: Scores, positive: npt.NDArray[np.bool_]) -> float | None:
    """Return EEMBC's area for anomaly scores: 101 thresholds from their minimum to their maximum.

    Args:
        scores: Shape (samples,).
        positive: Shape (samples,).
    """
    return _threshold_auc(scores, positive, np.linspace(scores.min(), scores.max(), 101))


def precision_recall_metric(scores: Scores, positive: npt.NDArray[np.bool_]) -> float | None:
    """Return what both runners print as "Top-1" of anomaly detection: it is no accuracy.

    The largest value of 100 * (precision + recall) / 2 over 100 thresholds between the extreme scores. No rule uses
    it. None without positive samples.

    Args:
        scores: Shape (samples,).
        positive: Shape (samples,).
    """
    if not positive.any():
        return None
    best = 0.0
    for threshold in np.linspace(scores.min(), scores.max(), 101)[:-1]:
        alarmed = scores > threshold
        hits = int((alarmed & positive).sum())
        if alarmed.any():
            best = max(best, 50.0 * (hits / int(alarmed.sum()) + hits / int(positive.sum())))
    return best


def _threshold_auc(
    scores: Scores, positive: npt.NDArray[np.bool_], thresholds: npt.NDArray[np.float64]
) -> float | None:
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    above = scores[None, :] > thresholds[:, None]
    true_rate = (above & positive).sum(axis=1) / positives
    false_rate = (above & ~positive).sum(axis=1) / negatives
    true_rate[0] = false_rate[0] = 1.0
    widths = false_rate[:-1] - false_rate[1:]
    return float((widths * (true_rate[:-1] + true_rate[1:]) / 2).sum())


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
