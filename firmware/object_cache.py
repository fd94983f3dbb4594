# SPDX-License-Identifier: Apache-2.0
"""Objects of this project's sources, kept for the next image: only a model's own code is then compiled for it.

An object is named by a digest of what decides it: the compiler's version, the flags, the source, and every header that
the source can reach. Sources for which that is not known (C++ against a library's headers, or an include that is not a
name in quotes) are compiled each time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from mlperf_tiny.whole_file import write_whole

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"\n]*)"|(<)[^>\n]*>|(.))', re.MULTILINE)
_DIGEST_BYTES = hashlib.sha256().digest_size


class ObjectCache:
    """The objects in one folder. Several processes may share it; a damaged file counts as missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, key: str) -> bytes | None:
        """Return the object with a name, None where there is none that is whole."""
        try:
            stored = (self._folder / key).read_bytes()
        except OSError:
            return None
        digest, content = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        return content if content and hashlib.sha256(content).digest() == digest else None

    def store(self, key: str, content: bytes) -> None:
        """Keep an object; where the folder cannot be written, nothing is kept, and the next image takes longer.

        Args:
            key: Its name, of ``object_key``.
            content: The object file.
        """
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / key, hashlib.sha256(content).digest() + content)


def object_key(settings: Sequence[str], source: str, folder: Path, files: Iterable[str]) -> str | None:
    """Return the name of the object of a source, None where it is not known what decides it.

    Args:
        settings: The compiler's version and all flags.
        source: The source, relative to ``folder``.
        folder: Where the program is laid out.
        files: All files of the program, relative to ``folder``.
    """
    if not source.endswith(".c"):
        return None
    by_name: dict[str, list[str]] = {}
    for name in sorted(files):
        by_name.setdefault(PurePosixPath(name).name, []).append(name)
    reached, waiting = {source}, [source]
    while waiting:
        for quoted, system, other in _INCLUDE.findall((folder / waiting.pop()).read_text(encoding="utf-8")):
            if other:
                return None
            if system:  # of the compiler, whose version is among the settings
                continue
            # All files of that name: which of them is meant decides the order of the folders, which is a flag too.
            found = set(by_name.get(PurePosixPath(quoted).name, ())) - reached
            reached |= found
            waiting += sorted(found)
    digest = hashlib.sha256()
    for part in (*settings, source):
        digest.update(part.encode() + b"\0")
    for name in sorted(reached):
        digest.update(f"{name}\0".encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()
