# SPDX-License-Identifier: Apache-2.0
"""Sentences for a disk that is full or read-only; they name the folder whose disk it is."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the system's errors that mean that there is no space left."""
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
    return f"{place} cannot be written: {error.strerror or error}. Make it writable, {then}."


def full_disk(folders: Iterable[Path]) -> Path | None:
    """Return the first of some folders whose disk is full; None when there is none."""
    for folder in folders:
        try:
            if shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
                return folder
        except OSError:
            continue
    return None
