# SPDX-License-Identifier: Apache-2.0
"""Folders and archives of strangers: links, bombs, long lines, deep nesting, names that lead out; and data sets."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import (
    DATA_SET,
    MAX_LINE_BYTES,
    SUBMISSION,
    data_files,
    data_files_by_name,
    open_file_tree,
    sources,
    text_of,
)


@pytest.mark.parametrize("name", ["../outside/log.txt", "/etc/log.txt", "a/../../log.txt", "..\\log.txt", "C:/log.txt"])
def test_names_that_leave_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr(name, "x")
    opened = open_file_tree(archive)
    assert not opened.sizes
    assert list(opened.refused.values()) == ["leads out of the archive"]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("closed/a/log.txt")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(info, "/etc/passwd")
    assert open_file_tree(tmp_path / "a.zip").refused == {"closed/a/log.txt": "is a link; links are not followed"}


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_packings_are_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as out:
        out.writestr("closed/a/log.txt", "x")
    assert open_file_tree(tmp_path / "a.zip").refused == {"closed/a/log.txt": "is packed in another way than 'deflate'"}


def test_first_of_a_duplicate_name_is_read(tmp_path: Path) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("log.txt", "first")
        out.writestr("log.txt", "second")
    opened = open_file_tree(tmp_path / "a.zip")
    assert list(opened.lines("log.txt")) == ["first"]
    assert "occurs twice" in opened.refused["log.txt"]


def test_a_bomb_is_read_to_the_limit_only(tmp_path: Path) -> None:
    limits = replace(SUBMISSION, max_file_bytes=3 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("log.txt", b"\n" * (8 << 20))
    opened = open_file_tree(tmp_path / "a.zip", limits)
    with pytest.raises(DataError, match=r"log\.txt was not read: it has 8,388,608 bytes"):
        list(opened.lines("log.txt"))
    opened.sizes["log.txt"] = 10  # an archive that lies about it
    with pytest.raises(DataError, match="unpacks to over"):
        list(opened.lines("log.txt"))


def test_all_reads_together_are_bounded(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * 1000)
    opened = open_file_tree(tmp_path, replace(SUBMISSION, max_total_bytes=2500))
    opened.read("a", 5000), opened.read("b", 5000)
    with pytest.raises(DataError, match="c was not read: the limit of 2,500 bytes for the whole submission is reached"):
        opened.read("c", 5000)


def test_an_archive_with_a_huge_directory_is_refused(tmp_path: Path) -> None:
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 0xFFFFFFFF, 0, 0)
    (tmp_path / "a.zip").write_bytes(end)
    with pytest.raises(DataError, match="lists more files than a submission has"):
        open_file_tree(tmp_path / "a.zip")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 5)
    for name in "abcdef":
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="holds over 5 files"):
        open_file_tree(tmp_path)


def test_deep_folders_are_refused(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "log.txt").write_text("x")
    opened = open_file_tree(tmp_path)
    assert not opened.sizes
    assert [why for why in opened.refused.values()] == ["lies deeper than 32 folders"]


LINES: list[tuple[bytes, list[int]]] = [
    (b"", []),
    (b"ab", [2]),
    (b"ab\n", [2]),
    (b"a\r\nbcd\r\n", [1, 3]),
    (b"\n\nx", [0, 0, 1]),
    (b"x" * (3 << 20) + b"\nab\n", [MAX_LINE_BYTES, 2]),
    (b"a\n" + b"x" * (3 << 20), [1, MAX_LINE_BYTES]),
    (b"x" * ((1 << 20) - 1) + b"\nab", [MAX_LINE_BYTES, 2]),
    (b"x" * (1 << 20) + b"\n", [MAX_LINE_BYTES]),
    (b"y\n" * (1 << 19) + b"end", [1] * (1 << 19) + [3]),
]


@pytest.mark.parametrize(("content", "lengths"), LINES, ids=range(len(LINES)))
def test_lines_are_bounded_and_none_is_lost(tmp_path: Path, content: bytes, lengths: list[int]) -> None:
    (tmp_path / "log.txt").write_bytes(content)
    assert [len(line) for line in open_file_tree(tmp_path).lines("log.txt")] == lengths


def test_data_files_follow_links_to_files_but_not_to_folders(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/b.wav").write_bytes(b"b")
    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / "set/a.wav").symlink_to(tmp_path / "a.wav")
    (tmp_path / "set/loop").symlink_to(tmp_path / "set", target_is_directory=True)
    (tmp_path / "set/gone.txt").symlink_to(tmp_path / "nowhere")
    files = data_files(tmp_path / "set", {".wav"})
    assert {name: file.read() for name, file in files.items()} == {"a.wav": b"a", "b.wav": b"b"}
    assert files["a.wav"].where == str(tmp_path / "set/a.wav") and files["a.wav"].size_bytes == 1


def test_data_files_by_name_keep_the_first_of_two(tmp_path: Path) -> None:
    for folder in ("a-b", "a"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.bin").write_bytes(folder.encode())
    assert list(data_files(tmp_path, {".bin"})) == ["a/x.bin", "a-b/x.bin"]
    assert data_files_by_name(tmp_path, {".bin"})["x.bin"].read() == b"a"


def test_a_data_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(bytes(DATA_SET.max_file_bytes + 1))
    with pytest.raises(DataError, match=r"x\.bin was not read: it has 8,388,609 bytes, the limit is 8,388,608"):
        data_files(tmp_path, {".bin"})["x.bin"].read()


def test_a_link_in_the_archive_of_a_data_set_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a/x.bin")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(info, "/etc/passwd")
    assert not data_files(tmp_path / "a.zip", {".wav"})
    with pytest.raises(DataError, match=r"a\.zip:a/x\.bin is a link.*Take the data set as published"):
        data_files(tmp_path / "a.zip", {".bin"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-mark", "utf-16-le-mark"])
@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 16])
def test_text_is_read_by_its_byte_order_mark(
    encoding: str, chunk_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "m-ready\r\nm-lap-us-5 µs 𝄞\r\nlast"
    name = encoding.removesuffix("-mark")
    content = ("\ufeff" + text).encode(name) if encoding.endswith("-mark") else text.encode(name)
    (tmp_path / "log.txt").write_bytes(content)
    monkeypatch.setattr("mlperf_tiny.file_tree.tree.CHUNK_BYTES", chunk_bytes)
    assert list(open_file_tree(tmp_path).lines("log.txt")) == ["m-ready", "m-lap-us-5 µs 𝄞", "last"]
    assert text_of(content) == text


def test_files_that_macos_puts_beside_others_are_passed_over(tmp_path: Path) -> None:
    names = {"kws01/a.bin": b"x", "kws01/._a.bin": b"\0\5\x16\7", "__MACOSX/kws01/._a.bin": b"\0\5\x16\7"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for name, content in names.items():
            out.writestr(name, content)
    folder = tmp_path / "folder"
    for name, content in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for place in (folder, tmp_path / "a.zip"):
        tree = open_file_tree(place)
        assert list(tree.sizes) == ["kws01/a.bin"] and not tree.refused
        assert list(data_files(place, {".bin"})) == ["kws01/a.bin"]
