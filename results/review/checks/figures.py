# SPDX-License-Identifier: Apache-2.0
"""What comes out of a recomputation: figures beside their claims, and the facts that rules look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlperf_tiny.harness.record.rules import TimedWindow
from mlperf_tiny.results.review.evidence.claims import agrees
from mlperf_tiny.results.review.evidence.wakewords import WakeWordCounts


@dataclass(frozen=True)
class Figure:
    """``claimed`` as it was printed, ``recomputed`` as it comes out of the raw lines; None for what there is not.

    ``basis`` says what it was computed from. A figure with ``claimed`` None is for the reader only.
    """

    name: str
    unit: str
    claimed: str | None
    recomputed: float | None
    basis: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether the two are equal to the printed digits; None when one of them is missing."""
        if self.claimed is None or self.recomputed is None:
            return None
        return agrees(self.claimed, self.recomputed)


@dataclass(frozen=True)
class AccuracyFacts:
    """What accuracy rules look at: metric in the task's unit, files as answered (AD: once for each file)."""

    metric: float | None
    answered: tuple[str, ...]
    correct: int | None = None


@dataclass(frozen=True)
class EnergyFacts:
    """The energy run's windows as the runner cut them, and as they lie over the inferences where that can be told.

    Each is energy in uJ per inference and seconds. ``over`` is None when log or trace do not tell.
    """

    windows: tuple[TimedWindow, ...] = ()
    per_inference_uj: tuple[float, ...] = ()
    over_s: tuple[float, ...] | None = None
    over_uj: tuple[float, ...] | None = None
    lost: tuple[int, ...] = ()


@dataclass
class Recomputed:
    """All that came out; ``windows`` are those of the performance run, ``documented`` the wake words counted with the
    documented window."""

    figures: list[Figure] = field(default_factory=list)
    windows: tuple[TimedWindow, ...] = ()
    accuracy: AccuracyFacts | None = None
    energy: EnergyFacts | None = None
    documented: WakeWordCounts | None = None

    def figure(self, name: str) -> Figure | None:
        return next((figure for figure in self.figures if figure.name == name), None)
