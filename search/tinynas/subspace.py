# SPDX-License-Identifier: Apache-2.0
"""TinyNAS's first stage: the part of a space that is searched, by the operations of its networks that fit.

MCUNet (arXiv 2007.10319, section 3.1) takes, of all pairs of input resolution and width multiplier, the one whose
networks within the memory have the most operations on average: at equal memory more computation means more accuracy.
Here all limits count, so that networks that would be too slow do not raise the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlperf_tiny.errors import UsageError
from mlperf_tiny.search.cost.analytic import OPS
from mlperf_tiny.search.cost.cost import network_cost
from mlperf_tiny.search.problem.problem import Problem
from mlperf_tiny.search.space.restrict import restrict
from mlperf_tiny.search.space.space import SearchSpace

MULTIPLIERS = tuple(n / 10 for n in range(2, 11))
"""Of the largest widths of a space."""
SAMPLES = 1000
"""Networks drawn from each part, as in the paper."""
FEWEST_FITTING = 10
"""A part with fewer networks that fit has no mean to speak of."""


@dataclass(frozen=True, kw_only=True)
class Subspace:
    """A part of a space, with what the choice among them goes by."""

    multiplier: float
    """Of all widths."""
    side: int | None
    """Of the input; None: the space does not decide it."""
    space: SearchSpace
    """Its networks."""
    fitting: float
    """Share of its networks that are within the limits."""
    mean_ops: float
    """Of those; 0 where there are too few."""


def subspaces(problem: Problem, seed: int) -> tuple[Subspace, ...]:
    """Return all parts of a problem's space, the one to be searched first.

    Args:
        problem: The space and its limits; networks are estimated, not compiled.
        seed: Of the networks drawn.

    Raises:
        UsageError: In no part enough networks are within the limits.
    """
    space = problem.space
    sides: tuple[int | None, ...] = (None,) if space.sides is None else space.sides.options
    multipliers = MULTIPLIERS if any(row.is_width for row in space.decisions) else (1.0,)
    found = [_subspace(problem, multiplier, side, seed) for side in sides for multiplier in multipliers]
    found.sort(key=lambda row: -row.mean_ops)
    if not found[0].mean_ops:
        limits = ", ".join(f"{name} {most:g}" for name, most in problem.limits.given().items())
        raise UsageError(
            f"of {SAMPLES} random networks of each part of space {space.name} fewer than {FEWEST_FITTING} are within "
            f"the limits {limits}. Raise the tightest, or use --method dnas, which needs no networks to start from."
        )
    return tuple(found)


def _subspace(problem: Problem, multiplier: float, side: int | None, seed: int) -> Subspace:
    options: dict[str, tuple[Any, ...]] = {} if side is None else {"input.side": (side,)}
    for row in problem.space.decisions:
        if row.is_width and isinstance(row.options[-1], int) and row.options[-1] > 8:
            # A hair above, so that 0.7 * 10 is not below 7.
            most = multiplier * row.options[-1] * (1.0 + 1e-9)
            options[row.name] = tuple(width for width in row.options if width <= most) or row.options[:1]
    space = restrict(problem.space, options)
    random = np.random.default_rng(seed)
    ops = []
    for _ in range(SAMPLES):
        arch = space.derive(space.sample(random))
        if problem.fits(arch):
            ops.append(network_cost(OPS, arch.layers))
    enough = len(ops) >= FEWEST_FITTING
    return Subspace(
        multiplier=multiplier,
        side=side,
        space=space,
        fitting=len(ops) / SAMPLES,
        mean_ops=float(np.mean(ops)) if enough else 0.0,
    )
