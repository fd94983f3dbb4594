# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.record import AccuracyFigures, PerformanceFigures, RunRecord, WindowFigures
from harness.settings import DataFacts, DeviceFacts, FirmwareFacts, InputFacts, ModelFacts, Settings
from results.leaderboard import COLUMNS, check_leaderboard, merged, ranked, read_leaderboard, row_of, update_leaderboard

SETTINGS = Settings(
    run_id="run-1",
    started="2026-01-02T03:04:05+00:00",
    task="kws",
    engine="compiled",
    division="closed",
    modes=("performance", "accuracy"),
    limit=None,
    iterations=None,
    inputs=InputFacts("benchmark", 490),
    device=DeviceFacts("stm32f746", ("NUCLEO-F746ZG",), "cortex-m7", 216_000_000, "emu://x", "emulated", "simple"),
    model=ModelFacts("mlperf-kws", "aa", 53_936, "official", "real", "Apache-2.0", ""),
    firmware=FirmwareFacts("bb", "zig", "ziglang 0.17.0", ("-O2",), "dsp", 90_000, 30_000, 21_000, 115_200),
    data=DataFacts("kws01", "real", "a folder", "kws01, real", True, True, "cc", ("a", "b")),
    versions={},
)
RECORD = RunRecord(
    settings=SETTINGS,
    complete=True,
    identity=None,
    performance=PerformanceFigures(1000, 1, (WindowFigures("a", 1000, 10_100_000, 99.0),) * 5, 99.0, 1000 / 99),
    accuracy=AccuracyFigures(2, 2, 2, correct=1, top1_percent=50.0, auc=0.75),
    instructions_per_inference=2_000_000.0,
    cycles_per_inference=None,
    violations=(),
    notes=(),
    resumed=0,
)


def record(
    run_id: str, latency_ms: float = 10.0, timing: str = "emulated", data: str = "real", **changes: object
) -> RunRecord:
    assert RECORD.performance is not None
    settings = replace(
        SETTINGS,
        run_id=run_id,
        device=replace(SETTINGS.device, timing=timing),
        data=replace(SETTINGS.data, source=data),
    )
    performance = replace(RECORD.performance, latency_ms=latency_ms)
    return replace(RECORD, **{"settings": settings, "performance": performance, **changes})


def ranks(*records: RunRecord) -> dict[str, str]:
    return {row["run_id"]: row["rank"] for row in ranked([row_of(one) for one in records])}


def test_a_row_holds_the_figures() -> None:
    row = row_of(RECORD)
    assert tuple(row) == COLUMNS
    wanted = {
        "task": "kws", "division": "closed", "timing": "emulated", "data": "real", "device": "stm32f746",
        "model": "mlperf-kws", "engine": "compiled", "latency_ms": "10.101010", "throughput_per_s": "99.000000",
        "top1_percent": "50.000", "auc": "0.750000", "samples": "2/2", "instructions_per_inference": "2000000.0",
        "arena_bytes": "21000", "flash_bytes": "90000", "ram_bytes": "30000", "complete": "yes", "violations": "",
        "run_id": "run-1", "rank": "",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_missing_figures_are_empty() -> None:
    bare = replace(
        RECORD, settings=replace(SETTINGS, firmware=None), performance=None, accuracy=None,
        instructions_per_inference=None,
    )  # fmt: skip
    row = row_of(bare)
    assert all(not row[name] for name in ("latency_ms", "top1_percent", "auc", "samples", "arena_bytes", "elf_sha256"))
    assert row["complete"] == "no"


def test_emulated_and_measured_time_never_share_a_ranking() -> None:
    assert ranks(
        record("a", 3.0), record("b", 2.0), record("c", 2.0), record("d", 9.0, timing="hardware"),
        record("e", 1.0, timing="host"),
    ) == {"a": "3", "b": "1", "c": "1", "d": "1", "e": "1"}  # fmt: skip


def test_divisions_and_tasks_are_ranked_apart() -> None:
    other = record("b", 5.0)
    opened = record("c", 1.0)
    assert ranks(
        record("a", 3.0),
        replace(other, settings=replace(other.settings, task="ic")),
        replace(opened, settings=replace(opened.settings, division="open")),
    ) == {"a": "1", "b": "1", "c": "1"}


@pytest.mark.parametrize(
    "unranked",
    [
        record("x", 1.0, data="synthetic"),
        record("x", 1.0, violations=("window 1 ran 9 s, needs 10 s",)),
        record("x", 1.0, complete=False),
        record("x", 1.0, accuracy=None),
        record("x", 1.0, accuracy=AccuracyFigures(1, 2, 1)),
        replace(record("x"), performance=None),
        replace(record("x"), settings=replace(record("x").settings, device=replace(SETTINGS.device, device="unknown"))),
        replace(record("x"), settings=replace(record("x").settings, model=replace(SETTINGS.model, sha256=""))),
    ],
    ids=["synthetic", "violation", "unfinished", "no accuracy", "part", "no performance", "device", "model"],
)
def test_what_may_not_be_ranked_has_a_row_and_no_rank(unranked: RunRecord) -> None:
    assert ranks(unranked, record("a", 3.0)) == {"x": "", "a": "1"}


def test_a_run_that_was_resumed_replaces_its_row() -> None:
    rows = merged(merged([], record("a", complete=False)), record("b"))
    assert [(row["run_id"], row["rank"]) for row in merged(rows, record("a", 5.0))] == [("a", "1"), ("b", "2")]


def test_the_file_is_read_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "leaderboard.csv"
    assert read_leaderboard(path) == []
    update_leaderboard(path, record("a", violations=("one, with a comma", 'and "quotes"')))
    update_leaderboard(path, record("b"))
    rows = read_leaderboard(path)
    assert [row["run_id"] for row in rows] == ["b", "a"]
    assert rows[1]["violations"] == 'one, with a comma; and "quotes"'
    assert list(path.parent.iterdir()) == [path]
    with path.open(newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


HEADER = ",".join(COLUMNS).encode() + b"\n"
ODD_LATENCY = ",".join("fast" if name == "latency_ms" else "x" for name in COLUMNS).encode() + b"\n"


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", HEADER + b"1,2\n", HEADER + ODD_LATENCY, b"\xff\xfe\x00", HEADER + b'"' * 200_001]
)
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(content)
    for work in (lambda: check_leaderboard(path), lambda: update_leaderboard(path, RECORD)):
        with pytest.raises(RecordError, match="leaderboard"):
            work()
    assert path.read_bytes() == content


def test_a_place_that_takes_no_file_is_found_before_and_after_a_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "leaderboard.csv"):
        with pytest.raises(RecordError, match=r"cannot be read: (Is|Not) a directory"):
            check_leaderboard(path)
        with pytest.raises(RecordError, match=r"cannot be (read|written): (Is a d|Not a d|File exists)"):
            update_leaderboard(path, RECORD)
    check_leaderboard(tmp_path / "new" / "leaderboard.csv")


def test_runs_that_end_at_the_same_time_all_get_their_row(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: update_leaderboard(path, record(f"run-{number:02}")), range(40)))
    assert len(read_leaderboard(path)) == 40
