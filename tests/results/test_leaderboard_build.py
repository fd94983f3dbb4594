# SPDX-License-Identifier: Apache-2.0
"""Leaderboards of real run folders and trees: a pure function of them, and damaged ones are named and left out."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.errors import WrongRequest
from mlperf_tiny.harness.record.record_file import RECORD_FILE, read_record
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.leaderboard.build import build_leaderboard, lost_rows, update_leaderboard
from mlperf_tiny.results.leaderboard.file import leaderboard_text, read_leaderboard, write_leaderboard
from mlperf_tiny.results.leaderboard.merge import identity_of, merged
from mlperf_tiny.results.leaderboard.places import moved, path_of, place_of
from mlperf_tiny.results.leaderboard.ranking import ranked
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record
from mlperf_tiny.results.leaderboard.sources import FoundSources, below, find_sources
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.transcripts import forged, killed
from tests.results.leaderboard_rows import published_row, run_row
from tests.results.review_submission import write_eembc, write_lists, write_mlcommons


def make_run(root: Path, timing: str = "emulated", latency_us: int = 20_000) -> Path:
    """A run on a fake device, in ``root/runs``; returns its folder."""
    data = root / "data"
    if not data.exists():
        kws_folder(data)
    device = FakeDevice(infer=one_hot, latency_us=latency_us, timing=timing)
    request = Request(task="kws", device="stm32f746", data=data, port="fake://")
    return run_benchmark(request, root / "runs", Listener(), lambda url, *, baud=None: device)[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, two rounds with the same system names of two organisations, label lists."""
    root = tmp_path_factory.mktemp("place")
    for timing, latency_us in [("emulated", 20_000), ("emulated", 30_000), ("hardware", 10_000)]:
        make_run(root, timing, latency_us)
    write_eembc(root / "rounds/tiny_results_v1.1")
    write_mlcommons(root / "rounds/tiny_results_v1.2")
    other = root / "rounds/tiny_results_v1.2/closed"
    shutil.copytree(other / "ExampleLabs", other / "OtherLabs")
    description = other / "OtherLabs/systems/board_one.json"
    description.write_text(description.read_text().replace("Example Labs", "Other Labs"))
    write_lists(root / "lists")
    return root


@pytest.fixture
def copied(place: Path, tmp_path: Path) -> Path:
    """A copy of the runs to damage."""
    shutil.copytree(place / "runs", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("verdict", "left"),
    [("confirmed", ["published"]), ("cannot be confirmed", ["published"]), ("deviates", ["published", "run"])],
)
def test_a_run_and_its_submission_are_one_row(verdict: str, left: list[str]) -> None:
    run = run_row("run-1")
    submission = published_row(RunId="run-1", ChainDigest=run["ChainDigest"], Verdict=verdict)
    other = published_row(SystemDesc="other")
    for fresh, kept in [([run, submission], []), ([run], [submission]), ([submission], [run]), ([], [submission, run])]:
        rows = merged(fresh, kept).rows
        assert sorted(row["Source"] for row in rows) == left
        assert lost_rows(kept, rows) == []
        assert len(merged([*fresh, other], kept).rows) == len(left) + 1
    assert [row["Source"] for row in merged([run], [other]).rows] == ["run", "published"]
    assert lost_rows([submission], [run]) == [submission]


@pytest.mark.slow
def test_the_same_inputs_in_any_order_give_the_same_bytes(place: Path) -> None:
    runs = sorted((place / "runs").iterdir())
    paths = [*runs, place / "rounds/tiny_results_v1.1", place / "rounds/tiny_results_v1.2"]
    base, lists = place / "results", place / "lists"
    wanted = build_leaderboard([place / "runs", place / "rounds"], base, lists)
    assert wanted.problems == wanted.notes == ()
    assert len(wanted.rows) == 6
    for seed in range(4):
        found = build_leaderboard(random.Random(seed).sample(paths, len(paths)), base, lists)
        assert leaderboard_text(found.rows) == leaderboard_text(wanted.rows)
    twice = build_leaderboard([*paths, place / "runs", *paths, place], base, lists)
    assert twice.rows == wanted.rows


def test_systems_of_one_name_are_two_rows(place: Path) -> None:
    rows = build_leaderboard([place / "rounds"], place, place / "lists").rows
    found = {(row["Round"], row["Organization"], row["SystemDesc"]) for row in rows}
    assert found == {("v1.1", "ExampleLabs", "board_one"), ("v1.2", "ExampleLabs", "board_one"),
                     ("v1.2", "OtherLabs", "board_one")}  # fmt: skip
    assert [row["Record"] for row in rows if row["Organization"] == "OtherLabs"] == [
        "rounds/tiny_results_v1.2/closed/OtherLabs/results/board_one/ic"
    ]


