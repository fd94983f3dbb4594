# SPDX-License-Identifier: Apache-2.0
"""Where files are: a folder or a .zip, listed and opened without trusting their names."""

from __future__ import annotations

import contextlib
import lzma
import os
import stat
import struct
import zipfile
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.file_names import name_of_text, text_of_name
from mlperf_tiny.file_tree.content_kind import content_kind
from mlperf_tiny.file_tree.limits import MAX_DEPTH, MAX_DIRECTORY_BYTES, MAX_FILES, ReadLimits

LEAVES_ARCHIVE = "leads out of the archive"
APPLE_DOUBLE = "._"
"""How macOS names the files that it puts beside others on foreign disks and in archives; they hold no data."""
DUPLICATE = "occurs twice in the archive; the first is read"

# What zipfile raises on damaged, encrypted or exotic archives; RuntimeError covers NotImplementedError, ValueError
# covers names that are not text.
UNUSABLE = (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)

# Other methods let a file of a few bytes ask for gigabytes of dictionary.
_BOUNDED_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class FileSource(Protocol):
    """Where the bytes of a path come from."""

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading; a context manager."""
        ...


@dataclass(frozen=True)
class FolderSource:
    """A folder."""

    root: Path
    """Its path."""
    limits: ReadLimits
    """Whether links are followed, and the number of files bounded."""

    def list_files(self) -> tuple[dict[str, int], dict[str, str]]:
        """Return path -> size of all files in order of path, and path -> reason of those that are not read."""
        sizes: dict[str, int] = {}
        refused: dict[str, str] = {}
        waiting: list[tuple[str, int]] = [("", 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    for entry in entries:
                        self._take(entry, folder, depth, sizes, refused, waiting)
            except OSError as error:
                refused[folder] = f"cannot be listed: {error.strerror}"
        return (
            {text_of_name(path): size for path, size in sorted(sizes.items())},
            {text_of_name(path): reason for path, reason in refused.items()},
        )

    def _take(
        self,
        entry: os.DirEntry[str],
        folder: str,
        depth: int,
        sizes: dict[str, int],
        refused: dict[str, str],
        waiting: list[tuple[str, int]],
    ) -> None:
        """Sort one entry of a folder into files, refused ones, and folders that are still to be listed."""
        if entry.name.startswith(APPLE_DOUBLE):
            return
        path = f"{folder}/{entry.name}" if folder else entry.name
        try:
            info = self._stat(entry)
        except OSError as error:  # a folder that may be listed but not entered, or a file that has just gone
            refused[path] = f"cannot be read: {error.strerror}"
            info = None
        if info is None:
            pass
        elif stat.S_ISREG(info.st_mode):
            sizes[path] = info.st_size
        elif stat.S_ISDIR(info.st_mode) and not entry.is_symlink():
            if entry.name == ".git":
                return
            if depth >= MAX_DEPTH:
                refused[path] = f"lies deeper than {MAX_DEPTH} folders"
            else:
                waiting.append((path, depth + 1))
        elif entry.is_symlink():
            refused[path] = "is a link; links are not followed"
        else:
            refused[path] = "is not a plain file"
        if not self.limits.trusted:
            _check_count(len(sizes) + len(refused) + len(waiting), self.root)

    def _stat(self, entry: os.DirEntry[str]) -> os.stat_result:
        if self.limits.trusted:
            try:
                return entry.stat()
            except OSError:
                pass  # a link to nowhere
        return entry.stat(follow_symlinks=False)

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading."""
        # What was a plain file when it was listed must still be one.
        flags = 0 if self.limits.trusted else getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(self.root / name_of_text(path), os.O_RDONLY | flags | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise DataError(f"{path} was not read: it is not a plain file.")
        return os.fdopen(handle, "rb")


class ZipSource:
    """A .zip file; raises DataError for one that cannot be used."""

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        if not limits.trusted:
            _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except UNUSABLE as error:
            raise _unusable(path, str(error)) from error
        self._path = path
        self._limits = limits
        self._members: dict[str, zipfile.ZipInfo] = {}

    def list_files(self) -> tuple[dict[str, int], dict[str, str]]:
        """Return path -> stated size of all files in order of path, and path -> reason of those that are not read."""
        refused: dict[str, str] = {}
        infos = self._zip.infolist()
        _check_count(len(infos), self._path)
        for info in infos:
            parts = PurePosixPath(info.filename.replace("\\", "/")).parts
            path = "/".join(parts)
            reason = self._reason(info, parts, path)
            if parts and parts[-1].startswith(APPLE_DOUBLE):
                continue
            if info.is_dir() and reason != LEAVES_ARCHIVE:
                continue
            if reason:
                refused[path] = reason
            else:
                self._members[path] = info
        return {path: self._members[path].file_size for path in sorted(self._members)}, refused

    def _reason(self, info: zipfile.ZipInfo, parts: tuple[str, ...], path: str) -> str:
        """Why a member is not read; "" for one that is."""
        if not parts or parts[0].startswith("/") or ":" in parts[0] or ".." in parts:
            return LEAVES_ARCHIVE
        if stat.S_ISLNK(info.external_attr >> 16):
            return "is a link; links are not followed"
        if info.compress_type not in _BOUNDED_METHODS and not self._limits.trusted:
            return "is packed in another way than 'deflate'"
        if path in self._members:
            return DUPLICATE
        return f"lies deeper than {MAX_DEPTH} folders" if len(parts) > MAX_DEPTH else ""

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading."""
        return self._zip.open(self._members[path])


def _check_directory(path: Path) -> None:
    """Raise DataError for an archive whose directory alone would fill the memory."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 22 - 0xFFFF))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise _unusable(path, "no directory in it")
    (directory_bytes,) = struct.unpack_from("<I", tail, at + 12)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise DataError(f"{path} lists more files than a submission has. Unpack it and name a folder of it.")


def _unusable(path: Path, problem: str) -> DataError:
    """The error for an archive that cannot be used: the path of another kind of file is a wrong request."""
    head = b""
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK"):
        return DataError(f"{path} is not a usable .zip file: {problem}. Unpack it and name its folder.")
    kind = content_kind(head)
    if kind is not None:
        return WrongRequest(f"{path} is not a usable .zip file: it is {kind.what}. {kind.advice}")
    return WrongRequest(f"{path} is not a usable .zip file: {problem}. Unpack it and name its folder.")


def _check_count(count: int, where: Path) -> None:
    if count > MAX_FILES:
        raise DataError(f"{where} holds over {MAX_FILES:,} files, the limit. Name a part of it.")
