# SPDX-License-Identifier: Apache-2.0
"""Causes of cycles: short headings, the order in which they are shown, and colours for the plot.

The colours differ for the common kinds of colour blindness, and on light and dark background. The order is from the
core outwards, so that neighbours in a bar belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.runners.emulator.native.counts import DATA, FETCH, MISPREDICT, UNALIGNED, Counts
from mlperf_tiny.runners.emulator.timing.decode.core_model import Stall


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What cycles were spent on."""

    key: str
    """The key in ``Counts.stalls``; "" for cycles in which instructions were issued."""
    heading: str
    """Of a column, at most 8 characters."""
    colour: str
    """Of the plot, ``#rrggbb``."""


CAUSES = (
    Cause(key="", heading="issue", colour="#4c86b8"),
    Cause(key=Stall.LOAD_USE.value, heading="load", colour="#e8a33d"),
    Cause(key=Stall.RESULT.value, heading="result", colour="#d9d04a"),
    Cause(key=Stall.ADDRESS.value, heading="address", colour="#9a8b2f"),
    Cause(key=Stall.MEMORY.value, heading="LSU", colour="#b5651d"),
    Cause(key=Stall.MULTI_CYCLE.value, heading="multi", colour="#8c6bb1"),
    Cause(key=Stall.FETCH.value, heading="align", colour="#7fb069"),
    Cause(key=Stall.BRANCH.value, heading="branch", colour="#3f8f5f"),
    Cause(key=MISPREDICT, heading="mispred", colour="#c8455b"),
    Cause(key=FETCH, heading="I-miss", colour="#e58fb1"),
    Cause(key=DATA, heading="D-miss", colour="#6fc3c9"),
    Cause(key=UNALIGNED, heading="unalign", colour="#8d8d8d"),
)
OTHER = Cause(key="idle or other", heading="other", colour="#b9b9b9")
"""Waiting, and entry to interrupts and return from them."""


def cycles_of(counts: Counts, cause: Cause) -> int:
    """Return the cycles that went to a cause.

    Args:
        counts: Of a layer, or of the whole inference.
        cause: The cause.
    """
    if cause is OTHER:
        return counts.cycles - counts.issue_cycles - sum(counts.stalls.values())
    return counts.stalls.get(cause.key, 0) if cause.key else counts.issue_cycles


def causes_in(all_counts: Sequence[Counts]) -> tuple[Cause, ...]:
    """Return the causes that any of ``all_counts`` has."""
    return tuple(cause for cause in (*CAUSES, OTHER) if any(cycles_of(counts, cause) for counts in all_counts))
