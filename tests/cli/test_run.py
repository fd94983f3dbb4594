# SPDX-License-Identifier: Apache-2.0
"""``benchmark-run``: exit status, stdout, stderr and the files of a run."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mlperf_tiny.cli import run as cli
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.record.settings import InputInfo, ModelInfo
from mlperf_tiny.harness.run import run as run_module
from mlperf_tiny.harness.run.data_choice import choose_data
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.models.arch.tflite_builder import Builder
from mlperf_tiny.models.catalog.catalog import find_model, model_names
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.results.leaderboard import file as leaderboard_file
from mlperf_tiny.results.leaderboard.file import read_leaderboard
from tests.fakes.compiled import FakeCompiled
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.reference import run_reference
from tests.fakes.tiny_models import tiny_kws
from tests.fakes.transcripts import killed
from tests.fakes.wire_formats import WIRE_FORMATS


def invoke(folder: Path, *arguments: object) -> Result:
    places = ("--out", folder / "runs", "--leaderboard", folder / "leaderboard.csv")
    return CliRunner().invoke(cli.main, [str(argument) for argument in (*arguments, *places)])


def on_fake(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    """Let every device be the fake that ``make`` makes."""
    for name in ("run_benchmark", "resume_benchmark"):
        patched = functools.partial(getattr(run_module, name), open_device=lambda url, *, baud=None: make())
        monkeypatch.setattr(run_module, name, patched)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[object, ...]:
    """Arguments for a run on a fake device."""
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated", instructions_per_inference=1234))
    return "--task", "kws", "--device", "stm32f746", "--port", "fake://", "--data", kws_folder(tmp_path / "data")


def test_table_on_stdout_progress_on_stderr(fake: tuple[object, ...], tmp_path: Path) -> None:
    result = invoke(tmp_path, *fake)
    assert result.exit_code == 0, result.output
    (folder,) = (tmp_path / "runs").iterdir()
    lines = {line[2:16].strip(): line[16:].strip() for line in result.stdout.splitlines() if line.startswith("  ")}
    assert lines["device"] == "stm32f746 (NUCLEO-F746ZG), cortex-m7 at 216 MHz"
    assert lines["timing"] == "emulated"
    assert lines["iterations"] == "10,100 in each window"
    assert lines["window 3"] == "10.100 s  1,000.000 inf./s  tst_000002.bin"
    assert lines["latency"] == "1.000 ms"
    assert lines["instructions"] == "1,234 per inference"
    assert lines["top-1"].startswith("91.7 %  11 of 12 on real data")
    assert f"record: {folder}" in result.stdout
    assert "1 rule violation: the 12 files are not a complete official list of kws01" in result.stdout
    assert "accuracy 12/12: done" in result.stderr
    assert "\r" not in result.stderr
    (row,) = read_leaderboard(tmp_path / "leaderboard.csv")
    assert (row["RunId"], row["Rank"], row["LatencyMs"]) == (folder.name, "", "1.000000")
    assert row["Record"] == f"runs/{folder.name}"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--model", "tiny.tflite"), "kws01 is not used: the official files are no input of model tiny"),
        (("--model", "micronet-kws-s"), "kws01 is not used: the inputs of model micronet-kws-s are made from keyword"),
        (("--model", "tiny.tflite", "--synthetic"), ""),
        ((), ""),
    ],
)
def test_data_that_is_not_used_says_why(
    words: tuple[str, ...], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLPERF_TINY_DATA", str(kws_folder(tmp_path / "data")))
    task = find_task("kws")
    model = ModelInfo(name=Path(words[1]).stem if words else "mlperf-kws", sha256=sha256_of(words), size_bytes=1,
                      origin="path", training_data="unknown", licence="", url="")  # fmt: skip
    own = bool(words)
    inputs = InputInfo(format="features" if own else "benchmark", size_bytes=490)
    choice = choose_data(task, model, inputs, None, synthetic="--synthetic" in words)
    assert why in choice.unused and bool(why) == bool(choice.unused)


def sha256_of(words: tuple[str, ...]) -> str:
    return find_model(words[1]).sha256 if words and words[1] in model_names() else ""


def test_json_on_stdout(fake: tuple[object, ...], tmp_path: Path) -> None:
    result = invoke(tmp_path, *fake, "--json", "--mode", "accuracy", "--limit", 3)
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["accuracy"]["samples"] == 3
    assert values["performance"] is None
    assert Path(values["folder"], "record.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--task", "kwss"], 2, "error: there is no task 'kwss'"),
        (["--device", "stm"], 2, "error: there is no device 'stm'"),
        (["--mode", "fast"], 2, "Invalid value for '--mode'"),
        (["--limit", "0"], 2, "Invalid value for '--limit'"),
        (["--timeout", "0"], 2, "Invalid value for '--timeout'"),
        (["--timeout", "inf"], 2, "Invalid value for '--timeout'"),
        (["--timeout", "nan"], 2, "error: --timeout nan is not a number of seconds"),
        (["--synthetic"], 2, "error: --data and --synthetic exclude each other"),
        (
            ["--port", "x", "--engine", "tflm"],
            2,
            "error: the device at --port already holds its firmware; remove --engine.",
        ),
        (["--port", "x", "--toolchain", "zig"], 2, "error: the device at --port already holds its firmware"),
        (["--data", "/nowhere/at/all"], 2, "error: the data folder /nowhere/at/all is not a folder"),
        (["--resume", "/nowhere/at/all"], 2, "error: /nowhere/at/all cannot be read"),
    ],
)
def test_wrong_usage_is_refused(
    fake: tuple[object, ...], tmp_path: Path, arguments: list[str], status: int, sentence: str
) -> None:
    result = invoke(tmp_path, *fake, *arguments)
    assert result.exit_code == status, result.output
    assert sentence in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "leaderboard.csv").exists()


def test_foreign_leaderboard_file_is_refused_before_the_run(fake: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "leaderboard.csv").write_text("something,else\n")
    result = invoke(tmp_path, *fake)
    assert (result.exit_code, "is not a leaderboard" in result.stderr) == (2, True)
    assert not (tmp_path / "runs").exists()


def test_table_is_printed_when_the_leaderboard_cannot_be_written(
    fake: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard_file, "check_leaderboard", lambda path: None)
    (tmp_path / "leaderboard.csv").mkdir()
    result = invoke(tmp_path, *fake)
    assert result.exit_code == 1
    assert "latency" in result.stdout
    assert "leaderboard.csv cannot be read: Is a directory" in result.stderr


def test_model_of_another_task_is_refused_before_the_build(tmp_path: Path) -> None:
    b = Builder()
    x, y = b.tensor((1, 490), scale=0.5847029089927673, zero_point=83), b.tensor((1, 490), scale=1.0)
    b.operator("QUANTIZE", [x], [y], {})
    (tmp_path / "m.tflite").write_bytes(b.build([x], [y]))
    result = invoke(tmp_path, "--task", "kws", "--model", tmp_path / "m.tflite", "--device", "stm32f746")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        result.stderr.splitlines()[-1]
        == "error: model m has 490 outputs, task kws needs 12. Name a model of this task."
    )


def test_ctrl_c_exits_with_130_and_resume_completes_the_run(
    fake: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(FakeDevice):
        def write(self, data: bytes) -> None:
            if len(self.inferred) == 10:
                raise KeyboardInterrupt
            super().write(data)

    with monkeypatch.context() as context:
        on_fake(context, lambda: Interrupted(infer=one_hot, timing="emulated"))
        result = invoke(tmp_path, *fake)
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert read_transcript(folder / TRANSCRIPT_FILE)[-1]["e"] == "stop"
    on_fake(monkeypatch, lambda: FakeDevice(infer=one_hot, timing="emulated"))
    result = invoke(tmp_path, "--resume", folder, "--data", tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert "11 of 12" in result.stdout
    assert list((tmp_path / "runs").iterdir()) == [folder]
    assert read_record(folder).complete


@pytest.mark.emulator
@pytest.mark.parametrize("device", ["host", "stm32f746", "stm32f446"])
def test_answers_equal_the_interpreter_after_run_and_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path / "cache"))
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_kws())
    data = kws_folder(tmp_path / "data")
    arguments = ("--task", "kws", "--model", model, "--device", device, "--data", data, "--iterations", 20)
    result = invoke(tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    (folder,) = (tmp_path / "runs").iterdir()
    record = read_record(folder)
    settings = record.settings
    assert settings.firmware is not None and record.performance is not None
    assert settings.device.timing == ("host" if device == "host" else "emulated")
    assert (settings.division, settings.model.origin) == ("open", "path")
    assert all(window.iterations == 20 for window in record.performance.windows)
    assert (record.instructions_per_inference is None) == (device == "host")
    if record.instructions_per_inference is not None:
        assert 490 * 12 / 4 < record.instructions_per_inference < 490 * 12 * 10
    answers = answers_of(folder)
    for number, file in enumerate(sorted((data / "kws01").glob("*.bin"))):
        values = np.frombuffer(file.read_bytes(), np.int8).reshape(1, 490)
        wanted = (run_reference(model.read_bytes(), values).reshape(-1).astype(int) + 128) * 1000 // 256 / 1000
        assert answers[number] == tuple(wanted), file.name

    killed(folder, torn_bytes=(folder / TRANSCRIPT_FILE).stat().st_size // 4)
    resumed = invoke(tmp_path, *arguments, "--resume", folder)
    assert resumed.exit_code == 0, resumed.output
    assert answers_of(folder) == answers

    again = invoke(tmp_path, *arguments, "--mode", "accuracy", "--limit", 1)
    assert again.exit_code == 0, again.output
    assert "using the cached image" in again.stderr


@pytest.mark.emulator
@pytest.mark.parametrize(("device", "limit"), [("host", 1000), ("stm32f746", 60)])
def test_official_keywords_equal_the_interpreter(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, device: str, limit: int
) -> None:
    monkeypatch.setenv("MLPERF_TINY_CACHE", str(tmp_path / "cache"))
    arguments = ("--task", "kws", "--model", "mlperf-kws", "--device", device, "--data", data_dir)
    result = invoke(tmp_path, *arguments, "--mode", "accuracy", "--limit", limit)
    assert result.exit_code == 0, result.output
    (folder,) = (tmp_path / "runs").iterdir()
    samples = load_dataset(find_task("kws"), data_dir).samples[:limit]
    inputs = np.frombuffer(b"".join(sample.load() for sample in samples), np.int8).reshape(limit, 49, 10, 1)
    values = run_reference(find_model("mlperf-kws", data_dir=data_dir).load(), inputs).reshape(limit, 12)
    wanted = (values.astype(int) + 128) * 1000 // 256 / 1000
    answers = answers_of(folder)
    assert [answers[index] for index in range(limit)] == [tuple(row) for row in wanted]
    record = read_record(folder)
    assert record.accuracy is not None
    assert record.accuracy.correct == (wanted.argmax(axis=1) == [sample.label for sample in samples]).sum()
    if limit == 1000:
        # TFLite's reference kernels get 901 of the 1000 right, its fast ones 902; published boards 901 to 926.
        assert (record.accuracy.correct, round(record.accuracy.auc or 0, 4)) == (901, 0.9953)


def answers_of(folder: Path) -> dict[int, tuple[float, ...]]:
    """Sample's index -> result vector of a run's accuracy part."""
    return {index: windows[0] for index, windows in measure(read_transcript(folder / TRANSCRIPT_FILE)).answers.items()}


def test_an_image_that_was_built_elsewhere_is_run_and_kept(tmp_path: Path) -> None:
    built = build_firmware(FakeCompiled(490, 12), WIRE_FORMATS["kws01"], find_board("stm32l4r5"), tmp_path / "image")
    image = built.elf.with_suffix(".bin")
    data = ("--data", kws_folder(tmp_path / "data"), "--mode", "performance", "--iterations", 1)
    result = invoke(tmp_path, "--device", "stm32l4r5", "--image", image, "--timing", "instructions", *data)
    assert result.exit_code == 0, result.output
    assert "foreign: firmware.bin, sha256 " in result.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "firmware.bin").read_bytes() == image.read_bytes()
    record = json.loads((folder / "record.json").read_text())
    assert (record["settings"]["image"]["kind"], record["settings"]["engine"]) == ("foreign", "foreign image")
    assert record["settings"]["firmware"] is None and record["instructions_per_inference"] > 0
    again = invoke(tmp_path, "--resume", folder)
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--image", "none.bin"), "missing option --device"),
        (("--image", "x/none.bin", "--device", "stm32l4r5"), "cannot read the image x/none.bin"),
        (("--image", "none.bin", "--device", "host"), "--image is run on an emulated board"),
        (("--image", "none.bin", "--device", "stm32l4r5", "--port", "COM3"), "remove --port"),
        (("--image", "none.bin", "--device", "stm32l4r5", "--engine", "compiled"), "remove --engine"),
    ],
)
def test_wrong_use_of_an_image_is_refused(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    result = invoke(tmp_path, "--task", "kws", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "runs").exists()
