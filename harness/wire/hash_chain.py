# SPDX-License-Identifier: Apache-2.0
"""The hash chain over the lines of a transcript: a line that was changed, lost or put in shows itself.

Every line is a JSON object whose last member ``h`` is the beginning of the chain's value at that line::

    value(0) = 32 zero bytes
    value(n) = sha256(value(n - 1) + the bytes of line n without `,"h":"..."`)

A seal is how many lines there were and the chain's value then. Records and leaderboard rows carry it, so that a
transcript whose end was cut off, or which was changed and chained anew, contradicts them. It is no signature: who
changes transcript, record and leaderboard alike is not found out.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

SHOWN_DIGITS = 16

_CHECK = re.compile(rb',"h":"([0-9a-f]{%d})"\}\Z' % SHOWN_DIGITS)


@dataclass(frozen=True)
class Seal:
    """``chain`` is the chain's value, 64 hex digits, after ``lines`` lines."""

    lines: int
    chain: str


class SealBroken(ValueError):
    """A line is not what was written there."""


class Chain:
    """Follows the lines of one transcript, while it is written or while it is read."""

    def __init__(self) -> None:
        self._value = bytes(32)
        self._lines = 0

    @property
    def seal(self) -> Seal:
        """The seal over all lines so far."""
        return Seal(self._lines, self._value.hex())

    def sealed(self, body: bytes) -> bytes:
        """Return the JSON object ``body`` as the next line, with its check and without a line end."""
        return body[:-1] + b',"h":"%s"}' % self._advance(body)

    def opened(self, line: bytes) -> bytes:
        """Return the JSON object that was written as the next line; raises SealBroken when ``line`` is not it."""
        found = _CHECK.search(line)
        if found is None:
            raise SealBroken("it has no check value")
        body = line[: found.start()] + b"}"
        wanted = self._advance(body)
        if found[1] != wanted:
            raise SealBroken(f"its check value is {found[1].decode()}, the lines up to it make {wanted.decode()}")
        return body

    def _advance(self, body: bytes) -> bytes:
        self._value = hashlib.sha256(self._value + body).digest()
        self._lines += 1
        return self._value.hex()[:SHOWN_DIGITS].encode()
