# SPDX-License-Identifier: Apache-2.0
"""What a search is asked for: a space, a target, limits, and the costs that stand for them until a network is measured.

Every method of searching takes a ``Problem`` and a ``Data``, and gives the decisions of a network; what is done with
these, from the measurement on the emulated board to the files that are written, is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.characterize.measure import Target
from mlperf_tiny.search.cost.cost import Cost, network_cost
from mlperf_tiny.search.space.space import Decisions, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a network takes; of one that is estimated or measured, or, where None, not limited."""

    latency_ms: float | None = None
    """One inference."""
    energy_uj: float | None = None
    """One inference."""
    ops: float | None = None
    """Operations of one inference, two for each multiply-accumulate."""
    ram_bytes: float | None = None
    """Of the whole image."""
    flash_bytes: float | None = None
    """Of the whole image."""

    def given(self) -> dict[str, float]:
        """Return those that are not None, by name."""
        return {row.name: value for row in fields(self) if (value := getattr(self, row.name)) is not None}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is searched for."""

    space: SearchSpace
    """Where networks are from."""
    target: Target
    """What they are measured on."""
    limits: Figures
    """The most that the network may take; at least one is given."""
    costs: Mapping[str, Cost]
    """By name of a figure, what estimates it: for each limit, and for others that are to be logged."""

    def estimate(self, arch: Arch) -> Figures:
        """Return what a network is expected to take, without compiling it."""
        return Figures(**{name: network_cost(cost, arch.layers) for name, cost in self.costs.items()})

    def fits(self, arch: Arch) -> bool:
        """Return whether a network's estimates are within the limits."""
        return not self.excess(self.estimate(arch))

    def tightened(self, share: float) -> Problem:
        """Return the problem with a share of each limit kept free.

        Args:
            share: Of each limit, from 0 to below 1.
        """
        limits = {name: most * (1.0 - share) for name, most in self.limits.given().items()}
        return replace(self, limits=Figures(**limits))

    def excess(self, figures: Figures) -> dict[str, float]:
        """Return, for each limit that figures exceed, by which share of it; the estimates or the measured ones."""
        got = figures.given()
        over = {name: got[name] / most - 1.0 for name, most in self.limits.given().items() if name in got}
        return {name: share for name, share in over.items() if share > 0.0}


Accuracy = Callable[[Decisions], float]
"""Accuracy on the validation rows of a network of the space, after whatever training the method gives it."""
