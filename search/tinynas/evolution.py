# SPDX-License-Identifier: Apache-2.0
"""Evolution of networks of a space within limits: the best few are mutated and crossed (MCUNet, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.search.space.space import Decisions, SearchSpace

DRAWS = 2000
"""How often a network within the limits is tried for before it is given up."""


@dataclass(frozen=True, kw_only=True)
class EvolutionSettings:
    """How networks are drawn. Population and parents are the paper's shares at a smaller size; the rest is ours."""

    population: int = 32
    """Networks of a generation."""
    parents: int = 8
    """The best so far, which the next generation is made of."""
    generations: int = 10
    """Generations after the first, which is random."""
    mutation: float = 0.1
    """Chance of each decision of a mutated network to be drawn again."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A network with its score."""

    decisions: Decisions
    """The network."""
    score: float
    """More is better."""


class Evolution:
    """Networks of a space, each scored once; the same for the same seed."""

    def __init__(
        self, space: SearchSpace, fits: Callable[[Arch], bool], seed: int, settings: EvolutionSettings
    ) -> None:
        """Prepare a search.

        Args:
            space: The networks.
            fits: Whether a network is within the limits.
            seed: Of what is drawn.
            settings: How it is drawn.
        """
        self._space, self._fits, self._settings = space, fits, settings
        self._random = np.random.default_rng(seed)
        self._scored: dict[object, Scored] = {}

    def first(self) -> list[Decisions]:
        """Return the first generation: random networks within the limits.

        Raises:
            UsageError: None is found.
        """
        found = self._draw(self._settings.population, lambda: self._space.sample(self._random))
        if not found:
            raise UsageError(
                f"none of {DRAWS} random networks of space {self._space.name} is within the limits. Raise the tightest."
            )
        return found

    def next(self) -> list[Decisions]:
        """Return the next generation: half of it mutated, half crossed, of the best so far."""
        best = self.best(self._settings.parents)
        half = self._settings.population // 2
        mutated = self._draw(half, lambda: self._mutated(self._pick(best)))
        crossed = self._draw(
            self._settings.population - half, lambda: self._crossed(self._pick(best), self._pick(best))
        )
        return mutated + crossed

    def score(self, decisions: Decisions, score: float) -> None:
        """Keep the score of a network.

        Args:
            decisions: The network.
            score: More is better.
        """
        self._scored[self._key(decisions)] = Scored(decisions=decisions, score=score)

    def best(self, count: int) -> list[Scored]:
        """Return the best so far, the best first; of equal ones those that were scored first."""
        return sorted(self._scored.values(), key=lambda row: -row.score)[:count]

    def _draw(self, count: int, draw: Callable[[], Decisions]) -> list[Decisions]:
        """Networks within the limits that were neither scored nor drawn yet; fewer where they cannot be found."""
        found: dict[object, Decisions] = {}
        for _ in range(DRAWS):
            if len(found) == count:
                break
            decisions = draw()
            key = self._key(decisions)
            if key not in self._scored and key not in found and self._fits(self._space.derive(decisions)):
                found[key] = decisions
        return list(found.values())

    def _key(self, decisions: Decisions) -> object:
        """The same for decisions that give the same network."""
        arch = self._space.derive(decisions)
        return arch.input_shape, arch.blocks

    def _pick(self, best: list[Scored]) -> Decisions:
        return best[int(self._random.integers(len(best)))].decisions

    def _mutated(self, decisions: Decisions) -> Decisions:
        fresh = self._space.sample(self._random)
        return {
            name: fresh[name] if self._random.random() < self._settings.mutation else value
            for name, value in decisions.items()
        }

    def _crossed(self, first: Decisions, second: Decisions) -> Decisions:
        return {name: (first if self._random.random() < 0.5 else second)[name] for name in first}
