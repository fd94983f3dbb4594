# SPDX-License-Identifier: Apache-2.0
"""The output folder: all or nothing, the same bytes every time, and no other file is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.codegen.write import MANIFEST, write_folder

FILES = {"model.c": "int x;\n", "engine/add.c": "/* ä */\n"}


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_writes_exactly_the_files_and_a_manifest(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path / "deep" / "out")
    found = contents(tmp_path / "deep" / "out")
    assert found.pop(MANIFEST).startswith(b"{")
    assert found == {name: text.encode() for name, text in FILES.items()}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]


def test_the_same_files_give_the_same_bytes_and_replace_what_was_there(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write_folder({"old.c": "old"}, a)
    write_folder(FILES, a)
    write_folder(dict(reversed(FILES.items())), b)
    assert contents(a) == contents(b)
    b_before = b.stat().st_ino
    write_folder(FILES, b)
    assert contents(a) == contents(b) and b.stat().st_ino != b_before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_folder(FILES, tmp_path / "out")
    assert (tmp_path / "out" / "model.c").exists()


def _foreign(out: Path) -> None:
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")


def _added(out: Path) -> None:
    write_folder(FILES, out)
    (out / "engine" / "mine.c").write_text("int mine;")


def _edited(out: Path) -> None:
    write_folder(FILES, out)
    (out / "model.c").write_text("int y;\n")


def _manifest_of_something_else(out: Path) -> None:
    out.mkdir()
    (out / MANIFEST).write_text("[1, 2]")


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (_foreign, "holds files that were not generated here"),
    (_added, r"also holds engine/mine\.c, which was not generated here"),
    (_edited, r"model\.c was changed after it was generated"),
    (_manifest_of_something_else, "holds files that were not generated here"),
]


@pytest.mark.parametrize(("prepare", "problem"), REFUSED)
def test_other_files_are_only_replaced_with_force(
    prepare: Callable[[Path], None], problem: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    prepare(out)
    before = contents(out)
    with pytest.raises(UsageError, match=problem):
        write_folder(FILES, out)
    assert contents(out) == before
    write_folder(FILES, out, force=True)
    assert contents(out).keys() == {*FILES, MANIFEST}


@pytest.mark.parametrize("force", [False, True])
def test_a_file_or_a_link_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="is not a folder"):
            write_folder(FILES, tmp_path / name, force)
    assert (tmp_path / "file").read_text() == "x" and not list((tmp_path / "target").iterdir())


def test_a_failure_half_way_leaves_the_old_folder_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write_folder({"model.c": "old"}, out)
    before = contents(out)
    write_bytes = Path.write_bytes

    def full_disk(path: Path, data: bytes) -> int:
        if path.name == "add.c":
            raise OSError(28, "No space left on device", str(path))
        return write_bytes(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_folder(FILES, out)
    assert contents(out) == before and [p.name for p in tmp_path.iterdir()] == ["out"]

    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if target == out and not path.name.endswith(".old"):
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_folder(FILES, out)
    assert contents(out) == before and [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError):
        write_folder(FILES, tmp_path / "out")
