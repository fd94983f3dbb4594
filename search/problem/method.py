# SPDX-License-Identifier: Apache-2.0
"""What a method of searching is given and returns: all methods have this one form.

A method is a function from a ``SearchRun`` to the decisions of a network. It may train whatever it likes on the
training rows and compare on the validation rows; it sees no others. It keeps its state in ``run.out``, so that the same
call after a stop ends in the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.row_file import arch_json
from mlperf_tiny.models.training.datasets.training_set import TrainingSet
from mlperf_tiny.models.training.epochs import epoch_samples
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.progress import Listener
from mlperf_tiny.search.problem.problem import Problem
from mlperf_tiny.search.space.space import Decisions

Log = Callable[[int, Mapping[str, float]], None]
"""Gets the number of a step of a search, from 1, and its figures by name. After a stop a step may come again."""


@dataclass(frozen=True, kw_only=True)
class SearchRun:
    """One search."""

    problem: Problem
    """What is searched for."""
    recipe: Recipe
    """Of the task: how samples are made, and how a network is trained."""
    training_set: TrainingSet
    """What is trained on; it has validation rows."""
    seed: int
    """Of everything that is drawn."""
    epochs: int | None
    """Passes over the training rows, as the method counts them; None: the method's own number."""
    out: Path
    """Folder for the method's state."""
    log: Log
    """Gets the figures of each step."""
    listener: Listener
    """Gets the progress."""

    def samples(self, epoch: int) -> tuple[Any, Any]:
        """Return inputs and targets of an epoch, as ``epoch_samples`` does without a teacher.

        Args:
            epoch: From 0.
        """
        return epoch_samples(self.training_set.cache, self.recipe, self.training_set.classes, epoch, None)

    def for_network(self, arch: Arch) -> SearchRun:
        """Return the search with inputs as a network takes them, where the space decides their resolution.

        Args:
            arch: A network of the space.
        """
        of_pipeline = self.training_set.of_pipeline
        if of_pipeline is None or arch.pipeline == self.training_set.input.get("features", arch.pipeline):
            return self
        return replace(self, training_set=of_pipeline(arch.pipeline))

    def depends_on(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return all that a method's state depends on: a checkpoint of other values is refused.

        Args:
            settings: Of the method.
        """
        space = self.problem.space
        return {
            "space": arch_json(space.derive(space.largest())),
            "options": {row.name: list(row.options) for row in space.decisions},
            "limits": self.problem.limits.given(),
            "settings": dict(settings),
            "recipe": asdict(self.recipe),
            "training_set": dict(self.training_set.cache.settings),
        }


Method = Callable[[SearchRun], Decisions]


def check_rows(run: SearchRun) -> None:
    """Raise UsageError for a training set without validation rows."""
    if run.training_set.validation is None:
        raise UsageError(
            f"{run.training_set.provenance['source']} has no validation rows, which a search compares networks on. "
            "Name a folder with others by --data."
        )
