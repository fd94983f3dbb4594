# SPDX-License-Identifier: Apache-2.0
"""``benchmark-compare``: stdout, stderr and exit statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import compare as cli
from mlperf_tiny.harness.compare import engines
from mlperf_tiny.harness.compare.rows import ComparisonRow, InferenceCost
from tests.fakes.tiny_models import tiny_kws

ROW = ComparisonRow(
    model="kws",
    device="stm32f746",
    engine="compiled",
    cost=InferenceCost(latency_us=1000.0, instructions=50.0),
)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def measuring(monkeypatch: pytest.MonkeyPatch, *ends: BaseException) -> None:
    def rows(plan: Any, listener: Any) -> Iterator[ComparisonRow]:
        listener.log("measuring")
        yield ROW
        for end in ends:
            raise end

    monkeypatch.setattr(engines, "compare", rows)


def test_table_on_stdout_progress_on_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_kws())
    result = invoke("--model", model, "--task", "kws", "--device", "stm32f446", "--engine", "compiled")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("stm32f446, timing: emulated (")
    assert lines[3].split()[:3] == ["tiny", "compiled,", "dsp"]
    assert "note: inputs of tiny: 5 synthetic inputs of kws01" in lines
    assert "comparing 0/1: tiny on stm32f446, compiled" in result.stderr


def test_json_on_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    measuring(monkeypatch)
    result = invoke("--json", "--task", "ad")
    values = json.loads(result.stdout)
    assert values["rows"][0]["figures"]["latency_us"] == 1000.0


@pytest.mark.parametrize(("end", "status"), [(KeyboardInterrupt(), 130), (OSError(28, "disk full"), 1)])
def test_measured_rows_are_printed_after_an_interruption(
    end: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch, end)
    result = invoke("--task", "ad")
    assert result.exit_code == status
    assert "kws    compiled       1.000" in result.stdout
    assert "1.000" not in result.stderr


def test_exit_status_1_when_an_engine_failed_on_every_model(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = replace(ROW, engine="tflm", cost=None, problem="too large")
    other = replace(ROW, engine="tflm", model="ad")
    for rows, status in (([ROW, failed], 1), ([ROW, failed, other], 0), ([ROW], 0), ([failed, ROW], 1)):
        monkeypatch.setattr(engines, "compare", lambda plan, listener, rows=rows: iter(rows))
        assert invoke("--task", "ad").exit_code == status


def test_exit_status_1_without_any_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [replace(ROW, cost=None, problem="too large")]
    monkeypatch.setattr(engines, "compare", lambda plan, listener: iter(rows))
    result = invoke("--task", "ad")
    assert (result.exit_code, "too large" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--engine", "onnx"), "error: there is no engine 'onnx'"),
        (("runs/a", "--task", "kws"), "error: run folders are compared as they are; remove the other options."),
        (("--device", "host"), "error: engines are compared on emulated boards"),
    ],
)
def test_wrong_usage_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(sentence)


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    result = invoke(tmp_path)
    assert result.exit_code == 2
    assert "transcript.jsonl cannot be read" in result.stderr
