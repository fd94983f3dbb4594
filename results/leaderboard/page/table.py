# SPDX-License-Identifier: Apache-2.0
"""The cells of a ranking's table. What a row holds may come from a submission: it is text or is put into Markup by
``format``, which escapes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from mlperf_tiny.results.leaderboard.page.plots import figure
from mlperf_tiny.results.leaderboard.page.svg import symbol
from mlperf_tiny.results.leaderboard.places import moved
from mlperf_tiny.results.leaderboard.rows.cells import findings_in
from mlperf_tiny.results.leaderboard.rows.columns import BY_NAME, VERDICTS, CellKind, Row, number
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
    ("Energy, lowest", "EnergyLowUj", "µJ"),
    ("Energy, highest", "EnergyHighUj", "µJ"),
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
    ("Chain digest", "ChainDigest", ""),
)
"""What the details of a row list, where the row has it: name, column, unit."""

LONG = {"ModelSha256": 16, "ElfSha256": 16, "ChainDigest": 28}
"""How many characters of a column are shown."""


FACETS = {"device": "Device", "engine": "Engine", "source": "Source", "round": "Round", "verdict": "Verdict"}
"""What rows can be filtered by: name in the rows' ``data-`` attributes, column."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A column of the page's table."""

    heading: str
    cell: Callable[[Row], str]
    """What the cell shows. Plain text is escaped by the template; Markup is printed as it is."""
    value: Callable[[Row], str]
    """What the column is sorted by."""
    numeric: bool = True
    """Whether it is sorted by number."""
    kind: str = ""
    """Style class."""


@dataclass(frozen=True)
class RecordLink:
    """The address of a row's record as a link of the page."""

    base: Path
    """The folder that the column Record is relative to."""
    folder: Path
    """The folder of the page."""

    def address(self, row: Row) -> str:
        """Return the link's address; "" for a row without a record."""
        place, folder = moved(row["Record"], self.base, self.folder), self.folder.absolute()
        if place.startswith("/") and Path(place).is_relative_to(folder):
            place = os.path.relpath(place, folder)
        return address_of(place)


def heads_of(rows: Sequence[Keyed], task: str, link: RecordLink) -> list[Head]:
    """Return the columns of the table of ``rows``, those left out for which no row has a figure.

    Args:
        rows: Keys and rows of one ranking.
        task: The task's name, which decides how accuracy is stated.
        link: Gives the addresses of the rows' records.
    """
    always = ("rank", "system", "word", "verdict")
    return [h for h in _heads(task, link) if h.kind in always or any(h.value(row) for _, row in rows)]


def _heads(task: str, link: RecordLink) -> list[Head]:
    accuracy = accuracy_of(task)
    return [
        Head(heading="Rank", cell=_rank, value=lambda row: row["Rank"], kind="rank"),
        Head(heading="System", cell=lambda row: _system(row, link), value=_name, numeric=False, kind="system"),
        Head(heading="Device", cell=_word("Device"), value=lambda row: row["Device"], numeric=False, kind="word"),
        Head(heading="Engine", cell=_word("Engine"), value=lambda row: row["Engine"], numeric=False, kind="word"),
        Head(
            heading="Latency, ms",
            cell=_tagged("LatencyMs", "LatencyBasis", "claimed"),
            value=lambda row: row["LatencyMs"],
        ),
        Head(
            heading=accuracy.heading,
            cell=_tagged("Accuracy", "AccuracyBasis", "claimed", accuracy.decimals),
            value=lambda row: row["Accuracy"],
        ),
        Head(heading="Energy, µJ", cell=_energy, value=lambda row: row["EnergyUj"]),
        Head(heading="Power, mW", cell=_power, value=lambda row: row["Power"] if _power(row) else ""),
        Head(heading="RAM, bytes", cell=_whole("RamBytes"), value=lambda row: row["RamBytes"]),
        Head(heading="Flash, bytes", cell=_whole("FlashBytes"), value=lambda row: row["FlashBytes"]),
        Head(heading="Verdict", cell=_verdict, value=_verdict_place, numeric=False, kind="verdict"),
    ]


def _word(column: str) -> Callable[[Row], str]:
    return lambda row: sanitize_for_terminal(row[column], 60)


