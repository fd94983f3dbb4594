# SPDX-License-Identifier: Apache-2.0
"""A review as text for a terminal. All text out of a submission is sanitized: it may hold escape codes."""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_tiny.results.mlperf.findings import Kind
from mlperf_tiny.results.review.checks.metrics import CheckedMetric
from mlperf_tiny.results.review.checks.wakeword_metrics import COUNTS
from mlperf_tiny.results.review.review import Review, Reviewed
from mlperf_tiny.terminal import sanitize_for_terminal, text_table

HEADLINE_METRICS = ("throughput", "latency", "top-1", "AUC", "energy", "power")


def render_text(review: Review, notes: bool = True) -> str:
    """Return the whole review: a summary table of several results, one block for each, unexpected files, counts.

    Args:
        review: The review.
        notes: Whether notes and unexpected files are shown.
    """
    blocks = [_block(result, notes) for result in review.results]
    if len(blocks) > 1:
        blocks.insert(0, _summary(review))
    tail = [f"also: {sanitize_for_terminal(text)}" for text in review.unexpected_files] if notes else []
    counts = [f"{count} {verdict.text}" for verdict, count in review.counts().items() if count]
    plural = "result" if len(review.results) == 1 else "results"
    return "\n\n".join(
        [*blocks, *(["\n".join(tail)] if tail else []), f"{len(review.results)} {plural}: " + ", ".join(counts)]
    )


def metric_text(metric: CheckedMetric) -> str:
    """Return claim and recomputed value of a metric, for people.

    Examples:
        >>> metric_text(CheckedMetric("throughput", "inf./s", "4.67", 4.6731))
        '4.673 inf./s (claimed 4.67)'
    """
    if metric.recomputed is None:
        return f"{sanitize_for_terminal(metric.claimed or '', 40)} {metric.unit} (not recomputed)".replace("  ", " ")
    decimals = max(3, len(metric.claimed.partition(".")[2])) if metric.claimed else 3
    value = f"{metric.recomputed:,.{decimals}f} {metric.unit}".rstrip()
    return value if metric.claimed is None else f"{value} (claimed {sanitize_for_terminal(metric.claimed, 40)})"


def headline_metrics(metrics: Sequence[CheckedMetric]) -> list[CheckedMetric]:
    """Return the metrics of a result that a table shows."""
    counts = [f"{mode} {name}" for mode in ("performance", "energy") for name in COUNTS]
    wanted = [metric for metric in metrics if metric.name in (*HEADLINE_METRICS, *counts)]
    return [m for m in wanted if m.claimed is not None or m.recomputed is not None]


def _summary(review: Review) -> str:
    """One row for each result: its verdict and how many findings count for it."""
    rows = [["verdict", "findings", "result"]]
    for result in review.results:
        counting = sum(finding.kind is not Kind.NOTE for finding in result.findings)
        rows.append([result.verdict.text, str(counting), sanitize_for_terminal(result.title or result.folder)])
    return text_table(rows, "<><")


def _block(result: Reviewed, notes: bool) -> str:
    lines = [
        f"{result.verdict.text.upper()}  {sanitize_for_terminal(result.title)}",
        f"  {sanitize_for_terminal(result.folder)}",
    ]
    if metrics := headline_metrics(result.metrics):
        lines.append(text_table([(metric.name, metric_text(metric)) for metric in metrics], indent="  "))
    for finding in result.findings:
        if notes or finding.kind is not Kind.NOTE:
            source = f"{finding.rule}; {finding.section}"
            lines.append(f"  {finding.kind.value}: {sanitize_for_terminal(finding.text)} [{source}]")
    return "\n".join(lines)
