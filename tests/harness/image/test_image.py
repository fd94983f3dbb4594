# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import hashlib
import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlperf_tiny.errors import CompilerFailed, DataError, DoesNotFit
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import Firmware
from mlperf_tiny.firmware.toolchain import find_toolchain
from mlperf_tiny.firmware.wire import tensor_format
from mlperf_tiny.harness.image import arena
from mlperf_tiny.harness.image import build as image_build
from mlperf_tiny.harness.image.build import BuiltImage, build_image
from mlperf_tiny.harness.image.engines import compile_for
from tests.fakes.tiny_models import tiny_kws
from tests.fakes.wire_formats import WIRE_FORMATS

HOST, M7, M4 = (find_board(name) for name in ("host", "stm32f746", "stm32f446"))
WIRE = WIRE_FORMATS["kws01"]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for the compiler; the list names the device of each image that was really built."""
    devices: list[str] = []

    def build(compiled: Any, wire: Any, board: Any, out_dir: Path, toolchain: Any, **options: Any) -> Firmware:
        devices.append(board.device)
        elf = out_dir / "image"
        out_dir.mkdir()
        elf.write_bytes(b"image for " + board.device.encode())
        sha256 = hashlib.sha256(elf.read_bytes()).hexdigest()
        return Firmware(
            device=board.device,
            elf=elf,
            elf_sha256=sha256,
            flash_bytes=1000,
            ram_bytes=200,
            toolchain=toolchain.name,
            compiler="some compiler",
            flags=("-O2",),
            model_sha256="",
            wire=wire,
            baud=9600,
            energy=False,
        )

    monkeypatch.setattr(arena, "build_firmware", build)
    monkeypatch.setattr(image_build, "flash_image", lambda elf, board: elf.read_bytes())
    return devices


def build(
    cache: Path, board: Any = M7, seed: int = 1, wire: Any = WIRE, baud: int | None = None, **options: Any
) -> BuiltImage:
    compiled = compile_for(board, tiny_kws(seed), "tiny")
    return build_image(compiled, wire, board, find_toolchain(options.pop("toolchain", "zig")), baud, cache, **options)


def test_the_same_image_is_built_once(built: list[str], tmp_path: Path) -> None:
    log: list[str] = []
    first, second = build(tmp_path), build(tmp_path, log=log.append)
    assert first == second
    assert (first.info.flash_bytes, first.info.ram_bytes, first.info.kernels) == (1000, 200, "dsp")
    assert first.info.arena_bytes > 490
    assert built == ["stm32f746"]
    assert log == ["using the cached image for stm32f746"]


def test_each_input_of_the_build_changes_the_image(built: list[str], tmp_path: Path) -> None:
    images = [
        build(tmp_path),
        build(tmp_path, HOST),
        build(tmp_path, M4),
        build(tmp_path, seed=2),
        build(tmp_path, wire=tensor_format(WIRE)),
        build(tmp_path, baud=921_600),
    ]
    assert len({made.elf for made in images}) == len(built) == len(images)
    assert images[1].info.kernels == "ref"


@pytest.mark.parametrize("spoil", ["firmware.elf", "firmware.json"])
@pytest.mark.parametrize(
    "how", [lambda path: path.write_bytes(b"{}"), lambda path: path.unlink()], ids=["other", "gone"]
)
def test_a_damaged_image_is_rebuilt(built: list[str], tmp_path: Path, spoil: str, how: Any) -> None:
    first = build(tmp_path)
    how(first.elf.parent / spoil)
    assert build(tmp_path) == first
    assert built == ["stm32f746"] * 2


def test_an_image_built_by_a_concurrent_run_is_used(
    built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = arena.build_firmware
    monkeypatch.setattr("mlperf_tiny.harness.image.build.locked_name", lambda *_: nullcontext())  # a disk without locks

    def both(*arguments: Any, **options: Any) -> Any:
        with monkeypatch.context() as context:
            context.setattr(arena, "build_firmware", here)
            build(tmp_path)
        return here(*arguments, **options)

    monkeypatch.setattr(arena, "build_firmware", both)
    assert build(tmp_path) == build(tmp_path)
    assert built == ["stm32f746"] * 2
    assert len(list((tmp_path / "images").iterdir())) == 1


@pytest.mark.parametrize("home", [None, "", "/nowhere/at/all"])
def test_zig_gets_a_cache_folder_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", "")
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR")
    monkeypatch.delenv("HOME")
    if home is not None:
        monkeypatch.setenv("HOME", home)
    seen: list[str] = []

    def refuse(*arguments: Any, **options: Any) -> None:
        seen.append(os.environ["ZIG_GLOBAL_CACHE_DIR"])
        raise DoesNotFit("host", "flash", 2, 1)

    monkeypatch.setattr(arena, "build_firmware", refuse)
    with pytest.raises(DoesNotFit):
        build(tmp_path, HOST)
    assert seen == [str(tmp_path / "zig")]


def test_an_unwritable_cache_is_an_error_with_its_path(built: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/images cannot be made: .*MLPERF_TINY_CACHE"):
        build(tmp_path / "file")
    assert built == []


def test_a_failed_build_leaves_no_image(built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise DoesNotFit("stm32f746", "flash", 2, 1)

    with monkeypatch.context() as context:
        context.setattr(arena, "build_firmware", refuse)
        with pytest.raises(DoesNotFit):
            build(tmp_path)
    assert list((tmp_path / "images").iterdir()) == []
    build(tmp_path)
    assert built == ["stm32f746"]


def test_a_cache_that_is_full_is_named_and_not_the_image_that_is_copied(
    built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))

    images = tmp_path / "images"
    with monkeypatch.context() as context:
        context.setattr("shutil.copy2", fail)
        with pytest.raises(DataError) as full:
            build(tmp_path)
    assert str(full.value).startswith(f"{images} cannot be written: the disk of {images} is full. Free space there, or")
    assert list(images.iterdir()) == []
    build(tmp_path)


def test_a_full_folder_of_temporary_files_is_named(
    built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise CompilerFailed("gcc", "reports errors", "cannot write: No space left on device")

    def usage(folder: Path) -> Any:
        return SimpleNamespace(free=0 if str(folder) == str(tmp_path / "full") else 1 << 30)

    monkeypatch.setenv("TMPDIR", str(tmp_path / "full"))
    monkeypatch.setattr("shutil.disk_usage", usage)
    monkeypatch.setattr(arena, "build_firmware", fail)
    with pytest.raises(DataError, match=f"gcc could not write: the disk of {tmp_path / 'full'} is full"):
        build(tmp_path / "cache")
