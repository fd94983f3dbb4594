# SPDX-License-Identifier: Apache-2.0
"""A file that appears whole or not at all, whoever else writes it and however full the disk is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: its readers find the former content or the new one.

    Args:
        path: The file. A pipe or a terminal is written as it is.
        content: What it is to hold.

    Raises:
        OSError: with the name of ``path``; what was there stays as it was.
    """
    target = path.resolve()  # of a link, what it points to is replaced
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if target.exists() and not target.is_file():
            path.write_bytes(content)
            return
        draft.write_bytes(content)
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
