# SPDX-License-Identifier: Apache-2.0
"""Finding TFLM's library: each unusable tree or archive has an error with the next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.errors import LibraryUnusable, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.tflm.archive import read_archive
from mlperf_tiny.firmware.tflm.tree import ARCHIVE, DOWNLOADS, MICRO, find_library, find_tree, version_of
from tests.fakes.tflm_tree import (
    CMSIS_NN,
    INTERPRETER,
    M4,
    M4_SOFT,
    M7,
    M7_DOUBLE,
    M7_SOFTFP,
    M33,
    PC,
    make_archive,
    make_tree,
)

HOST, F746, F446 = (find_board(name) for name in ("host", "stm32f746", "stm32f446"))
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("flags", "core", "text"),
    [
        (M7, "cortex-m7", "cortex-m7 (hard-float ABI, unit fpv5)"),
        (M7_DOUBLE, "cortex-m7", "cortex-m7 (hard-float ABI, unit fpv5, double precision)"),
        (M7_SOFTFP, "cortex-m7", "cortex-m7 (soft-float ABI, unit fpv5)"),
        (M4, "cortex-m4", "cortex-m4 (hard-float ABI, unit fpv4)"),
        (M4_SOFT, "", "Arm v7E-M (soft-float ABI, unit none)"),
        (M33, "cortex-m33", "cortex-m33 (hard-float ABI, unit fpv5)"),
        (PC, "", "X86_64"),
    ],
    ids=["m7", "m7-double", "m7-softfp", "m4", "m4-soft", "m33", "pc"],
)
def test_target_of_an_archive(tmp_path: Path, flags: tuple[str, ...], core: str, text: str) -> None:
    archive = read_archive(make_archive(tmp_path / ARCHIVE, [(flags, (INTERPRETER, CMSIS_NN)), (flags, ("other",))]))
    (target,) = archive.targets
    assert (target.core, str(target)) == (core, text)
    assert {INTERPRETER, CMSIS_NN, "other", "member0", "member1"} == archive.symbols


def test_members_of_odd_size_are_padded(tmp_path: Path) -> None:
    path = make_archive(tmp_path / ARCHIVE, [(M7, (INTERPRETER,))])
    content = path.read_bytes()
    path.write_bytes(content[:8] + b"note/".ljust(48) + b"3         `\nabc\n" + content[8:])
    assert {target.core for target in read_archive(path).targets} == {"cortex-m7"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "not a static library"),
        (b"!<thin>\n", "thin archive"),
        (b"!<arch>\n", "has no object files"),
        (b"!<arch>\nhello", "damaged"),
        (b"!<arch>\n" + b"x/".ljust(48) + b"99999     `\n", "damaged .*truncated"),
        (b"!<arch>\n" + b"x/".ljust(48) + b"8         `\n" + b"\x7fELF\1\1\1\0", "damaged"),
        (b"!<arch>\n" + b"/".ljust(48) + b"2         `\n" + b"\0\0", "damaged"),
    ],
)
def test_other_files_than_archives_are_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / ARCHIVE
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LibraryUnusable, match=words):
        read_archive(path)


@pytest.mark.parametrize("where", [".", "gen/one", "gen/one/lib"])
def test_the_library_for_a_board(tmp_path: Path, where: str) -> None:
    root = make_tree(tmp_path / "tree", {"one": M7})
    tree = find_tree({"TFLM_DIR": str(root / where)})
    library = find_library(tree, F746)
    assert tree.root == root
    assert library.archive == root / "gen/one/lib" / ARCHIVE
    assert library.includes == (root, *(root / DOWNLOADS / name for name in ("flatbuffers/include", "gemmlowp", "ruy")))
    assert {"TF_LITE_STATIC_MEMORY", "CMSIS_NN"} <= set(library.defines)
    assert (len(library.digest), library.version) == (64, "unknown")


def test_each_board_gets_its_library_with_cmsis_nn_first(tmp_path: Path) -> None:
    root = make_tree(tmp_path, {"a-m7-slow": M7, "b-m4-slow": M4}, kernels=())
    make_tree(root, {"c-m7": M7, "d-m4": M4})
    tree = find_tree({"TFLM_DIR": str(root)})
    assert find_library(tree, F746).archive.parts[-3] == "c-m7"
    assert find_library(tree, F446).archive.parts[-3] == "d-m4"
    slow = find_library(find_tree({"TFLM_DIR": str(root / "gen/a-m7-slow")}), F746)
    assert "CMSIS_NN" not in slow.defines


@pytest.mark.parametrize(
    ("flags", "board", "words"),
    [
        (M4, F746, r"gen/one/lib/.* is for cortex-m4 .*, the board has a cortex-m7"),
        (M7, F446, r"is for cortex-m7 .*, the board has a cortex-m4"),
        (M33, F746, r"is for cortex-m33 .*, the board has a cortex-m7"),
        (M7_DOUBLE, F746, r"double precision.*which fpv5-sp-d16 has not; .*GCC_TARGET_ARCH=cortex-m7\+nofp\.dp"),
        (M7_SOFTFP, F746, r"soft-float ABI.*passes floats in registers"),
        (M4_SOFT, F446, r"soft-float ABI.*the board has a cortex-m4"),
        (PC, F746, r"is for X86_64, the board has a cortex-m7"),
    ],
    ids=["m4", "m7", "m33", "double", "softfp", "soft", "pc"],
)
def test_the_wrong_library_is_refused(tmp_path: Path, flags: tuple[str, ...], board: object, words: str) -> None:
    tree = find_tree({"TFLM_DIR": str(make_tree(tmp_path, {"one": flags}))})
    with pytest.raises(LibraryUnusable, match=f"no library for .*{words}"):
        find_library(tree, board)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"text", b"!<arch>\nhello"])
def test_a_damaged_archive_beside_a_good_one_does_not_matter(tmp_path: Path, content: bytes) -> None:
    root = make_tree(tmp_path, {"b": M7})
    damaged = root / "gen/a/lib" / ARCHIVE
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(content)
    assert find_library(find_tree({"TFLM_DIR": str(root)}), F746).archive.parts[-3] == "b"
    with pytest.raises(LibraryUnusable, match=r"gen/a/lib/\S+ is unusable: it is .*; gen/b/lib/\S+ is for cortex-m7"):
        find_library(find_tree({"TFLM_DIR": str(root)}), F446)


def test_objects_for_several_cores_are_refused(tmp_path: Path) -> None:
    root = make_tree(tmp_path, {"one": M7})
    make_archive(root / "gen/one/lib" / ARCHIVE, [(M7, (INTERPRETER,)), (M4, ("other",))])
    with pytest.raises(LibraryUnusable, match=r"mixes objects for cortex-m4 .* and cortex-m7"):
        find_library(find_tree({"TFLM_DIR": str(root)}), F746)


def test_a_library_of_something_else_is_refused(tmp_path: Path) -> None:
    root = make_tree(tmp_path, {"one": M7})
    make_archive(root / "gen/one/lib" / ARCHIVE, [(M7, ("other",))])
    with pytest.raises(LibraryUnusable, match="holds no interpreter"):
        find_library(find_tree({"TFLM_DIR": str(root)}), F746)


def test_the_host_is_refused(tmp_path: Path) -> None:
    tree = find_tree({"TFLM_DIR": str(make_tree(tmp_path, {"one": M7}))})
    with pytest.raises(UsageError, match="not supported on device host; choose a board: stm32f446, stm32f746"):
        find_library(tree, HOST)


def nothing(root: Path) -> Path:
    return root / "nowhere"


def no_tree(root: Path) -> Path:
    root.mkdir()
    return root


def not_built(root: Path) -> Path:
    return make_tree(root, {})


@pytest.mark.parametrize(
    ("make", "words"),
    [(nothing, "is not a folder"), (no_tree, f"has no {MICRO}"), (not_built, "Run its make with the target microlite")],
)
def test_other_folders_than_trees_are_refused(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    with pytest.raises(LibraryUnusable, match=words):
        find_tree({"TFLM_DIR": str(make(tmp_path / "tree"))})


@pytest.mark.parametrize("environ", [{}, {"TFLM_DIR": ""}])
def test_missing_variable_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"name it with TFLM_DIR \(how to build it: docs/engines.md"):
        find_tree(environ)


@pytest.mark.parametrize(
    "header", [MICRO / "micro_interpreter.h", DOWNLOADS / "flatbuffers/include/flatbuffers/flatbuffers.h"]
)
def test_a_missing_header_is_named(tmp_path: Path, header: Path) -> None:
    root = make_tree(tmp_path, {"one": M7})
    (root / header).unlink()
    with pytest.raises(LibraryUnusable, match=f"header {header} is missing"):
        find_library(find_tree({"TFLM_DIR": str(root)}), F746)


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "unknown"),
        ({".git/HEAD": COMMIT}, COMMIT),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": f"{COMMIT}\n"}, COMMIT),
        ({".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": f"# x\n{COMMIT} refs/heads/main\n"}, COMMIT),
        ({".git": "gitdir: modules/t\n", "modules/t/HEAD": COMMIT}, COMMIT),
        ({".git": "gitdir: nowhere", "VERSION": "2.3"}, "2.3"),
        ({".git/HEAD": "\udcff", "VERSION": "2.3"}, "2.3"),
        ({".git/HEAD": "ref: refs/heads/gone", ".git/packed-refs": "", "VERSION": "2.3 of May"}, "2.3"),
        ({"VERSION": ""}, "unknown"),
    ],
)
def test_version_of_a_tree(tmp_path: Path, files: dict[str, str], version: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, errors="surrogateescape")
    assert version_of(tmp_path) == version


def test_a_downloaded_tree_carries_its_commit_in_its_name(tmp_path: Path) -> None:
    assert version_of(tmp_path / f"tflite-micro-{COMMIT}") == COMMIT
