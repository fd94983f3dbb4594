# SPDX-License-Identifier: Apache-2.0
"""The page as text: nothing out of a submission gets through, links lead where they say, plots are right."""

from __future__ import annotations

import html.parser
import random
import re
from pathlib import Path

import pytest

from mlperf_tiny.results.leaderboard.page.axis import PlotAxis, axis_for, tick_texts
from mlperf_tiny.results.leaderboard.page.document import render_page
from mlperf_tiny.results.leaderboard.page.labels import Box, place_labels
from mlperf_tiny.results.leaderboard.page.svg import Point, pareto_front
from mlperf_tiny.results.leaderboard.page.table import address_of
from mlperf_tiny.results.leaderboard.ranking import ranked
from mlperf_tiny.results.leaderboard.rows.cells import check_cell
from mlperf_tiny.results.leaderboard.rows.columns import COLUMNS, CellKind, Row
from tests.results.leaderboard_rows import published_row, run_row

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Tags(html.parser.HTMLParser):
    """What a browser would make of it: tags with their attributes, and the text between."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "link", "input", "wbr", "path", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag

    def of(self, name: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def page_of(*rows: Row, base: str = "/a/results", folder: str = "/a/results") -> str:
    return render_page(ranked(rows), Path(base), Path(folder))


def test_the_page_is_a_function_of_its_rows_and_well_formed() -> None:
    rows = [run_row("a"), run_row("b", 12.0), published_row()]
    page = page_of(*rows)
    assert page == page_of(*reversed(rows))
    tags = parsed(page)
    ids = [attrs["id"] for _, attrs in tags.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"][1:] for attrs in tags.of("a") if attrs.get("href", "").startswith("#")}
    assert links <= set(ids)
    assert len(tags.of("tr")) == len(rows) + 2


def test_nothing_comes_from_elsewhere() -> None:
    page = page_of(run_row("a"), published_row())
    assert "http" not in page.replace("http-equiv", "")
    tags = parsed(page)
    assert {name for name, attrs in tags.tags if "src" in attrs} == set()
    assert [attrs["href"] for attrs in tags.of("link")] == ["data:,"]
    assert not any("style" in attrs or name.startswith("on") for _, attrs in tags.tags for name in attrs)
    policy = tags.of("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy


@pytest.mark.parametrize("column", [column.name for column in COLUMNS if column.kind is CellKind.TEXT])
def test_text_of_a_submission_is_only_text(column: str) -> None:
    clean = parsed(page_of(published_row()))
    page = render_page([{**published_row(), "Rank": "1", column: HOSTILE}], Path("/a"), Path("/a"))
    tags = parsed(page)
    assert len(tags.of("script")) == 1 and not tags.of("img")
    assert not any(name.startswith("on") for _, attrs in tags.tags for name in attrs)
    more = {"option", "li", "dt", "dd", "div", "b", "ul", "wbr", "p", "span", "path", "text", "a", "td", "th", "svg"}
    assert {name for name, _ in tags.tags} - {name for name, _ in clean.tags} <= more


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        ("../runs/r", "../runs/r"),
        ("r", "r"),
        ("/elsewhere/r", "/elsewhere/r"),
        ("//host/share", "/host/share"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("a b/ü&\"'<", "a%20b/%C3%BC%26%22%27%3C"),
        ("\\\\host\\share", "%5C%5Chost%5Cshare"),
    ],
)
def test_links_to_records_stay_on_this_machine(record: str, wanted: str) -> None:
    tags = parsed(page_of({**published_row(), "Record": record}))
    (link,) = [a["href"] for a in tags.of("a") if not a["href"].startswith("#")]
    assert link == wanted
    assert address_of(record) == wanted


def test_links_are_seen_from_the_page() -> None:
    tags = parsed(page_of(published_row(Record="../runs/r"), folder="/a/site"))
    assert "../runs/r" in [a["href"] for a in tags.of("a")]
    tags = parsed(page_of(published_row(Record="../runs/r"), folder="/a"))
    assert "runs/r" in [a["href"] for a in tags.of("a")]
    tags = parsed(page_of(published_row(Record="../runs/r"), folder="/b/c"))
    assert "/a/runs/r" in [a["href"] for a in tags.of("a")]
    assert [a["href"] for a in parsed(page_of(published_row(Record=""))).of("a") if a["href"][0] != "#"] == []


def test_each_row_is_a_point_of_each_plot_it_has_figures_for() -> None:
    rows = [
        published_row(),
        published_row(SystemDesc="no energy", EnergyUj="", EnergyLowUj="", EnergyHighUj=""),
        published_row(SystemDesc="no accuracy", Accuracy=""),
        published_row(SystemDesc="nothing", LatencyMs="", Accuracy="", EnergyUj=""),
    ]
    tags = parsed(page_of(*rows))
    assert [attrs["aria-label"] for attrs in tags.of("svg") if attrs["class"] == "plot"] == [
        "latency against top-1", "energy against top-1", "latency against energy",
    ]  # fmt: skip
    assert len([a for a in tags.of("a") if "point" in a.get("class", "")]) == 2 + 1 + 2
    assert "No row has the figures of: RAM against top-1." in page_of(*rows)


def test_emulated_and_hardware_never_share_a_plot() -> None:
    page = page_of(run_row("a"), run_row("b", timing="hardware", timing_model=""), run_row("c", source="synthetic"))
    sections = page.split("<section")[1:]
    assert len(sections) == 3
    for section in sections:
        assert len({row for row in re.findall(r'data-row="(r\d+)"', section)}) == 1
    assert "modelled energy against top-1" in page


@pytest.mark.parametrize("rising", [True, False])
def test_the_pareto_front_is_what_brute_force_finds(rising: bool) -> None:
    """A ranked point is on it unless another is at least as good in both and better in one."""
    rng = random.Random(7)
    for _ in range(60):
        points = [
            Point(str(n), rng.randint(1, 8), rng.randint(1, 8), None, None, 0, rng.random() < 0.8, False, "", "")
            for n in range(rng.randint(0, 14))
        ]

        def beaten(one: Point, others: list[Point] = points) -> bool:
            sign = -1 if rising else 1
            return any(
                other.ranked
                and other.x <= one.x
                and sign * other.y <= sign * one.y
                and (other.x < one.x or sign * other.y < sign * one.y)
                for other in others
            )

        wanted = {point.key for point in points if point.ranked and not beaten(point)}
        front = pareto_front(points, rising)
        assert {point.key for point in front} == wanted
        assert [point.x for point in front] == sorted(point.x for point in front)


@pytest.mark.parametrize(
    ("values", "log", "ticks"),
    [
        ([0.1, 1000], True, ["0.1", "1", "10", "100", "1,000"]),
        ([1, 60], True, ["1", "3", "10", "30"]),
        ([10, 100], True, ["10", "30", "100"]),
        ([13.0, 22.0], False, ["14", "16", "18", "20", "22"]),
        ([90.0, 90.1], False, ["89.2", "90", "90.8"]),
        ([5.0], False, ["4.96", "5", "5.04"]),
        ([0.0], False, ["0", "0.2", "1"]),
        ([0.0, 10.0], False, ["0", "2", "10"]),
        ([-2.0, 20.0], False, ["0", "5", "20"]),
        ([1e-9, 1e9], True, ["0.0000001"]),
    ],
)
def test_axes_have_round_ticks(values: list[float], log: bool, ticks: list[str]) -> None:
    axis = axis_for(values)
    assert axis.log == log
    texts = [text for _, text in tick_texts(axis.ticks())]
    assert set(ticks) <= set(texts) and 2 <= len(texts) <= 13
    assert len(set(texts)) == len(texts)
    for value, text in tick_texts(axis.ticks()):
        assert axis.low <= value <= axis.high
        assert float(text.replace(",", "")) == pytest.approx(value, rel=1e-6, abs=1e-12)
    assert all(0 < axis.place(value) < 1 for value in values if value)
    assert axis.high - axis.low >= 0.0199 * max(values)


def test_places_on_an_axis() -> None:
    assert PlotAxis(1, 100, True).place(10) == pytest.approx(0.5)
    assert PlotAxis(0, 10, False).place(2.5) == pytest.approx(0.25)
    assert PlotAxis(1, 100, True).place(0) == PlotAxis(0, 10, False).place(-5) == 0
    assert PlotAxis(0, 10, False).place(50) == 1


def test_labels_cover_neither_points_nor_each_other() -> None:
    rng = random.Random(3)
    points = [(rng.uniform(0, 300), rng.uniform(0, 200)) for _ in range(40)]
    wanted = [(str(n), "a name", point) for n, point in enumerate(points[:15])]
    area = Box(0, 0, 300, 200)
    boxes = list(place_labels(wanted, points, area).values())
    assert len(boxes) > 3
    for number, box in enumerate(boxes):
        assert area.holds(box)
        assert not any(box.meets(other) for other in boxes[:number])
        assert not any(box.left < x < box.right and box.top < y < box.bottom for x, y in points)


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows_make_a_page(count: int) -> None:
    tags = parsed(page_of(*([published_row()] * count)))
    assert len(tags.of("section")) == count
    assert len(tags.of("tr")) == 2 * count


def test_details_say_what_was_found() -> None:
    page = page_of(published_row(Verdict="rule violation", Findings="violation: too short [windows] | missing: a log"))
    assert "details, 2 findings" in page
    assert "<li><b>violation</b> too short [windows]</li><li><b>missing</b> a log</li>" in page
    assert "not ranked" not in page.split("<details>")[1].split("</details>")[0]
    page = page_of(published_row(LatencyBasis="claimed"))
    assert "<li><b>not ranked</b> latency not recomputed</li>" in page
    assert '<span class="tag">claimed</span>' in page


@pytest.mark.slow
def test_whatever_a_file_may_hold_makes_a_page() -> None:
    """Cells of any size that reading lets through: nothing divides by zero, nothing is drawn outside."""
    rng = random.Random(5)
    numbers = ["", "0", "-5", "1e-29", "999999999999999", "-999999999999999", "12.5", "0.000000001"]
    made = 0
    for _ in range(300):
        rows = []
        for number in range(rng.randint(1, 4)):
            row = dict(rng.choice([published_row(SystemDesc=str(number)), run_row(str(number))]))
            for column in COLUMNS:
                if rng.random() < 0.3 and column.name != "Format":
                    values = {
                        CellKind.NUMBER: numbers,
                        CellKind.WHOLE: ["", "0", "9" * 18],
                        CellKind.CHOICE: column.choices,
                    }
                    row[column.name] = rng.choice(values.get(column.kind, [row[column.name]]))
                    check_cell(column, row[column.name])
            if row["Power"] and (row["Source"] == "published" or row["RunId"]):
                rows.append(row)
        page = render_page(ranked(rows), Path("/a"), Path("/a"))
        made += page.count('<a class="point')
        edges = [float(value) for value in re.findall(r'data-[xy]="([^"]*)"', page)]
        assert all(0 <= value <= 400 for value in edges)
    assert made > 200
