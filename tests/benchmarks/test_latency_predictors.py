# SPDX-License-Identifier: Apache-2.0
"""The table of latency predictors: each set that is judged twice, and tables that do not go together refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.latency_predictors import FITTED, kept_sets, main, rows_of, text_of
from mlperf_tiny.errors import UsageError
from tests.search.test_predictor import SETTINGS, table

HERE = {**SETTINGS, "target": {"device": "stm32f746", "engine": "compiled"}}


def test_each_set_is_predicted_by_both(tmp_path: Path) -> None:
    fitted = table("kws", 1, 12, tmp_path / "fitted", {**HERE, "space": "kws", "seed": 1}, 216e6)
    judged = table("kws", 2, 6, tmp_path / "judged", {**HERE, "space": "kws", "seed": 2}, 216e6)
    by_ops, by_loops = rows_of([fitted], [judged])
    assert by_ops[:2] == ["6 of kws, seed 2", "operations alone"] and by_loops[1] == "the loops of its layers"
    assert float(by_loops[3].rstrip(" %")) < float(by_ops[3].rstrip(" %"))
    assert "Fitted to networks: 12 of kws, seed 1." in text_of([fitted], [judged])


def test_tables_of_two_devices_are_refused(tmp_path: Path) -> None:
    fitted = table("kws", 1, 4, tmp_path / "fitted", {**HERE, "space": "kws", "seed": 1})
    other = {**HERE, "target": {"device": "stm32f446", "engine": "compiled"}, "space": "kws", "seed": 1}
    with pytest.raises(UsageError, match="different target"):
        rows_of([fitted], [table("kws", 2, 4, tmp_path / "judged", other)])


def test_a_folder_without_a_table_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--fit", str(tmp_path), "--judge", str(tmp_path)])
    assert result.exit_code == 2 and f"{tmp_path} holds no finished characterisation" in result.stderr


def test_kept_tables_are_fitted_or_judged_never_both() -> None:
    for fitted, judged in kept_sets():
        assert len({str(table.settings["target"]) for table in (*fitted, *judged)}) == 1
        assert all(table.settings["seed"] == 1 and table.settings["space"] in FITTED for table in fitted)
        assert all(table.settings["seed"] != 1 or table.settings["space"] not in FITTED for table in judged)


def test_folders_to_fit_to_go_with_folders_to_judge(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--fit", str(tmp_path)])
    assert result.exit_code == 2 and "--fit and --judge go together" in result.stderr
