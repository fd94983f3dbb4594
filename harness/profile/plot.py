# SPDX-License-Identifier: Apache-2.0
"""A profile as an SVG picture: one bar for each layer, as long as its cycles, in pieces by cause."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mlperf_tiny.harness.profile.causes import Cause, causes_in, cycles_of
from mlperf_tiny.harness.profile.layers import LayerProfile
from mlperf_tiny.harness.profile.measure import Profile

WIDTH, MARGIN, BAR_HEIGHT, ROW_HEIGHT, LEGEND_ROW = 960, 16, 14, 20, 18
CHARACTER_WIDTH, LONGEST_TITLE, LEGEND_COLUMN = 7.2, 56, 76
VALUE_WIDTH = 150
_TICKS = 5

# Without a ground of its own the picture takes the page's; where nothing says that this is dark, it is light.
_STYLE = """
text { font: 11px sans-serif; fill: #222222 }
.title { font-size: 14px }
.faint { fill: #666666 }
.ground { fill: #ffffff }
.line { stroke: #cccccc }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e6e6 }
  .faint { fill: #a0a0a0 }
  .ground { fill: #16181c }
  .line { stroke: #3d4148 }
}
"""


def draw_profile(profile: Profile) -> str:
    """Return the text of the SVG; the same profile gives the same text."""
    layers = [*profile.layers, LayerProfile(title="outside the layers", macs=0, counts=profile.outside)]
    causes = causes_in([layer.counts for layer in layers])
    titles = [_short(layer.title) for layer in layers]
    left = MARGIN + CHARACTER_WIDTH * max(map(len, titles))
    right = WIDTH - VALUE_WIDTH
    per_row = max(1, int((WIDTH - 2 * MARGIN) // LEGEND_COLUMN))
    legend_rows = -(-len(causes) // per_row)
    top = 58 + LEGEND_ROW * legend_rows
    bottom = top + ROW_HEIGHT * len(layers)
    longest = max((layer.counts.cycles for layer in layers), default=0) or 1
    scale = (right - left) / longest
    latency_ms = profile.total.cycles / profile.core_hz * 1e3
    height = bottom + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{MARGIN}" y="24">{escape(profile.model)} on {profile.device}, '
        f"engine {profile.engine}: {profile.total.cycles:,} cycles, {latency_ms:,.3f} ms</text>",
        f'<text class="faint" x="{MARGIN}" y="40">timing: emulated ({escape(profile.timing_model)})</text>',
        *_legend(causes, per_row),
        *_grid(longest, left, scale, top, bottom),
    ]
    for number, (layer, title) in enumerate(zip(layers, titles, strict=True)):
        y = top + ROW_HEIGHT * number
        parts += _bar(layer, title, profile.total.cycles, causes, left, y, scale)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(causes: Sequence[Cause], per_row: int) -> list[str]:
    parts = []
    for number, cause in enumerate(causes):
        x, y = MARGIN + LEGEND_COLUMN * (number % per_row), 50 + LEGEND_ROW * (number // per_row)
        words = escape(cause.key or "instructions issued")
        parts.append(
            f'<g><title>{words}</title><circle cx="{x + 6}" cy="{y + 6}" r="5.5" fill="{cause.colour}"/>'
            f'<text x="{x + 16}" y="{y + 10}">{cause.heading}</text></g>'
        )
    return parts


def _grid(longest: int, left: float, scale: float, top: int, bottom: int) -> list[str]:
    step = _round_step(longest / _TICKS)
    parts = []
    for cycles in range(0, longest + 1, step):
        x = left + cycles * scale
        parts.append(f'<line class="line" x1="{x:.1f}" y1="{top - 4}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="faint" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{cycles:,}</text>')
    parts.append(f'<text class="faint" x="{left:.1f}" y="{bottom + 28}">cycles</text>')
    return parts


def _round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that is not below ``least``."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        power *= 10


def _bar(
    layer: LayerProfile, title: str, total: int, causes: Sequence[Cause], left: float, y: int, scale: float
) -> list[str]:
    parts = [f'<text x="{left - 6:.1f}" y="{y + 11}" text-anchor="end">{escape(title)}</text>']
    x = left
    for cause in causes:
        cycles = cycles_of(layer.counts, cause)
        if not cycles:
            continue
        share = cycles / max(layer.counts.cycles, 1)
        parts.append(
            f'<rect x="{x:.2f}" y="{y}" width="{cycles * scale:.2f}" height="{BAR_HEIGHT}" fill="{cause.colour}">'
            f"<title>{escape(layer.title)}: {cause.heading} {cycles:,} cycles, {share:.1%}</title></rect>"
        )
        x += cycles * scale
    words = f"{layer.counts.cycles / max(total, 1):.1%}"
    if layer.macs:
        words += f", {layer.counts.cycles / layer.macs:.2f} cycles/MAC"
    parts.append(f'<text class="faint" x="{x + 6:.1f}" y="{y + 11}">{words}</text>')
    return parts


def _short(title: str) -> str:
    words = " ".join(title.split())
    return words if len(words) <= LONGEST_TITLE else words[: LONGEST_TITLE - 3] + "..."
