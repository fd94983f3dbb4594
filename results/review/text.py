# SPDX-License-Identifier: Apache-2.0
"""A review as text for a terminal. Whatever a submission holds is made harmless first: it may hold escape codes."""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_tiny.results.mlperf.findings import Kind
from mlperf_tiny.results.review.checks.figures import Figure
from mlperf_tiny.results.review.review import Review, Reviewed
from mlperf_tiny.terminal import sanitize_for_terminal

SHOWN_FIGURES = ("throughput", "latency", "top-1", "AUC", "energy", "power")
MARKS = {Kind.BREACH: "breaks", Kind.DEVIATION: "deviates", Kind.MISSING: "missing", Kind.NOTE: "note"}


def render_text(review: Review, notes: bool = True) -> str:
    """Return the whole review: one block for each result, then what else was seen, then the count of verdicts."""
    blocks = [_block(result, notes) for result in review.results]
    tail = [f"also: {sanitize_for_terminal(stray)}" for stray in review.strays] if notes else []
    counts = [f"{count} {verdict.text}" for verdict, count in review.counts().items() if count]
    plural = "result" if len(review.results) == 1 else "results"
    return "\n\n".join(
        [*blocks, *(["\n".join(tail)] if tail else []), f"{len(review.results)} {plural}: " + ", ".join(counts)]
    )


def figure_text(figure: Figure) -> str:
    """Claim and recomputed value of one figure, for people."""
    if figure.recomputed is None:
        return f"{sanitize_for_terminal(figure.claimed or '', 40)} {figure.unit} (not recomputed)".replace("  ", " ")
    decimals = max(3, len(figure.claimed.partition(".")[2])) if figure.claimed else 3
    value = f"{figure.recomputed:,.{decimals}f} {figure.unit}".rstrip()
    return value if figure.claimed is None else f"{value} (claimed {sanitize_for_terminal(figure.claimed, 40)})"


def headline_figures(figures: Sequence[Figure]) -> list[Figure]:
    """Those figures of a result that a table shows."""
    wanted = [f for f in figures if f.name in SHOWN_FIGURES or f.name.endswith(("negatives", "positives"))]
    return [f for f in wanted if f.claimed is not None or f.recomputed is not None]


def _block(result: Reviewed, notes: bool) -> str:
    lines = [
        f"{result.verdict.text.upper()}  {sanitize_for_terminal(result.title)}",
        f"  {sanitize_for_terminal(result.folder)}",
    ]
    figures = headline_figures(result.figures)
    width = max((len(figure.name) for figure in figures), default=0)
    lines += [f"  {figure.name:<{width}}  {figure_text(figure)}" for figure in figures]
    for finding in result.findings:
        if notes or finding.kind is not Kind.NOTE:
            lines.append(f"  {MARKS[finding.kind]}: {sanitize_for_terminal(finding.text)} [{finding.rule}]")
    return "\n".join(lines)
