# SPDX-License-Identifier: Apache-2.0
"""Files in a folder or in a .zip, read without trusting them and without unpacking anything to disk.

Names that lead out, links, special files and archives inside archives are never opened. Every read is bounded, and so
are all reads together: a tree made to fill the memory ends in a DataError.
"""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from mlperf_tiny.errors import DataError

MAX_FILES = 200_000
MAX_DEPTH = 32
MAX_LINE_BYTES = 1 << 16
MAX_DIRECTORY_BYTES = 20 << 20
CHUNK_BYTES = 1 << 20

LEAVES_ARCHIVE = "leads out of the archive"
DUPLICATE = "occurs twice in the archive; the first is read"

# What zipfile raises on damaged, encrypted or exotic archives; RuntimeError covers NotImplementedError, ValueError
# covers names that are no text.
_UNUSABLE = (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)

# Other methods let a file of a few bytes ask for gigabytes of dictionary.
_BOUNDED_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """What is read of a tree, and how much."""

    what: str
    """What the tree should be, for messages: ``submission``."""
    max_file_bytes: int
    """Size of the largest file."""
    max_total_bytes: int | None
    """Bytes read over all files; None: any number."""
    trusted: bool
    """The user's own data: links to files are followed, folders hold any number, an archive is packed in any way."""


SUBMISSION = ReadLimits(what="submission", max_file_bytes=512 << 20, max_total_bytes=4 << 30, trusted=False)
DATA_SET = ReadLimits(what="data set", max_file_bytes=8 << 20, max_total_bytes=None, trusted=True)
"""An 11 s clip as 16-bit stereo at 48 kHz has 2 MiB."""


class FileSource(Protocol):
    """Where the bytes of a path come from."""

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading; a context manager."""
        ...


@dataclass
class FileTree:
    """The files below a folder or inside an archive."""

    name: tuple[str, ...]
    """Parts of the path it was opened by, outermost first; an archive's without its suffix."""
    sizes: dict[str, int]
    """Path (relative, ``/`` between parts) to size in bytes, in order of path."""
    refused: dict[str, str]
    """Path to the reason why it is not read."""
    source: FileSource
    """Opens the files."""
    limits: ReadLimits = SUBMISSION
    """Bounds of the reads."""
    prefix: str = ""
    """What messages put before a path."""
    read_bytes: int = field(default=0, init=False)
    """Bytes read so far."""

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file in pieces; raises DataError when it is too large or cannot be read."""
        where, most = self.prefix + path, self.limits.max_file_bytes
        if self.sizes[path] > most:
            raise DataError(f"{where} was not read: it has {self.sizes[path]:,} bytes, the limit is {most:,}.")
        read = 0
        try:
            with self.source.open(path) as file:
                while chunk := file.read(min(CHUNK_BYTES, most + 1)):
                    read += len(chunk)
                    self._spend(len(chunk), where)
                    if read > most:
                        raise DataError(f"{where} was not read to its end: it unpacks to over {most:,} bytes.")
                    yield chunk
        except _UNUSABLE as error:
            raise DataError(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}.") from error

    def _spend(self, count: int, where: str) -> None:
        most = self.limits.max_total_bytes
        self.read_bytes += count
        if most is not None and self.read_bytes > most:
            raise DataError(
                f"{where} was not read: the limit of {most:,} bytes for the whole {self.limits.what} is reached. "
                "Name a part of it."
            )

    def read(self, path: str, limit_bytes: int | None = None) -> bytes:
        """Return a whole file.

        Args:
            path: Path in the tree.
            limit_bytes: Most bytes of such a file; None: those of the tree's limits.

        Raises:
            DataError: The file is larger, or cannot be read.
        """
        content = bytearray()
        for chunk in self.chunks(path):
            content += chunk
            if limit_bytes is not None and len(content) > limit_bytes:
                raise DataError(
                    f"{self.prefix}{path} was not read: it has over {limit_bytes:,} bytes, the limit for such a file."
                )
        return bytes(content)

    def lines(self, path: str) -> Iterator[str]:
        """Yield the lines of a text without their ends.

        Of a line over MAX_LINE_BYTES only the beginning is read; bytes that are no UTF-8 become replacement marks.
        """
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


@dataclass(frozen=True)
class StoredFile:
    """One file of a tree."""

    tree: FileTree
    """The tree it belongs to."""
    path: str
    """Its path in the tree."""

    @property
    def where(self) -> str:
        """The path for messages; it ends in the file's name."""
        return self.tree.prefix + self.path

    @property
    def size_bytes(self) -> int:
        """The size that the folder or the archive's directory states."""
        return self.tree.sizes[self.path]

    def read(self) -> bytes:
        """Return the content; raises DataError when it is too large or cannot be read."""
        return self.tree.read(self.path)


DataFiles = dict[str, StoredFile]
"""Files of a data set by their paths or by their names."""


