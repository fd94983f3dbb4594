# SPDX-License-Identifier: Apache-2.0
"""The timing level from the request to the record: asked for, kept, ranked apart, never mixed by a resumption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.errors import RecordError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.harness.record.record_file import differences_from, read_record
from mlperf_tiny.harness.run.prepare import prepare
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.leaderboard.ranking import ranked
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS, find_level, model_of_core
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from mlperf_tiny.runners.open import open_transport
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.transcripts import forged, killed


class Modelled(FakeDevice):
    """A device whose time is made by the model it says."""

    def __init__(self, level: str, model: str, generation: int = 1) -> None:
        super().__init__(infer=one_hot, latency_us=20_000, timing="emulated", instructions_per_inference=777)
        self.timing_level, self.timing_model, self.timing_generation = level, model, generation


def run(folder: Path, level: str, model: str) -> tuple[Any, Path]:
    if not (folder / "data").exists():
        kws_folder(folder / "data")
    request = Request(task="kws", device="stm32f746", data=folder / "data", port="fake://", limit=3)
    device = Modelled(level, model)
    return run_benchmark(request, folder / "runs", Listener(), lambda url, *, baud=None: device)


def test_a_record_has_level_and_versions_of_the_timing_model(tmp_path: Path) -> None:
    record, _ = run(tmp_path, "full", "full, memory 7")
    device = record.settings.device
    assert (device.timing, device.timing_level, device.timing_model) == ("emulated", "full", "full, memory 7")
    assert row_of_record(record, "")["TimingModel"] == "full, memory 7"


def test_a_record_without_timing_level_is_read(tmp_path: Path) -> None:
    _, folder = run(tmp_path, "instructions", "one constant per instruction class")
    forged(folder, ',"timing_level":"instructions"', "")
    device = read_record(folder).settings.device
    assert (device.timing_level, device.timing_model) == ("", "one constant per instruction class")


def test_a_record_without_timing_generation_is_of_the_first(tmp_path: Path) -> None:
    record, folder = run(tmp_path, "full", "full, memory 7")
    forged(folder, ',"timing_generation":1', "")
    assert read_record(folder).settings.device == record.settings.device
    written = json.loads(json.dumps({**record.to_json(), "format": 2}))
    del written["settings"]["device"]["timing_generation"]
    found = differences_from(read_record(folder), written)
    assert [text for text in found if "timing" in text] == []


@pytest.mark.parametrize("memory", ["", ", memory 1"])
def test_a_run_whose_timing_model_lists_all_cores_goes_on(tmp_path: Path, memory: str) -> None:
    """As earlier versions of this program recorded it."""
    _, folder = run(tmp_path, "full", f"full, cortex-m4 2, cortex-m7 1, cortex-m33 1, branches 1{memory}")
    killed(folder)
    device = Modelled("full", f"full, cortex-m7 1, branches 1{memory}")
    record, _ = resume_benchmark(folder, Request(data=tmp_path / "data"), Listener(), lambda url, *, baud=None: device)
    assert record.complete


@pytest.mark.parametrize(
    ("device", "level", "name"),
    [
        ("stm32f746", "instructions", "instructions, class costs 1"),
        ("stm32f746", "pipeline", "pipeline, cortex-m7 1, branches 1"),
        ("stm32f746", "full", "full, cortex-m7 1, branches 1, memory 1"),
        ("stm32f446", "pipeline", "pipeline, cortex-m4 2"),
        ("stm32f446", "full", "full, cortex-m4 2, memory 1"),
    ],
)
def test_a_timing_model_names_only_the_core_of_the_board(device: str, level: str, name: str) -> None:
    board = find_board(device)
    found = find_level(level, board)
    assert (found.model, found.generation) == (name, 1)
    assert model_of_core(name, board.cpu) == name


@pytest.mark.parametrize("model", ["pipeline, cortex-m7 1", "full, cortex-m7 2", ""])
def test_resume_refuses_another_timing_model(tmp_path: Path, model: str) -> None:
    _, folder = run(tmp_path, "full", "full, cortex-m7 1")
    killed(folder)
    request = Request(data=tmp_path / "data")
    with pytest.raises(RecordError, match="measured with timing model 'full, cortex-m7 1', this program has"):
        resume_benchmark(folder, request, Listener(), lambda url, *, baud=None: Modelled("full", model))
    record, _ = resume_benchmark(
        folder, request, Listener(), lambda url, *, baud=None: Modelled("full", "full, cortex-m7 1")
    )
    assert record.complete and record.settings.device.timing_generation == 1
    with pytest.raises(RecordError, match="timing was full, is pipeline"):
        resume_benchmark(folder, replace(request, timing="pipeline"), Listener())


def test_levels_and_versions_are_ranked_separately(tmp_path: Path) -> None:
    rows = []
    for number, model in enumerate(("full 1", "pipeline 1", "full 2", "full 1")):
        record, _ = run(tmp_path, model.split()[0], model)
        settings = replace(record.settings, run_id=str(number))
        whole = replace(record, settings=settings, violations=(), complete=True)
        changes = {"Complete": "yes", "Verdict": "confirmed", "ModelSha256": "0", "DataSource": "real"}
        rows.append({**row_of_record(whole, ""), **changes})
    assert {row["RunId"]: row["Rank"] for row in ranked(rows)} == dict.fromkeys("0123", "1")


@pytest.mark.parametrize("request_", [{"device": "host"}, {"device": "stm32f746", "port": "fake://"}])
def test_only_emulated_boards_have_a_timing_level(request_: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--timing applies to emulated boards only"):
        prepare(Request(task="kws", timing="full", **request_), lambda text: None)


def test_an_unknown_level_is_refused_before_anything_is_built() -> None:
    with pytest.raises(UsageError, match="no timing level 'exact'; choose one of instructions, pipeline, full"):
        prepare(Request(task="kws", device="stm32f746", timing="exact"), lambda text: None)


@pytest.mark.parametrize("timing", [None, *LEVELS])
def test_the_level_is_passed_to_the_emulated_board(
    timing: str | None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path_factory.getbasetemp() / "levels"))  # one build serves all
    prepared = prepare(Request(task="ad", device="stm32f746", synthetic=True, timing=timing), lambda text: None)
    wanted = find_level(timing or DEFAULT_LEVEL, find_board("stm32f746"))
    transport = open_transport(prepared.url)
    assert isinstance(transport, EmulatorTransport)
    info = transport.device_info
    assert (info.timing_level, info.timing_model, info.timing_generation) == (wanted.name, wanted.model, 1)
    transport.close()
