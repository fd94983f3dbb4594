# SPDX-License-Identifier: Apache-2.0
"""What a run keeps so that its image can be built again, and that the parts are those it was built from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlperf_tiny.errors import RecordError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import FIRMWARE
from mlperf_tiny.harness.image import build as image
from mlperf_tiny.harness.image.build import source_digest
from mlperf_tiny.harness.image.parts import RecordedModel, recorded_parts, resolve_parts
from mlperf_tiny.harness.record.record_file import RECORD_FILE, read_record, record_differences
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.run.run_folder import MODEL_FILE
from mlperf_tiny.models.data.download.download import file_sha256
from mlperf_tiny.progress import Listener
from tests.fakes.data_sets import kws_folder
from tests.fakes.tflm_tree import M7, make_tree
from tests.fakes.tiny_models import tiny_kws
from tests.harness.run.test_whole_runs import kws_device, opener, request


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small model whose image was built, on a fake device."""
    folder = tmp_path_factory.mktemp("rebuild")
    (folder / "tiny.tflite").write_bytes(tiny_kws())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLPERF_TINY_CACHE", str(folder / "cache"))
        asked = request(kws_folder(folder / "data"), port=None, model=str(folder / "tiny.tflite"))
        return run_benchmark(asked, folder / "runs", Listener(), opener(kws_device()))[1]


def test_a_run_keeps_its_model_and_image(run: Path) -> None:
    settings = read_record(run).settings
    assert settings.firmware is not None
    assert file_sha256(run / MODEL_FILE) == settings.model.sha256
    assert file_sha256(run / "firmware.elf") == settings.firmware.elf_sha256
    assert settings.device.url == "emu://stm32f746?elf=firmware.elf&timing=full"
    assert settings.data.origin.endswith("from kws01")


def test_the_rebuilt_image_is_equal_bit_for_bit(run: Path, tmp_path: Path) -> None:
    settings = read_record(run).settings
    assert settings.firmware is not None
    parts = recorded_parts(settings, (run / MODEL_FILE).read_bytes(), "another name")
    assert parts.build(tmp_path).info == settings.firmware
    sources = parts.sources()
    assert sources["monitor/monitor.c"] == (FIRMWARE / "monitor/monitor.c").read_bytes()
    assert b"APP_BAUD 115200u" in sources["config/app_config.h"] and "model/model.c" in sources


def test_unknown_parts_are_refused_by_name(run: Path) -> None:
    settings = read_record(run).settings
    assert settings.firmware is not None
    with pytest.raises(RecordError, match="built no image: its device held one already"):
        recorded_parts(replace(settings, firmware=None), b"", "x")
    for changed, words in [
        (replace(settings, device=replace(settings.device, device="pdp11")), "there is no device 'pdp11'"),
        (replace(settings, engine="tvm"), "there is no engine 'tvm'"),
        (replace(settings, firmware=replace(settings.firmware, toolchain="tcc")), "there is no toolchain 'tcc'"),
        (replace(settings, task="sww"), "there is no task 'sww'"),
    ]:
        with pytest.raises(UsageError, match=words):
            recorded_parts(changed, tiny_kws(), "x")


@pytest.mark.parametrize(
    "name", ["engine/conv2d_s8.c", "codegen/lower.py", "ports/cortex_m/sections.ld", "boards/facts/board.py"]
)
def test_the_digest_covers_all_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    copy = Path(shutil.copytree(FIRMWARE, tmp_path / "firmware"))
    monkeypatch.setattr(image, "FIRMWARE", copy)
    whole = source_digest()
    with (copy / name).open("a") as file:
        file.write("\n")
    changed = source_digest()
    (copy / name).rename((copy / name).with_name(f"other{(copy / name).suffix}"))
    assert len({whole, changed, source_digest()}) == 3
    monkeypatch.undo()
    assert source_digest() == whole


def test_a_record_without_source_digest_does_not_differ(run: Path, tmp_path: Path) -> None:
    record = read_record(run)
    assert record.settings.firmware is not None
    firmware = replace(record.settings.firmware, source_digest="")
    old = replace(record, settings=replace(record.settings, firmware=firmware))
    values = json.loads((run / RECORD_FILE).read_text())
    del values["settings"]["firmware"]["source_digest"]
    (tmp_path / RECORD_FILE).write_text(json.dumps(values))
    assert record_differences(old, tmp_path) == ()
    (difference,) = record_differences(record, tmp_path)
    assert difference.startswith("settings.firmware.source_digest is None, its transcript gives ")


@pytest.mark.parametrize("variable", ["", "elsewhere"])
def test_the_library_is_the_one_of_the_environment_that_is_given(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFLM_DIR", variable)
    tree = make_tree(tmp_path / "tree", {"m7": M7})
    model = RecordedModel(name="tiny", task="kws", input_format="benchmark", content=tiny_kws())
    parts = resolve_parts("tflm", find_board("stm32f746"), model, environ={"TFLM_DIR": str(tree)})
    assert parts.model.library is not None
    assert tree in parts.model.library.archive.parents
