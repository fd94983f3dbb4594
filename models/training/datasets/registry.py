# SPDX-License-Identifier: Apache-2.0
"""The training sets by the name recipes give them: one row each."""

from __future__ import annotations

from collections.abc import Callable

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.models.training.datasets.images import image_training_set
from mlperf_tiny.models.training.datasets.keywords import keyword_training_set
from mlperf_tiny.models.training.datasets.machine_windows import window_training_set
from mlperf_tiny.models.training.datasets.machines import machine_training_set
from mlperf_tiny.models.training.datasets.training_set import TrainingSet, TrainingSetOptions

DATASETS: dict[str, Callable[[TrainingSetOptions], TrainingSet]] = {
    "keywords": keyword_training_set,
    "machines": machine_training_set,
    "machine windows": window_training_set,
    "images": image_training_set,
}


def make_training_set(options: TrainingSetOptions) -> TrainingSet:
    """Return the training set of a recipe; synthetic where no real data is found, which the card states.

    Raises:
        DataError: Data is broken, or a named folder holds no keyword clips.
        UsageError: The recipe names an unknown training set.
    """
    name = options.recipe.dataset
    if name not in DATASETS:
        raise UsageError(f"unknown training set {name!r}; known: {', '.join(DATASETS)}.{did_you_mean(name, DATASETS)}")
    return DATASETS[name](options)
