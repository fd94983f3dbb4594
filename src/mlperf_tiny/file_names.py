# SPDX-License-Identifier: Apache-2.0
"""Names of files as text, and text as names of files, where the locale's encoding is not that of the names.

Python hands over bytes of a name that the locale cannot decode as lone surrogates (PEP 383), in the C locale all that
is not ASCII. Such text can open the file, but can neither be shown nor be written to a file of text.
"""

from __future__ import annotations

import os


def text_of_name(name: str) -> str:
    """Return a file's name as text: what the locale could not decode is UTF-8 where it can be.

    Bytes that are no UTF-8 stay surrogates, so that ``name_of_text`` gives the name back.
    """
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return name


def name_of_text(text: str) -> str:
    """Return the name by which this process opens a file; the inverse of ``text_of_name``."""
    if os.name != "posix":
        return text
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return text


def plain_text(name: str) -> str:
    r"""Return a file's name as text that any file can hold: bytes that are no UTF-8 as visible escapes.

    Examples:
        >>> plain_text("mod\udcc3\udca8le \udce9")
        'modèle \\xe9'
    """
    return "".join(
        f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else char for char in text_of_name(name)
    )