def data_files(path: Path, suffixes: Collection[str]) -> DataFiles:
    """Return the files of a data set: path in the folder or archive to file, in order of path parts.

    Args:
        path: A folder, searched to any depth, or a .zip.
        suffixes: Lower-case suffixes, with their dots, of the files wanted.

    Raises:
        DataError: The archive is unusable, holds a name that leads out of it, or a wanted file that is not read.
    """
    tree = open_file_tree(path, DATA_SET)
    for name, reason in tree.refused.items():
        if reason == LEAVES_ARCHIVE or (reason != DUPLICATE and _suffix(name) in suffixes):
            raise DataError(f"{tree.prefix}{name} {reason}; refused. Take the data set as published.")
    wanted = sorted((name for name in tree.sizes if _suffix(name) in suffixes), key=lambda name: name.split("/"))
    for name in wanted:
        if isinstance(tree.source, _Archive) and tree.sizes[name] > DATA_SET.max_file_bytes:
            raise DataError(
                f"{tree.prefix}{name} has {tree.sizes[name]:,} bytes, the limit is {DATA_SET.max_file_bytes:,}. "
                "Take the data set as published."
            )
    return {name: StoredFile(tree, name) for name in wanted}


def data_files_by_name(path: Path, suffixes: Collection[str]) -> DataFiles:
    """Return the same by file name without folders; of two with one name the first in order of path counts.

    Args:
        path: As of ``data_files``.
        suffixes: As of ``data_files``.

    Raises:
        DataError: As ``data_files``.
    """
    found: DataFiles = {}
    for name, file in data_files(path, suffixes).items():
        found.setdefault(PurePosixPath(name).name, file)
    return found


def open_file_tree(path: Path, limits: ReadLimits = SUBMISSION) -> FileTree:
    """Return the files at ``path``.

    Args:
        path: A folder or a .zip.
        limits: What is read of it.

    Raises:
        DataError: It is neither, cannot be read, or holds too many files.
    """
    absolute = path.absolute()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Name the folder or zip of a {limits.what}."
        ) from error
    if stat.S_ISDIR(mode):
        folder = _Folder(path, limits)
        sizes, refused = folder.walk()
        return FileTree(absolute.parts, sizes, refused, folder, limits, f"{path}/" if limits.trusted else "")
    if stat.S_ISREG(mode):
        archive = _Archive(path, limits)
        sizes, refused = archive.members()
        name = (*absolute.parts[:-1], absolute.stem)
        return FileTree(name, sizes, refused, archive, limits, f"{path}:" if limits.trusted else "")
    raise DataError(f"{path} is neither a folder nor a file. Name the folder or zip of a {limits.what}.")


@dataclass(frozen=True)
class _Folder:
    root: Path
    limits: ReadLimits

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
                info = self._stat(entry)
                if stat.S_ISREG(info.st_mode):
                    sizes[path] = info.st_size
                elif stat.S_ISDIR(info.st_mode) and not entry.is_symlink():
                    if entry.name == ".git":
                        continue
                    if depth >= MAX_DEPTH:
                        refused[path] = f"lies deeper than {MAX_DEPTH} folders"
                    else:
                        waiting.append((path, depth + 1))
                elif entry.is_symlink():
                    refused[path] = "is a link; links are not followed"
                else:
                    refused[path] = "is no plain file"
                if not self.limits.trusted:
                    _check_count(len(sizes) + len(refused) + len(waiting), self.root)
        return dict(sorted(sizes.items())), refused

    def _stat(self, entry: os.DirEntry[str]) -> os.stat_result:
        if self.limits.trusted:
            try:
                return entry.stat()
            except OSError:
                pass  # a link to nowhere
        return entry.stat(follow_symlinks=False)

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        # What was a plain file when it was listed must still be one.
        flags = 0 if self.limits.trusted else getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(self.root / path, os.O_RDONLY | flags | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise DataError(f"{path} was not read: it is no plain file.")
        return os.fdopen(handle, "rb")


class _Archive:
    def __init__(self, path: Path, limits: ReadLimits) -> None:
        if not limits.trusted:
            _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _UNUSABLE as error:
            raise DataError(f"{path} is not a usable .zip file: {error}. Unpack it and name its folder.") from error
        self._path = path
        self._limits = limits
        self._members: dict[str, zipfile.ZipInfo] = {}

    def members(self) -> tuple[dict[str, int], dict[str, str]]:
        refused: dict[str, str] = {}
        infos = self._zip.infolist()
        _check_count(len(infos), self._path)
        for info in infos:
            parts = PurePosixPath(info.filename.replace("\\", "/")).parts
            path = "/".join(parts)
            reason = self._reason(info, parts, path)
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
        return self._zip.open(self._members[path])


def _check_directory(path: Path) -> None:
    """Raise DataError for an archive whose directory alone would fill the memory."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 22 - 0xFFFF))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise DataError(f"{path} is not a usable .zip file: no directory in it. Unpack it and name its folder.")
    (directory_bytes,) = struct.unpack_from("<I", tail, at + 12)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise DataError(f"{path} lists more files than a submission has. Unpack it and name a folder of it.")


def _check_count(count: int, where: Path) -> None:
    if count > MAX_FILES:
        raise DataError(f"{where} holds over {MAX_FILES:,} files, the limit. Name a part of it.")


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _text(line: bytes) -> str:
    return line[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
