# SPDX-License-Identifier: Apache-2.0
"""``benchmark-profile``: stdout, stderr, the plot, and exit statuses."""

from __future__ import annotations

import errno
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import profile as cli
from tests.fakes.tiny_models import tiny_kws


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(tiny_kws())
    return path


@pytest.fixture(autouse=True)
def _synthetic_data(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(model.parent / "cache"))  # one build serves all
    monkeypatch.delenv("MLPERF_TINY_DATA", raising=False)


@pytest.mark.emulator
def test_tables_on_stdout_plot_in_file_progress_on_stderr(model: Path, tmp_path: Path) -> None:
    plot = tmp_path / "tiny.svg"
    result = invoke(model, "--task", "kws", "--device", "stm32f446", "--timing", "full", "--plot", plot)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("tiny on stm32f446, engine compiled (dsp): one inference, ")
    assert lines[1].startswith("timing: emulated (full, ")
    assert lines[4].startswith("0: FULLY_CONNECTED  490 -> 12  ")
    assert lines[-1].endswith("; input: the first of 5 synthetic inputs of kws01")
    assert "one inference of tiny on stm32f446, layer by layer" in result.stderr
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")


@pytest.mark.emulator
def test_json_on_stdout_adds_up(model: Path) -> None:
    result = invoke(model, "--task", "kws", "--device", "stm32f446", "--json")
    values = json.loads(result.stdout)
    assert values["timing_level"] == "full" and values["timing"] == "emulated"
    parts = [*values["layers"], values["outside"]]
    assert sum(part["cycles"] for part in parts) == values["total"]["cycles"]
    for part in parts:
        assert part["cycles"] == part["issue_cycles"] + part["idle_cycles"] + sum(part["stalls"].values())


@pytest.mark.emulator
def test_a_plot_that_is_not_written_does_not_lose_the_tables(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(profile: object, path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("mlperf_tiny.harness.profile.plot.draw_profile", full_disk)
    result = invoke(model, "--task", "kws", "--device", "stm32f446", "--plot", tmp_path / "x.svg")
    assert (result.exit_code, "total" in result.stdout) == (1, True)
    assert f"x.svg cannot be written: the disk of {tmp_path} is full. Free space there, or name " in result.stderr


def test_a_plot_in_a_folder_that_is_not_there_is_refused_before_the_work(model: Path, tmp_path: Path) -> None:
    result = invoke(model, "--task", "kws", "--device", "stm32f446", "--plot", tmp_path / "no" / "x.svg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"x.svg cannot be written: there is no folder {tmp_path / 'no'}." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tiny.tflite", "--device", "stm32f446"), "add --task"),
        (("mlperf-kws", "--device", "host"), "error: layers are profiled on emulated boards"),
        (("mlperf-kws", "--device", "stm32f446", "--engine", "onnx"), "error: there is no engine 'onnx'"),
        (("mlperf-kws",), "Missing option '--device'"),
    ],
)
def test_wrong_usage_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
