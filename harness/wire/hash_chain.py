# SPDX-License-Identifier: Apache-2.0
"""The hash chain over the lines of a transcript: it shows when a line was changed, lost or inserted.

Every line is a JSON object whose last member ``h`` is the beginning of the chain's value at that line::

    value(0) = 32 zero bytes
    value(n) = sha256(value(n - 1) + the bytes of line n without `,"h":"..."`)

A chain digest is the number of lines and the chain's value after them. Records and leaderboard rows hold it, so that a
transcript whose end was cut off, or which was changed and chained again, contradicts them. It is no signature: somebody
who changes transcript, record and leaderboard alike is not detected.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

CHECK_DIGITS = 16
"""Hex digits of the chain's value in each line."""

MAX_LINE_DIGITS = 11
"""A transcript with more lines than so many digits can count is no transcript."""

_CHECK = re.compile(rb',"h":"([0-9a-f]{%d})"\}\Z' % CHECK_DIGITS)


@dataclass(frozen=True)
class ChainDigest:
    """Length and value of a transcript's hash chain."""

    lines: int
    """Number of lines."""
    value: str
    """The chain's value after them, 64 hex digits."""

    @property
    def text(self) -> str:
        """Both in one cell of a table.

        Examples:
            >>> ChainDigest(2, "ab" * 32).text[:6]
            '2:abab'
        """
        return f"{self.lines}:{self.value}"

    @classmethod
    def from_text(cls, text: str) -> ChainDigest | None:
        """Read ``text`` back; None when it is not one."""
        lines, _, value = text.partition(":")
        whole = lines.isdecimal() and len(lines) <= MAX_LINE_DIGITS and len(value) == 64
        return cls(int(lines), value) if whole else None

    @classmethod
    def from_json(cls, entry: object) -> ChainDigest | None:
        """Read the entry of a ``record.json``, of any format; None when it is not one."""
        if not isinstance(entry, dict):
            return None
        lines, value = entry.get("lines"), entry.get("value", entry.get("chain"))
        return cls(lines, value) if type(lines) is int and isinstance(value, str) else None


class ChainBroken(ValueError):
    """A line is not what was written there."""


class Chain:
    """Follows the lines of one transcript, while it is written or while it is read."""

    def __init__(self) -> None:
        self._value = bytes(32)
        self._lines = 0

    @property
    def digest(self) -> ChainDigest:
        """The digest over all lines so far."""
        return ChainDigest(self._lines, self._value.hex())

    def append(self, body: bytes) -> bytes:
        """Return the JSON object ``body`` as the next line, with its check and without a line end."""
        return body[:-1] + b',"h":"%s"}' % self._advance(body)

    def verify(self, line: bytes) -> bytes:
        """Return the JSON object that was written as the next line; raises ChainBroken when ``line`` is not it."""
        found = _CHECK.search(line)
        if found is None:
            raise ChainBroken("it has no check value")
        body = line[: found.start()] + b"}"
        wanted = self._advance(body)
        if found[1] != wanted:
            raise ChainBroken(f"its check value is {found[1].decode()}, the lines up to it make {wanted.decode()}")
        return body

    def _advance(self, body: bytes) -> bytes:
        self._value = hashlib.sha256(self._value + body).digest()
        self._lines += 1
        return self._value.hex()[:CHECK_DIGITS].encode()