def _rank(row: Row) -> str:
    return row["Rank"] or Markup('<span aria-hidden="true">–</span><span class="unseen">not ranked</span>')


def _name(row: Row) -> str:
    return row["ModelName"] if row["Source"] == "run" else f"{row['SystemDesc']} {row['Organization']}"


def _system(row: Row, link: RecordLink) -> Markup:
    if row["Source"] == "run":
        name, under = row["ModelName"], " · ".join(filter(None, ("own run", row["Started"][:10], row["ModelOrigin"])))
    else:
        name = row["SystemDesc"] + (f" / {row['ModelName']}" if row["ModelName"] else "")
        under = " · ".join(filter(None, (row["Organization"], row["Round"])))
    return Markup('<b>{}</b><span class="under">{}</span>{}').format(
        _breakable(name), sanitize_for_terminal(under, 120), _details(row, link.address(row))
    )


def _details(row: Row, address: str) -> Markup:
    findings = findings_in(row["Findings"])
    listed = [(kind, sanitize_for_terminal(text)) for kind, text in findings]
    if row["Unranked"] and row["Unranked"] != row["Verdict"]:
        listed.append(("not ranked", sanitize_for_terminal(row["Unranked"])))
    items = Markup("").join(Markup("<li><b>{}</b> {}</li>").format(kind, text) for kind, text in listed)
    facts = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{} {}</dd></div>").format(name, _fact(row, column), unit)
        for name, column, unit in FACTS
        if row[column]
    )
    count = f", {len(findings)} finding{'s' if len(findings) > 1 else ''}" if findings else ""
    return Markup('<details><summary>details{}</summary>{}{}<dl class="facts">{}</dl></details>').format(
        count,
        Markup("<ul>{}</ul>").format(items) if items else "",
        Markup('<p><a href="{}">record</a></p>').format(address) if address else "",
        facts,
    )


def _fact(row: Row, column: str) -> str:
    kind = BY_NAME[column].kind
    if kind is CellKind.NUMBER:
        return figure(float(row[column]))
    if kind is CellKind.WHOLE:
        return f"{int(row[column]):,}"
    return sanitize_for_terminal(row[column], LONG.get(column, 300))


def _verdict(row: Row) -> Markup:
    return Markup('<span class="badge">{}{}</span>').format(symbol(VERDICTS.index(row["Verdict"])), row["Verdict"])


def _verdict_place(row: Row) -> str:
    return str(VERDICTS.index(row["Verdict"]))


def _tag(text: str) -> Markup:
    return Markup('<span class="tag">{}</span>').format(text)


def _tagged(column: str, basis: str, tag: str, decimals: int | None = None) -> Callable[[Row], str]:
    """A figure, with a tag where its basis is not that of the others."""

    def cell(row: Row) -> str:
        value = number(row, column)
        if value is None:
            return ""
        text = figure(value) if decimals is None else f"{value:,.{decimals}f}"
        return text + _tag(tag) if row[basis] == tag else text

    return cell


def _energy(row: Row) -> str:
    value = number(row, "EnergyUj")
    if value is None:
        return ""
    tags = [word for word in (row["EnergyKind"], row["EnergyBasis"]) if word in ("modelled", "claimed")]
    return Markup("{}{}").format(figure(value), Markup("").join(map(_tag, tags)))


def _power(row: Row) -> str:
    return figure(float(row["Power"])) if row["PowerUnit"] == "mW" and row["HasPower"] == "True" else ""


def _whole(column: str) -> Callable[[Row], str]:
    return lambda row: f"{float(row[column]):,.0f}" if row[column] else ""


def _breakable(name: str) -> Markup:
    """A name that may continue on the next line after each of its underscores."""
    return Markup("_<wbr>").join(sanitize_for_terminal(name, 80).split("_"))


def address_of(path: str) -> str:
    """Return ``path`` as the address of a link: nothing in it can name a scheme or a host.

    Examples:
        >>> address_of("javascript:alert(1)"), address_of("//host/share")
        ('javascript%3Aalert%281%29', '/host/share')
    """
    text = quote(path, safe="/-._~")
    return "/" + text.lstrip("/") if text.startswith("/") else text
