# SPDX-License-Identifier: Apache-2.0
"""Anomaly scores of networks that classify the machine id, from their answers to the record."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_tiny.errors import RecordError
from mlperf_tiny.harness.record.compute import _accuracy
from mlperf_tiny.harness.record.measured import Measured
from mlperf_tiny.harness.record.metrics import anomaly_score
from mlperf_tiny.models.tasks import find_task

MACHINES = ("00", "02", "05")


def test_the_score_is_minus_the_probability_of_the_clips_own_machine() -> None:
    rows = np.array([[1.0, 2.0, -1.0], [0.5, 0.5, 0.5]])
    by_hand = [math.exp(row[1]) / sum(math.exp(value) for value in row) for row in rows.tolist()]
    assert anomaly_score(rows, 1) == pytest.approx(-sum(by_hand) / 2)
    assert anomaly_score(np.array([[0.0, 900.0]]), 1) == -1.0 and anomaly_score(np.array([[0.0, 900.0]]), 0) == 0.0


def measured(files: dict[str, list[tuple[float, ...]]]) -> Measured:
    found = Measured()
    for index, (name, rows) in enumerate(files.items()):
        found.names[index], found.labels[index] = name, int(name.startswith("anomaly"))
        found.answers[index], found.windows_of[index] = dict(enumerate(rows)), len(rows)
    return found


def test_clips_classified_as_another_machine_score_as_anomalous() -> None:
    sure, other = (9.0, 0.0, 0.0), (0.0, 0.0, 9.0)
    files = {
        "normal_id_00_00000000.wav": [sure, sure],
        "normal_id_05_00000000.wav": [other, other],
        "anomaly_id_00_00000000.wav": [sure, other],
        "anomaly_id_05_00000000.wav": [sure, sure],
    }
    accuracy = _accuracy(measured(files), find_task("ad"), 4, MACHINES)
    assert accuracy is not None and accuracy.auc == 1.0 and accuracy.inferences == 8
    scores = [accuracy.file_scores[name] for name in files]
    assert max(scores[:2]) < -0.99 and -0.51 < scores[2] < -0.49 and scores[3] > -0.01


@pytest.mark.parametrize(("name", "row"), [("normal_id_03_1.wav", (1.0, 2.0, 3.0)), ("normal_id_02_1.wav", (1.0, 2.0))])
def test_answers_of_another_model_are_refused(name: str, row: tuple[float, ...]) -> None:
    with pytest.raises(RecordError, match=f"answered {name} with .* machines 00, 02, 05"):
        _accuracy(measured({name: [row]}), find_task("ad"), 1, MACHINES)


def test_scores_of_one_value_are_means_over_windows() -> None:
    files = {"normal_id_01_1.bin": [(1.0,), (3.0,)], "anomaly_id_01_1.bin": [(2.5,), (2.5,)]}
    accuracy = _accuracy(measured(files), find_task("ad"), 2)
    assert accuracy is not None and list(accuracy.file_scores.values()) == [2.0, 2.5] and accuracy.auc == 1.0
