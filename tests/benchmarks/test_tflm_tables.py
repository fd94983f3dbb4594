# SPDX-License-Identifier: Apache-2.0
"""The tables on TensorFlow Lite Micro in the documents: figures, marks, and a run where there is a library."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import engine_table, tflm_optimization
from benchmarks.doc_tables import DOCS, ROOT, marks
from benchmarks.tflm_optimization import Measured, report
from mlperf_tiny.harness.compare.rows import InferenceCost
from tests.fakes.tflm_tree import M4, make_tree
from tests.fakes.tiny_models import tiny_kws


def cost(latency_us: float, instructions: float = 1000.0, flash_bytes: int = 5000) -> InferenceCost:
    return InferenceCost(latency_us=latency_us, instructions=instructions, flash_bytes=flash_bytes)


def measured(library: str, model: str, *latencies_us: float, last: int = 3, device: str = "stm32f746") -> Measured:
    return Measured(
        library=library,
        device=device,
        cpu="cortex-m7",
        model=model,
        costs={name: cost(value) for name, value in zip(("pipeline", "full"), latencies_us, strict=False)},
        problem="" if latencies_us else "does not fit: flash needs 1,234",
        answers={"sample": np.array([1, 2, last], np.int8)} if latencies_us else {},
    )


def test_the_fastest_library_is_that_of_the_least_mean_ratio() -> None:
    rows = [
        measured("Os", "small", 1000.0, 4000.0),
        measured("O2", "small", 500.0, 3000.0),
        measured("Os", "large", 100_000.0, 100_000.0),
        measured("O2", "large", 50_000.0, 300_000.0, last=4),
        measured("Os", "one", 7.0, 7.0),
        measured("O2", "one"),
    ]
    text = report(rows, ("Os", "O2", "O3"), ("pipeline", "full"))
    assert "| stm32f746 | small | 1.00 | **0.50** | - |" in text
    assert "| stm32f746 | large | **100.00** | 300.00 | - |" in text
    assert "| stm32f746 | one | 0.01 | does not fit: flash needs 1,234 | - |" in text
    assert "| stm32f746 | mean against Os | 1.000 | 0.500 | - |" in text
    assert "| stm32f746 | mean against Os | 1.000 | 1.500 | - |" in text
    assert "at `pipeline`, in the mean of the models: **O2**. The others take longer: Os 100.0 %." in text
    assert "at `full`, in the mean of the models: **Os**. The others take longer: O2 50.0 %." in text
    assert "Outputs differ: large with O2 on the stm32f746 (1 values)" in text


def test_equal_figures_have_no_least_and_equal_outputs_are_said() -> None:
    rows = [measured(name, "kws", 10.0) for name in ("Os", "O2")]
    text = report(rows, ("Os", "O2"), ("pipeline",))
    assert "| stm32f746 | kws | 1,000 | 1,000 |" in text
    assert "The outputs are equal with all of them." in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument"),
        (["O2"], "'O2' is not NAME=DIR"),
        (["=x"], "is not NAME=DIR"),
        (["O2=a", "O2=b"], "with a name of its own"),
        (["O2=no-such-folder"], "not a folder"),
        (["O2=."], "TFLM_DIR"),
        (["O2=tree", "--device", "nucleo"], "nucleo"),
    ],
)
def test_a_wrong_request_has_status_2(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_tree(tmp_path / "tree", {"one": M4})
    result = CliRunner().invoke(tflm_optimization.main, words)
    assert result.exit_code == 2
    assert message in result.output


def test_a_board_without_any_library_is_a_failure(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "tree", {"one": M4})
    result = CliRunner().invoke(tflm_optimization.main, [f"O2={folder}", "--device", "stm32f746"])
    assert result.exit_code == 1
    assert "no library for stm32f746" in result.output


@pytest.mark.parametrize("device", ["stm32f746", "stm32f446"])
def test_libraries_are_compared_where_there_are_some(device: str, tmp_path: Path) -> None:
    folder = os.environ.get("TFLM_DIR")
    if not folder or shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("needs TFLM_DIR and arm-none-eabi-g++")
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_kws())
    words = [f"one={folder}", f"two={folder}", "--model", str(model), "--task", "kws", "--device", device]
    words += ["--timing", "instructions"]
    result = CliRunner().invoke(tflm_optimization.main, words)
    if "no library for" in result.output:
        pytest.skip("TFLM_DIR has no library for this core")
    assert result.exit_code == 0, result.output
    assert f"| {device} | mean against one | 1.000 | 1.000 |" in result.output
    assert "The outputs are equal with all of them." in result.output


def compared(
    engine: str, model: str = "kws", latency_us: float = 0.0, problem: str = "", **more: Any
) -> dict[str, Any]:
    figures = {
        "latency_us": latency_us,
        "instructions": 4 * latency_us,
        "arena_bytes": 1000,
        "ram_bytes": 2000,
        "flash_bytes": 3000,
    }
    row = {"model": model, "device": "stm32f746", "engine": engine, "difference": None, "problem": problem}
    return {**row, "figures": None if problem else figures, **more}


def test_the_table_against_tflm() -> None:
    refused = "does not fit: RAM needs 356,936 bytes, has 327,680"
    difference = {"different": 2, "values": 60, "largest": 1.0}
    text = engine_table.report(
        [
            compared("compiled", latency_us=13_260.0),
            compared("tflm", latency_us=26_520.0, difference=difference),
            compared("compiled", "large", problem=refused),
            compared("tflm", "large", problem="unsupported operator: X"),
        ]
    )
    assert (
        "| kws | 13.26 | 26.52 | 0.50 | 53,040 | 106,080 | 0.50 | 1,000 | 1,000 | 2,000 | 2,000 | 3,000 | 3,000 |"
        in text
    )
    assert "| large | does not fit | unsupported operator |  |  |  |  |  |  | 356,936 |  |  |  |" in text
    assert text.endswith("but for kws (2 of 60 values, by 1 at most).")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no board"),
        ([compared("compiled"), compared("tflm", device="stm32f446")], "stm32f446, stm32f746"),
        ([compared("compiled")], "kws was compared with compiled only"),
    ],
)
def test_a_comparison_of_something_else_is_refused(rows: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps({"rows": rows}))
    result = CliRunner().invoke(engine_table.main, [str(path)])
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("document", "name"),
    [(DOCS / "engines.md", tflm_optimization.COMMAND), (ROOT / "README.md", engine_table.COMMAND)],
)
def test_the_documents_have_the_marks(document: Path, name: str) -> None:
    lines = document.read_text(encoding="utf-8").splitlines()
    assert [lines.count(mark) for mark in marks(name)] == [1, 1]
