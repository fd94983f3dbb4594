# SPDX-License-Identifier: Apache-2.0
"""Uniform width scaling: a space's largest network with one multiplier for all widths, as large as limits allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlperf_tiny.errors import UsageError
from mlperf_tiny.search.problem.method import SearchRun
from mlperf_tiny.search.space.choice import Decision
from mlperf_tiny.search.space.space import Decisions, SearchSpace

STEPS = 100
"""Multipliers that are tried, from 1 down."""


def scale_width(run: SearchRun) -> Decisions:
    """Return the widest network whose estimates are within the limits; nothing is trained.

    Args:
        run: The search.

    Raises:
        UsageError: Even the narrowest exceeds a limit.
    """
    problem = run.problem
    for number in range(STEPS, 0, -1):
        decisions = scaled(problem.space, number / STEPS)
        arch = problem.space.derive(decisions)
        if problem.fits(arch):
            run.log(1, {"multiplier": number / STEPS, **problem.estimate(arch).given()})
            return decisions
    raise UsageError(
        f"the narrowest network of all blocks of space {problem.space.name} exceeds a limit; use a method that leaves "
        "blocks out, such as --method dnas."
    )


def scaled(space: SearchSpace, multiplier: float) -> Mapping[str, Any]:
    """Return the largest network of a space with each width the nearest option to its share of the largest.

    Args:
        space: The space.
        multiplier: The share, more than 0 and at most 1.
    """
    return {row.name: _option(row, multiplier) for row in space.decisions}


def _option(row: Decision, multiplier: float) -> Any:
    if not row.is_width:
        return row.options[-1]
    wanted = multiplier * row.options[-1]
    return min(row.options, key=lambda width: (abs(width - wanted), width))
