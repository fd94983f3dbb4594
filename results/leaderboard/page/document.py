# SPDX-License-Identifier: Apache-2.0
"""The leaderboard's page: what ``page.html.jinja`` prints of ranked rows.

Style and script are files of their own and stand in the page. The page's policy lets nothing else in: no address is
fetched and no other script runs, even if text of a submission got through the template's escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from mlperf_tiny.results.leaderboard.page.plots import Plots, draw_plots
from mlperf_tiny.results.leaderboard.page.svg import symbol
from mlperf_tiny.results.leaderboard.page.table import FACETS, Head, Keyed, RecordLink, heads_of
from mlperf_tiny.results.leaderboard.ranking import Group, group_of
from mlperf_tiny.results.leaderboard.rows.columns import VERDICTS, Row
from mlperf_tiny.results.leaderboard.titles import group_title, short_titles, task_title
from mlperf_tiny.results.mlperf.html import html_environment
from mlperf_tiny.terminal import sanitize_for_terminal

HERE = Path(__file__).parent
NAME = "MLPerf Tiny leaderboard"
MAX_OPTION_TEXT = 60
SOURCES = {"run": "own runs", "published": "published results"}
"""What the filter shows for values of the column Source."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One choice of the filter form."""

    name: str
    """Name in the form and in the rows' ``data-`` attributes."""
    heading: str
    options: tuple[tuple[str, str], ...]
    """Value and text of each option."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One ranking as the template prints it."""

    key: str
    """Its id on the page: ``g1``, ``g2`` ..."""
    place: tuple[int, str]
    """Position of its task on the page and the task: rankings of one task stand together."""
    task_title: str
    title: str
    short_title: str
    rows: Sequence[Keyed]
    heads: Sequence[Head]
    plots: Plots
    legend: Sequence[tuple[Markup, str]]

    @property
    def ranked(self) -> int:
        """Number of rows that have a rank."""
        return sum(bool(row["Rank"]) for _, row in self.rows)


def render_page(rows: Sequence[Row], base: Path, folder: Path) -> str:
    """Return the page of ranked rows. The same rows and folders give the same page.

    Args:
        rows: Rows in the order of their ranking (see ``ranking.ranked``).
        base: The folder that the rows' column Record is relative to.
        folder: The folder of the page: links to records are relative to it.
    """
    style, script = (Markup((HERE / name).read_text(encoding="utf-8")) for name in ("style.css", "script.js"))
    template = html_environment(HERE).get_template("page.html.jinja")
    return template.render(
        name=NAME,
        policy=_policy(style, script),
        style=style,
        script=script,
        rows=rows,
        runs=sum(row["Source"] == "run" for row in rows),
        filters=_filters(rows),
        facets=FACETS,
        rankings=_rankings(rows, RecordLink(base, folder)),
    )


def _rankings(rows: Sequence[Row], link: RecordLink) -> list[Ranking]:
    keyed = [(f"r{number}", row) for number, row in enumerate(rows, start=1)]
    groups = [(group, list(members)) for group, members in groupby(keyed, key=lambda pair: group_of(pair[1]))]
    short = short_titles(group for group, _ in groups)
    tasks: dict[str, int] = {}
    return [
        _ranking(f"g{number}", tasks.setdefault(group[0], len(tasks)), group, members, short[group], link)
        for number, (group, members) in enumerate(groups, start=1)
    ]


def _ranking(key: str, place: int, group: Group, rows: list[Keyed], short_title: str, link: RecordLink) -> Ranking:
    return Ranking(
        key=key,
        place=(place, group[0]),
        task_title=task_title(group[0]),
        title=group_title(group),
        short_title=short_title,
        rows=rows,
        heads=heads_of(rows, group[0], link),
        plots=draw_plots(key, group, rows),
        legend=_legend(rows),
    )


def _filters(rows: Sequence[Row]) -> list[Filter]:
    """The filter form's choices; the form is hidden until the script, without which it does nothing, shows it."""
    found = []
    for name, column in FACETS.items():
        values = sorted({row[column] for row in rows if row[column]}, key=lambda value: (value.lower(), value))
        if column == "Verdict":
            values = [verdict for verdict in VERDICTS if verdict in values]
        options = [(value, sanitize_for_terminal(SOURCES.get(value, value), MAX_OPTION_TEXT)) for value in values]
        found.append(Filter(name=name, heading=column, options=tuple(options)))
    return found


def _legend(rows: Sequence[Keyed]) -> list[tuple[Markup, str]]:
    """Symbol and text of each kind of mark in a ranking's plots."""
    verdicts = {row["Verdict"] for _, row in rows}
    items = [(symbol(number), verdict) for number, verdict in enumerate(VERDICTS) if verdict in verdicts]
    items += [
        (symbol(0, "ranked"), "filled: ranked"),
        (_line("front", "M2 12V7H12V2H22"), "Pareto front of the ranked"),
        (_line("span", "M2 7H22M2 4v6M22 4v6"), "lowest to highest"),
    ]
    if {row["Source"] for _, row in rows} > {"run"}:
        items.append((symbol(0, "own"), "dark edge: own run"))
    return items


def _line(kind: str, path: str) -> Markup:
    return Markup(
        '<svg class="symbol line" viewBox="0 0 24 14" aria-hidden="true"><path class="{}" d="{}"/></svg>'
    ).format(kind, path)


def _policy(style: str, script: str) -> Markup:
    """The Content-Security-Policy: this style and this script, by digest, and nothing else from anywhere."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return Markup(
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
