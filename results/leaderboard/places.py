# SPDX-License-Identifier: Apache-2.0
"""The column ``Record``: where a run or result lies, seen from the folder of the file that holds the row.

Beside or below that folder it is a relative path, so that the file and its records can be moved together; anything
else is an absolute one.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath


def place_of(path: Path, base: Path) -> str:
    """Return ``path`` as the column Record has it, with ``/`` between its parts.

    Args:
        path: Folder of a run or result.
        base: Folder of the file that holds the row.
    """
    there, here = _absolute(path), _absolute(base)
    beside = here if here.parent == here.parent.parent else here.parent
    if there.is_relative_to(beside):
        return Path(os.path.relpath(there, here)).as_posix()
    return there.as_posix()


def path_of(record: str, base: Path) -> Path:
    """Return the path that a row's Record means.

    Args:
        record: The column Record.
        base: Folder of the file that holds the row.
    """
    return _absolute(base / PurePosixPath(record))


def moved(record: str, base: Path, new_base: Path) -> str:
    """Return the column Record of a row that moves to another file; an empty one stays empty.

    Args:
        record: The column Record in the old file.
        base: Folder of the old file.
        new_base: Folder of the new file.
    """
    return place_of(path_of(record, base), new_base) if record else ""


def _absolute(path: Path) -> Path:
    # Not resolved: a link is a name the user chose.
    return Path(os.path.normpath(path.absolute()))
