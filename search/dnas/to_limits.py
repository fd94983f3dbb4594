# SPDX-License-Identifier: Apache-2.0
"""Brings a derived network to its limits: smaller where it exceeds one, larger where they leave room.

The most probable option of each decision is not the expectation that met the limits: a network of them may be above or
below. Accuracy hardly ever falls with width: room is used. The paper does not say what it does; this is ours. What is
left between estimates and measurements is repaired after the network is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlperf_tiny.search.problem.problem import Problem
from mlperf_tiny.search.space.space import Decisions

Probabilities = Mapping[str, Sequence[float]]
"""For each decision those of its options."""


def to_limits(problem: Problem, decisions: Decisions, probabilities: Probabilities) -> Decisions:
    """Return decisions that are changed by one option at a time, the most probable change first.

    They are lowered until all estimates are within the limits or nothing lowers them more, then raised as long as they
    stay within.

    Args:
        problem: The space and its costs.
        decisions: What was derived.
        probabilities: A change counts with what an option has more than the one it replaces.
    """

    def excess(row: Decisions) -> float:
        return sum(problem.excess(problem.estimate(problem.space.derive(row))).values())

    found = dict(decisions)
    while (now := excess(found)) > 0.0:
        lowered = next((row for row in _steps(problem, found, probabilities, -1) if excess(row) < now), None)
        if lowered is None:
            return found
        found = lowered
    while raised := next((row for row in _steps(problem, found, probabilities, +1) if not excess(row)), None):
        found = raised
    return found


def _steps(
    problem: Problem, decisions: Mapping[str, Any], probabilities: Probabilities, by: int
) -> list[dict[str, Any]]:
    """Decisions with one of them an option higher or lower, the most probable first; none that is the same network."""
    blocks = problem.space.derive(decisions).blocks
    found = []
    for row in problem.space.decisions:
        place = row.options.index(decisions[row.name])
        if 0 <= place + by < len(row.options):
            changed = {**decisions, row.name: row.options[place + by]}
            if problem.space.derive(changed).blocks != blocks:
                chances = probabilities[row.name]
                found.append((chances[place + by] / max(chances[place], 1e-9), changed))
    return [changed for _, changed in sorted(found, key=lambda step: -step[0])]
