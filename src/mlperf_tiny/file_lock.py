# SPDX-License-Identifier: Apache-2.0
"""One process at a time on a file or a folder: the second waits, or is told who holds it.

The system's advisory locks (``flock``) are used: they end with their process, however it ends. Where the system or the
file system has none, nothing is locked.
"""

from __future__ import annotations

import errno
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlperf_tiny.errors import HeldElsewhere

_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
_LOCKS = Path("/proc/locks")
_HAS_LOCKS = importlib.util.find_spec("fcntl") is not None


@contextmanager
def locked(place: Path, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a file or a folder, which must exist, until the block ends.

    Args:
        place: The file or folder.
        waiting: When another process holds it: takes one phrase, ``process 123``, and the block begins when that
            process has ended its own. None: do not wait.

    Raises:
        HeldElsewhere: when another process holds it and ``waiting`` is None.
        OSError: when ``place`` cannot be opened.
    """
    if not _HAS_LOCKS:
        yield
        return
    handle = _open(place)
    try:
        _lock(handle, place, waiting)
        yield
    finally:
        os.close(handle)


@contextmanager
def locked_name(folder: Path, name: str, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a name of which no file need exist, by a file that is made for it and is gone afterwards.

    Args:
        folder: Where the files of such names are; it is made. Where it cannot be written nothing is locked: what
            the name stands for cannot be written there either.
        name: A file name.
        waiting: As of ``locked``.

    Raises:
        HeldElsewhere: with the path of the name, as ``locked`` does.
    """
    if not _HAS_LOCKS:
        yield
        return
    file = folder / name
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            yield
            return
        try:
            _lock(handle, file, waiting)
            if not _is(handle, file):  # its holder has removed it
                continue
            try:
                yield
            finally:
                with suppress(OSError):
                    file.unlink()
            return
        finally:
            os.close(handle)


def holder_of(place: Path) -> str:
    """Return who holds a lock on a file or folder: ``process 123``, or ``another process`` where that is not known."""
    with suppress(OSError, ValueError, IndexError):
        status = place.stat()
        wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        for line in _LOCKS.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5] == wanted and int(words[4]) > 0:
                return f"process {words[4]}"
    return "another process"


def _open(place: Path) -> int:
    """A handle to lock; network file systems want one for writing, which folders and read-only files do not allow."""
    with suppress(OSError):
        return os.open(place, os.O_RDWR)
    return os.open(place, os.O_RDONLY)


def _lock(handle: int, place: Path, waiting: Callable[[str], None] | None) -> None:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            if waiting is None:
                raise HeldElsewhere(str(place), holder_of(place)) from error
            waiting(holder_of(place))
            fcntl.flock(handle, fcntl.LOCK_EX)


def _is(handle: int, file: Path) -> bool:
    """Whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), file.stat())
    except OSError:
        return False
