# SPDX-License-Identifier: Apache-2.0
"""How much of a tree of files is read."""

from __future__ import annotations

from dataclasses import dataclass

MAX_FILES = 200_000
MAX_DEPTH = 32
MAX_LINE_BYTES = 1 << 16
MAX_DIRECTORY_BYTES = 20 << 20
"""Of the directory of an archive."""
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What may be spent on one part of a tree."""

    what: str
    """What it is spent on, for messages: ``one result``."""
    max_bytes: int
    """Bytes read."""
    max_s: float
    """Seconds of the processor, from the first read on: a computer that is busy with other things takes longer."""


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
