# SPDX-License-Identifier: Apache-2.0
"""The scripts of ``examples/`` run as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mlperf_tiny.results.leaderboard.file import write_leaderboard
from mlperf_tiny.results.leaderboard.ranking import ranked
from tests.results.leaderboard_rows import published_row, run_row

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.emulator
def test_drive_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    load("drive_a_board").main("ad-s", "stm32f446")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "stm32f446 holds ad01 by mlperf-tiny-harness"
    assert "ms per inference, results (" in second


def test_read_leaderboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "leaderboard.csv"
    write_leaderboard(path, ranked([run_row("fast", 9.0), run_row("slow", 11.0), published_row()]))
    load("read_leaderboard").main(str(path))
    out = capsys.readouterr().out
    assert out.startswith("3 rows, 3 of them ranked\n")
    assert "mlperf-kws" in out and "compiled       10.0   30000.0" in out
