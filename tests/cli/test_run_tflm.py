# SPDX-License-Identifier: Apache-2.0
"""``benchmark-run --engine tflm``, on a source tree with the layout of TensorFlow Lite Micro's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import run as cli
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from tests.fakes.data_sets import kws_folder
from tests.fakes.tflm_tree import M4, M7, make_tree
from tests.fakes.tiny_models import tiny_kws


def invoke(folder: Path, *arguments: object) -> Result:
    """Run three keyword files of ``folder`` on a model in it."""
    (folder / "tiny.tflite").write_bytes(tiny_kws())
    places = ("--out", folder / "runs", "--leaderboard", folder / "leaderboard.csv", "--data", folder / "data")
    words = ("--task", "kws", "--model", folder / "tiny.tflite", "--engine", "tflm", "--device", "stm32f746")
    return CliRunner().invoke(cli.main, [str(argument) for argument in (*words, *arguments, *places)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data and a tree; built images are kept in it."""
    kws_folder(tmp_path / "data", samples=3)
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFLM_DIR", str(make_tree(tmp_path / "tree", {"m7": M7})))
    (tmp_path / "tree" / "VERSION").write_text("1.2.3\n")
    return tmp_path


def test_run_from_the_model_to_the_record(folder: Path) -> None:
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("needs arm-none-eabi-g++")
    result = invoke(folder, "--mode", "accuracy")
    assert result.exit_code == 0, result.output
    assert "the interpreter uses 600 bytes of its arena" in result.stderr
    (run,) = (folder / "runs").iterdir()
    record = read_record(run)
    firmware = record.settings.firmware
    assert firmware is not None
    assert (record.settings.engine, firmware.kernels, firmware.arena_bytes) == ("tflm", "CMSIS-NN", 608)
    assert (firmware.toolchain, firmware.model_bytes) == ("gcc", len(tiny_kws()))
    assert f"tflm ({firmware.engine_version}), CMSIS-NN kernels" in result.stdout
    assert firmware.engine_version.startswith("tflite-micro 1.2.3, library ")
    assert f"(model {len(tiny_kws()):,}, rest " in result.stdout
    answers = measure(read_transcript(run / TRANSCRIPT_FILE)).answers
    for number, file in enumerate(sorted((folder / "data" / "kws01").glob("*.bin"))):
        # What the fake interpreter computes.
        values = np.append(np.frombuffer(file.read_bytes(), np.uint8), [0, 0]).astype(np.uint8)
        sums = values.reshape(-1, 12).sum(axis=0, dtype=np.uint8).view(np.int8).astype(int)
        assert answers[number][0] == tuple((sums + 128) * 1000 // 256 / 1000), file.name


@pytest.mark.parametrize(
    ("directory", "arguments", "status", "sentence"),
    [
        ("", (), 2, "error: engine tflm needs a TensorFlow Lite Micro source tree"),
        ("nowhere", (), 2, "nowhere cannot be used: it is not a folder"),
        ("data", (), 2, "data cannot be used: it has no tensorflow/lite/micro"),
        ("tree", ("--device", "stm32f446"), 1, "the board has a cortex-m4"),
        ("tree", ("--device", "host"), 2, "not supported on device host"),
        ("tree", ("--toolchain", "zig"), 2, "toolchain zig cannot build engine tflm"),
    ],
)
def test_wrong_usage_is_refused_before_the_build(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    directory: str,
    arguments: tuple[str, ...],
    status: int,
    sentence: str,
) -> None:
    monkeypatch.setenv("TFLM_DIR", str(folder / directory) if directory else "")
    result = invoke(folder, *arguments)
    assert (result.exit_code, sentence in result.stderr) == (status, True), result.stderr
    assert not (folder / "cache").exists()
    assert not (folder / "runs").exists()


def test_library_of_another_core_is_refused(folder: Path) -> None:
    make_tree(folder / "tree", {"m4": M4}, kernels=())
    shutil.rmtree(folder / "tree/gen/m7")
    result = invoke(folder)
    assert result.exit_code == 1
    assert "gen/m4/lib/libtensorflow-microlite.a is for cortex-m4" in result.stderr
