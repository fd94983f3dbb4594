# SPDX-License-Identifier: Apache-2.0
"""The column ``Record``: where a run or result lies, seen from the folder of the file that holds the row.

Beside or below that folder it is a relative path, so that the file and its records can be moved together; anything
else is an absolute one.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath


def place_of(path: Path, base: Path) -> str:
    """``path`` as the column has it in a file in folder ``base``, with ``/`` between its parts."""
    there, here = _absolute(path), _absolute(base)
    beside = here if here.parent == here.parent.parent else here.parent
    if there.is_relative_to(beside):
        return Path(os.path.relpath(there, here)).as_posix()
    return there.as_posix()


def path_of(record: str, base: Path) -> Path:
    """The path that a row's Record means in a file in folder ``base``."""
    return _absolute(base / PurePosixPath(record))


def moved(record: str, base: Path, new_base: Path) -> str:
    """Record of a row that goes from a file in ``base`` to one in ``new_base``; an empty one stays empty."""
    return place_of(path_of(record, base), new_base) if record else ""


def _absolute(path: Path) -> Path:
    # Not resolved: a link is a name the user chose.
    return Path(os.path.normpath(path.absolute()))
