# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite Micro itself, where ``TFLM_DIR`` names it: built in, run on both boards, equal to our own engine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DoesNotFit, LibraryUnusable
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.harness.compare.engines import measure_image
from mlperf_tiny.harness.compare.rows import Answers, InferenceCost
from mlperf_tiny.harness.image.build import BuiltImage, build_image
from mlperf_tiny.harness.image.engines import ENGINES, TFLM
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Sample
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.inputs.select import performance_inputs
from mlperf_tiny.models.tasks import find_task
from tests.fakes.tiny_models import tiny_kws
from tests.fakes.wire_formats import WIRE_FORMATS

BOARDS = ("stm32f746", "stm32f446")


@pytest.fixture(params=BOARDS)
def device(request: pytest.FixtureRequest) -> str:
    """A board for which the TFLM tree has a library."""
    if not os.environ.get("TFLM_DIR"):
        pytest.skip("TFLM_DIR is not set")
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("needs arm-none-eabi-g++")
    device = str(request.param)
    try:
        TFLM.check_board(find_board(device), os.environ)
    except LibraryUnusable as error:
        if "no library for" not in str(error):
            raise
        pytest.skip(str(error))
    return device


def measured(
    engine: str, device: str, content: bytes, samples: tuple[Sample, ...], cache: Path
) -> tuple[BuiltImage, InferenceCost, Answers]:
    board = find_board(device)
    row = ENGINES[engine]
    made = row.make_model(board, content, "model", os.environ)
    image = build_image(made, WIRE_FORMATS["kws01"], board, row.toolchain(None), None, cache)
    return image, *measure_image(board, image, made, samples, "instructions")


def test_both_engines_give_the_same_on_a_small_model(device: str, tmp_path: Path) -> None:
    content = np.random.default_rng(7).bytes(490)
    fixed = (Sample("random", NO_LABEL, lambda: content),)
    image, _, answers = measured("tflm", device, tiny_kws(), fixed, tmp_path)
    assert np.array_equal(answers["random"], measured("compiled", device, tiny_kws(), fixed, tmp_path)[2]["random"])
    assert 490 < image.info.arena_bytes < 4096
    assert image.info.kernels in ("CMSIS-NN", "reference")
    assert image.info.engine_version.startswith("tflite-micro ")
    assert image.info.flash_bytes > image.info.model_bytes == len(tiny_kws())


def test_both_engines_give_the_same_on_official_keywords(device: str, data_dir: Path, tmp_path: Path) -> None:
    content = find_model("mlperf-kws", data_dir=data_dir).load()
    samples = performance_inputs(load_dataset(find_task("kws"), data_dir), "benchmark", 490)
    image, cost, answers = measured("tflm", device, content, samples, tmp_path)
    _, ours, wanted = measured("compiled", device, content, samples, tmp_path)
    assert len(answers) == 5
    for name, values in answers.items():
        assert np.array_equal(values, wanted[name]), name
    assert cost.instructions and ours.instructions
    if image.info.kernels == "CMSIS-NN":
        # 7.8 million on a Cortex-M7 at -O3; other flags and versions are within a tenth.
        assert 6.5e6 < cost.instructions < 9.5e6
        assert 20_000 < image.info.arena_bytes < 30_000
    assert ours.instructions < cost.instructions


def test_the_person_model_fits_both_boards(device: str, data_dir: Path, tmp_path: Path) -> None:
    content = find_model("mlperf-vww", data_dir=data_dir).load()
    board = find_board(device)
    made = TFLM.make_model(board, content, "mlperf-vww", os.environ)
    image = build_image(made, WIRE_FORMATS["vww01"], board, TFLM.toolchain(None), None, tmp_path)
    # On the F446 by two hundred bytes: a kilobyte of the C library's state would be too much.
    assert b"impure_data" not in image.elf.read_bytes()
    assert 100_000 < image.info.arena_bytes < image.info.ram_bytes <= board.memory("ram").size_bytes


def test_a_model_too_large_for_the_board_is_refused_with_numbers(device: str, data_dir: Path, tmp_path: Path) -> None:
    content = find_model("micronet-ad-l", data_dir=data_dir).load()
    board = find_board(device)
    made = TFLM.make_model(board, content, "micronet-ad-l", os.environ)
    with pytest.raises(DoesNotFit) as caught:
        build_image(made, WIRE_FORMATS["ad01"], board, TFLM.toolchain(None), None, tmp_path)
    assert caught.value.need_bytes > caught.value.have_bytes
