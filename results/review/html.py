# SPDX-License-Identifier: Apache-2.0
"""A review as one HTML page: no script, no font, no picture from anywhere; all text out of a submission is escaped."""

from __future__ import annotations

from html import escape

from mlperf_tiny.results.mlperf.findings import Kind
from mlperf_tiny.results.review.review import Review, Reviewed
from mlperf_tiny.results.review.text import figure_text, headline_figures
from mlperf_tiny.terminal import sanitize_for_terminal

_CLASSES = {0: "good", 3: "open", 4: "off", 5: "bad"}
_WORDS = {Kind.BREACH: "breaks", Kind.DEVIATION: "deviates", Kind.MISSING: "missing", Kind.NOTE: "note"}

_STYLE = """
:root { color-scheme: light dark; --good: #1a7f37; --open: #6e7781; --off: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --open: #9198a1; --off: #d29922; --bad: #f85149; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .5rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
section { border-left: .3rem solid; margin: 1.5rem 0; padding-left: 1rem; break-inside: avoid; }
section > * { color: CanvasText; }
h2 { font-size: 1.1rem; margin: 0; }
small { opacity: .75; overflow-wrap: anywhere; }
.good { color: var(--good); } .open { color: var(--open); } .off { color: var(--off); } .bad { color: var(--bad); }
h2 .good { color: var(--good); } h2 .open { color: var(--open); }
h2 .off { color: var(--off); } h2 .bad { color: var(--bad); }
"""


def render_html(review: Review) -> str:
    """Return the page: a table of all results, then one section each."""
    counts = ", ".join(f"{count} {verdict.text}" for verdict, count in review.counts().items() if count)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Review of {_safe(review.path)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Review of {_safe(review.path)}</h1><p>{len(review.results)} results: {counts}.</p>",
        '<table><thead><tr><th scope="col">Result</th><th scope="col">Verdict</th><th scope="col">First reason</th>'
        "</tr></thead><tbody>",
        *(_row(number, result) for number, result in enumerate(review.results)),
        "</tbody></table>",
        *(_section(number, result) for number, result in enumerate(review.results)),
        *_strays(review),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _row(number: int, result: Reviewed) -> str:
    reasons = [finding for finding in result.findings if finding.kind is not Kind.NOTE]
    order = list(Kind)
    first = min(reasons, key=lambda finding: order.index(finding.kind), default=None)
    return (
        f'<tr><td><a href="#r{number}">{_safe(result.title)}</a></td><td>{_verdict(result)}</td>'
        f"<td>{_safe(first.text) if first else ''}</td></tr>"
    )


def _section(number: int, result: Reviewed) -> str:
    figures = "".join(
        f'<tr><th scope="row">{_safe(figure.name)}</th><td>{_safe(figure_text(figure))}</td></tr>'
        for figure in headline_figures(result.figures)
    )
    findings = "".join(
        f"<li><strong>{_WORDS[finding.kind]}</strong> ({_safe(finding.rule)}): {_safe(finding.text)}</li>"
        for finding in result.findings
    )
    return (
        f'<section id="r{number}" class="{_class(result)}"><h2>{_safe(result.title)}: {_verdict(result)}</h2>'
        f"<small>{_safe(result.folder)}</small><table><tbody>{figures}</tbody></table><ul>{findings}</ul></section>"
    )


def _strays(review: Review) -> list[str]:
    if not review.strays:
        return []
    items = "".join(f"<li>{_safe(stray)}</li>" for stray in review.strays)
    return [f"<h2>Also in the tree</h2><ul>{items}</ul>"]


def _verdict(result: Reviewed) -> str:
    return f'<span class="{_class(result)}">{result.verdict.text}</span>'


def _class(result: Reviewed) -> str:
    return _CLASSES[result.verdict.exit_code]


def _safe(text: str) -> str:
    return escape(sanitize_for_terminal(text))
