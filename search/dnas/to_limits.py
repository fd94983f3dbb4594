# SPDX-License-Identifier: Apache-2.0
"""Brings a derived network to its limits: smaller where it exceeds one, larger where they leave room.

The most probable option of each decision is not the expectation that met the limits: a network of them may be above or
below. Which decision is changed is chosen by what the network loses or gains with the shared weights: once a search has
settled, the probabilities of options that are not taken are all alike. The paper does not say what it does; this is
ours. What is left between estimates and measurements is repaired after the network is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlperf_tiny.search.problem.problem import Problem
from mlperf_tiny.search.space.space import Decisions

Loss = Callable[[Decisions], float]
"""Loss of a network with shared weights; less is better."""


def to_limits(problem: Problem, decisions: Decisions, loss: Loss) -> Decisions:
    """Return decisions that are changed by one option at a time.

    They are lowered until all estimates are within the limits or nothing lowers them more: each time by the change that
    adds the least loss for what it takes off the excess. Then they are raised as long as they stay within: each time by
    the change with the least loss.

    Args:
        problem: The space and its costs.
        decisions: What was derived.
        loss: Of networks of the space.
    """

    def excess(row: Decisions) -> float:
        return sum(problem.excess(problem.estimate(problem.space.derive(row))).values())

    found = dict(decisions)
    while (now := excess(found)) > 0.0:
        base = loss(found)
        # Less than no loss counts as none: else the change that takes off least would be the best of those that gain.
        steps = [
            (max(0.0, loss(row) - base) / (now - after), after, row)
            for row in _steps(problem, found, -1)
            if (after := excess(row)) < now
        ]
        if not steps:
            return found
        found = min(steps, key=lambda step: step[:2])[2]
    while steps_up := [(loss(row), row) for row in _steps(problem, found, +1) if not excess(row)]:
        found = min(steps_up, key=lambda step: step[0])[1]
    return found


def _steps(problem: Problem, decisions: Mapping[str, Any], by: int) -> list[dict[str, Any]]:
    """Decisions with one of them an option higher or lower; none that is the same network."""
    blocks = problem.space.derive(decisions).blocks
    found = []
    for row in problem.space.decisions:
        place = row.options.index(decisions[row.name])
        if 0 <= place + by < len(row.options):
            changed = {**decisions, row.name: row.options[place + by]}
            if problem.space.derive(changed).blocks != blocks:
                found.append(changed)
    return found
