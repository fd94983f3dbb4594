# SPDX-License-Identifier: Apache-2.0
"""Exit status and stderr of a command for each kind of exception."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mlperf_tiny import errors
from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.main import main as program
from mlperf_tiny.errors import (
    BenchError,
    DataError,
    DeviceSilent,
    DoesNotFit,
    LibraryUnusable,
    ModelInvalid,
    NotAModel,
    PortUnavailable,
    RecordError,
    Refused,
    UsageError,
    WrongRequest,
)

ENDINGS = [
    (None, 0, ""),
    (UsageError("there is no device 'x'."), 2, "error: there is no device 'x'.\n"),
    (NotAModel("m.tflite", "it is a web page"), 2, "error: m.tflite is not a usable TFLite model: it is a web page."),
    (WrongRequest("there is no folder x."), 2, "error: there is no folder x.\n"),
    (DataError("the list is torn."), 1, "error: the list is torn.\n"),
    (RecordError("the run is torn."), 1, "error: the run is torn.\n"),
    (LibraryUnusable(Path("a.a"), "it is empty"), 1, "error: a.a cannot be used: it is empty\n"),
    (PortUnavailable("COM3", "busy"), 1, "error: cannot open COM3: busy."),
    (DeviceSilent("name", 5), 1, "error: the device did not finish"),
    (Refused("db", "no"), 1, "error: the device refused 'db': no\n"),
    (ModelInvalid("m.tflite", "it is empty"), 1, "error: m.tflite is not a usable TFLite model: it is empty."),
    (DoesNotFit("host", "flash", 2, 1), 1, "error: the image does not fit host"),
    (FileNotFoundError(2, "No such file or directory", "m.tflite"), 1, "error: m.tflite: No such file or directory.\n"),
    (OSError(28, "No space left on device"), 1, "error: No space left on device. Free disk space, then start"),
    (
        OSError(28, "No space left on device", "/cache/x.elf", None, "/runs/one/x.elf"),  # of a copy
        1,
        "error: /runs/one/x.elf: No space left on device on the disk of /runs/one. Free space there, then",
    ),
    (KeyboardInterrupt(), 130, "interrupted\n"),
    (click.Abort(), 130, "interrupted\n"),
]


@pytest.mark.parametrize(("problem", "status", "message"), ENDINGS, ids=lambda value: type(value).__name__)
def test_exit_status_and_message_of_an_expected_error(problem: BaseException | None, status: int, message: str) -> None:
    @click.command()
    @click.option("--answer", default="42")
    @reports_errors
    def main(answer: str) -> None:
        """Says the answer."""
        click.echo(answer)
        if problem is not None:
            raise problem

    result = CliRunner().invoke(main)
    assert result.exit_code == status
    assert result.stdout == "42\n"
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.output


def test_every_error_of_a_wrong_request_ends_with_2_and_every_other_with_1() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BenchError)]
    assert len(kinds) >= 18
    for kind in kinds:
        assert kind.exit_code == (2 if issubclass(kind, UsageError) else 1), kind


WRONG = {
    "run": ["--data {none} --task kws --device host", "--resume {none}", "--task kws --device host --describe {none}",
            "--model {none}.tflite --task kws --device host", "--model {page} --task kws --device host"],
    "compare": ["{none}", "--data {none}", "--model {none}.tflite --task kws --device stm32f746"],
    "profile": ["{none}.tflite --task kws --device stm32f746", "{page} --task kws --device stm32f746",
                "kws --data {none} --device stm32f746"],
    "leaderboard": ["{none}", "{empty} --html {none}/page.html", "{empty} --data {none}"],
    "review": ["{none}", "{empty}", "{page}", "{empty} --html {none}/page.html", "{none} --reproduce"],
    "compile": ["{none}.tflite --out {out}", "{page} --out {out}", "{empty} --out {out}"],
    "emulate": ["{none} --device stm32f746 --tcp 0", "{page} --device stm32f746 --tcp 0"],
    "fetch": ["nothing"],
    "devices": ["--nothing"],
    "train": ["micronet-kws-s --data {none} --out {out}"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "words"), [(command, words) for command, several in WRONG.items() for words in several]
)
def test_a_request_for_what_is_not_there_or_of_another_kind_ends_with_2(
    command: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    places = {name: tmp_path / name for name in ("none", "empty", "out")} | {"page": tmp_path / "page.tflite"}
    places["empty"].mkdir()
    places["page"].write_text("<!DOCTYPE html><html></html>")
    result = CliRunner().invoke(program, [command, *words.format_map(places).split()])
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Traceback" not in result.stderr
    assert not (tmp_path / "runs").exists() and not places["out"].exists()


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("rum", "run"),
        ("compile micronet-kws-x --out x", "micronet-kws-s"),
        ("run --task kwd --device stm32f746", "kws"),
        ("run --task kws --device STM32F764", "stm32f746"),
        ("run --task kws --device stm32f746 --engine compield", "compiled"),
        ("run --task kws --device stm32f746 --toolchain zgi", "zig"),
        ("train micronet-kws-z --out x", "micronet-kws-s"),
        ("fetch cifar-10", "cifar10"),
    ],
)
def test_a_name_with_a_slip_gets_the_close_one(words: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    result = CliRunner().invoke(program, words.split())
    assert result.exit_code == 2, result.output
    assert "Did you mean '" in result.stderr and result.stderr.rstrip().endswith("?")
    assert meant.split("-")[0] in result.stderr.rpartition("Did you mean ")[2]


def test_unexpected_exception_keeps_its_traceback() -> None:
    @click.command()
    @reports_errors
    def main() -> None:
        raise ZeroDivisionError

    result = CliRunner().invoke(main)
    assert isinstance(result.exception, ZeroDivisionError)
