# SPDX-License-Identifier: Apache-2.0
"""Exit status and stderr of a command for each kind of exception."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.cli.main import main as program
from mlperf_tiny.errors import DoesNotFit, ModelInvalid, UsageError

ENDINGS = [
    (None, 0, ""),
    (UsageError("there is no device 'x'."), 2, "error: there is no device 'x'.\n"),
    (ModelInvalid("m.tflite", "it is empty"), 1, "error: m.tflite is not a usable TFLite model: it is empty."),
    (DoesNotFit("host", "flash", 2, 1), 1, "error: the image does not fit host"),
    (FileNotFoundError(2, "No such file or directory", "m.tflite"), 1, "error: m.tflite: No such file or directory.\n"),
    (OSError(28, "No space left on device"), 1, "error: No space left on device.\n"),
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
