# SPDX-License-Identifier: Apache-2.0
"""Kept objects give the same images, and are used only where nothing that decides them has changed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.engine_model import Library
from mlperf_tiny.firmware.object_cache import ObjectCache, object_key
from mlperf_tiny.firmware.toolchain import Toolchain, ZigToolchain, find_toolchain
from tests.fakes.compiled import IC, KWS
from tests.fakes.wire_formats import WIRE_FORMATS

PROGRAM = {
    "engine/add.c": '#include "add.h"\n#include <stdint.h>\n',
    "engine/add.h": '  #  include "deep/types.h"\n',
    "engine/deep/types.h": '#include "../add.h"\n',
    "engine/other.h": "int other;\n",
}


def lay_out(folder: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return list(files)


def key(
    folder: Path, changes: dict[str, str] | None = None, settings: Sequence[str] = ("clang 1", "-O2")
) -> str | None:
    return object_key(settings, "engine/add.c", folder, lay_out(folder, PROGRAM | (changes or {})))


@pytest.mark.parametrize("changed", ["engine/add.c", "engine/add.h", "engine/deep/types.h"])
def test_every_file_that_a_source_reaches_counts(changed: str, tmp_path: Path) -> None:
    assert key(tmp_path, {changed: PROGRAM[changed] + "\n"}) != key(tmp_path)


def test_a_file_that_it_does_not_reach_does_not_count(tmp_path: Path) -> None:
    assert key(tmp_path, {"engine/other.h": "int more;\n"}) == key(tmp_path)


def test_a_second_header_of_the_same_name_counts(tmp_path: Path) -> None:
    first = key(tmp_path)
    assert key(tmp_path, {"ports/types.h": "\n"}) != first


def test_settings_count(tmp_path: Path) -> None:
    keys = {key(tmp_path, settings=row) for row in (("clang 1", "-O2"), ("clang 2", "-O2"), ("clang 1", "-O3"))}
    assert len(keys) == 3 and None not in keys


@pytest.mark.parametrize("line", ["#include NAME\n", "#include  CONFIG_H\n"])
def test_an_include_by_a_macro_is_not_kept(line: str, tmp_path: Path) -> None:
    assert key(tmp_path, {"engine/add.h": line}) is None


def test_sources_of_another_language_are_not_kept(tmp_path: Path) -> None:
    assert object_key((), "engine/add.cc", tmp_path, lay_out(tmp_path, {"engine/add.cc": ""})) is None


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-1], lambda content: content + b"x"])
def test_a_damaged_object_counts_as_missing(damage: object, tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "objects")
    cache.store("key", b"object")
    assert cache.fetch("key") == b"object" and cache.fetch("other") is None
    file = tmp_path / "objects" / "key"
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert cache.fetch("key") is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = ObjectCache(tmp_path / "file" / "objects")
    cache.store("key", b"object")
    assert cache.fetch("key") is None


@dataclass(frozen=True)
class CountingZig(ZigToolchain):
    """Keeps the sources that were compiled."""

    compiled: list[str] = field(default_factory=list)

    def compile(
        self, board: Board, source: str, output: str, includes: Sequence[str], library: Library | None = None
    ) -> list[str]:
        self.compiled.append(source)
        return super().compile(board, source, output, includes, library)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.device)
def test_only_the_model_is_compiled_again(board: Board, tmp_path: Path) -> None:
    objects, wire = tmp_path / "objects", WIRE_FORMATS["kws01"]
    build_firmware(KWS, wire, board, tmp_path / "first", objects=objects)
    again = CountingZig()
    second = build_firmware(KWS, wire, board, tmp_path / "second", again, objects=objects)
    assert again.compiled == ["model/model.c"]
    assert second.elf_sha256 == build_firmware(KWS, wire, board, tmp_path / "plain").elf_sha256


@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed")
def test_one_folder_serves_compilers_tasks_and_boards(tmp_path: Path) -> None:
    cases: list[tuple[str, Toolchain]] = [(n, find_toolchain(t)) for n in ("kws01", "ic01") for t in ("zig", "gcc")]
    for kept in (tmp_path / "objects", None):
        hashes = [
            build_firmware(
                {"kws01": KWS, "ic01": IC}[name], WIRE_FORMATS[name], find_board(device), tmp_path / "out", toolchain,
                objects=kept,
            ).elf_sha256
            for name, toolchain in cases
            for device in ("stm32f746", "stm32f446")
        ]  # fmt: skip
        if kept is not None:
            with_cache = hashes
    assert with_cache == hashes and len(set(hashes)) == len(hashes)
