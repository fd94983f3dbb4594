# SPDX-License-Identifier: Apache-2.0
"""Measuring the papers' networks again: what is kept of what was stored, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.paper import __main__ as command
from benchmarks.paper import measure as module
from mlperf_tiny.errors import BuildError, UsageError
from mlperf_tiny.models.arch.zoo import find_arch

NAME = "ad-autoencoder"
TODAY = {"stm32f446": "full, a 1", "stm32f746": "full, b 1"}
OLD = {"fits": True, "ram_bytes": 1, "flash_bytes": 2, "latency_ms": 3.0, "arena_bytes": 1}
NEW = {**OLD, "latency_ms": 4.0}


def before(timing: dict[str, str] = TODAY, macs: int | None = None) -> dict[str, Any]:
    arch = find_arch(NAME)
    measured = {f"{device} {engine}": OLD for device in TODAY for engine in ("compiled", "tflm")}
    facts = {"macs": arch.macs if macs is None else macs, "parameters": arch.parameters}
    return {"timing_models": timing, "networks": {NAME: {**facts, "measured": measured}}}


@pytest.fixture(autouse=True)
def boards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards that take no time, and no TFLM library."""
    monkeypatch.delenv("TFLM_DIR", raising=False)
    monkeypatch.setattr(module, "_figures", lambda arch, target, objects: NEW)
    monkeypatch.setattr(module, "timing_models", lambda: TODAY)


def run(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return module.measure_all(Path(), lambda text: None, found, names or (NAME,))


def test_rows_of_tflm_stay_without_its_library() -> None:
    measured = run(before())["networks"][NAME]["measured"]
    assert measured["stm32f446 compiled"] == measured["stm32f746 compiled"] == NEW
    assert measured["stm32f446 tflm"] == measured["stm32f746 tflm"] == OLD


def test_rows_of_tflm_are_measured_with_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_DIR", "tree")
    assert set(map(str, run(before())["networks"][NAME]["measured"].values())) == {str(NEW)}


def test_rows_of_tflm_of_another_timing_model_are_not_mixed_in() -> None:
    with pytest.raises(UsageError, match=r"rows of tflm .* 'full, a 0' on stm32f446, today's is 'full, a 1'.*TFLM_DIR"):
        run(before({**TODAY, "stm32f446": "full, a 0"}))


def test_networks_of_another_timing_model_are_not_mixed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_DIR", "tree")
    old = before({**TODAY, "stm32f746": "full, b 0"})
    old["networks"]["dscnn-s"] = old["networks"][NAME]
    with pytest.raises(UsageError, match="rows of dscnn-s "):
        run(old)


def test_rows_of_a_network_that_changed_do_not_stay() -> None:
    measured = run(before(macs=1))["networks"][NAME]["measured"]
    assert set(measured) == {"stm32f446 compiled", "stm32f746 compiled"}


def test_other_networks_stay() -> None:
    old = before()
    old["networks"]["dscnn-s"] = {"macs": 1, "parameters": 1, "measured": {}}
    assert run(old)["networks"]["dscnn-s"] == old["networks"]["dscnn-s"]


def test_unknown_network_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no network 'kws'.*micronet-kws-l"):
        run(before(), "kws")


def test_network_that_does_not_fit_is_measured_with_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    lacks = {"fits": False, "ram_bytes": 400_000, "flash_bytes": 0}
    monkeypatch.setattr(module, "_figures", lambda arch, target, objects: lacks)
    monkeypatch.setattr(module, "_enlarged_figures", lambda arch, objects: NEW)
    assert run(before())["networks"][NAME]["measured"]["stm32f746+ compiled"] == NEW


def test_library_without_a_kernel_leaves_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def figures(arch: object, target: Any, objects: Path) -> dict[str, Any]:
        if target.engine == "tflm":
            raise BuildError("the library has no PAD")
        return NEW

    monkeypatch.setenv("TFLM_DIR", "tree")
    monkeypatch.setattr(module, "_figures", figures)
    assert set(run(before())["networks"][NAME]["measured"]) == {"stm32f446 compiled", "stm32f746 compiled"}


def test_refused_command_changes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "networks.json"
    path.write_text(json.dumps(before({**TODAY, "stm32f446": "full, a 0"})))
    was = path.read_bytes()
    monkeypatch.setattr(module, "STORED", path)
    got = CliRunner().invoke(command.main, ["--measure", "--network", NAME])
    assert got.exit_code == 1
    assert "one table cannot have both" in got.output
    assert path.read_bytes() == was


def test_enlarged_board_has_the_memory_of_the_stm32f767() -> None:
    from mlperf_tiny.firmware.boards import find_board

    board = module.enlarged(find_board("stm32f746"))
    sizes = {row.name: row.size_bytes for row in board.memories}
    assert sizes == {"ram": 524_288, "flash": 2_097_152, "itcm": 16_384}
    assert board.clock_hz == find_board("stm32f746").clock_hz
