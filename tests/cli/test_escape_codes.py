# SPDX-License-Identifier: Apache-2.0
"""Text from devices, files and submissions reaches a terminal without control characters."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import leaderboard, output, review, run
from mlperf_tiny.cli.command import click_command
from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.errors import DataError
from mlperf_tiny.progress import Progress
from mlperf_tiny.results.leaderboard.file import write_leaderboard
from mlperf_tiny.terminal import printable_lines, text_table
from tests.cli.test_run import on_fake
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.results.leaderboard_rows import run_row
from tests.results.review_submission import write_eembc

CLEAR = "\x1b[2J\x9b31m\x1b]0;title\x07"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(result: Result) -> None:
    assert "\\x1b" in result.output or "\\u001b" in result.output, result.output
    assert not CONTROL.search(result.stdout) and not CONTROL.search(result.stderr.replace("\r", ""))


def words(folder: Path) -> list[str]:
    data = kws_folder(folder / "data")
    places = ["--out", folder / f"runs{CLEAR}", "--leaderboard", folder / "leaderboard.csv", "--data", data]
    return ["--task", "kws", "--device", "stm32f746", "--port", "fake://", *map(str, places)]


@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["text", "json"])
def test_run_into_a_folder_with_escape_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: list[str]) -> None:
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    result = CliRunner().invoke(run.main, [*words(tmp_path), *extra])
    assert result.exit_code == 0, result.output
    harmless(result)
    if extra:
        assert CLEAR in json.loads(result.stdout)["folder"]


def test_run_on_a_device_that_sends_escape_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = f"e-[no {CLEAR} such]\r\nm-ready\r\n".encode("latin-1")

    def spoil(command: str, reply: bytes) -> bytes:
        return refusal if command.startswith("infer") else reply

    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated", spoil=spoil))
    result = CliRunner().invoke(run.main, words(tmp_path))
    assert result.exit_code == 1 and "error: the device refused" in result.stderr
    harmless(result)


@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["text", "json"])
def test_review_of_a_submission_with_escape_codes(tmp_path: Path, extra: list[str]) -> None:
    write_eembc(tmp_path / "tree")
    results = tmp_path / "tree/closed/ExampleLabs"
    shutil.move(results, results.with_name(f"Labs{CLEAR}"))
    result = CliRunner().invoke(review.main, [str(tmp_path / "tree"), *extra])
    harmless(result)


def test_leaderboard_of_rows_with_escape_codes(tmp_path: Path) -> None:
    csv = tmp_path / "foreign.csv"
    write_leaderboard(csv, [{**run_row("one"), "Model": "foreign-model"}])
    csv.write_text(csv.read_text().replace("foreign-model", CLEAR))
    result = CliRunner().invoke(leaderboard.main, [str(csv), "--csv", str(tmp_path / "all.csv")])
    assert result.exit_code == 1, result.output
    harmless(result)


def test_leaderboard_of_a_folder_with_escape_codes(tmp_path: Path) -> None:
    foreign = tmp_path / f"runs{CLEAR}"
    foreign.mkdir()
    result = CliRunner().invoke(leaderboard.main, [str(foreign), "--csv", str(tmp_path / f"{CLEAR}.csv")])
    assert result.exit_code == 2
    harmless(result)


def failing(problem: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise problem

    return function


@pytest.mark.parametrize(
    ("problem", "arguments"),
    [
        (DataError(f"{CLEAR} is broken."), []),
        (OSError(2, "No such file", f"{CLEAR}.csv"), []),
        (DataError(""), [f"{CLEAR}"]),
        (DataError(""), [f"--{CLEAR}"]),
    ],
    ids=["error", "system error", "argument", "option"],
)
def test_errors_are_harmless(problem: BaseException, arguments: list[str]) -> None:
    harmless(CliRunner().invoke(click_command()(failing(problem)), arguments))


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_harmless(terminal: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    stream = Stream()
    printer = ProgressPrinter(stream)
    printer.log(CLEAR)
    printer.progress(Progress("reading", 1, 1, f"{CLEAR}\nfile"))
    assert not CONTROL.search(stream.getvalue().replace("\r", ""))
    assert stream.getvalue().count("\n") == 2


def test_a_cell_of_a_table_is_one_line_of_known_width() -> None:
    text = text_table([["name", "n"], ["a\nb\x1b", "1"]])
    assert text == "name        n\na\\x0ab\\x1b  1"


def test_printable_lines_keeps_lines_and_letters() -> None:
    assert printable_lines("größe 1 µs\n\tb\r\n\x00") == "größe 1 µs\n        b\\x0d\n\\x00"


def test_commands_print_in_one_place_only() -> None:
    folder = Path(output.__file__).parent
    direct = re.compile(r"click\.(echo|secho|style|echo_via_pager)\(|(?<!\w)print\(|sys\.std(out|err)\.write")
    named = [path.name for path in folder.glob("*.py") if direct.search(path.read_text())]
    assert named == ["output.py"]
