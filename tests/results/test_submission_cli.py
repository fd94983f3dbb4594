# SPDX-License-Identifier: Apache-2.0
"""``benchmark-run --submit`` as its user meets it."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import review as review_cli
from mlperf_tiny.cli import run as cli
from mlperf_tiny.harness.run import run as run_module
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE
from tests.fakes.device import FakeDevice
from tests.fakes.transcripts import killed
from tests.results import submitted_runs
from tests.results.submitted_runs import BASE, CODE, MODEL, RESULTS, SYSTEM, Bench, contents, kws_device

bench, kws_run, kws_tree = submitted_runs.bench, submitted_runs.kws_run, submitted_runs.kws_tree


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device is a fake."""
    for name in ("run_benchmark", "resume_benchmark"):
        patched = functools.partial(getattr(run_module, name), open_device=lambda url, *, baud=None: kws_device())
        monkeypatch.setattr(run_module, name, patched)


def invoke(bench: Bench, folder: Path, *arguments: object) -> Result:
    places = ("--data", bench.data, "--out", folder / "runs", "--leaderboard", folder / "leaderboard.csv")
    return CliRunner().invoke(cli.main, [str(argument) for argument in (*arguments, *places)])


WHOLE = ("--task", "kws", "--model", MODEL, "--device", "stm32f746")


def test_a_run_is_submitted_reviewed_and_confirmed(bench: Bench, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    result = invoke(bench, tmp_path, *WHOLE, "--submit", tree, "--submitter", "example-labs")
    assert result.exit_code == 0, result.output
    count = len(contents(tree))
    assert result.stdout.splitlines()[-1] == (f"submission: {tree / RESULTS} and {tree / CODE} ({count} files)")
    review = CliRunner().invoke(review_cli.main, [str(tree), "--data", str(bench.data)])
    assert (review.exit_code, review.stdout.splitlines()[-1]) == (0, "1 result: 1 confirmed")


def test_a_finished_run_is_submitted_without_running_anything(
    bench: Bench, kws_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_device(url: str, *, baud: int | None = None) -> FakeDevice:
        raise AssertionError(url)

    without_device = functools.partial(run_module.resume_benchmark, open_device=no_device)
    monkeypatch.setattr(run_module, "resume_benchmark", without_device)
    arguments = ("--resume", kws_run, "--submit", tmp_path / "tree", "--submitter", "example-labs", "--json")
    for unchanged in (False, True):
        result = invoke(bench, tmp_path, *arguments)
        assert result.exit_code == 0, result.output
        values = json.loads(result.stdout)
        assert values["submission"]["unchanged"] is unchanged
        assert {key: values["submission"][key] for key in ("root", "results", "code", "description")} == {
            "root": str(tmp_path / "tree"), "results": RESULTS, "code": CODE,
            "description": f"{BASE}/systems/{SYSTEM}.json",
        }  # fmt: skip


def test_an_interrupted_run_goes_on_and_is_submitted(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(tmp_path / "runs")
    killed(run, lines=(run / TRANSCRIPT_FILE).read_bytes().count(b"\n") // 2)
    result = invoke(bench, tmp_path, "--resume", run, "--submit", tmp_path / "tree", "--submitter", "example-labs")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "tree" / RESULTS / "accuracy/results.txt").is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("--submitter", "x"), 2, "error: --submitter without --submit: add --submit DIR, the submission tree."),
        (("--replace",), 2, "--replace without --submit"),
        (("--submit", "DIR"), 2, "error: missing option --submitter NAME: the organisation that submits."),
        (("--submit", "DIR", "--submitter", "a/b"), 2, "--submitter 'a/b' cannot be a folder of a submission"),
        (("--submit", "DIR", "--submitter", "x", "--availability", "soon"), 2, "Invalid value for '--availability'"),
        (("--submit", "DIR", "--submitter", "x", "--availability", "available"), 2, "--availability available is for"),
        (
            ("--submit", "DIR", "--submitter", "x", "--limit", "3"),
            2,
            "only complete runs on the benchmark's own data are",
        ),
        (("--submit", "DIR", "--submitter", "x", "--mode", "accuracy"), 2, "remove --mode"),
        (("--submit", "FILE", "--submitter", "x"), 2, "is not a folder. Name another one with --submit."),
        (("--submit", "TREE", "--submitter", "example-labs"), 2, "exists already and is not of this run. Replace it"),
    ],
)
def test_incompatible_options_are_refused_before_the_run(
    bench: Bench, kws_tree: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    (tmp_path / "file").write_text("")
    places = {"DIR": tmp_path / "tree", "FILE": tmp_path / "file", "TREE": kws_tree}
    before = contents(kws_tree)
    result = invoke(bench, tmp_path, *WHOLE, *(places.get(word, word) for word in arguments))
    assert (result.exit_code, result.stdout) == (status, ""), result.output
    assert sentence in result.stderr
    assert not (tmp_path / "runs").exists() and not (tmp_path / "tree").exists() and contents(kws_tree) == before


def test_an_ineligible_run_keeps_its_table_and_its_row(bench: Bench, tmp_path: Path) -> None:
    arguments = (*WHOLE, "--iterations", 9, "--submit", tmp_path / "tree", "--submitter", "example-labs")
    result = invoke(bench, tmp_path, *arguments)
    assert result.exit_code == 1
    assert "latency" in result.stdout and "submission:" not in result.stdout
    assert "may not be submitted: rule violation: shortest window 0.180 s (minimum 10 s)" in result.stderr
    assert (tmp_path / "leaderboard.csv").is_file() and not (tmp_path / "tree").exists()


def test_overrides_are_in_the_description(bench: Bench, kws_run: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.json"
    words.write_text('{"Software Notes": "in our own words"}')
    arguments = ("--resume", kws_run, "--submit", tmp_path / "tree", "--submitter", "example-labs")
    result = invoke(bench, tmp_path, *arguments, "--describe", words)
    assert result.exit_code == 0, result.output
    description = (tmp_path / "tree" / BASE / f"systems/{SYSTEM}.json").read_text()
    assert '"Software Notes": "in our own words"' in description
    review = CliRunner().invoke(review_cli.main, [str(tmp_path / "tree"), "--data", str(bench.data)])
    assert review.exit_code == 0, review.output
    result = invoke(bench, tmp_path, *arguments, "--describe", tmp_path / "nowhere")
    assert (result.exit_code, "nowhere cannot be read: No such file" in result.stderr) == (2, True)


def test_replace_option_replaces_a_result(bench: Bench, kws_run: Path, tmp_path: Path) -> None:
    tree = bench.submit(kws_run, tmp_path / "tree")
    before = contents(tree)
    arguments = (*WHOLE, "--submit", tree, "--submitter", "example-labs")
    assert invoke(bench, tmp_path, *arguments).exit_code == 2
    assert contents(tree) == before
    result = invoke(bench, tmp_path, *arguments, "--replace")
    assert result.exit_code == 0, result.output
    assert contents(tree) != before and contents(tree).keys() == before.keys()
    result = invoke(bench, tmp_path, *arguments, "--system", "second")
    assert result.exit_code == 0, result.output
    assert (tree / BASE / "results/emulated-second/kws").is_dir()
