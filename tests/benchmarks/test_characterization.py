# SPDX-License-Identifier: Apache-2.0
"""Characterisation tables that are kept: whole, of one kind of firmware, small; and the report made of them."""

from __future__ import annotations

import gzip
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import characterization as kept
from benchmarks.characterization import KEPT, ROWS, main, measure_again
from benchmarks.characterization_plots import draw
from benchmarks.characterization_report import PARTS, Part, layer_rows, line_rows, memory_rows
from mlperf_tiny.search.characterize.predictor import SAME
from mlperf_tiny.search.characterize.table import (
    LAYERS,
    MODELS,
    Characterization,
    read_characterization,
    store_characterization,
)
from tests.search.test_predictor import SETTINGS, table

MAX_BYTES = 3_000_000
TARGET = {"device": "stm32f746", "engine": "compiled", "timing": "full"}


def tables(folder: Path) -> dict[str, Characterization]:
    settings = {**SETTINGS, "target": TARGET, "space": "kws", "seed": 1}
    return {"kws": table("kws", 1, 30, folder / "kws", settings, 216e6)}


def test_the_tables_that_are_kept_are_those_of_the_rows() -> None:
    found = kept.kept_tables()
    rows = {row.name: row for row in ROWS}
    assert {path.name for path in KEPT.iterdir()} <= set(rows) and len(rows) == len(ROWS)
    for name, one in found.items():
        row, settings = rows[name], one.settings
        assert (settings["space"], settings["seed"], settings["widest"]) == (row.space, row.seed, row.widest)
        assert (settings["target"]["device"], settings["target"]["engine"]) == (row.device, row.engine)
        assert one.models["fits"].sum() == row.models == settings["models"]
        assert set(one.layers["index"]) == set(one.models["index"][one.models["fits"]])
    assert sum(path.stat().st_size for path in KEPT.rglob("*") if path.is_file()) < MAX_BYTES


def test_tables_of_one_target_can_be_fitted_together() -> None:
    by_target: dict[str, set[str]] = {}
    for one in kept.kept_tables().values():
        by_target.setdefault(str(one.settings["target"]), set()).add(str([one.settings[name] for name in SAME]))
    assert by_target and all(len(settings) == 1 for settings in by_target.values())


def test_a_stored_table_is_the_same_table_and_always_the_same_bytes(tmp_path: Path) -> None:
    made = tables(tmp_path)["kws"]
    for name in ("one", "two"):
        store_characterization(tmp_path / "kws", tmp_path / name)
    back = read_characterization(tmp_path / "one")
    assert back.settings == made.settings and back.models.equals(made.models) and back.layers.equals(made.layers)
    for name in (MODELS, LAYERS):
        first, second = ((tmp_path / folder / f"{name}.gz").read_bytes() for folder in ("one", "two"))
        assert first == second and gzip.decompress(first) == (tmp_path / "kws" / name).read_bytes()


def test_rows_of_the_report(tmp_path: Path) -> None:
    found = tables(tmp_path)
    models, layers = found["kws"].models, found["kws"].layers
    ((*where, count, ops, speed, _, r2),) = line_rows(found)
    assert where == ["kws", "stm32f746", "compiled"] and count == "30" and float(r2) > 0.9
    assert ops == f"{models['ops'].min() / 1e6:.1f} to {models['ops'].max() / 1e6:.1f}" and float(speed) > 0
    by_kind = {row[3]: row for row in layer_rows(found)}
    assert set(by_kind) == {"conv 10x4", "conv 1x1", "depthwise 3x3"}
    pointwise = layers[(layers["kind"] == "conv") & (layers["kernel_h"] == 1)]
    speeds = 2 * pointwise["macs"] * 216 / pointwise["cycles"]
    assert by_kind["conv 1x1"][5:8] == [f"{speeds.quantile(share):.0f}" for share in (0.05, 0.5, 0.95)]
    assert [row[3] for row in memory_rows(found)] == ["in and out (the paper)", "live", "arena"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_networks_that_judge_are_in_no_part_of_the_report(part: Part, tmp_path: Path) -> None:
    found = tables(tmp_path)
    judging = {
        name: Characterization(settings={**one.settings, "seed": 2}, models=one.models, layers=one.layers)
        for name, one in found.items()
    }
    assert part.rows(judging) == [] and part.rows(found)


def test_plots_of_each_board_and_engine(tmp_path: Path) -> None:
    files = draw(tables(tmp_path), tmp_path / "plots")
    assert [path.name for path in files] == ["networks-stm32f746-compiled.svg", "layers-stm32f746-compiled.svg"]
    again = draw(read_twice(tmp_path), tmp_path / "again")
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


def read_twice(folder: Path) -> dict[str, Characterization]:
    return {"kws": read_characterization(folder / "kws")}


def test_tables_are_measured_again_by_the_command_that_users_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.delenv("TFLM_DIR", raising=False)

    def run(command: list[str], **settings: Any) -> CompletedProcess[bytes]:
        commands.append(command)
        out = Path(command[command.index("--out") + 1])
        out.parent.mkdir(exist_ok=True)
        values = {**SETTINGS, "target": TARGET, "space": "kws", "seed": 1}
        table("kws", 1, 4, out, values)
        return CompletedProcess(command, 0)

    monkeypatch.setattr(kept.subprocess, "run", run)
    rows = [row for row in ROWS if row.name in ("kws-stm32f746-compiled-1", "kws-stm32f746-tflm-1")]
    left = measure_again(rows, tmp_path / "work", tmp_path / "kept")
    assert left == ["kws-stm32f746-tflm-1"] and len(commands) == 1
    words = ["characterize", "kws", "--device", "stm32f746", "--engine", "compiled", "--models", "400", "--seed", "1"]
    assert commands[0][3 : 3 + len(words)] == words
    assert len(read_characterization(tmp_path / "kept" / "kws-stm32f746-compiled-1").models) == 4


def test_a_measurement_that_fails_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept.subprocess, "run", lambda command, **settings: CompletedProcess(command, 130))
    with pytest.raises(SystemExit, match="130"):
        measure_again(ROWS[:1], tmp_path / "work", tmp_path / "kept")


def test_the_report_is_printed_from_what_is_kept() -> None:
    result = CliRunner().invoke(main, ["--only", "kws-stm32f446-compiled-1"])
    assert result.exit_code == 0 and "| kws | stm32f446 | compiled | 400 |" in result.stdout
