# SPDX-License-Identifier: Apache-2.0
"""The table of searched keyword networks beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.doc_tables import markdown_table

BOOTSTRAPS = 2000
HEAD = (
    "network",
    "seeds",
    "validation",
    "test",
    "test, against published",
    "Mops",
    "F446, ms",
    "F746, ms",
    "F446, mJ",
    "RAM, kB",
    "flash, kB",
    "search, min",
)


def difference_interval(first: list[str], second: list[str]) -> tuple[float, float, float]:
    """Return the difference of two networks' accuracies with its 95 % interval, by a bootstrap over clips and seeds.

    Clips are paired: both networks have the same ones.

    Args:
        first: For each of its seeds, a 1 or 0 for each clip.
        second: The same of the network that it is compared with.

    Examples:
        >>> difference_interval(["1110"], ["1110"])
        (0.0, 0.0, 0.0)
    """
    one, other = (np.array([[int(mark) for mark in row] for row in rows], float) for rows in (first, second))
    random = np.random.default_rng(0)
    clips = one.shape[1]
    drawn = []
    for _ in range(BOOTSTRAPS):
        places = random.integers(clips, size=clips)
        means = [rows[random.integers(len(rows), size=len(rows))][:, places].mean() for rows in (one, other)]
        drawn.append(means[0] - means[1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(one.mean() - other.mean()), float(low), float(high)


def table(stored: Mapping[str, Any]) -> str:
    """Return the comparison.

    Args:
        stored: As ``benchmarks.search`` keeps it.
    """
    networks = stored["networks"]
    published = {row["size"]: row for row in networks.values() if not row["method"]}
    rows = [_row(name, row, published.get(row["size"], row)) for name, row in networks.items()]
    return f"{_head(stored)}\n\n{markdown_table(HEAD, rows)}"


def _head(stored: Mapping[str, Any]) -> str:
    floats, int8, versions = (stored["training"][name] for name in ("epochs", "int8_epochs", "augmented_epochs"))
    data = next(iter(stored["networks"].values()))["training_data"]
    clips, speakers = data["clips"], data["speakers"]
    sentences = (
        f"Emulated ({stored['timing_model']}), compiled engine; energy modelled.",
        f"Each network was trained for {floats} epochs in floats and {int8} as int8 on {clips['train']:,} clips of",
        f"{speakers['train']} speakers ({data['source']}; {versions} augmented versions).",
        f"Accuracy is that of the int8 model on {clips['validation']} validation clips and on {clips['test']:,} test",
        "clips of other speakers, the mean of the seeds, with the 95 % interval of the difference, by a bootstrap over",
        "clips and seeds. Limits of a search: the published network's own latency, RAM and flash on the",
        f"{stored['device']}; epochs of a search with shared weights: {stored['search_epochs']}.",
    )
    return " ".join(sentences)


def _row(name: str, row: Mapping[str, Any], published: Mapping[str, Any]) -> list[str]:
    tests = _of(row, "test")
    difference = ""
    if row is not published:
        middle, low, high = difference_interval(tests, _of(published, "test"))
        difference = f"{100 * middle:+.2f} % ({100 * low:+.2f} to {100 * high:+.2f})"
    own, other = row["measured"]["stm32f446"], row["measured"]["stm32f746"]
    return [
        name,
        str(len(tests)),
        _percent(_of(row, "validation")),
        _percent(tests),
        difference,
        f"{own['ops'] / 1e6:.2f}",
        _figure(own["latency_ms"], 2),
        _figure(other["latency_ms"], 2),
        _figure(own["energy_uj"] and own["energy_uj"] / 1e3, 2),
        f"{own['ram_bytes'] / 1e3:.1f}",
        f"{own['flash_bytes'] / 1e3:.1f}",
        "" if row["search_s"] is None else f"{row['search_s'] / 60:.0f}",
    ]


def _of(row: Mapping[str, Any], split: str) -> list[str]:
    return [seed[split] for seed in row["seeds"].values()]


def _percent(marks: Sequence[str]) -> str:
    return f"{100.0 * float(np.mean([text.count('1') / len(text) for text in marks])):.2f} %"


def _figure(value: float | None, digits: int) -> str:
    return "does not fit" if not value else f"{value:.{digits}f}"
