# SPDX-License-Identifier: Apache-2.0
"""The tables of documents that commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.doc_tables import markdown_table, marks, refresh, with_table

BEGIN, END = marks("NAME")
OTHER = "\n".join(marks("OTHER"))


def test_a_table_has_its_figures_to_the_right() -> None:
    rows = [("kws", "1", "2"), ("a|b", "3", "4")]
    assert markdown_table(("task", "x", "y"), rows) == (
        "| task | x | y |\n| --- | --: | --: |\n| kws | 1 | 2 |\n| a\\|b | 3 | 4 |"
    )


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1 cells, the table 2 columns"):
        markdown_table(("task", "x"), [("kws",)])


@pytest.mark.parametrize("old", ["", "\n| old |\n", "\n\n| old |\n| 1 |\n\n"])
def test_only_what_lies_between_the_marks_is_rewritten(old: str, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n\n{BEGIN}\n{old}{END}\n\nafter\n{OTHER}\n", encoding="utf-8")
    table = r"| \1 and \g<0> |"  # is no replacement pattern
    for _ in range(2):  # the second time changes nothing
        refresh(document, "NAME", table)
        assert document.read_text() == f"before\n\n{BEGIN}\n\n{table}\n\n{END}\n\nafter\n{OTHER}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{BEGIN}\n",
        f"{END}\n",
        f"{END}\n{BEGIN}\n",
        f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n",
        f"{BEGIN}\n{BEGIN}\n{END}\n",
        f"  {BEGIN}\n{END}\n",
        OTHER,
    ],
)
def test_a_document_without_the_two_marks_stays_as_it_is(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="once, in this order"):
        with_table(text, "NAME", "| new |")
    document = tmp_path / "page.md"
    document.write_text(text)
    with pytest.raises(ValueError, match="NAME"):
        refresh(document, "NAME", "| new |")
    assert document.read_text() == text
