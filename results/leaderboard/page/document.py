# SPDX-License-Identifier: Apache-2.0
"""The page: head, filters, the way to each ranking, then plots and table of each.

Style and script are files of their own beside this one and stand in the page. The page's policy lets nothing else in:
no address is fetched, no other script runs, even if text of a submission got through.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from mlperf_tiny.results.leaderboard.page.plots import draw_plots
from mlperf_tiny.results.leaderboard.page.svg import symbol
from mlperf_tiny.results.leaderboard.page.table import Keyed, address_of, render_table, safe
from mlperf_tiny.results.leaderboard.places import moved
from mlperf_tiny.results.leaderboard.ranking import Group, group_of
from mlperf_tiny.results.leaderboard.rows.columns import VERDICTS, Row
from mlperf_tiny.results.leaderboard.titles import group_title, short_titles, task_title

FILTERS = (
    ("device", "Device", "Device"),
    ("engine", "Engine", "Engine"),
    ("source", "Source", "Source"),
    ("round", "Round", "Round"),
    ("verdict", "Verdict", "Verdict"),
)
"""Filters with a choice: name in the rows' data, heading, column."""

SOURCES = {"run": "own runs", "published": "published results"}
NAME = "MLPerf Tiny leaderboard"

_FOOT = (
    "<h2>How to read it</h2><p>Figures are computed anew from raw lines; one tagged <span class='tag'>claimed</span> "
    "could not be. Spans go from the least to the most: of the timed windows, of the energy windows, or of the power "
    "measured on such a board. Energy of emulated runs is that power times the modelled latency, tagged "
    "<span class='tag'>modelled</span>. The Pareto front joins the ranked rows that no other ranked row beats in both "
    "figures.</p>"
)


def render_page(rows: Sequence[Row], base: Path, folder: Path) -> str:
    """Return the page of ranked rows, in their order, for a file in ``folder``.

    ``base`` is the folder that the rows' Record is seen from. The same rows and folders give the same page.
    """
    keyed = [(f"r{number}", row) for number, row in enumerate(rows, start=1)]
    groups = [(group, list(members)) for group, members in groupby(keyed, key=lambda pair: group_of(pair[1]))]
    style, script = _file("style.css"), _file("script.js")

    def links(row: Row) -> str:
        place = moved(row["Record"], base, folder)
        if place.startswith("/"):
            place = (
                os.path.relpath(place, folder.absolute()) if Path(place).is_relative_to(folder.absolute()) else place
            )
        return address_of(place)

    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<link rel="icon" href="data:,"><title>{NAME}</title><style>{style}</style></head><body>',
        '<a class="skip" href="#rankings">Skip to the rankings</a>',
        f"<header><h1>{NAME}</h1>{_summary(rows, groups)}</header>",
        _filters(rows),
        _way(groups),
        '<main id="rankings">',
        *([] if rows else ["<p>No rows: nothing was run or reviewed yet.</p>"]),
        *_sections(groups, links),
        "</main>",
        f"<footer>{_FOOT}</footer>",
        f"<script>{script}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _summary(rows: Sequence[Row], groups: Sequence[tuple[Group, list[Keyed]]]) -> str:
    runs = sum(row["Source"] == "run" for row in rows)
    return (
        f"<p>Rows: {len(rows)}, in {len(groups)} rankings: {runs} runs of this harness, {len(rows) - runs} published "
        "results; computed anew from their raw lines and held to the rules. Hardware and emulated time, real and "
        "made-up data, open and closed division never share a ranking. A row without a rank says why in its details."
        "</p>"
    )


def _filters(rows: Sequence[Row]) -> str:
    """The form; hidden until the script, without which it does nothing, shows it."""
    fields = [
        '<label class="search">Search <input type="search" name="text" autocomplete="off" '
        'placeholder="name, board, finding …"></label>'
    ]
    for name, heading, column in FILTERS:
        values = sorted({row[column] for row in rows if row[column]}, key=lambda value: (value.lower(), value))
        if name == "verdict":
            values = [verdict for verdict in VERDICTS if verdict in values]
        options = "".join(
            f'<option value="{safe(value)}">{safe(SOURCES.get(value, value), 60)}</option>' for value in values
        )
        fields.append(f'<label>{heading} <select name="{name}"><option value="">all</option>{options}</select></label>')
    return (
        f'<form id="filters" hidden role="search" aria-label="Filter rows">{"".join(fields)}'
        f'<button type="reset">Reset</button><output id="count" aria-live="polite">{len(rows)} of {len(rows)} rows'
        "</output></form>"
    )


def _way(groups: Sequence[tuple[Group, list[Keyed]]]) -> str:
    """Links to all rankings, by task."""
    if not groups:
        return ""
    items, short = [], short_titles(group for group, _ in groups)
    for task, members in groupby(enumerate(groups, start=1), key=lambda pair: pair[1][0][0]):
        links = "".join(
            f'<li><a href="#g{number}">{escape(short[group])} <span class="count">{len(rows)}</span></a></li>'
            for number, (group, rows) in members
        )
        items.append(f"<div><h2>{escape(task_title(task))}</h2><ul>{links}</ul></div>")
    return f'<nav aria-label="Rankings">{"".join(items)}</nav>'


def _sections(groups: Sequence[tuple[Group, list[Keyed]]], links: Callable[[Row], str]) -> list[str]:
    parts = []
    for number, (group, rows) in enumerate(groups, start=1):
        title = f"{task_title(group[0])}: {group_title(group)}"
        plots = draw_plots(f"g{number}", group, rows)
        figures = "".join(f'<figure>{svg}<p class="readout" aria-hidden="true"></p></figure>' for svg in plots.svgs)
        missing = (
            f'<p class="under">No row has the figures of: {"; ".join(plots.missing)}.</p>' if plots.missing else ""
        )
        count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        ranked = sum(bool(row["Rank"]) for _, row in rows)
        parts.append(
            f'<section id="g{number}" aria-labelledby="g{number}-title">'
            f'<h2 id="g{number}-title">{escape(task_title(group[0]))} '
            f"<small>{escape(group_title(group))}</small></h2>"
            f'<p class="under"><span class="of">{count}</span>, {ranked} ranked</p>'
            f'{_legend(rows) if figures else ""}<div class="plots">{figures}</div>{missing}'
            f'<div class="wide">{render_table(rows, group[0], title, links)}</div></section>'
        )
    return parts


def _legend(rows: Sequence[Keyed]) -> str:
    """What the marks of a ranking's plots mean."""
    there = {row["Verdict"] for _, row in rows}
    items = [f"{symbol(number)}{escape(word)}" for number, word in enumerate(VERDICTS) if word in there]
    items += [
        f"{symbol(0, 'ranked')}filled: ranked",
        f"{_line('front', 'M2 12V7H12V2H22')}Pareto front of the ranked",
        f"{_line('span', 'M2 7H22M2 4v6M22 4v6')}least to most",
    ]
    if any(row["Source"] == "run" for _, row in rows) and any(row["Source"] != "run" for _, row in rows):
        items.append(f"{symbol(0, 'own')}dark edge: own run")
    return f'<ul class="legend" aria-label="Legend">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def _line(kind: str, path: str) -> str:
    return f'<svg class="symbol line" viewBox="0 0 24 14" aria-hidden="true"><path class="{kind}" d="{path}"/></svg>'


def _file(name: str) -> str:
    return (files("results.leaderboard.page") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this style and this script, by digest, and nothing else from anywhere."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
