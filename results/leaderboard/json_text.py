# SPDX-License-Identifier: Apache-2.0
"""A leaderboard as one JSON object, and the JSON Schema of it.

``python -m results.leaderboard.json_text DIR`` writes ``leaderboard.schema.json``; docs/schemas holds it, and a test
compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mlperf_tiny.results.leaderboard.build import Leaderboard
from mlperf_tiny.results.leaderboard.check import Check, RowDifference
from mlperf_tiny.results.leaderboard.rows.columns import COLUMNS, FORMAT, CellKind, Column, Row

SCHEMA_FILE = "leaderboard.schema.json"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def leaderboard_json(board: Leaderboard, rows: Iterable[Row], check: Check | None) -> dict[str, Any]:
    """Return a leaderboard as plain values: numbers as numbers, None for what a row does not have.

    Args:
        board: Its problems and notes are included.
        rows: The rows to include.
        check: A comparison with another table, if one was made.
    """
    return {
        "format": FORMAT,
        "rows": [{column.name: _value(column, row[column.name]) for column in COLUMNS} for row in rows],
        "problems": list(board.problems),
        "notes": list(board.notes),
        "check": asdict(check) if check else None,
    }


def _value(column: Column, cell: str) -> str | int | float | None:
    if not cell:
        return None
    if column.kind is CellKind.WHOLE:
        return int(cell)
    return float(cell) if column.kind is CellKind.NUMBER else cell


def schema() -> dict[str, Any]:
    """The schema of what ``leaderboard_json`` returns, made from the columns."""
    text = {"type": "string"}
    texts = {"type": "array", "items": text}
    difference = _object({field.name: text for field in fields(RowDifference)})
    whole = {"type": "integer", "minimum": 0}
    check = _object(
        {"rows": whole, "compared": whole, "equal": whole, "differences": {"type": "array", "items": difference}}
    )
    row = _object({column.name: _column_schema(column) for column in COLUMNS})
    properties = {
        "format": {"const": FORMAT},
        "rows": {"type": "array", "items": row},
        "problems": texts,
        "notes": texts,
        "check": {"anyOf": [check, {"type": "null"}]},
    }
    return {"$schema": _DRAFT, "title": "Leaderboard", **_object(properties)}


def _column_schema(column: Column) -> dict[str, Any]:
    text = f"run: {column.run}; published: {column.published}" + (f"; {column.unit}" if column.unit else "")
    if column.choices:
        return {"description": text, "enum": [*column.choices, None]}
    kind = {CellKind.WHOLE: "integer", CellKind.NUMBER: "number"}.get(column.kind, "string")
    return {"description": text, "type": [kind, "null"]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def schema_text() -> str:
    """The text of SCHEMA_FILE."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
