# SPDX-License-Identifier: Apache-2.0
"""``micronet-compile``: stdout, the written C, and errors."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli.compile import main
from mlperf_tiny.models.catalog.catalog import available_locally
from mlperf_tiny.models.catalog.official import OFFICIAL
from tests.fakes.corrupt_models import residual_model, written


def compile_file(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(written(residual_model()))
    return path


@pytest.mark.toolchain
def test_table_on_stdout_and_c_that_compiles(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    result = compile_file(model, "--out", out, "--isa", "ref")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["layer", "MACs", "constants", "scratch"]
    # conv 6x5x8 outputs of 3x3x2, depthwise 6x5x8 of 3x3, fully connected 16x4
    assert "MACs       6,544" in lines and 6 * 5 * 8 * 18 + 6 * 5 * 8 * 9 + 64 == 6544
    assert any(line.startswith("1: DEPTHWISE_CONV_2D 3x3/1x1  6x5x8 -> 6x5x8") for line in lines)
    assert any(line.startswith("arena ") for line in lines)
    sources = sorted(str(p.relative_to(out)) for p in out.rglob("*.c"))
    assert "model.c" in sources and "engine/softmax_s8.c" in sources
    command = [sys.executable, "-m", "ziglang", "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-c"]
    subprocess.run([*command, "-I.", "-Iengine", "-Iengine/dsp", *sources], cwd=out, check=True)


def test_second_run_gives_the_same_json_and_files(model: Path, tmp_path: Path) -> None:
    reports, trees = [], []
    for name in ("a", "b"):
        result = compile_file(model, "--out", tmp_path / name, "--json")
        assert result.exit_code == 0, result.output
        reports.append(json.loads(result.stdout) | {"out": ""})
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.is_file())
        trees.append([(p.relative_to(tmp_path / name), p.read_bytes()) for p in files])
    assert reports[0] == reports[1] and trees[0] == trees[1]
    report = reports[0]
    assert report["isa"] == "dsp" and report["macs"] == 6544
    assert report["model_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert report["macs"] == sum(layer["macs"] for layer in report["layers"])
    assert report["constant_bytes"] == sum(layer["constant_bytes"] for layer in report["layers"])
    assert report["input"] == {"shape": [1, 6, 5, 2], "scale": 0.5, "zero_point": 4}


def test_errors_are_one_sentence_and_write_nothing(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(model.read_bytes()[:-100])
    cases: list[tuple[list[str | Path], int, str]] = [
        ([broken], 1, "error: broken.tflite is not a usable TFLite model: "),
        (
            [tmp_path / "none.tflite"],
            2,
            f"error: model file {tmp_path}/none.tflite cannot be read: No such file or directory.",
        ),
        (["mlperf-kwz"], 2, "error: there is no model 'mlperf-kwz'; name a .tflite file or one of "),
        ([tmp_path], 2, f"error: model file {tmp_path} cannot be read: Is a directory."),
        ([""], 2, "error: there is no model ''"),
        (["/dev/zero"], 1, "error: /dev/zero is larger than the "),
    ]
    for arguments, status, message in cases:
        result = compile_file(*arguments, "--out", tmp_path / "c")
        assert (result.exit_code, result.stdout) == (status, "")
        assert result.stderr.startswith(message) and result.stderr.count("\n") == 1
        assert not (tmp_path / "c").exists()
    assert compile_file(model).exit_code == 2
    result = compile_file(model, "--out", broken / "c")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {broken / 'c'} cannot be written: File exists. Name another folder with --out.\n"


def test_folder_with_other_files_is_refused(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    result = compile_file(model, "--out", out)
    assert result.exit_code == 2 and "--force" in result.stderr
    assert [p.name for p in out.iterdir()] == ["notes.txt"]
    assert compile_file(model, "--out", out, "--force").exit_code == 0
    assert not (out / "notes.txt").exists()


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    result = compile_file(path, "--out", tmp_path / "c")
    assert result.exit_code == 1 and "is larger than" in result.stderr


@pytest.mark.parametrize("name", [row.name for row in OFFICIAL])
def test_official_models_by_name(name: str, data_dir: Path, tmp_path: Path) -> None:
    if not available_locally(name, data_dir=data_dir):
        pytest.skip("the model is not in the data folder")
    result = compile_file(name, "--data", data_dir, "--out", tmp_path / "c", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["macs"] > 100_000
