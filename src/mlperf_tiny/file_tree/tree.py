# SPDX-License-Identifier: Apache-2.0
"""A tree of files with bounded reads."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.file_tree.limits import CHUNK_BYTES, MAX_LINE_BYTES, SUBMISSION, Allowance, ReadLimits
from mlperf_tiny.file_tree.sources import UNUSABLE, FileSource, FolderSource, ZipSource
from mlperf_tiny.file_tree.text_file import utf_8_chunks


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
    _allowance: Allowance | None = field(default=None, init=False)
    _allowed_bytes: int = field(default=0, init=False)
    _allowed_until_s: float = field(default=0.0, init=False)

    @contextmanager
    def allowed(self, allowance: Allowance) -> Iterator[None]:
        """Bound what is read inside the ``with`` block: more raises DataError, at every further read as well."""
        self._allowance = allowance
        self._allowed_bytes = self.read_bytes + allowance.max_bytes
        self._allowed_until_s = time.process_time() + allowance.max_s
        try:
            yield
        finally:
            self._allowance = None

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
        except UNUSABLE as error:
            raise DataError(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}.") from error

    def _spend(self, count: int, where: str) -> None:
        most = self.limits.max_total_bytes
        self.read_bytes += count
        if most is not None and self.read_bytes > most:
            raise DataError(
                f"{where} was not read: the limit of {most:,} bytes for the whole {self.limits.what} is reached. "
                "Name a part of it."
            )
        allowance = self._allowance
        if allowance is None:
            return
        if self.read_bytes > self._allowed_bytes:
            raise DataError(
                f"{where} was not read to its end: at most {allowance.max_bytes:,} bytes of {allowance.what} are read."
            )
        if time.process_time() > self._allowed_until_s:
            raise DataError(
                f"{where} was not read to its end: at most {allowance.max_s:g} s of computing are spent on "
                f"{allowance.what}."
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

        Of a line over MAX_LINE_BYTES only the beginning is read; bytes that are no text become replacement marks.
        A text in UTF-16 is recognised by its byte order mark.
        """
        rest = b""
        skipping = False
        for chunk in utf_8_chunks(self.chunks(path)):
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
        raise WrongRequest(
            f"{path} cannot be read: {error.strerror}. Name the folder or zip of a {limits.what}."
        ) from error
    if stat.S_ISDIR(mode):
        folder = FolderSource(path, limits)
        sizes, refused = folder.list_files()
        return FileTree(absolute.parts, sizes, refused, folder, limits, f"{path}/" if limits.trusted else "")
    if stat.S_ISREG(mode):
        archive = ZipSource(path, limits)
        sizes, refused = archive.list_files()
        name = (*absolute.parts[:-1], absolute.stem)
        return FileTree(name, sizes, refused, archive, limits, f"{path}:" if limits.trusted else "")
    raise WrongRequest(f"{path} is neither a folder nor a file. Name the folder or zip of a {limits.what}.")


def _text(line: bytes) -> str:
    return line[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
