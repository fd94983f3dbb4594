# SPDX-License-Identifier: Apache-2.0
"""``benchmark-leaderboard``: exit status, stdout, stderr and the files it writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli.leaderboard import main
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE
from mlperf_tiny.models.data.formats import labels
from mlperf_tiny.models.data.formats.labels import Listed, list_digest
from mlperf_tiny.models.tasks.task import OfficialList
from mlperf_tiny.results.leaderboard.file import read_leaderboard, write_leaderboard
from mlperf_tiny.results.leaderboard.json_text import schema
from tests.results.leaderboard_rows import run_row
from tests.results.review_submission import FILES, LABELS, write_eembc, write_lists
from tests.results.test_leaderboard_build import make_run

TABLE = "ver,div,submitter,system,task,lat_ms,energy_uJ,lat_ms_energy_mode,top1,auc\n"


@pytest.fixture(autouse=True)
def official(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synthetic list counts as an official one."""
    digest = list_digest([Listed(file, label) for file, label in zip(FILES, LABELS, strict=True)])
    official = OfficialList(digest=digest, files=len(FILES), title="the official list")
    monkeypatch.setitem(labels.OFFICIAL_LISTS, "ic01", (official,))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    make_run(root)
    make_run(root, latency_us=30_000)
    write_eembc(root / "rounds/tiny_results_v1.1")
    write_lists(root / "lists")
    return root


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with two runs in ``runs`` and a round beside it."""
    for name in ("runs", "rounds", "lists"):
        shutil.copytree(made / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    return tmp_path


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_default_paths_are_runs_results_and_the_csv_file(here: Path) -> None:
    result = invoke()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "keyword spotting (kws), open division, emulated, real data: 0 ranked of 2\n\n  rank  system"
    )
    assert "20.000" in result.stdout and "runs 2/2" in result.stderr and "runs 2/2" not in result.stdout
    rows = read_leaderboard(here / "results/leaderboard.csv")
    assert [row["Record"].split("/")[:2] for row in rows] == [["..", "runs"]] * 2
    # A run that went elsewhere keeps its row; the next time changes nothing.
    write_leaderboard(here / "results/leaderboard.csv", [*rows, run_row("elsewhere")])
    assert invoke().exit_code == 0
    before = (here / "results/leaderboard.csv").read_bytes()
    assert len(read_leaderboard(here / "results/leaderboard.csv")) == 3
    shutil.move(here / "rounds", here / "results/rounds")
    assert invoke().exit_code == 0
    assert len(read_leaderboard(here / "results/leaderboard.csv")) == 4
    shutil.rmtree(here / "results/rounds")
    shutil.rmtree(here / "runs")
    assert invoke().exit_code == 0
    assert before != (here / "results/leaderboard.csv").read_bytes()


def test_runs_submissions_and_csv_files_become_one_leaderboard(here: Path) -> None:
    result = invoke("runs", "rounds", "--csv", "all.csv", "--html", "page.html", "--data", "lists")
    assert result.exit_code == 0, result.output
    assert len(read_leaderboard(here / "all.csv")) == 3
    page = (here / "page.html").read_text()
    assert "board_one" in page and 'href="rounds/tiny_results_v1.1/closed/ExampleLabs/results/board_one/ic"' in page
    assert "image classification (ic), closed division, hardware, real data: 1 ranked of 1" in result.stdout
    other = invoke("rounds/tiny_results_v1.1", *sorted((here / "runs").iterdir()), "--csv", "b.csv", "--data", "lists")
    assert other.stdout == result.stdout
    assert (here / "b.csv").read_bytes() == (here / "all.csv").read_bytes()
    again = invoke("all.csv", "--csv", "c.csv")
    assert again.stdout == result.stdout
    assert (here / "c.csv").read_bytes() == (here / "all.csv").read_bytes()


def test_json_matches_its_schema(here: Path) -> None:
    (here / "table.csv").write_text(TABLE + "v1.1,closed,ExampleLabs,board_one,ic,999,,,,\n")
    words = ("runs", "rounds", "--json", "--csv", "x.csv", "--data", "lists", "--check", "table.csv")
    result = invoke(*words)
    value = json.loads(result.stdout)
    jsonschema.validate(value, schema())
    assert value["format"] == 3 and len(value["rows"]) == 3
    row = value["rows"][0]
    assert row["MlperfModel"] == "ic" and row["LatencyMs"] == pytest.approx(220) and row["Rank"] == 1
    assert row["RamBytes"] is None
    assert value["check"]["differences"][0]["text"] == "they differ"


def test_filter_limits_the_display_but_not_the_csv_file(here: Path) -> None:
    result = invoke("runs", "rounds", "--task", "ic", "--csv", "x.csv", "--html", "x.html", "--data", "lists")
    assert "image classification" in result.stdout and "keyword" not in result.stdout
    assert (here / "x.html").read_text().count("<section") == 1
    assert len(read_leaderboard(here / "x.csv")) == 3
    result = invoke("x.csv", "--division", "open", "--csv", "x.csv")
    assert "keyword" in result.stdout and "image" not in result.stdout
    result = invoke("x.csv", "--task", "vww", "--csv", "x.csv", "--html", "x.html")
    assert (result.exit_code, result.stdout) == (0, "no rows\n")
    assert "No rows" in (here / "x.html").read_text()
    assert len(read_leaderboard(here / "x.csv")) == 3


def test_runs_that_are_not_whole_are_shown_on_demand_and_always_written(here: Path) -> None:
    write_leaderboard(here / "x.csv", [run_row("whole"), run_row("torn", 3.0, complete=False)])
    for words, shown in [((), 1), (("--all",), 2)]:
        result = invoke("x.csv", "--csv", "x.csv", "--html", "x.html", *words)
        assert f"ranked of {shown}\n" in result.stdout
        assert ("one run that is not whole" in result.stderr) == ("torn" not in (here / "x.html").read_text())
        assert ("torn" in (here / "x.html").read_text()) == (shown == 2)
        assert len(read_leaderboard(here / "x.csv")) == 2


def test_damaged_run_is_skipped_and_named(here: Path) -> None:
    damaged, other = sorted((here / "runs").iterdir())
    (damaged / TRANSCRIPT_FILE).write_bytes(b"x\n")
    result = invoke("runs", "--csv", "x.csv")
    assert result.exit_code == 1
    assert f"skipped: runs/{damaged.name}" in result.stderr
    assert [row["RunId"] for row in read_leaderboard(here / "x.csv")] == [other.name]
    assert other.name not in result.stderr.split("skipped: ")[1]


def test_csv_file_is_kept_when_rows_would_be_lost(here: Path) -> None:
    first, second = sorted((here / "runs").iterdir())
    assert invoke(first, "--csv", "x.csv").exit_code == 0
    before = (here / "x.csv").read_bytes()
    result = invoke(second, "--csv", "x.csv")
    assert result.exit_code == 1
    assert "x.csv was not written: 1 of its rows would be lost, the first is" in result.stderr
    assert "Name it among the PATHs" in result.stderr and result.stdout
    assert (here / "x.csv").read_bytes() == before
    assert invoke(second, "x.csv", "--csv", "x.csv").exit_code == 0
    assert len(read_leaderboard(here / "x.csv")) == 2


def test_exit_status_4_for_differences_from_the_checked_table(here: Path) -> None:
    table = here / "table.csv"
    words = ("rounds", "--csv", "x.csv", "--data", "lists", "--check", "table.csv")
    table.write_text(TABLE + "v1.1,closed,ExampleLabs,board_one,ic,220,8800,220,100.0,1.0\n")
    result = invoke(*words)
    assert (result.exit_code, "5 of 5 figures are equal, 0 differences" in result.stdout) == (0, True)
    table.write_text(table.read_text().replace("220,8800", "230,8800"))
    result = invoke(*words)
    assert result.exit_code == 4
    assert "latency, ms 230 in the table, 220.000000 here: they differ" in result.stdout
    assert (here / "x.csv").exists()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("nowhere",), 2, "error: nowhere does not exist. Name a run, a folder of runs, a submission"),
        (("lists",), 2, "skipped: lists holds no result"),
        (("runs", "--csv", "lists"), 2, "error: lists cannot be read: Is a directory"),
        (("runs", "--csv", "table.csv"), 2, "error: table.csv is not a leaderboard, it begins with 'ver,div"),
        (("runs", "--html", "no/page.html"), 2, "error: no/page.html cannot be written: there is no folder no"),
        (("runs", "--html", "lists"), 2, "error: lists cannot be written: it is a folder"),
        (("runs", "--check", "none.csv"), 2, "error: none.csv cannot be read: No such file"),
        (("runs", "--data", "none"), 2, "error: the data folder none is not a folder"),
        (("--task", "xyz"), 2, "Invalid value for '--task'"),
        (("--division", "network"), 2, "Invalid value for '--division'"),
    ],
)
def test_wrong_usage_writes_nothing(here: Path, words: tuple[str, ...], status: int, sentence: str) -> None:
    (here / "table.csv").write_text(TABLE)
    files = sorted(here.rglob("*"))
    result = invoke(*words)
    assert result.exit_code == status, result.output
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert sorted(here.rglob("*")) == files


def test_no_results_names_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke()
    assert result.exit_code == 2
    wanted = "no results in runs/ and results/. Make a run with benchmark-run, or name runs or submissions."
    assert result.stderr == f"error: {wanted}\n"
    assert list(tmp_path.iterdir()) == []