@pytest.mark.slow
def test_updating_row_by_row_is_rebuilding(place: Path, tmp_path: Path) -> None:
    folders = sorted((place / "runs").iterdir())
    rebuilt = leaderboard_text(build_leaderboard([place / "runs"], place / "results").rows)
    for order in (folders, folders[::-1]):
        path = place / f"results/{len(list((place).iterdir()))}-{order[0].name}.csv"
        for folder in order:
            update_leaderboard(path, read_record(folder), folder)
            update_leaderboard(path, read_record(folder), folder)
        assert path.read_text() == rebuilt
        path.unlink()
    assert place_of(folders[0], place / "results") == f"../runs/{folders[0].name}"


def test_an_archive_is_read_and_named(place: Path, tmp_path: Path) -> None:
    root = place / "rounds/tiny_results_v1.1"
    with zipfile.ZipFile(tmp_path / "round.zip", "w") as archive:
        for path in root.rglob("*"):
            archive.write(path, path.relative_to(root))
    (row,) = build_leaderboard([tmp_path / "round.zip"], tmp_path, place / "lists").rows
    (unpacked,) = build_leaderboard([root], tmp_path, place / "lists").rows
    assert row["Record"] == "round.zip"
    skip = ("Record", "Round")
    assert {n: v for n, v in row.items() if n not in skip} == {n: v for n, v in unpacked.items() if n not in skip}


def cut(run: Path) -> None:
    path = run / TRANSCRIPT_FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-5]))


def edited(run: Path) -> None:
    path = run / TRANSCRIPT_FILE
    path.write_bytes(path.read_bytes().replace(b"m-lap-us", b"m-lap-uS", 1))


def emptied(run: Path) -> None:
    (run / TRANSCRIPT_FILE).write_bytes(b"")


