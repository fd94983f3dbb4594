# SPDX-License-Identifier: Apache-2.0
"""A profile as text: what each layer does, then where its cycles go."""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_tiny.harness.profile.causes import Cause, causes_in, cycles_of
from mlperf_tiny.harness.profile.measure import Profile
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.terminal import text_table

_WORK = ("cycles", "share", "instructions", "MACs", "cycles/MAC", "flash read", "RAM read", "RAM written")
_BYTES = ("flash_read_bytes", "ram_read_bytes", "ram_written_bytes")


def render_profile(profile: Profile) -> str:
    """Return two tables and what was profiled; there are no bytes where the timing level does not watch memory."""
    rows = [(layer.title, layer.macs, layer.counts) for layer in profile.layers]
    rows += [("outside the layers", 0, profile.outside), ("total", profile.macs, profile.total)]
    causes = causes_in([counts for _, _, counts in rows])
    watches_memory = any(getattr(profile.total, name) for name in _BYTES)
    work: list[tuple[str, ...]] = [_WORK if watches_memory else _WORK[:5]]
    work += [_work(macs, counts, profile.total, watches_memory) for _, macs, counts in rows]
    spent = [("cycles", *(cause.heading for cause in causes))]
    spent += [_spent(counts, causes) for _, _, counts in rows]
    titles = ["layer", *(title for title, _, _ in rows)]
    latency_ms = profile.total.cycles / profile.core_hz * 1e3
    lines = [
        f"{profile.model} on {profile.device}, engine {profile.engine} ({profile.kernels}): one inference, "
        f"{latency_ms:,.3f} ms at {profile.core_hz / 1e6:g} MHz",
        f"timing: emulated ({profile.timing_model})",
        "",
        _table(titles, work),
        "",
        "cycles by cause, in % of the layer",
        "",
        _table(titles, spent),
        "",
        *(f"note: {cause.heading}: {cause.key}" for cause in causes if cause.key),
        "note: outside the layers: the monitor's loop, its copy of the input, and the engine's frame around them",
        f"note: compiled with {profile.compiler}; input: {profile.inputs}",
    ]
    if not watches_memory:
        lines.append(
            f"note: level {profile.timing_level} does not watch memory; --timing full adds its stalls and bytes"
        )
    return "\n".join(lines)


def _work(macs: int, counts: Counts, total: Counts, watches_memory: bool) -> tuple[str, ...]:
    cells = (
        f"{counts.cycles:,}",
        f"{counts.cycles / max(total.cycles, 1):.1%}",
        f"{counts.instructions:,}",
        f"{macs:,}" if macs else "-",
        f"{counts.cycles / macs:.2f}" if macs else "-",
    )
    return (*cells, *(f"{getattr(counts, name):,}" for name in _BYTES)) if watches_memory else cells


def _spent(counts: Counts, causes: Sequence[Cause]) -> tuple[str, ...]:
    shares = (cycles_of(counts, cause) / max(counts.cycles, 1) for cause in causes)
    return (f"{counts.cycles:,}", *(f"{share * 100:.1f}" if share else "-" for share in shares))


def _table(titles: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    cells = [(title, *row) for title, row in zip(titles, rows, strict=True)]
    return text_table(cells, align="<" + ">" * len(rows[0]))
