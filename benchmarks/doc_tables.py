# SPDX-License-Identifier: Apache-2.0
"""Tables in documents that a command prints: the command rewrites what lies between its two marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table in Markdown.

    Args:
        header: Titles of the columns.
        rows: Cells.
        left: So many first columns are texts; the others are figures, aligned to the right.
    """
    rule = ["---" if number < left else "--:" for number in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def marks(command: str) -> tuple[str, str]:
    """Return the lines before and after the table of a command.

    Args:
        command: The module that prints it.
    """
    return f"<!-- table: python -m {command} -->", f"<!-- end of table: python -m {command} -->"


def with_table(text: str, command: str, table: str) -> str:
    """Return a document with a new table; raises ValueError unless it has the two marks once.

    Args:
        text: The document.
        command: The module that prints the table.
        table: The table.
    """
    begin, end = marks(command)
    pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the document needs the lines {begin!r} and {end!r} once, in this order")
    return pattern.sub(lambda _: f"{begin}\n\n{table}\n\n{end}", text)


def refresh(document: Path, command: str, table: str) -> None:
    """Rewrite the table of a document; raises ValueError unless it has the two marks.

    Args:
        document: The file.
        command: The module that prints the table.
        table: The table.
    """
    document.write_text(with_table(document.read_text(encoding="utf-8"), command, table), encoding="utf-8")
