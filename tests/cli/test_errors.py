# SPDX-License-Identifier: Apache-2.0
"""Exit status and stderr of a command for each kind of exception."""

from __future__ import annotations

from collections.abc import Callable
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
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.results.mlperf.names import Entry
from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.levels import find_level
from tests.fakes.tiny_models import tiny_kws, weighted

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
    "run": [
        "--data {none} --task kws --device host",
        "--resume {none}",
        "--resume {file}",
        "--resume {pointers}",
        "--task kws --device host --describe {none}",
        "--task kws --device host --submit {file} --submitter a",
        "--task kws --device host --submit {none} --submitter a --describe {pointer}",
        "--task kws --device host --leaderboard {file}/x.csv",
        "--task kws --device host --leaderboard {empty}",
        "--model {none}.tflite --task kws --device host",
        "--model {page} --task kws --device host",
        "--model {file} --task kws --device host",
        "--task ad --port emo://x",
        "--task ad --port emu://stm32f746?elf={pointer}",
        "--task ad --port host://{none}",
        "--task ad --port replay://{none}",
        "--task ad --port replay://{pointer}",
        "--task ad --port socket://localhost",
        "--task ad --port socket://localhost:x",
        "--task ad --port {empty}",
        "--task ad --port {file}",
        "--task ad --device stm32f746 --timing fast",
        "TFLM_DIR={none} --task ad --device stm32f746 --engine tflm",
        "TFLM_DIR={file} --task ad --device stm32f746 --engine tflm",
        "TFLM_DIR={empty} --task ad --device stm32f746 --engine tflm",
        "TFLM_DIR={tree} --task ad --device stm32f746 --engine tflm",
        "TFLM_DIR=~nobody-here --task ad --device stm32f746 --engine tflm",
        "MLPERF_TINY_DATA=~nobody-here --task kws --device host",
        "MLPERF_TINY_CACHE={file} --task ad --device host",
        "MLPERF_TINY_CACHE=~nobody-here --task ad --device host",
    ],
    "compare": [
        "{none}",
        "{file}",
        "{empty}",
        "{pointers}",
        "--data {none}",
        "--model {none}.tflite --task kws --device stm32f746",
        "--model {page} --task kws --device stm32f746 --engine compiled",
        "--task kws --device host",
        "TFLM_DIR={none} --task ad --device stm32f746 --engine tflm",
    ],
    "profile": [
        "{none}.tflite --task kws --device stm32f746",
        "{page} --task kws --device stm32f746",
        "{file} --task kws --device stm32f746",
        "kws --data {none} --device stm32f746",
        "ad-s --device stm32f746 --plot {none}/x.pdf",
        "ad-s --device host",
    ],
    "leaderboard": [
        "{none}",
        "{empty}",
        "{file}",
        "{pointer}",
        "",
        "{empty} --html {none}/page.html",
        "{empty} --data {none}",
        "{empty} --csv {file}/x.csv",
        "{empty} --csv {empty}",
        "{empty} --csv {pointer}",
        "{empty} --check {none}",
        "{empty} --check {pointer}",
        "{empty} --check {file}",
    ],
    "review": [
        "{none}",
        "{empty}",
        "{page}",
        "{file}",
        "{pointer}",
        "{empty} --html {none}/page.html",
        "{none} --reproduce",
        "{pointers} --reproduce --work {file}",
        "{pointers} --limit 3",
    ],
    "compile": [
        "{none}.tflite --out {out}",
        "{page} --out {out}",
        "{file} --out {out}",
        "{empty} --out {out}",
        "ad-s --out {file}",
        "ad-s --out {file}/x",
    ],
    "emulate": [
        "--elf {none} --device stm32f746 --tcp 0",
        "--elf {page} --device stm32f746 --tcp 0",
        "--elf {file} --device stm32f746 --tcp 0",
        "--elf {empty} --device stm32f746 --tcp 0",
        "--elf {file} --device host --tcp 0",
    ],
    "fetch": ["nothing", "MLPERF_TINY_CACHE={file} kws", "MLPERF_TINY_CACHE={file} cifar10"],
    "devices": ["--nothing"],
    "train": [
        "micronet-kws-s --data {none} --out {out}",
        "micronet-kws-s --data {file} --out {out}",
        "micronet-kws-s --data {empty} --out {out}",
        "micronet-kws-s --out {file}",
        "micronet-kws-s --out {out} --distill {none}.tflite",
        "ad-autoencoder --out {out} --distill kws-s",
        "kws-s --out {out}",
    ],
}
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{0:064}\nsize 9999\n"
NEEDS_TENSORFLOW = ("--distill {none}", "--data {empty}", "--data {file}", "--data {none}")


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Paths of all the wrong kinds, by the words that the table uses."""
    there = {name: tmp_path / name for name in ("none", "empty", "out", "file", "pointers", "tree")}
    there |= {"page": tmp_path / "page.tflite", "pointer": tmp_path / "pointer.csv"}
    there["empty"].mkdir()
    there["file"].write_text("hello\n")
    there["page"].write_text("<!DOCTYPE html><html></html>")
    (there["tree"] / "tensorflow/lite/micro").mkdir(parents=True)
    there["pointers"].mkdir()
    for path in (there["pointer"], there["pointers"] / "transcript.jsonl"):
        path.write_text(POINTER)
    return there


@pytest.mark.parametrize(
    ("command", "words"), [(command, words) for command, several in WRONG.items() for words in several]
)
def test_a_request_for_what_is_not_there_or_of_another_kind_ends_with_2(
    command: str, words: str, places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "train" and any(part in words for part in NEEDS_TENSORFLOW):
        pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    arguments = words.format_map(places).split()
    while arguments and "=" in arguments[0]:
        monkeypatch.setenv(*arguments.pop(0).split("=", 1))
    result = CliRunner().invoke(program, [command, *arguments])
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Traceback" not in result.stderr
    assert not (tmp_path / "runs").exists() and not (tmp_path / "out" / "model.tflite").exists()


FAILS = {
    "run": ["--model {damaged} --task kws --device host", "--task ad --port /dev/no-such-port", "--resume {torn}",
            "--task ad --port socket://localhost:1", "--model {int16} --task kws --device host"],
    "compare": ["{torn}", "--model {damaged} --task kws --device stm32f746 --engine compiled"],
    "profile": ["{damaged} --task kws --device stm32f746", "{int16} --task kws --device stm32f746"],
    "leaderboard": ["{torn}", "{torn} --csv {later}"],
    "compile": ["{damaged} --out {out}", "{int16} --out {out}"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "words"), [(command, words) for command, several in FAILS.items() for words in several]
)
def test_a_request_for_what_is_damaged_not_supported_or_silent_ends_with_1(
    command: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    places = {name: tmp_path / name for name in ("damaged.tflite", "int16.tflite", "torn", "later.csv", "out")}
    places["damaged.tflite"].write_bytes(tiny_kws()[:200])
    places["int16.tflite"].write_bytes(weighted("int16", "int8"))
    places["torn"].mkdir()
    (places["torn"] / "transcript.jsonl").write_text('{"e": "meta", "format": 3}\nnot a line\n')
    places["later.csv"].write_text("Format,More\n99,1\n")
    words = words.format_map({name.split(".")[0]: path for name, path in places.items()})
    result = CliRunner().invoke(program, [command, *words.split()])
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.stderr and not places["out"].exists()


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
        ("fetch speech", "speech"),
        ("train kws-s --out x", "micronet"),
        ("train dscnn --out x", "dscnn"),
        ("run --task kws --device stm32f746 --engine tflm --toolchain gc", "gcc"),
        ("run --task ad --device stm32f746 --timing ful", "full"),
        ("run --task ad --device stm32f746 --mode acuracy", "accuracy"),
        ("run --task ad --device stm32f746 --submit x --submitter a --availability avaiable", "available"),
        ("run --task ad --port emo://stm32f746", "emu"),
        ("run --task ad --port emu://stm32f764?elf=x", "stm32f746"),
        ("run --task ad --port emu://stm32f746?elv=x", "elf"),
        ("run --task ad --devise stm32f746", "--device"),
        ("compare --task kwz", "kws"),
        ("profile micronet-kws-x --device stm32f746", "micronet"),
        ("emulate --device stm32f764 --elf x", "stm32f746"),
        ("leaderboard --division close", "closed"),
        ("leaderboard --task kwz", "kws"),
        ("compile ad-s --out x --isa dps", "dsp"),
        ("review x --reproduc", "--reproduce"),
    ],
)
def test_a_name_with_a_slip_gets_the_close_one(words: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)
    result = CliRunner().invoke(program, words.split())
    assert result.exit_code == 2, result.output
    question = result.stderr.rpartition("Did you mean ")[2]
    assert question.rstrip(")\n").endswith("?") and f"'{meant}" in question


@pytest.mark.parametrize(
    ("find", "slip", "meant"),
    [
        (find_pipeline, "mlperf-kwz", "mlperf-kws"),
        (lambda name: find_level(name, find_board("stm32f746")), "pipelin", "pipeline"),
        (find_core, "cortex-m8", "cortex-m"),
        (lambda name: Entry("a", name, None, None), "avail", "available"),
    ],
)
def test_a_name_in_the_interface_of_python_gets_the_close_one_too(
    find: Callable[[str], object], slip: str, meant: str
) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{meant}"):
        find(slip)


def test_unexpected_exception_keeps_its_traceback() -> None:
    @click.command()
    @reports_errors
    def main() -> None:
        raise ZeroDivisionError

    result = CliRunner().invoke(main)
    assert isinstance(result.exception, ZeroDivisionError)
