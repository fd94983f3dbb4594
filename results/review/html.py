# SPDX-License-Identifier: Apache-2.0
"""A review as one HTML page without scripts or outside resources; all text out of a submission is escaped."""

from __future__ import annotations

from pathlib import Path

from mlperf_tiny.results.mlperf.findings import Kind, Verdict
from mlperf_tiny.results.mlperf.html import html_environment
from mlperf_tiny.results.review.review import Review, Reviewed
from mlperf_tiny.results.review.text import headline_metrics, metric_text

_CLASSES = {Verdict.CONFIRMED: "good", Verdict.UNCONFIRMED: "open", Verdict.DEVIATES: "off", Verdict.VIOLATION: "bad"}


def render_html(review: Review) -> str:
    """Return the page: a table of all results, then one section each."""
    return (
        html_environment(Path(__file__).parent)
        .get_template("page.html.jinja")
        .render(
            review=review,
            counts=", ".join(f"{count} {verdict.text}" for verdict, count in review.counts().items() if count),
            classes=_CLASSES,
            first_reason=_first_reason,
            metric_text=metric_text,
            headline_metrics=headline_metrics,
        )
    )


def _first_reason(result: Reviewed) -> str:
    """The text of the finding that counts most for the verdict."""
    reasons = [finding for finding in result.findings if finding.kind is not Kind.NOTE]
    order = list(Kind)
    first = min(reasons, key=lambda finding: order.index(finding.kind), default=None)
    return first.text if first else ""
