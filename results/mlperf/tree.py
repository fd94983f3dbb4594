# SPDX-License-Identifier: Apache-2.0
"""The files of a submission, read without trusting it: a folder or a zip archive, and nothing outside of it.

Links are never followed, special files never opened, archives inside are not opened. Every read is bounded, and all
reads of a review together are: a tree made to fill memory or to take for ever ends in a sentence instead.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from mlperf_tiny.errors import DataError

MAX_FILES = 200_000
MAX_DEPTH = 32
MAX_FILE_BYTES = 512 << 20
MAX_TOTAL_BYTES = 4 << 30
MAX_LINE_BYTES = 1 << 16
MAX_DIRECTORY_BYTES = 20 << 20
CHUNK_BYTES = 1 << 20


@dataclass
class Budget:
    """Bytes the review may still read, over all files."""

    left_bytes: int = MAX_TOTAL_BYTES

    def take(self, count: int, path: str) -> None:
        """Spend ``count`` bytes; raises DataError when there are none left."""
        self.left_bytes -= count
        if self.left_bytes < 0:
            raise DataError(
                f"{path} was not read: the {MAX_TOTAL_BYTES >> 30} GiB a review reads are spent. Review a part of it."
            )


class Place(Protocol):
    """Where the bytes of a path come from."""

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]: ...


@dataclass(frozen=True)
class Tree:
    """A submission's files: path (relative, ``/`` between parts) to size in bytes, in order of path.

    ``name`` are the parts of the path it was opened by, outermost first: names may say a division or submitter, files
    there are not looked at. ``refused`` says, by path, why something in it is not read.
    """

    name: tuple[str, ...]
    sizes: dict[str, int]
    refused: dict[str, str]
    place: Place
    budget: Budget = field(default_factory=Budget)

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file in pieces; raises DataError when it is too large or cannot be read."""
        if self.sizes[path] > MAX_FILE_BYTES:
            raise DataError(
                f"{path} was not read: it has {self.sizes[path]:,} bytes, the limit is {MAX_FILE_BYTES >> 20} MiB."
            )
        read = 0
        try:
            with self.place.open(path) as file:
                while chunk := file.read(CHUNK_BYTES):
                    read += len(chunk)
                    self.budget.take(len(chunk), path)
                    if read > MAX_FILE_BYTES:
                        raise DataError(f"{path} was not read to its end: it unpacks to over {MAX_FILE_BYTES:,} bytes.")
                    yield chunk
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        except Exception as error:
            if type(error).__module__ != "zlib":  # zlib.error has no other base than Exception
                raise
            raise DataError(f"{path} cannot be unpacked: {error}.") from error

    def read(self, path: str, limit_bytes: int) -> bytes:
        """Return a whole file; raises DataError when it has more than ``limit_bytes``."""
        content = bytearray()
        for chunk in self.chunks(path):
            content += chunk
            if len(content) > limit_bytes:
                raise DataError(f"{path} was not read: it has over {limit_bytes:,} bytes, the limit for such a file.")
        return bytes(content)

    def lines(self, path: str) -> Iterator[str]:
        """Yield the lines of a text, without ends; of an over-long one the beginning, of no text replacement marks."""
        rest = b""
        skipping = False
        for chunk in self.chunks(path):
            pieces = chunk.split(b"\n")
            if skipping and len(pieces) == 1:
                continue
            first = b"" if skipping else rest + pieces[0]
            if len(pieces) > 1:
                if not skipping:
                    yield _text(first)
                skipping = False
                for piece in pieces[1:-1]:
                    yield _text(piece)
                rest = pieces[-1]
            else:
                rest = first
            if len(rest) > MAX_LINE_BYTES:
                yield _text(rest)
                rest, skipping = b"", True
        if rest:
            yield _text(rest)


def open_tree(path: Path) -> Tree:
    """Return the tree at ``path``, a folder or a zip archive; raises DataError when it is neither, or too large."""
    absolute = path.absolute()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Name the folder or zip of a submission.") from error
    if stat.S_ISDIR(mode):
        place = _Folder(path)
        sizes, refused = place.walk()
        return Tree(absolute.parts, sizes, refused, place)
    if stat.S_ISREG(mode):
        archive = _Archive(path)
        sizes, refused = archive.members()
        return Tree((*absolute.parts[:-1], absolute.stem), sizes, refused, archive)
    raise DataError(f"{path} is neither a folder nor a file. Name the folder or zip of a submission.")


@dataclass(frozen=True)
class _Folder:
    root: Path

    def walk(self) -> tuple[dict[str, int], dict[str, str]]:
        sizes: dict[str, int] = {}
        refused: dict[str, str] = {}
        waiting: list[tuple[str, int]] = [("", 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                entries = list(os.scandir(self.root / folder))
            except OSError as error:
                refused[folder] = f"cannot be listed: {error.strerror}"
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISLNK(info.st_mode):
                    refused[path] = "is a link; links are not followed"
                elif stat.S_ISDIR(info.st_mode):
                    if entry.name == ".git":
                        continue
                    if depth >= MAX_DEPTH:
                        refused[path] = f"lies deeper than {MAX_DEPTH} folders"
                    else:
                        waiting.append((path, depth + 1))
                elif stat.S_ISREG(info.st_mode):
                    sizes[path] = info.st_size
                else:
                    refused[path] = "is no plain file"
                _check_count(len(sizes) + len(refused) + len(waiting), self.root)
        return dict(sorted(sizes.items())), refused

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        # What was a plain file when it was listed must still be one.
        handle = os.open(self.root / path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise DataError(f"{path} was not read: it is no plain file.")
        return os.fdopen(handle, "rb")


class _Archive:
    def __init__(self, path: Path) -> None:
        _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise DataError(f"{path} is not a usable zip archive: {error}. Unpack it and name its folder.") from error
        self._path = path
        self._members: dict[str, zipfile.ZipInfo] = {}

    def members(self) -> tuple[dict[str, int], dict[str, str]]:
        refused: dict[str, str] = {}
        infos = self._zip.infolist()
        _check_count(len(infos), self._path)
        for info in infos:
            parts = PurePosixPath(info.filename.replace("\\", "/")).parts
            path = "/".join(parts)
            if info.is_dir():
                continue
            if not parts or parts[0] == "/" or ":" in parts[0] or ".." in parts:
                refused[path] = "leads out of the archive"
            elif stat.S_ISLNK(info.external_attr >> 16):
                refused[path] = "is a link; links are not followed"
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Others let a file of a few bytes ask for gigabytes of dictionary.
                refused[path] = "is packed in another way than 'deflate'"
            elif path in self._members:
                refused[path] = "stands twice in the archive; the first is read"
            elif len(parts) > MAX_DEPTH:
                refused[path] = f"lies deeper than {MAX_DEPTH} folders"
            else:
                self._members[path] = info
        return {path: self._members[path].file_size for path in sorted(self._members)}, refused

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        return self._zip.open(self._members[path])


def _check_directory(path: Path) -> None:
    """Raise DataError for an archive whose table of contents alone would fill the memory."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 22 - 0xFFFF))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise DataError(f"{path} is not a zip archive. Unpack it and name its folder.")
    (directory_bytes,) = struct.unpack_from("<I", tail, at + 12)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise DataError(f"{path} lists more files than a submission has. Unpack it and name a folder of it.")


def _check_count(count: int, where: Path) -> None:
    if count > MAX_FILES:
        raise DataError(f"{where} holds over {MAX_FILES:,} files, more than a round has. Name a part of it.")


def _text(line: bytes) -> str:
    return line[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
