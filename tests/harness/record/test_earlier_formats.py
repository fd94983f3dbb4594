# SPDX-License-Identifier: Apache-2.0
"""Runs recorded by earlier versions are read, compared with their record and resumed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.harness.record.record_file import RECORD_FILE, read_record, record_differences
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.progress import Listener
from tests.fakes.transcripts import killed
from tests.harness.run.test_whole_runs import kws_device, opener

GOLDEN = Path(__file__).parents[2] / "golden/run_format_2"


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """A performance run of kws-s on synthetic values of its own input, as the program wrote it with format 2."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "run"))


def test_a_run_of_format_2_is_read(old_run: Path) -> None:
    record = read_record(old_run)
    assert record.settings.inputs.format == "features"
    assert [violation.rule for violation in record.violations] == [RuleId.REAL_DATA]
    assert record.performance is not None and record.performance.latency_ms == pytest.approx(20.0)
    assert record.chain_digest is not None and record.chain_digest.lines == 150
    assert record_differences(record, old_run) == ()


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        (("performance", "latency_ms"), 12.0, "performance.latency_ms is 12.0, its transcript gives 20.0"),
        (("violations",), [], "violations is 0 sentences, its transcript gives 1 sentences"),
        (
            ("settings", "inputs", "format"),
            "benchmark",
            "settings.inputs.format is benchmark, its transcript gives own",
        ),
    ],
)
def test_a_changed_record_of_format_2_is_found(
    old_run: Path, path: tuple[str, ...], value: Any, difference: str
) -> None:
    written = json.loads((old_run / RECORD_FILE).read_text())
    place = written
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (old_run / RECORD_FILE).write_text(json.dumps(written))
    assert record_differences(read_record(old_run), old_run) == (difference,)


def test_numbers_that_differ_by_rounding_are_no_difference(old_run: Path) -> None:
    written = json.loads((old_run / RECORD_FILE).read_text())
    written["performance"]["throughput_per_s"] *= 1 + 1e-14
    (old_run / RECORD_FILE).write_text(json.dumps(written))
    assert record_differences(read_record(old_run), old_run) == ()


def test_a_run_of_format_2_is_resumed_in_its_format(old_run: Path) -> None:
    whole = read_record(old_run)
    killed(old_run, lines=120)
    record, _ = resume_benchmark(old_run, Request(), Listener(), opener(kws_device(input_bytes=490)))
    assert record.complete and record.performance == whole.performance
    assert read_transcript(old_run / TRANSCRIPT_FILE)[0]["format"] == 2
    assert json.loads((old_run / RECORD_FILE).read_text())["format"] == 3


def test_a_complete_run_of_format_2_gets_a_record_of_today(old_run: Path) -> None:
    record, _ = resume_benchmark(old_run, Request(), Listener())
    written = json.loads((old_run / RECORD_FILE).read_text())
    assert written["violations"] == [violation.to_json() for violation in record.violations]
    assert (written["format"], written["settings"]["inputs"]["format"]) == (3, "features")
