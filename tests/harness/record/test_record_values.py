# SPDX-License-Identifier: Apache-2.0
"""What a record holds by default and what of it is written."""

from __future__ import annotations

import pytest

from mlperf_tiny.harness.record.record import FORMAT, AccuracyMetrics, RunRecord
from mlperf_tiny.harness.record.violation import RuleId, Violation
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.models.tasks import find_task
from tests.harness.record.run_events import SETTINGS


@pytest.mark.parametrize(("task", "metric"), [("kws", 90.5), ("vww", 90.5), ("ic", 90.5), ("ad", 0.75)])
def test_the_metric_is_that_of_the_tasks_target(task: str, metric: float) -> None:
    accuracy = AccuracyMetrics(samples=4, listed=5, inferences=6, top1_percent=90.5, auc=0.75, auc_101=0.5)
    assert accuracy.metric(find_task(task)) == metric
    assert AccuracyMetrics(4, 5, 6).metric(find_task(task)) is None


def test_a_record_is_written_without_the_list_of_files_and_former_counts() -> None:
    violation = Violation(rule=RuleId.REAL_DATA, got="made", needed="real")
    record = RunRecord(SETTINGS, True, None, None, None, 5.0, 7.0, (violation,), ("a note",), 2)
    written = record.to_json()
    assert FORMAT == 3
    assert list(written)[:2] == ["format", "settings"] and written["format"] == FORMAT
    assert "former_counts" not in written and "listed" not in written["settings"]["data"]
    assert written["settings"]["data"]["digest"] == "cc"
    assert written["violations"] == [
        {
            "rule": "real data",
            "got": "made",
            "needed": "real",
            "where": "",
            "text": "not rankable: made data",
        }
    ]
    assert (written["instructions_per_inference"], written["cycles_per_inference"]) == (5.0, 7.0)
    assert (written["complete"], written["resumed"], written["notes"]) == (True, 2, ("a note",))
    assert (written["energy"], written["chain_digest"]) == (None, None)
    chained = RunRecord(SETTINGS, True, None, None, None, None, None, (), (), 0, chain_digest=ChainDigest(3, "aa"))
    assert chained.to_json()["chain_digest"] == {"lines": 3, "value": "aa"}
