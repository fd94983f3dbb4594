# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: sorted, filtered and pointed at, by mouse and keyboard; on paper, phones, in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.results.leaderboard.page.document import render_page
from mlperf_tiny.results.leaderboard.ranking import ranked
from mlperf_tiny.results.leaderboard.rows.columns import VERDICTS, Row
from tests.fakes.browser import chromium
from tests.results.leaderboard_rows import published_row, run_row

HOSTILE = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>"

Open = Callable[..., Any]


def rows_of_the_page() -> list[Row]:
    """Three rankings: published results of all verdicts, some without energy; emulated runs; one on synthetic data."""
    published = [
        published_row(
            SystemDesc=f"board_{number:02}", Organization="Alpha" if number % 2 else "Beta",
            Device=f"chip {number % 3}", LatencyMs=f"{5.0 + 7 * number % 40:.6f}", Accuracy=f"{88 + number % 5}.5",
            LatencyLowMs="", LatencyHighMs="", Verdict=VERDICTS[number % 4],
            Findings="" if number % 4 == 0 else f"violation: window {number} is short [windows]",
            **({} if number % 3 else {"EnergyUj": "", "EnergyLowUj": "", "EnergyHighUj": "", "EnergyKind": ""}),
        )
        for number in range(12)
    ]  # fmt: skip
    hostile = published_row(SystemDesc=HOSTILE, Device=HOSTILE, Findings=f"violation: {HOSTILE}", LatencyMs="")
    runs = [run_row(f"run-{n}", 10.0 + n, name=f"model-{n}") for n in range(3)]
    return ranked([*published, hostile, *runs, run_row("made up", 1.0, source="synthetic")])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of rows in a window; at the end nothing may have been said or asked for."""
    said: list[str] = []
    contexts: list[Any] = []
    path = tmp_path / "page.html"

    def open_page(rows: list[Row] | None = None, **settings: Any) -> Any:
        path.write_text(render_page(rows_of_the_page() if rows is None else rows, tmp_path, tmp_path))
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.on(
            "request", lambda request: None if request.url == path.as_uri() else said.append(f"request: {request.url}")
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def names(page: Any, section: str) -> list[str]:
    """Names in the table of a section, in their order, that are to be seen."""
    found = page.locator(f"{section} tbody tr:not([hidden]) td.system b").all_text_contents()
    return [str(name) for name in found]


def column(page: Any, section: str, heading: str) -> list[float]:
    """Values of a column in the order of the table, without rows that have none."""
    cells = page.locator(f'{section} tbody td[data-label="{heading}"]')
    values = [cell.get_attribute("data-value") for cell in cells.all()]
    known = [value for value in values if value]
    assert values == [*known, *[""] * (len(values) - len(known))], "rows without a value are the last"
    return [float(value) for value in known]


def head(page: Any, section: str, heading: str) -> Any:
    return page.locator(f"{section} thead th", has_text=heading)


def test_the_page_opens_quietly(opened: Open) -> None:
    page = opened()
    assert page.title() == "MLPerf Tiny leaderboard"
    assert page.locator("#count").text_content() == "17 of 17 rows"
    assert page.locator("tbody tr:visible").count() == 17


@pytest.mark.parametrize("count", [0, 1, 400])
def test_few_and_many_rows(opened: Open, count: int) -> None:
    rows = ranked(
        [published_row(SystemDesc=f"s{n}", LatencyMs=f"{1 + n}.0", Device=f"d{n % 30}") for n in range(count)]
    )
    page = opened(rows)
    assert page.locator("tbody tr").count() == count
    assert page.locator("#filters").is_visible() == (count > 0)
    if count == 400:
        page.fill("#filters [name=text]", "s399")
        assert page.locator("#count").text_content() == "1 of 400 rows"
    elif count == 0:
        assert "No rows" in page.locator("main").text_content()


def test_a_heading_sorts_its_table(opened: Open) -> None:
    page = opened()
    assert head(page, "#g1", "Rank").get_attribute("aria-sort") == "ascending"
    others = names(page, "#g2")
    for heading in ("Latency, ms", "Top-1, %", "Energy, µJ"):
        for direction in ("ascending", "descending"):
            head(page, "#g1", heading).locator("button").click()
            assert head(page, "#g1", heading).get_attribute("aria-sort") == direction
            assert page.locator("#g1 th[aria-sort]").count() == 1
            values = column(page, "#g1", heading)
            assert len(values) >= 8 and values == sorted(values, reverse=direction == "descending")
    assert names(page, "#g2") == others
    assert page.locator("#g2 th[aria-sort]").text_content() == "Rank"
    head(page, "#g1", "System").locator("button").click()
    systems = [name for name in names(page, "#g1") if name.startswith("board")]
    assert systems == sorted(systems)


def test_the_keyboard_alone_can_sort(opened: Open) -> None:
    page = opened()
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#g1 th')?.textContent") == "Latency, ms":
            break
    else:
        pytest.fail("no heading is reached by the tab key")
    before = names(page, "#g1")
    for key, direction in [("Enter", "ascending"), ("Space", "descending")]:
        page.keyboard.press(key)
        assert head(page, "#g1", "Latency, ms").get_attribute("aria-sort") == direction
    assert names(page, "#g1") != before
    assert page.evaluate("document.activeElement.matches(':focus-visible')")


FILTERS: list[tuple[dict[str, str], int, int]] = [
    ({"text": "board_03"}, 1, 1),
    ({"text": "ALPHA board_0"}, 5, 1),
    ({"text": "short board_05"}, 1, 1),
    ({"text": "<img"}, 1, 1),
    ({"device": "chip 1"}, 4, 1),
    ({"device": HOSTILE}, 1, 1),
    ({"source": "run"}, 4, 2),
    ({"source": "published"}, 13, 1),
    ({"verdict": "rule violation"}, 3, 1),
    ({"verdict": "deviates", "text": "alpha"}, 0, 0),
    ({"verdict": "deviates", "text": "beta"}, 3, 1),
    ({"engine": "compiled"}, 4, 2),
    ({"round": "v1.2"}, 13, 1),
]
"""What is chosen, rows left, sections left."""


def test_filters_act_on_rows_points_and_counts(opened: Open) -> None:
    page = opened()
    seen_in = "elements => elements.filter(e => e.getClientRects().length).map(e => e.dataset.row ?? e.id)"
    of_row = {row: page.locator(f".point[data-row={row}]").count() for row in (f"r{n}" for n in range(1, 18))}
    for fill, left, sections in FILTERS:
        for name, value in fill.items():
            field = page.locator(f"#filters [name={name}]")
            field.fill(value) if name == "text" else field.select_option(value)
        assert page.locator("#count").text_content() == f"{left} of 17 rows", fill
        rows = page.locator("tbody tr").evaluate_all(seen_in)
        assert len(rows) == left, fill
        assert page.locator("main section:visible").count() == sections, fill
        points = page.locator(".point").evaluate_all(seen_in)
        assert sorted(points) == sorted(row for row in rows for _ in range(of_row[row])), fill
        told = page.locator("nav .count").all_text_contents()
        assert sum(int(text.split()[0]) for text in told) == left, fill
        page.click("#filters [type=reset]")
        page.locator("#count", has_text="17 of 17 rows").wait_for()
        assert page.locator("tbody tr:visible").count() == 17


def test_each_row_with_both_figures_is_a_point(opened: Open) -> None:
    page = opened()
    for section, plots in [("#g1", 3), ("#g2", 4), ("#g3", 4)]:
        assert page.locator(f"{section} svg.plot").count() == plots
        for plot in page.locator(f"{section} svg.plot").all():
            across, up = re.fullmatch(
                r"(?:modelled )?(.+) against (?:modelled )?(.+)", plot.get_attribute("aria-label")
            ).groups()
            wanted = 0
            heading = {"latency": "Latency, ms", "energy": "Energy, µJ", "RAM": "RAM, bytes", "top-1": "Top-1, %"}
            for row in page.locator(f"{section} tbody tr").all():
                values = [row.locator(f'td[data-label="{heading[name]}"]') for name in (across, up)]
                wanted += all(value.count() and value.get_attribute("data-value") for value in values)
            assert plot.locator(".point").count() == wanted > 0
            assert bool(plot.locator(".front").get_attribute("d")) == bool(plot.locator(".point.ranked").count())
            assert all(point.locator("title").text_content() for point in plot.locator(".point").all())
    assert page.locator("#g2 .span").count() > 0


def front_of(page: Any, plot: str) -> list[float]:
    return [float(text) for text in re.findall(r"[\d.]+", page.locator(f"{plot} .front").get_attribute("d"))]


def test_pareto_front_is_recomputed_for_the_filtered_rows(opened: Open, tmp_path: Path) -> None:
    page = opened()
    written = re.findall(r'id="(g\d+-plot\d)".*?class="front" d="([^"]*)"', (tmp_path / "page.html").read_text())
    assert len(written) == 11
    for plot, path in written:
        assert front_of(page, f"#{plot}") == [float(text) for text in re.findall(r"[\d.]+", path)]
    before = front_of(page, "#g1-plot1")
    best = page.locator("#g1 tbody tr").first.locator("td.system b").text_content()
    other = "beta" if "Alpha" in page.locator("#g1 tbody tr").first.text_content() else "alpha"
    page.fill("#filters [name=text]", other)
    assert best not in names(page, "#g1")
    after = front_of(page, "#g1-plot1")
    assert after != before and after
    left = [
        (float(point.get_attribute("data-x")), float(point.get_attribute("data-y")))
        for point in page.locator("#g1-plot1 .point.ranked:not(.off)").all()
    ]
    assert after[0] == min(x for x, _ in left)
    page.fill("#filters [name=text]", "nothing has this in it")
    assert front_of(page, "#g1-plot1") == []


def test_a_point_shows_its_row_and_a_row_its_points(opened: Open) -> None:
    page = opened()
    point = page.locator("#g2-plot1 .point").first
    row = page.locator(f"#{point.get_attribute('data-row')}")
    point.hover(force=True)
    assert "hot" in row.get_attribute("class")
    assert page.locator("#g2 .readout").first.text_content() == point.locator("title").text_content()
    page.mouse.move(0, 0)
    assert "hot" not in (row.get_attribute("class") or "")
    row.hover()
    assert page.locator("#g2 .point.hot").count() == 4
    page.mouse.move(0, 0)
    assert page.locator(".hot").count() == 0
    point.click(force=True)
    assert page.url.endswith(f"#{row.get_attribute('id')}")
    assert row.is_visible()


def test_arrow_keys_go_from_point_to_point(opened: Open) -> None:
    page = opened()
    points = page.locator("#g1-plot1 .point")
    assert page.locator("#g1-plot1 .point[tabindex='0']").count() == 1
    assert points.count() == 12
    page.locator("#g1-plot1 .point[tabindex='0']").focus()
    seen, scrolled = [], page.evaluate("scrollY")
    for _ in range(points.count()):
        seen.append(float(page.evaluate("document.activeElement.dataset.x")))
        assert page.evaluate("document.getElementById(document.activeElement.dataset.row).classList.contains('hot')")
        page.keyboard.press("ArrowRight")
    assert seen == sorted(seen) and len(set(seen)) > 5
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("scrollY") == scrolled
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#g1-plot1')")


def test_no_width_makes_the_page_scroll_sideways(opened: Open) -> None:
    page = opened()
    page.locator("#g1 summary").first.click()
    outside = "elements => elements.some(e => e.getBoundingClientRect().right > innerWidth + 1)"
    for width in (320, 375, 720, 768, 1024, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width < 700:
            assert not page.locator("td, th, svg, dd").evaluate_all(outside)
    page.set_viewport_size({"width": 375, "height": 800})
    head(page, "#g1", "Latency, ms").locator("button").click()
    assert head(page, "#g1", "Latency, ms").get_attribute("aria-sort") == "ascending"


def luminance(page: Any, element: str, what: str) -> float:
    """WCAG's relative luminance of a colour, 0..1."""
    text = page.evaluate("([e, w]) => getComputedStyle(document.querySelector(e))[w]", [element, what])
    parts = [int(part) / 255 for part in re.findall(r"\d+", text)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_dark_scheme_has_other_colours_and_both_can_be_read(opened: Open) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        grounds[scheme] = luminance(page, "body", "backgroundColor")
        for element, what in [("body", "color"), ("td .under", "color"), ("summary", "color"), (".badge", "color"),
                              (".plot .title", "fill"), (".plot text", "fill")]:  # fmt: skip
            light, dark = sorted((luminance(page, element, what), grounds[scheme]), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, element)
        for kind in ("confirmed", "unconfirmed", "deviates", "violation"):
            light, dark = sorted((luminance(page, f".badge .{kind}", "color"), grounds[scheme]), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (scheme, kind)
    assert grounds["light"] > 0.9 and grounds["dark"] < 0.05


def test_on_paper_everything_is_shown(opened: Open) -> None:
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator("tbody tr:visible").count() == 17
    assert page.locator("svg.plot:visible").count() == 11
    assert (
        luminance(page, "body", "backgroundColor") > 0.9
        or page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    )
    shown = "elements => elements.filter(e => e.checkVisibility()).length"
    assert page.locator("details li").evaluate_all(shown) == page.locator("details li").count() > 9
    assert not page.locator("#filters select").first.is_visible()
    assert not page.locator("nav").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_motion_is_reduced_when_asked(opened: Open) -> None:
    smooth = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(reduced_motion="no-preference").evaluate(smooth) == "smooth"
    assert opened(reduced_motion="reduce").evaluate(smooth) == "auto"


def test_without_its_script_the_page_is_whole(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("tbody tr:visible").count() == 17
    assert page.locator("svg.plot:visible").count() == 11
    assert page.locator("#filters").is_hidden()
    assert page.locator("th button").count() == 0
    page.locator("#g1 summary").first.click()
    assert page.locator("#g1 dl.facts").first.is_visible()


@contextmanager
def policy_broken(page: Any) -> Iterator[list[str]]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    yield found


def test_the_policy_lets_no_other_script_run(browser: Any, tmp_path: Path) -> None:
    """Even if markup got through: the page's policy knows its own script only."""
    path = tmp_path / "page.html"
    page_text = render_page(rows_of_the_page(), tmp_path, tmp_path)
    path.write_text(page_text.replace("<main", "<script>document.title = 'taken'</script><main", 1))
    page = browser.new_page()
    with policy_broken(page) as found:
        page.goto(path.as_uri())
        assert page.title() == "MLPerf Tiny leaderboard"
    assert any("Content Security Policy" in text for text in found)
    page.close()