def no_json(run: Path) -> None:
    (run / RECORD_FILE).write_text("{")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut, "its end was cut off"),
        (edited, "is not what was written there"),
        (emptied, "does not begin with the 'meta' line"),
        (no_json, "cannot be read"),
    ],
)
def test_a_damaged_run_among_many_is_named_and_left_out(
    copied: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damaged, *others = sorted(copied.iterdir())
    damage(damaged)
    board = build_leaderboard([copied], copied.parent)
    assert [row["RunId"] for row in board.rows] and {row["RunId"] for row in board.rows} == {run.name for run in others}
    (problem,) = board.problems
    assert sentence in problem and damaged.name in problem and "\n" not in problem


def test_a_leaderboard_keeps_the_row_of_a_run_that_was_changed_behind_it(copied: Path) -> None:
    """A changed transcript with a recomputed chain and record contradicts the chain digest in the leaderboard."""
    path = copied.parent / "leaderboard.csv"
    before = build_leaderboard([copied], copied.parent)
    write_leaderboard(path, before.rows)
    run = sorted(copied.iterdir())[0]
    forged(run, '"task":"kws"', '"task":"kws" ')
    assert build_leaderboard([copied], copied.parent).problems == ()
    board = build_leaderboard([copied, path], copied.parent)
    assert board.rows == before.rows
    (problem,) = board.problems
    assert "is not the transcript of its record" in problem and "That chain digest is in the leaderboard" in problem
    killed(run, lines=20)
    (problem,) = build_leaderboard([copied, path], copied.parent).problems
    assert "20 whole lines" in problem or "is not the transcript of its record" in problem


def test_changed_record_deviates(copied: Path) -> None:
    run = sorted(copied.iterdir())[0]
    path = run / RECORD_FILE
    values = json.loads(path.read_text())
    values["performance"]["latency_ms"] = 0.001
    path.write_text(json.dumps(values))
    rows = build_leaderboard([copied], copied.parent).rows
    (row,) = [row for row in rows if row["RunId"] == run.name]
    assert "record.json: performance.latency_ms is 0.001" in row["Findings"]
    assert not row["Rank"]
    update_leaderboard(copied.parent / "leaderboard.csv", read_record(run), run)
    assert read_leaderboard(copied.parent / "leaderboard.csv")[0]["Findings"] == row["Findings"]


def test_what_cannot_be_read_is_a_problem(place: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_text("x\n")
    (tmp_path / "text.zip").write_text("x")
    names = ("empty", "bad.csv", "text.zip")
    board = build_leaderboard([*(tmp_path / name for name in names), place / "runs"], tmp_path)
    assert len(board.rows) == 3
    assert len(board.problems) == 3
    for name in names:
        assert any(str(tmp_path / name) in problem for problem in board.problems)
    with pytest.raises(WrongRequest, match="nothing does not exist"):
        build_leaderboard([tmp_path / "nothing", place / "runs"], tmp_path)


def test_what_lies_where(place: Path, tmp_path: Path) -> None:
    runs = tuple(sorted((place / "runs").iterdir()))
    trees = (place / "rounds/tiny_results_v1.1", place / "rounds/tiny_results_v1.2")
    assert find_sources(place) == FoundSources(runs, trees)
    assert find_sources(runs[0]) == FoundSources(runs[:1])
    part = trees[0] / "closed/ExampleLabs"
    assert find_sources(part) == FoundSources(trees=(part,))
    # A run that is part of a submission's code is not one of ours.
    shutil.copytree(trees[0], tmp_path / "mine")
    shutil.copytree(runs[0], tmp_path / "mine/closed/ExampleLabs/code/ic/impl/run")
    assert find_sources(tmp_path) == FoundSources(trees=(tmp_path / "mine",))
    assert find_sources(tmp_path / "mine/closed/ExampleLabs") == FoundSources(
        trees=(tmp_path / "mine/closed/ExampleLabs",)
    )
    # Links are not followed, hidden folders not looked into, nor leaderboards in folders taken.
    (tmp_path / "other").mkdir()
    (tmp_path / "other/link").symlink_to(place / "runs")
    shutil.copytree(runs[0], tmp_path / "other/.hidden/run")
    write_leaderboard(tmp_path / "other/leaderboard.csv", [])
    assert below(tmp_path / "other") == FoundSources()
    assert find_sources(tmp_path / "other/leaderboard.csv").files == (tmp_path / "other/leaderboard.csv",)


def test_leaderboards_are_merged_and_their_records_still_found(place: Path, tmp_path: Path) -> None:
    one, two = place / "one/leaderboard.csv", tmp_path / "two.csv"
    one.parent.mkdir()
    runs = sorted((place / "runs").iterdir())
    write_leaderboard(one, build_leaderboard([runs[0], runs[1]], one.parent).rows)
    write_leaderboard(two, build_leaderboard([runs[1], runs[2], place / "rounds"], tmp_path, place / "lists").rows)
    both = build_leaderboard([one, two], place / "results").rows
    assert both == build_leaderboard([place / "runs", place / "rounds"], place / "results", place / "lists").rows
    assert all(path_of(row["Record"], place / "results").exists() for row in both)


@pytest.mark.parametrize(
    ("path", "base", "wanted"),
    [
        ("/a/b/runs/r", "/a/b/results", "../runs/r"),
        ("/a/b/results/r", "/a/b/results", "r"),
        ("/a/c/r", "/a/b/results", "/a/c/r"),
        ("/c/r", "/b", "/c/r"),
        ("/b/r", "/b", "r"),
        ("/a/b/results/../x", "/a/b/results", "../x"),
    ],
)
def test_records_beside_the_file_are_relative(path: str, base: str, wanted: str) -> None:
    assert place_of(Path(path), Path(base)) == wanted
    assert moved(wanted, Path(base), Path("/elsewhere/deep")) == str(Path(path).resolve())
    assert moved("", Path(base), Path("/x")) == ""


def test_newly_read_results_replace_rows_of_a_file() -> None:
    fresh, old = run_row("a", 2.0), run_row("a", 1.0)
    assert merged([fresh], [old]).rows == (fresh,)
    published, stale = published_row(), published_row(LatencyMs="1.000000")
    assert merged([published], [stale]).rows == (published,)


def test_of_two_runs_of_one_name_the_longer_counts_and_it_is_said() -> None:
    short, long = (
        {**run_row("a", 2.0), "ChainDigest": f"{lines}:{'e' * 64}", "Record": str(lines)} for lines in (9, 100)
    )
    for kept in ([short, long], [long, short]):
        found = merged([], kept)
        assert found.rows == (long,)
        (note,) = found.notes
        assert "run a was found 2 times" in note and "100" in note
    assert merged([long, dict(long)]).notes == ()


def test_published_results_of_one_name_stay_when_they_differ() -> None:
    one, other = published_row(), published_row(LatencyMs="1.000000")
    bare = {**one, "BoardName": "", "HardwareNotes": ""}
    assert {row["LatencyMs"] for row in merged([one, other, bare]).rows} == {"20.000000", "1.000000"}
    assert merged([bare, one]).rows == merged([one, bare]).rows == (one,)
    assert identity_of(one) != identity_of({**one, "Organization": "Other"})


def test_rows_that_would_be_lost() -> None:
    former = [run_row("a"), run_row("b"), published_row(), published_row(Round="v1.0")]
    rows = [run_row("b", 99.0), published_row(LatencyMs="1.000000")]
    assert [row["RunId"] or row["Round"] for row in lost_rows(former, rows)] == ["a", "v1.0"]


def test_a_leaderboard_of_nothing_can_be_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    write_leaderboard(path, build_leaderboard([], tmp_path).rows)
    assert path.read_text().count("\n") == 1
    assert read_leaderboard(path) == []
    assert build_leaderboard([path], tmp_path).problems == ()


def test_a_run_that_was_resumed_replaces_its_row(place: Path, tmp_path: Path) -> None:
    (folder, *_) = sorted((place / "runs").iterdir())
    path, whole = tmp_path / "leaderboard.csv", read_record(folder)
    rows = ranked([row_of_record(whole, "x")])
    write_leaderboard(path, [{**rows[0], "LatencyMs": "1.000000", "ChainDigest": f"99999:{'0' * 64}"}])
    update_leaderboard(path, whole, folder)
    (row,) = read_leaderboard(path)
    assert row["LatencyMs"] == rows[0]["LatencyMs"]
    assert row["ChainDigest"] == rows[0]["ChainDigest"] != ""
