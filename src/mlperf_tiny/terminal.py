# SPDX-License-Identifier: Apache-2.0
"""Text for a terminal: aligned tables, and untrusted text without control characters.

Text from a device, a file or a submission may hold escape codes, or be a megabyte long.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from mlperf_tiny.file_names import text_of_name

MAX_SHOWN = 400

# Bytes of a name that the locale could not decode, as repr writes them; after a backslash they are the name's own text.
_QUOTED = re.compile(r"(?<!\\)(?:\\udc[89a-f][0-9a-f])+")


def sanitize_for_terminal(text: str, limit: int = MAX_SHOWN) -> str:
    r"""Return ``text`` on one line of printable characters.

    Args:
        text: Text from a device, a file or a submission.
        limit: Longest result in characters; the end of a longer one is replaced by ``...``.

    Examples:
        >>> sanitize_for_terminal("\x1b[31mred")
        '\\x1b[31mred'
    """
    plain = _visible(text)
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def printable_lines(text: str) -> str:
    r"""Return ``text`` of any length with its line ends, and every other control character as a visible escape.

    Examples:
        >>> printable_lines("a\x1b[2J\nb")
        'a\\x1b[2J\nb'
    """
    return "\n".join(_visible(line.expandtabs()) for line in text.split("\n"))


def _visible(text: str) -> str:
    if "\\udc" in text:  # a message has quoted a name with Python's repr
        text = _QUOTED.sub(lambda found: "".join(chr(int(code, 16)) for code in found[0].split("\\u")[1:]), text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{_byte_of(char):02x}" for char in text_of_name(text))


def _byte_of(char: str) -> int:
    """The byte that a character of the surrogate escapes stands for; for others their code point."""
    code = ord(char)
    return code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code


def numbers(values: Collection[float]) -> str:
    """Return numbers in ascending order, each once, as text.

    Examples:
        >>> numbers([3, 1.5, 3])
        '1.5, 3'
    """
    return ", ".join(f"{value:g}" for value in sorted(set(values)))


def text_table(
    rows: Sequence[Sequence[str]], align: str = "", gap: str = "  ", indent: str = "", spanning: Collection[int] = ()
) -> str:
    """Return ``rows`` of cells as lines with aligned columns; a heading is the first row.

    Args:
        rows: Cells as text, whose control characters become visible escapes; rows may be shorter than the widest one.
        align: One character a column, ``<`` or ``>``; columns beyond it are aligned to the left.
        gap: Text between two columns.
        indent: Text before each line.
        spanning: Numbers of rows whose last cell is a sentence over the columns to its right; it widens none.

    Examples:
        >>> print(text_table([["model", "ms"], ["kws-s", "37.97"]], align="<>"))
        model     ms
        kws-s  37.97
    """
    rows = [[_visible(cell) for cell in row] for row in rows]
    columns = max(map(len, rows), default=0)
    align = align.ljust(columns, "<")
    in_columns = [row[:-1] if number in spanning else row for number, row in enumerate(rows)]
    widths = [max((len(row[n]) for row in in_columns if n < len(row)), default=0) for n in range(columns)]
    padded = [[f"{cell:{align[n]}{widths[n]}}" for n, cell in enumerate(row)] for row in in_columns]
    lines = (gap.join([*padded[n], *row[len(padded[n]) :]]) for n, row in enumerate(rows))
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)
