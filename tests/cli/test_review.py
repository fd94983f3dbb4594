# SPDX-License-Identifier: Apache-2.0
"""``benchmark-review``: verdicts as exit statuses, stdout, stderr and the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli.review import main
from mlperf_tiny.models.data.formats import labels
from mlperf_tiny.models.data.formats.labels import Listed, list_digest
from mlperf_tiny.models.tasks.task import OfficialList
from tests.results.review_submission import FILES, LABELS, write_eembc, write_lists


@pytest.fixture(autouse=True)
def official(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = list_digest([Listed(file, label) for file, label in zip(FILES, LABELS, strict=True)])
    official = OfficialList(digest=digest, files=len(FILES), title="the official list")
    monkeypatch.setitem(labels.OFFICIAL_LISTS, "ic01", (official,))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    write_eembc(tmp_path / "tree")
    data = write_lists(tmp_path / "data")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, [str(tmp_path / "tree"), "--data", str(data), *words])

    return invoke


def nothing(_: Path) -> None: ...


def no_log(result: Path) -> None:
    (result / "accuracy/log.txt").unlink()


def other_claim(result: Path) -> None:
    (result / "accuracy/results.txt").write_text("u: Top-1: 99.0%\nu: AUC: 1.00\n")


def error_line(result: Path) -> None:
    path = result / "energy/results.txt"
    path.write_text(path.read_text() + "e-[bad]\n")


STATUSES = {"confirmed": (nothing, 0), "cannot be confirmed": (no_log, 3), "deviates": (other_claim, 4),
            "rule violation": (error_line, 5)}  # fmt: skip


@pytest.mark.parametrize("verdict", STATUSES)
def test_exit_status_of_each_verdict(tmp_path: Path, run: Callable[..., Result], verdict: str) -> None:
    edit, status = STATUSES[verdict]
    edit(tmp_path / "tree/closed/ExampleLabs/results/board_one/ic")
    result = run()
    assert result.exit_code == status
    assert f"1 result: 1 {verdict}" in result.stdout
    assert result.stdout.startswith(verdict.upper())


def test_exit_status_is_that_of_the_worst_verdict(tmp_path: Path, run: Callable[..., Result]) -> None:
    results = tmp_path / "tree/closed/ExampleLabs/results"
    error_line(write_eembc(tmp_path / "other").rename(results / "board_one/vww"))
    assert run().exit_code == 5


def test_json_is_one_object(run: Callable[..., Result]) -> None:
    value = json.loads(run("--json").stdout)
    assert value["verdicts"]["confirmed"] == 1
    (result,) = value["results"]
    assert {"folder", "verdict", "metrics", "findings", "runner", "benchmark"} <= set(result)
    throughput = result["metrics"][0]
    assert throughput == {
        "name": "throughput", "unit": "inf./s", "claimed": "4.545", "recomputed": pytest.approx(50 / 11),
        "agrees": True, "basis": "closed/ExampleLabs/results/board_one/ic/performance/log.txt",
    }  # fmt: skip


def test_html_page_is_written(tmp_path: Path, run: Callable[..., Result]) -> None:
    run("--html", str(tmp_path / "page.html"))
    assert "board_one" in (tmp_path / "page.html").read_text()
    result = run("--html", str(tmp_path / "none/page.html"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr and "--html" in result.stderr


def test_no_notes_hides_notes(run: Callable[..., Result]) -> None:
    assert "note:" in run().stdout
    assert "note:" not in run("--no-notes").stdout


def test_progress_goes_to_stderr(run: Callable[..., Result]) -> None:
    result = run("--json")
    assert "review" in result.stderr
    assert "review 1/1" not in result.stdout


@pytest.mark.parametrize("make", ["folder", "file", "nothing"])
def test_path_without_results_is_an_error(tmp_path: Path, make: str) -> None:
    path = tmp_path / "empty"
    if make == "folder":
        path.mkdir()
    elif make == "file":
        path.write_text("no archive")
    result = CliRunner().invoke(main, [str(path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and str(path) in result.stderr
