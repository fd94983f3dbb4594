# SPDX-License-Identifier: Apache-2.0
"""A comparison as text: a table for each device and kind of time, so that no two kinds share a ranking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from mlperf_tiny.harness.compare.rows import ComparisonRow, OutputDifference
from mlperf_tiny.terminal import text_table

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
_ALIGN = "<<>>>>>>><"


def render_comparison(rows: Sequence[ComparisonRow], notes: Sequence[str] = ()) -> str:
    """Return the tables and the notes below them.

    Args:
        rows: They stay in their order within a table.
        notes: Sentences that follow the notes on the rows.
    """
    blocks = []
    timings = {row.timing for row in rows}
    by_kind = sorted(rows, key=_kind)  # stable: rows keep their order within a kind
    for kind, group in groupby(by_kind, key=_kind):
        blocks.append(_block(*kind, list(group)))
    below = [f"{row.run}: {row.folder}" for row in rows if row.run]
    below += _versions(rows)
    below += [f"inputs of {models}: {inputs}" for models, inputs in _inputs(rows)]
    if len(timings) > 1:
        below.append(f"{' and '.join(sorted(timings))} times cannot be compared: each has its own table")
    below += notes
    return "\n\n".join([*blocks, "\n".join(f"note: {text}" for text in below)] if below else blocks)


def _kind(row: ComparisonRow) -> tuple[str, str, str]:
    return row.device, row.timing, row.timing_model


def _block(device: str, timing: str, timing_model: str, rows: list[ComparisonRow]) -> str:
    cells = [_cells(row, _first(rows, row)) for row in rows]
    # A problem takes the place of all numbers of its row and must not widen their columns.
    problems = [number for number, row in enumerate(rows, start=1) if row.cost is None]
    table = text_table([_HEADINGS, *cells], align=_ALIGN, spanning=problems)
    model = f" ({timing_model})" if timing_model else ""
    return f"{device}, timing: {timing}{model}\n\n{table}"


def _first(rows: Sequence[ComparisonRow], row: ComparisonRow) -> ComparisonRow | None:
    """The row of the same model that ratios are to: the first that was measured."""
    same = (other for other in rows if other.model == row.model and other.cost is not None)
    return next(same, None)


def _cells(row: ComparisonRow, first: ComparisonRow | None) -> tuple[str, ...]:
    engine = f"{row.engine}, {row.kernels}" if row.kernels else row.engine
    model = f"{row.run}, {row.model}" if row.run else row.model
    cost = row.cost
    if cost is None:
        return model, engine, "  ".join(filter(None, (row.problem, _equality(row.difference))))
    numbers = (cost.arena_bytes, cost.ram_bytes, cost.flash_bytes, cost.runtime_flash_bytes)
    return (
        model,
        engine,
        f"{cost.latency_us / 1000:,.3f}",
        _ratio(row, first),
        _number(cost.instructions),
        *map(_number, numbers),
        _equality(row.difference),
    )


def _equality(difference: OutputDifference | None) -> str:
    if difference is None:
        return ""
    if difference.different == 0:
        return f"equal to {difference.to}, {difference.values:,} {'bytes' if difference.exact else 'printed values'}"
    differ = f"{difference.different:,} of {difference.values:,} differ from {difference.to}"
    if math.isinf(difference.largest):
        return f"{differ}, some in number"
    largest = f"{difference.largest:.0f}" if difference.exact else f"{difference.largest:.3f}"
    return f"{differ}, by {largest} at most"


def _versions(rows: Sequence[ComparisonRow]) -> list[str]:
    """Version and compiler of each engine, each once."""
    found: dict[str, None] = {}
    for row in rows:
        parts = [row.engine_version, f"compiled with {row.compiler}" if row.compiler else ""]
        if any(parts):
            found[f"{row.engine}: {', '.join(filter(None, parts))}"] = None
    return list(found)


def _inputs(rows: Sequence[ComparisonRow]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.inputs and not row.run and row.model not in found.setdefault(row.inputs, []):
            found[row.inputs].append(row.model)
    return [(", ".join(models), inputs) for inputs, models in found.items()]


def _ratio(row: ComparisonRow, first: ComparisonRow | None) -> str:
    """Latency against that of ``first``, which stands in the same table and so in the same kind of time."""
    if first is None or first is row or not (row.cost and first.cost):
        return ""
    return f"{row.cost.latency_us / first.cost.latency_us:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
