# SPDX-License-Identifier: Apache-2.0
"""One plot as inline SVG: axes, points with their spans, the Pareto front. Colours and fonts are the page's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from mlperf_tiny.results.leaderboard.page.axis import PlotAxis, axis_for, tick_texts
from mlperf_tiny.results.leaderboard.page.labels import Box, place_labels
from mlperf_tiny.terminal import sanitize_for_terminal

WIDTH, HEIGHT = 400, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 10, 10, 44
MAX_LABEL = 26
MIN_TICKS_ACROSS = 3  # their texts stand beside each other

SHAPES = ("confirmed", "unconfirmed", "deviates", "violation")
"""Names of shapes by position of the verdict; each has its own outline, so that no meaning depends on colour alone."""

_OUTLINES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z",
    "M0 -5.6L5.6 0L0 5.6L-5.6 0Z",
    "M0 -5.4L5.4 4.3L-5.4 4.3Z",
    "M-4.2 -4.2H4.2V4.2H-4.2Z",
)

Span = tuple[float, float]
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Drawing:
    """What a plot shows."""

    name: str
    """Its id on the page."""
    title: str
    x_title: str
    y_title: str
    rising: bool
    """Whether more is better on the y axis."""
    target: float | None
    """Draws a horizontal line at this y value."""


@dataclass(frozen=True)
class Point:
    """One row of a ranking in a plot."""

    key: str
    """Id of the row on the page."""
    x: float
    y: float
    x_span: Span | None
    """Lowest and highest x value, where they are known."""
    y_span: Span | None
    """Lowest and highest y value, where they are known."""
    shape: int
    """Index of SHAPES."""
    ranked: bool
    """Only ranked points are on the Pareto front."""
    own: bool
    """Whether it is a run of this program."""
    label: str
    """Short name, drawn where there is room."""
    text: str
    """Shown while the pointer is on the point."""


def symbol(shape: int, kind: str = "") -> Markup:
    """Return the outline of a shape by itself, for legends and tables.

    Args:
        shape: Index of SHAPES.
        kind: ``ranked``, ``own`` or neither.
    """
    return Markup(
        f'<svg class="{f"symbol {SHAPES[shape]} {kind}".rstrip()}" viewBox="-7 -7 14 14" aria-hidden="true">'
        f'<path class="mark" d="{_OUTLINES[shape]}"/></svg>'
    )


def pareto_front(points: Sequence[Point], rising: bool) -> list[Point]:
    """Return the Pareto front: the ranked points that no other one beats in both figures, from left to right.

    Args:
        points: Less is better on the x axis.
        rising: Whether more is better on the y axis.
    """
    sign = -1.0 if rising else 1.0
    front: list[Point] = []
    for point in sorted((p for p in points if p.ranked), key=lambda p: (p.x, sign * p.y, p.key)):
        same = front and (front[-1].x, front[-1].y) == (point.x, point.y)
        if not front or same or sign * point.y < sign * front[-1].y:
            front.append(point)
    return front


def draw(drawing: Drawing, points: Sequence[Point]) -> Markup:
    """Return a plot as an SVG element.

    Args:
        drawing: Titles and target.
        points: At least one; each becomes a link to its row.
    """
    across = axis_for([value for point in points for value in (point.x, *_ends(point.x_span, point.x))])
    heights = [value for point in points for value in (point.y, *_ends(point.y_span, point.y))]
    up = axis_for(heights + ([drawing.target] if drawing.target else []), may_be_log=not drawing.rising)

    def x_of(value: float) -> float:
        return LEFT + across.place(value) * (WIDTH - LEFT - RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - up.place(value) * (HEIGHT - TOP - BOTTOM)

    front = pareto_front(points, drawing.rising)
    places = {point.key: (x_of(point.x), y_of(point.y)) for point in points}
    parts = [
        f'<svg class="plot" id="{drawing.name}" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" '
        f'aria-label="{escape(drawing.title)}" data-rising="{int(drawing.rising)}" '
        f'data-edges="{LEFT} {TOP} {WIDTH - RIGHT} {HEIGHT - BOTTOM}">',
        *_grid(across, up, x_of, y_of),
        f'<text class="title" x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(drawing.x_title)}</text>",
        f'<text class="title" transform="translate(9 {(TOP + HEIGHT - BOTTOM) / 2:.1f}) rotate(-90)" '
        f'text-anchor="middle">{escape(drawing.y_title)}</text>',
    ]
    if drawing.target is not None:
        y = y_of(drawing.target)
        parts.append(f'<path class="target" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text class="target" x="{WIDTH - RIGHT - 2}" y="{y + 12:.1f}" text-anchor="end">target '
            f"{drawing.target:g}</text>"
        )
    parts.append(f'<path class="front" d="{front_path([places[p.key] for p in front], drawing.rising)}"/>')
    boxes = _labels(front, places)
    for point in sorted(points, key=lambda p: (p.ranked, -p.y, p.key)):
        parts.append(_mark(point, places[point.key], boxes.get(point.key), x_of, y_of))
    return Markup("".join([*parts, "</svg>"]))


def front_path(places: Sequence[tuple[float, float]], rising: bool) -> str:
    """Return the front as the path of a step function; empty without points.

    Args:
        places: Position of each point of the front, from left to right.
        rising: Whether more is better on the y axis.
    """
    if not places:
        return ""
    (first_x, first_y), *others = dict.fromkeys(places)  # equal rows are one step
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in others)
    edge = HEIGHT - BOTTOM if rising else TOP
    return f"M{first_x:.1f} {edge}V{first_y:.1f}{steps}H{WIDTH - RIGHT}"


def _ends(span: Span | None, value: float) -> Span:
    """The ends of a span that lie where its value's axis can have them."""
    return span if span and 0 < span[0] <= span[1] else (value, value)


