# SPDX-License-Identifier: Apache-2.0
"""Tables in documents that a command prints: the command rewrites what lies between the two marks of its table.

    <!-- table: NAME -->

    | ... |

    <!-- end of table: NAME -->

NAME is free of spaces at its ends; by custom it is the command that prints the table, so that a reader of the document
knows how to refresh it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table in Markdown.

    Args:
        header: Titles of the columns.
        rows: Cells, as many in each row as there are columns.
        left: So many first columns are texts; the others are figures, aligned to the right.

    Raises:
        ValueError: for a row with another number of cells.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"the row {list(row)} has {len(row)} cells, the table {len(header)} columns")
    rule = ["---" if number < left else "--:" for number in range(len(header))]
    texts = [[cell.replace("|", r"\|").replace("\n", " ") for cell in row] for row in (header, *rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (texts[0], rule, *texts[1:]))


def marks(name: str) -> tuple[str, str]:
    """Return the lines before and after a table."""
    return f"<!-- table: {name} -->", f"<!-- end of table: {name} -->"


def with_table(text: str, name: str, table: str) -> str:
    """Return a document with a new table; all else stays as it is.

    Args:
        text: The document.
        name: The table's name in its marks.
        table: The table, without marks.

    Raises:
        ValueError: unless the document has the two marks once, each alone on its line, in this order.
    """
    begin, end = marks(name)
    pattern = re.compile(rf"^{re.escape(begin)}$.*?^{re.escape(end)}$", re.DOTALL | re.MULTILINE)
    if text.count(begin) != 1 or text.count(end) != 1 or not pattern.search(text):
        raise ValueError(f"the document needs the lines {begin!r} and {end!r} once, in this order")
    return pattern.sub(lambda _: f"{begin}\n\n{table.strip()}\n\n{end}", text)


def refresh(document: Path, name: str, table: str) -> None:
    """Rewrite a table of a document.

    Args:
        document: The file.
        name: The table's name in its marks.
        table: The table, without marks.

    Raises:
        ValueError: unless the document has the two marks.
    """
    text = with_table(document.read_text(encoding="utf-8"), name, table)
    document.write_text(text, encoding="utf-8", newline="\n")
