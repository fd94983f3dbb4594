# SPDX-License-Identifier: Apache-2.0
"""Sentences for a disk that is full or read-only; they name the folder whose disk it is."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

from mlperf_tiny.errors import BenchError, WrongRequest

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the system's errors that mean that there is no space left."""
OF_ANOTHER_KIND = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
)
"""Numbers of the system's errors that mean that a path names what is not there, or a file where a folder is wanted."""
FULL_BELOW_BYTES = 64 << 10
"""A disk with less free space counts as full: a compiler removes its unfinished files before it reports the error."""


def cannot_write(error: OSError, place: Path, then: str) -> str:
    """Return the sentence for a file or folder that cannot be written.

    Args:
        error: What the system reported.
        place: What was to be written; a system names the source of a copy, or nothing.
        then: The end of the last sentence, e.g. ``or name another folder with --out``.
    """
    folder = place if place.is_dir() else place.parent
    if error.errno in FULL:
        return f"{place} cannot be written: the disk of {folder} is full. Free space there, {then}."
    if error.errno in OF_ANOTHER_KIND:
        way_out = then.removeprefix("or ")
        return f"{place} cannot be written: {error.strerror}. {way_out[:1].upper()}{way_out[1:]}."
    return f"{place} cannot be written: {error.strerror or error}. Make it writable, {then}."


def write_error(
    error: OSError, place: Path, then: str, otherwise: type[BenchError] = BenchError, sentence: str = ""
) -> BenchError:
    """Return the error for a place, named by the user, that cannot be written.

    Args:
        error: What the system reported.
        place: What was to be written.
        then: As of ``cannot_write``.
        otherwise: Its type where the path itself is right: the disk is full, or the folder may not be written.
        sentence: The message; "" for that of ``cannot_write``.
    """
    kind = WrongRequest if error.errno in OF_ANOTHER_KIND else otherwise
    return kind(sentence or cannot_write(error, place, then))


def full_disk(folders: Iterable[Path]) -> Path | None:
    """Return the first of some folders whose disk is full; None when there is none."""
    for folder in folders:
        try:
            if shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
                return folder
        except OSError:
            continue
    return None