def _grid(across: PlotAxis, up: PlotAxis, x_of: Scale, y_of: Scale) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    columns, lines = across.ticks(MIN_TICKS_ACROSS), up.ticks()
    minor = "".join(f"M{x_of(value):.1f} {bottom}v-4" for value in across.minor_ticks())
    minor += "".join(f"M{LEFT} {y_of(value):.1f}h4" for value in up.minor_ticks())
    major = "".join(f"M{x_of(value):.1f} {TOP}V{bottom}" for value in columns)
    major += "".join(f"M{LEFT} {y_of(value):.1f}H{right}" for value in lines)
    parts = [f'<path class="grid" d="{major}"/>', f'<path class="frame" d="M{LEFT} {TOP}V{bottom}H{right}{minor}"/>']
    parts += [
        f'<text x="{x_of(value):.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>'
        for value, text in tick_texts(columns)
    ]
    parts += [
        f'<text x="{LEFT - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{text}</text>'
        for value, text in tick_texts(lines)
    ]
    return parts


def _labels(front: Sequence[Point], places: dict[str, tuple[float, float]]) -> dict[str, tuple[Box, str]]:
    """Where the names of the front's points fit, by key; the others stay without."""
    wanted = [
        (point.key, sanitize_for_terminal(point.label, MAX_LABEL), places[point.key]) for point in front if point.label
    ]
    area = Box(LEFT + 2, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM - 2)
    found = place_labels(wanted, list(places.values()), area)
    return {key: (found[key], text) for key, text, _ in wanted if key in found}


def _mark(point: Point, at: tuple[float, float], label: tuple[Box, str] | None, x_of: Scale, y_of: Scale) -> str:
    x, y = at
    bars = ""
    if point.x_span and 0 < point.x_span[0] < point.x_span[1]:
        low, high = x_of(point.x_span[0]), x_of(point.x_span[1])
        bars += f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 3:.1f}v6M{high:.1f} {y - 3:.1f}v6"
    if point.y_span and 0 < point.y_span[0] < point.y_span[1]:
        low, high = y_of(point.y_span[0]), y_of(point.y_span[1])
        bars += f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 3:.1f} {low:.1f}h6M{x - 3:.1f} {high:.1f}h6"
    kinds = f"{SHAPES[point.shape]}{' ranked' if point.ranked else ''}{' own' if point.own else ''}"
    parts = [
        f'<a class="point {kinds}" href="#{point.key}" data-row="{point.key}" data-x="{x:.1f}" data-y="{y:.1f}">',
        f"<title>{escape(sanitize_for_terminal(point.text))}</title>",
        f'<path class="span" d="{bars}"/>' if bars else "",
        f'<path class="mark" transform="translate({x:.1f} {y:.1f})" d="{_OUTLINES[point.shape]}"/>',
    ]
    if label is not None:
        box, text = label
        beside = ("start", box.left) if box.left > x else ("end", box.right) if box.right < x else None
        anchor, text_x = beside or ("middle", (box.left + box.right) / 2)
        place = f'x="{text_x:.1f}" y="{box.bottom - 3:.1f}" text-anchor="{anchor}"'
        parts.append(f'<text class="label" {place}>{escape(text)}</text>')
    return "".join([*parts, "</a>"])
