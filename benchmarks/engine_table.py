# SPDX-License-Identifier: Apache-2.0
"""The README's table of the compiled engine against TensorFlow Lite Micro, from what ``benchmark-compare`` measured.

    benchmark-compare --engine compiled --engine tflm --device stm32f746 --json > comparison.json
    python -m benchmarks.engine_table comparison.json [--refresh]

``--refresh`` puts the table into ``README.md``. Latency is at the timing level of the comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.doc_tables import ROOT, markdown_table, refresh

COMMAND = "python -m benchmarks.engine_table"
OURS, THEIRS = "compiled", "tflm"
HEADER = (
    "model",
    "latency, ms: ours",
    "TFLM",
    "ratio",
    "instructions: ours",
    "TFLM",
    "ratio",
    "arena: ours",
    "TFLM",
    "RAM: ours",
    "TFLM",
    "flash: ours",
    "TFLM",
)
SIZES = ("arena_bytes", "ram_bytes", "flash_bytes")


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table in Markdown, and a sentence on the outputs.

    Args:
        rows: As ``benchmark-compare --json`` prints them: one board, each model with both engines.

    Raises:
        ValueError: for several boards, and for a model without both engines.
    """
    devices = sorted({row["device"] for row in rows})
    if len(devices) != 1:
        raise ValueError(f"the comparison is of {', '.join(devices) or 'no board'}; the table is of one board")
    by_model: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_model.setdefault(row["model"], {})[row["engine"]] = row
    for model, engines in by_model.items():
        if not {OURS, THEIRS} <= set(engines):
            raise ValueError(
                f"{model} was compared with {', '.join(engines)} only; the table needs {OURS} and {THEIRS}"
            )
    table = markdown_table(HEADER, [_cells(model, *pair) for model, pair in _pairs(by_model)])
    return f"{table}\n\n{_outputs([pair[1] for _, pair in _pairs(by_model)])}"


def _pairs(
    by_model: dict[str, dict[str, dict[str, Any]]],
) -> list[tuple[str, tuple[dict[str, Any], dict[str, Any]]]]:
    return [(model, (engines[OURS], engines[THEIRS])) for model, engines in by_model.items()]


def _cells(model: str, ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[str, ...]:
    if not (ours["figures"] and theirs["figures"]):
        latency, ram = ([_latency(row) for row in (ours, theirs)], [_needed_ram(row) for row in (ours, theirs)])
        return (model, *latency, "", "", "", "", "", "", *ram, "", "")
    first, second = ours["figures"], theirs["figures"]
    sizes = (f"{figures[size]:,}" for size in SIZES for figures in (first, second))
    return (
        model,
        _latency(ours),
        _latency(theirs),
        f"{first['latency_us'] / second['latency_us']:.2f}",
        f"{first['instructions']:,.0f}",
        f"{second['instructions']:,.0f}",
        f"{first['instructions'] / second['instructions']:.2f}",
        *sizes,
    )


def _latency(row: dict[str, Any]) -> str:
    return f"{row['figures']['latency_us'] / 1000:,.2f}" if row["figures"] else str(row["problem"]).partition(":")[0]


def _needed_ram(row: dict[str, Any]) -> str:
    """What the image needs where it was refused for its RAM."""
    if row["figures"]:
        return f"{row['figures']['ram_bytes']:,}"
    found = re.search(r"RAM needs ([\d,]+) bytes", row["problem"], re.IGNORECASE)
    return found[1] if found else ""


def _outputs(theirs: Sequence[dict[str, Any]]) -> str:
    differ = [
        f"{row['model']} ({row['difference']['different']:,} of {row['difference']['values']:,} values, "
        f"by {row['difference']['largest']:.0f} at most)"
        for row in theirs
        if row["difference"] and row["difference"]["different"]
    ]
    return f"Outputs: equal byte for byte, but for {', '.join(differ)}." if differ else "Outputs: equal byte for byte."


@click.command()
@click.argument("comparison", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--refresh", "into_document", is_flag=True, help="Also put the table into README.md.")
def main(comparison: Path, into_document: bool) -> None:
    """Print the table of a COMPARISON, the output of benchmark-compare --json."""
    try:
        text = report(json.loads(comparison.read_text(encoding="utf-8"))["rows"])
    except ValueError as error:
        raise click.UsageError(f"{comparison}: {error}") from error
    click.echo(text)
    if into_document:
        refresh(ROOT / "README.md", COMMAND, text)


if __name__ == "__main__":
    main()
