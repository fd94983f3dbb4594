# SPDX-License-Identifier: Apache-2.0
"""Text by its byte order mark: UTF-16 as PowerShell's redirection writes it, else UTF-8 with or without a mark."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(content: bytes, errors: str = "strict") -> str:
    """Return the text of a whole file; raises UnicodeDecodeError unless ``errors`` is ``replace``.

    Args:
        content: The file.
        errors: As of ``bytes.decode``.

    Examples:
        >>> text_of(b"\\xff\\xfea\\0b\\0"), text_of(b"\\xef\\xbb\\xbfab")
        ('ab', 'ab')
    """
    return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig", errors)


def utf_8_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a text in UTF-8 without a mark; characters that are broken become replacement marks."""
    first = next(chunks, b"")
    while len(first) < 3 and (more := next(chunks, b"")):
        first += more
    if not first.startswith(_UTF_16):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(first).encode("utf-8", "replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
