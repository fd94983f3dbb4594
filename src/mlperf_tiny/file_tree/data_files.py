# SPDX-License-Identifier: Apache-2.0
"""The files of a data set, by path or by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree.content_kind import POINTER_BYTES, refuse_placeholder
from mlperf_tiny.file_tree.limits import DATA_SET
from mlperf_tiny.file_tree.sources import DUPLICATE, LEAVES_ARCHIVE, ZipSource
from mlperf_tiny.file_tree.tree import FileTree, open_file_tree


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
        """Return the content; raises DataError when it is too large, cannot be read, or lies in another's place."""
        content = self.tree.read(self.path)
        refuse_placeholder(content, self.where)
        return content


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
        if isinstance(tree.source, ZipSource) and tree.sizes[name] > DATA_SET.max_file_bytes:
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


def refuse_placeholders(files: Iterable[StoredFile]) -> None:
    """Raise WrongRequest for a Git LFS pointer among files, of which only those of its size are read."""
    for file in files:
        if file.size_bytes < POINTER_BYTES:
            file.read()


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
