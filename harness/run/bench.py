# SPDX-License-Identifier: Apache-2.0
"""A device under measurement: its session, the transcript, progress and clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mlperf_tiny.harness.wire.inference import Inference
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.progress import Progress

WARMUP = 1
"""Untimed inferences before a timed window."""


class Marker(Protocol):
    """Appends an event to the transcript."""

    def __call__(self, kind: str, **values: Any) -> None: ...


@dataclass(frozen=True)
class Bench:
    """A device under measurement."""

    session: Session
    """With the device."""
    event: Marker
    """Appends to the transcript."""
    progress: Callable[[Progress], None]
    """Takes each step."""
    clock: Callable[[], float]
    """Host seconds."""
    counters: Callable[[], dict[str, int]] | None = None
    """An emulated device's counters, if it has any."""

    def infer(self, count: int, warmup: int, timeout_s: float | None = None) -> Inference:
        """Run timed inferences, with the counters before and after them in the transcript.

        Args:
            count: Timed inferences.
            warmup: Untimed inferences before them.
            timeout_s: Host seconds; None for the session's default.
        """
        if self.counters:
            self.event("counters", at="before", **self.counters())
        inference = self.session.infer(count, warmup, timeout_s)
        if self.counters:
            self.event("counters", at="after", **self.counters())
        return inference
