# SPDX-License-Identifier: Apache-2.0
"""The arena is found on the emulated board: with a fake interpreter whose needs are known, in real images."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlperf_tiny.errors import CompilerFailed, DoesNotFit, UnsupportedOperator
from mlperf_tiny.firmware.boards import KIB, find_board
from mlperf_tiny.firmware.tflm.model import TflmModel, tflm_model
from mlperf_tiny.firmware.tflm.operators import Call, read_resolver
from mlperf_tiny.firmware.toolchain import find_toolchain
from mlperf_tiny.harness.image.arena import build_with_least_arena
from mlperf_tiny.harness.image.build import build_image
from tests.fakes.tflm_tree import FAKE, M4, M7, fake_library, make_archive
from tests.fakes.tiny_models import tiny_kws
from tests.fakes.wire_formats import WIRE_FORMATS

F746, F446 = find_board("stm32f746"), find_board("stm32f446")
WIRE = WIRE_FORMATS["kws01"]
GCC = find_toolchain("gcc")


@pytest.fixture
def cpp() -> None:
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("needs arm-none-eabi-g++")


def model(folder: Path, *defines: str, flags: tuple[str, ...] = M7) -> TflmModel:
    archive = make_archive(folder / "library" / "fake.a", [(flags, ("unused",))])
    return tflm_model(tiny_kws(), "tiny", fake_library(archive, *defines), read_resolver(FAKE))


@pytest.mark.usefixtures("cpp")
def test_the_arena_is_what_the_interpreter_used(tmp_path: Path) -> None:
    log: list[str] = []
    made = model(tmp_path, "FAKE_USED_BYTES=1234", flags=M4)
    image = build_image(made, WIRE, F446, GCC, None, tmp_path / "cache", log.append)
    assert image.info.arena_bytes == 1248
    assert (image.info.kernels, image.info.model_bytes) == ("CMSIS-NN", len(tiny_kws()))
    assert image.info.engine_version == made.engine_version
    assert "the interpreter uses 1,234 bytes of its arena" in log
    log.clear()
    assert build_image(made, WIRE, F446, GCC, None, tmp_path / "cache", log.append) == image
    assert log == ["using the cached image for stm32f446"]
    other = replace(made, library=replace(made.library, digest="2" * 64))
    assert build_image(other, WIRE, F446, GCC, None, tmp_path / "cache").elf != image.elf


@pytest.mark.usefixtures("cpp")
@pytest.mark.parametrize(("needed", "wanted"), [(1249, 1264), (1600, 1600), (1601, 1616)])
def test_the_arena_covers_the_peak_while_setting_up(tmp_path: Path, needed: int, wanted: int) -> None:
    made = model(tmp_path, "FAKE_USED_BYTES=1234", f"FAKE_NEEDED_BYTES={needed}")
    sized, firmware = build_with_least_arena(made, WIRE, F746, tmp_path / "out", GCC)
    assert sized.arena_bytes == wanted
    assert firmware.elf.is_file()


@pytest.mark.usefixtures("cpp")
def test_an_arena_larger_than_ram_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit) as caught:
        build_with_least_arena(model(tmp_path, "FAKE_USED_BYTES=400000"), WIRE, F746, tmp_path / "out", GCC)
    assert caught.value.region == "ram"
    assert 400_000 < caught.value.need_bytes < 410_000
    assert caught.value.have_bytes == 320 * KIB


@pytest.mark.usefixtures("cpp")
@pytest.mark.parametrize(
    ("define", "reason"),
    [
        ("FAKE_NEEDED_BYTES=99000000", "an operator refuses its tensors"),
        ("FAKE_SCHEMA_VERSION=4", "the model file has another schema version"),
    ],
)
def test_a_refusal_has_the_text_of_the_interpreter(tmp_path: Path, define: str, reason: str) -> None:
    with pytest.raises(UnsupportedOperator, match=f"refused it: Model set-up failed: .*{reason}"):
        build_with_least_arena(model(tmp_path, define), WIRE, F746, tmp_path / "out", GCC)


@pytest.mark.usefixtures("cpp")
def test_a_compiler_error_in_the_glue_is_reported(tmp_path: Path) -> None:
    made = replace(model(tmp_path), calls=(Call("AddNothing()"),))
    with pytest.raises(CompilerFailed, match=r"tflm/engine\.cc") as caught:
        build_with_least_arena(made, WIRE, F746, tmp_path / "out", GCC)
    assert "AddNothing" in caught.value.detail


def test_a_missing_cpp_compiler_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name.endswith("g++") else f"/bin/{name}")
    monkeypatch.setattr("mlperf_tiny.firmware.toolchain.GccToolchain.version", lambda self, board: "some gcc")
    with pytest.raises(CompilerFailed, match=r"arm-none-eabi-g\+\+: it is not on the PATH"):
        build_with_least_arena(model(tmp_path), WIRE, F746, tmp_path / "out", GCC)


def test_the_packaged_compiler_does_not_link_it(tmp_path: Path) -> None:
    with pytest.raises(CompilerFailed, match="Use --toolchain gcc"):
        build_with_least_arena(model(tmp_path), WIRE, F746, tmp_path / "out", find_toolchain("zig"))
