# SPDX-License-Identifier: Apache-2.0
"""The files of one data set, in a folder or in a .zip, looked up by file name or by path. Nothing is unpacked to disk.

A .zip is a stranger's file: names that point outside it, sizes beyond LARGEST_FILE_BYTES, damaged members and
encrypted ones are refused by name.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from mlperf_tiny.errors import DataError

LARGEST_FILE_BYTES = 8 * 1024 * 1024  # an 11 s clip as 16-bit stereo at 48 kHz is 2 MiB
MOST_FILES = 200_000

# What zipfile raises on damaged, encrypted or exotic archives; RuntimeError covers NotImplementedError, ValueError
# covers names that are no text.
_UNUSABLE = (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)


@dataclass(frozen=True)
class StoredFile:
    """One file of a store: where it is (for messages), how long it says it is, and how to get it."""

    where: str
    size_bytes: int
    read: Callable[[], bytes]


Store = dict[str, StoredFile]  # by file name without folders
Tree = dict[str, StoredFile]  # by path inside the folder or archive, with "/", in sorted order


def open_store(path: Path, suffixes: frozenset[str]) -> Store:
    """Index the files with one of ``suffixes`` in ``path``, a folder (searched to any depth) or a .zip.

    A name that occurs twice keeps its first place in sorted order. Raises DataError for an unusable .zip.
    """
    store: Store = {}
    for name, file in open_tree(path, suffixes).items():
        store.setdefault(PurePosixPath(name).name, file)
    return store


def open_tree(path: Path, suffixes: frozenset[str]) -> Tree:
    """The same with the folders kept: for sets whose folders are their labels."""
    return _open_zip(path, suffixes) if path.is_file() else _open_folder(path, suffixes)


def _open_folder(path: Path, suffixes: frozenset[str]) -> Tree:
    return {
        file.relative_to(path).as_posix(): StoredFile(str(file), file.stat().st_size, partial(_read_file, file))
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in suffixes and file.is_file()
    }


def _read_file(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}. Check the data folder.") from error
    return _checked_size(str(file), content)


def _checked_size(where: str, content: bytes) -> bytes:
    if len(content) > LARGEST_FILE_BYTES:
        raise DataError(f"{where} is larger than the {LARGEST_FILE_BYTES:,} bytes any sample may have.")
    return content


def _open_zip(path: Path, suffixes: frozenset[str]) -> Tree:
    try:
        archive = zipfile.ZipFile(path)
    except _UNUSABLE as error:
        raise DataError(f"{path} is not a usable .zip file: {error}. Get it again.") from error
    members = archive.infolist()
    if len(members) > MOST_FILES:
        raise DataError(f"{path} holds {len(members):,} files, more than the {MOST_FILES:,} any data set may have.")
    tree: Tree = {}
    for member in sorted(members, key=lambda info: info.filename):
        name = PurePosixPath(member.filename.replace("\\", "/"))
        where = f"{path}:{member.filename}"
        if name.is_absolute() or ".." in name.parts or ":" in member.filename:
            raise DataError(f"{where} points outside the archive; refused. Take the archive as published.")
        if member.is_dir() or name.suffix.lower() not in suffixes:
            continue
        if member.file_size > LARGEST_FILE_BYTES:
            raise DataError(
                f"{where} says it is {member.file_size:,} bytes long, "
                f"more than the {LARGEST_FILE_BYTES:,} any sample may have."
            )
        read = partial(_read_member, archive, member, where)
        tree.setdefault(name.as_posix(), StoredFile(where, member.file_size, read))
    return tree


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> bytes:
    try:
        with archive.open(member) as stream:
            return _checked_size(where, stream.read(LARGEST_FILE_BYTES + 1))
    except _UNUSABLE as error:
        raise DataError(f"{where} cannot be read: {error}. Get the archive again.") from error
