# SPDX-License-Identifier: Apache-2.0
"""The table of one ranking as HTML. Everything a row holds may be out of a submission: all of it is escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from mlperf_tiny.results.leaderboard.page.plots import figure
from mlperf_tiny.results.leaderboard.page.svg import symbol
from mlperf_tiny.results.leaderboard.rows.cells import findings_in
from mlperf_tiny.results.leaderboard.rows.columns import BY_NAME, VERDICTS, Kind, Row, number
from mlperf_tiny.results.leaderboard.titles import accuracy_of
from mlperf_tiny.terminal import sanitize_for_terminal

Keyed = tuple[str, Row]

FACTS = (
    ("Board", "BoardName", ""),
    ("Core", "HostProcessorModelName", ""),
    ("Clock", "HostProcessorFrequency", ""),
    ("Accelerator", "AcceleratorModelName", ""),
    ("Hardware", "HardwareNotes", ""),
    ("Framework", "InferenceFramework", ""),
    ("Libraries", "SoftwareLibraries", ""),
    ("Compiler", "Compiler", ""),
    ("Latency, fastest window", "LatencyLowMs", "ms"),
    ("Latency, slowest window", "LatencyHighMs", "ms"),
    ("Throughput as claimed", "ClaimedThroughputPerS", "inf./s"),
    ("Iterations in a window", "Iterations", ""),
    ("Accuracy as claimed", "ClaimedAccuracy", ""),
    ("AUC", "Auc", ""),
    ("Samples answered", "SamplesAnswered", ""),
    ("False positives", "FalsePositives", ""),
    ("False negatives", "FalseNegatives", ""),
    ("Duty cycle", "DutyCycle", ""),
    ("Energy as claimed", "ClaimedEnergyUj", "µJ"),
    ("Energy, least", "EnergyLowUj", "µJ"),
    ("Energy, most", "EnergyHighUj", "µJ"),
    ("Energy from", "EnergySource", ""),
    ("Instructions", "InstructionsPerInference", "per inference"),
    ("Cycles", "CyclesPerInference", "per inference, modelled"),
    ("Arena", "ArenaBytes", "bytes"),
    ("Model in flash", "ModelBytes", "bytes"),
    ("Trained on", "TrainingData", "data"),
    ("Model sha256", "ModelSha256", ""),
    ("Image sha256", "ElfSha256", ""),
    ("Availability", "Availability", ""),
    ("Runner", "Runner", ""),
    ("Started", "Started", ""),
    ("Run", "RunId", ""),
    ("Seal", "Seal", ""),
)
"""What the details of a row list, where the row has it: name, column, unit."""

LONG = {"ModelSha256": 16, "ElfSha256": 16, "Seal": 28}
"""How many characters of a column are enough to recognise it by."""


@dataclass(frozen=True)
class Head:
    """A column of the table: its heading, what a cell shows (HTML), what it is sorted by, and whether by number."""

    heading: str
    cell: Callable[[Row], str]
    value: Callable[[Row], str]
    numeric: bool = True
    kind: str = ""


def render_table(rows: Sequence[Keyed], task: str, title: str, links: Callable[[Row], str]) -> str:
    """Return the table of rows in their order; columns that no row has a figure for are left out.

    ``links`` gives the address of a row's record, empty where it has none.
    """
    always = ("rank", "system", "word", "verdict")
    heads = [h for h in _heads(task, links) if h.kind in always or any(h.value(row) for _, row in rows)]
    sorted_now = ' aria-sort="ascending"'  # by the first column: rows come in the order of their ranks
    names = "".join(
        f'<th scope="col" role="columnheader" data-numeric="{int(head.numeric)}" class="{head.kind}"'
        f"{'' if place else sorted_now}>{escape(head.heading)}</th>"
        for place, head in enumerate(heads)
    )
    body = "".join(_row(key, row, heads) for key, row in rows)
    return (
        f'<table role="table"><caption class="unseen">{escape(title)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{names}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _row(key: str, row: Row, heads: Sequence[Head]) -> str:
    facets = {"device": "Device", "engine": "Engine", "source": "Source", "verdict": "Verdict", "round": "Round"}
    data = "".join(f' data-{name}="{safe(row[column])}"' for name, column in facets.items())
    cells = "".join(
        f'<td role="cell" class="{head.kind}" data-label="{escape(head.heading)}" data-value="{safe(head.value(row))}">'
        f"{head.cell(row)}</td>"
        for head in heads
    )
    return f'<tr role="row" id="{key}"{data}>{cells}</tr>'


def _heads(task: str, links: Callable[[Row], str]) -> list[Head]:
    accuracy = accuracy_of(task)
    return [
        Head("Rank", _rank, lambda row: row["Rank"], kind="rank"),
        Head("System", lambda row: _system(row, links), _name, numeric=False, kind="system"),
        Head("Device", lambda row: safe(row["Device"], 60), lambda row: row["Device"], numeric=False, kind="word"),
        Head("Engine", lambda row: safe(row["Engine"], 60), lambda row: row["Engine"], numeric=False, kind="word"),
        Head("Latency, ms", _tagged("LatencyMs", "LatencyBasis", "claimed"), lambda row: row["LatencyMs"]),
        Head(
            accuracy.heading,
            _tagged("Accuracy", "AccuracyBasis", "claimed", accuracy.decimals),
            lambda row: row["Accuracy"],
        ),
        Head("Energy, µJ", _energy, lambda row: row["EnergyUj"]),
        Head("Power, mW", _power, lambda row: row["Power"] if _power(row) else ""),
        Head("RAM, bytes", _whole("RamBytes"), lambda row: row["RamBytes"]),
        Head("Flash, bytes", _whole("FlashBytes"), lambda row: row["FlashBytes"]),
        Head("Verdict", _verdict, _verdict_place, numeric=False, kind="verdict"),
    ]


def _rank(row: Row) -> str:
    return row["Rank"] or '<span aria-hidden="true">–</span><span class="unseen">not ranked</span>'


def _name(row: Row) -> str:
    return row["ModelName"] if row["Source"] == "run" else f"{row['SystemDesc']} {row['Organization']}"


def _system(row: Row, links: Callable[[Row], str]) -> str:
    if row["Source"] == "run":
        name, under = row["ModelName"], " · ".join(filter(None, ("own run", row["Started"][:10], row["ModelOrigin"])))
    else:
        name = row["SystemDesc"] + (f" / {row['ModelName']}" if row["ModelName"] else "")
        under = " · ".join(filter(None, (row["Organization"], row["Round"])))
    return f'<b>{_breakable(name)}</b><span class="under">{safe(under, 120)}</span>{_details(row, links(row))}'


def _details(row: Row, link: str) -> str:
    findings = findings_in(row["Findings"])
    items = "".join(f"<li><b>{escape(kind)}</b> {safe(text)}</li>" for kind, text in findings)
    if row["Unranked"] and row["Unranked"] != row["Verdict"]:
        items += f"<li><b>not ranked</b> {safe(row['Unranked'])}</li>"
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_fact(row, column)} {escape(unit)}</dd></div>"
        for name, column, unit in FACTS
        if row[column]
    )
    record = f'<p><a href="{escape(link)}">record</a></p>' if link else ""
    count = f", {len(findings)} finding{'s' if len(findings) > 1 else ''}" if findings else ""
    return (
        f"<details><summary>details{count}</summary>{f'<ul>{items}</ul>' if items else ''}{record}"
        f'<dl class="facts">{facts}</dl></details>'
    )


def _fact(row: Row, column: str) -> str:
    kind = BY_NAME[column].kind
    if kind is Kind.NUMBER:
        return figure(float(row[column]))
    return f"{int(row[column]):,}" if kind is Kind.WHOLE else safe(row[column], LONG.get(column, 300))


def _verdict(row: Row) -> str:
    return f'<span class="badge">{symbol(VERDICTS.index(row["Verdict"]))}{escape(row["Verdict"])}</span>'


def _verdict_place(row: Row) -> str:
    return str(VERDICTS.index(row["Verdict"]))


def _tagged(column: str, basis: str, tag: str, decimals: int | None = None) -> Callable[[Row], str]:
    """A figure, with a tag where its basis is not that of the others."""

    def cell(row: Row) -> str:
        value = number(row, column)
        if value is None:
            return ""
        text = figure(value) if decimals is None else f"{value:,.{decimals}f}"
        return f'{text}<span class="tag">{escape(tag)}</span>' if row[basis] == tag else text

    return cell


def _energy(row: Row) -> str:
    value = number(row, "EnergyUj")
    if value is None:
        return ""
    tags = [word for word in (row["EnergyKind"], row["EnergyBasis"]) if word in ("modelled", "claimed")]
    return figure(value) + "".join(f'<span class="tag">{tag}</span>' for tag in tags)


def _power(row: Row) -> str:
    return figure(float(row["Power"])) if row["PowerUnit"] == "mW" and row["HasPower"] == "True" else ""


def _whole(column: str) -> Callable[[Row], str]:
    return lambda row: f"{float(row[column]):,.0f}" if row[column] else ""


def safe(text: str, limit: int = 400) -> str:
    """Text out of a row for a page: printable, cut, escaped; quotes too."""
    return escape(sanitize_for_terminal(text, limit))


def _breakable(name: str) -> str:
    """A name that may go on in the next line behind each of its underscores."""
    return safe(name, 80).replace("_", "_<wbr>")


def address_of(path: str) -> str:
    """A path as the address of a link: nothing in it can name a scheme or a host."""
    text = quote(path, safe="/-._~")
    return "/" + text.lstrip("/") if text.startswith("/") else text
