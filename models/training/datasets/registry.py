# SPDX-License-Identifier: Apache-2.0
"""The material of each task: one row each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.features.pipelines import Pipeline, find_pipeline
from mlperf_tiny.models.training.datasets.images import picture_material
from mlperf_tiny.models.training.datasets.keywords import keyword_material
from mlperf_tiny.models.training.datasets.machines import machine_material
from mlperf_tiny.models.training.datasets.training_set import Data, Material
from mlperf_tiny.models.training.recipes.recipes import Recipe

_MAKERS: dict[str, Callable[[Pipeline, int, Recipe, Data, Path], Material]] = {
    "kws": keyword_material,
    "ad": machine_material,
    "vww": picture_material,
}


def material_for(pipeline: str, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    """Return the material of a task for inputs by ``pipeline``; passes are kept in the folder ``passes``.

    Where no real data is known of, samples are made up, and the card says so. Raises DataError for broken data and
    where a folder was named that should hold keyword clips and does not, UsageError for a task without material.
    """
    if recipe.task not in _MAKERS:
        raise UsageError(f"there is nothing to learn {recipe.task} from; there is for {', '.join(_MAKERS)}.")
    return _MAKERS[recipe.task](find_pipeline(pipeline), classes, recipe, data, passes)
