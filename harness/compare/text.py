# SPDX-License-Identifier: Apache-2.0
"""A comparison as text for people: a table for each device and kind of time, so that no two kinds share a ranking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from mlperf_tiny.harness.compare.rows import Difference, Row

_HEADINGS = (
    "model",
    "engine",
    "latency ms",
    "ratio",
    "instructions",
    "arena",
    "RAM",
    "flash",
    "flash - model",
    "outputs",
)
_TEXT_COLUMNS = (0, 1, 9)
_GAP = "  "


def render_comparison(rows: Sequence[Row], notes: Sequence[str] = ()) -> str:
    """Return the tables of ``rows``, which stay in their order within a table, and the notes below them."""
    blocks = []
    timings = {row.timing for row in rows}
    by_kind = sorted(rows, key=_kind)  # stable: rows keep their order within a kind
    for kind, group in groupby(by_kind, key=_kind):
        blocks.append(_block(*kind, list(group)))
    below = [f"{row.run}: {row.folder}" for row in rows if row.run]
    below += _versions(rows)
    below += [f"inputs of {model}: {words}" for model, words in _inputs(rows)]
    if len(timings) > 1:
        below.append(f"{' and '.join(sorted(timings))} times are not to be compared: each has a table of its own")
    below += notes
    return "\n\n".join([*blocks, "\n".join(f"note: {text}" for text in below)] if below else blocks)


def _kind(row: Row) -> tuple[str, str, str]:
    return row.device, row.timing, row.timing_model


def _block(device: str, timing: str, timing_model: str, rows: list[Row]) -> str:
    cells = [_cells(row, _first(rows, row)) for row in rows]
    measured = [cell for cell, row in zip(cells, rows, strict=True) if row.figures is not None]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *measured, strict=True)]
    widths[:2] = [max(map(len, column)) for column in zip(_HEADINGS[:2], *(cell[:2] for cell in cells), strict=True)]
    model = f" ({timing_model})" if timing_model else ""
    lines = [f"{device}, timing: {timing}{model}", "", _line(_HEADINGS, widths)]
    for row, cell in zip(rows, cells, strict=True):
        if row.figures is None:
            cell = (*cell, _GAP.join(filter(None, (row.problem, _equality(row.difference)))))
        lines.append(_line(cell, widths))
    return "\n".join(lines)


def _first(rows: Sequence[Row], row: Row) -> Row | None:
    """The row of the same model that ratios are to: the first that has figures."""
    same = (other for other in rows if other.model == row.model and other.figures is not None)
    return next(same, None)


def _cells(row: Row, first: Row | None) -> tuple[str, ...]:
    engine = f"{row.engine}, {row.kernels}" if row.kernels else row.engine
    model = f"{row.run}, {row.model}" if row.run else row.model
    figures = row.figures
    if figures is None:
        return model, engine
    numbers = (figures.arena_bytes, figures.ram_bytes, figures.flash_bytes, figures.runtime_flash_bytes)
    return (
        model,
        engine,
        f"{figures.latency_us / 1000:,.3f}",
        _ratio(row, first),
        _number(figures.instructions),
        *map(_number, numbers),
        _equality(row.difference),
    )


def _equality(difference: Difference | None) -> str:
    if difference is None:
        return ""
    if difference.different == 0:
        return f"equal to {difference.to}, {difference.values:,} {'bytes' if difference.exact else 'printed values'}"
    differ = f"{difference.different:,} of {difference.values:,} differ from {difference.to}"
    if math.isinf(difference.largest):
        return f"{differ}, some in number"
    largest = f"{difference.largest:.0f}" if difference.exact else f"{difference.largest:.3f}"
    return f"{differ}, by {largest} at most"


def _versions(rows: Sequence[Row]) -> list[str]:
    """What each engine was and what compiled it, said once."""
    found: dict[str, None] = {}
    for row in rows:
        parts = [row.engine_version, f"compiled with {row.compiler}" if row.compiler else ""]
        if any(parts):
            found[f"{row.engine}: {', '.join(filter(None, parts))}"] = None
    return list(found)


def _inputs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.inputs and not row.run and row.model not in found.setdefault(row.inputs, []):
            found[row.inputs].append(row.model)
    return [(", ".join(models), words) for words, models in found.items()]


def _ratio(row: Row, first: Row | None) -> str:
    """Latency against that of ``first``, which stands in the same table and so in the same kind of time."""
    if first is None or first is row or not (row.figures and first.figures):
        return ""
    return f"{row.figures.latency_us / first.figures.latency_us:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if column in _TEXT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=False))
    )
    return _GAP.join(padded).rstrip()
