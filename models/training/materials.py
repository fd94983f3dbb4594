# SPDX-License-Identifier: Apache-2.0
"""What each task's networks learn from and are judged by, with the words for their cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError, UsageError
from models.data.examples import Example
from models.data.speech_commands import find_speech_commands
from models.data.synthetic.machines import MACHINE_IDS
from models.features.pipelines import Pipeline, find_pipeline
from models.training.keywords import features_of, keyword_store
from models.training.machines import machine_figures, machine_store
from models.training.micronet import Figures, Material, Predict
from models.training.recipes import Recipe


def material_for(pipeline: str, classes: int, recipe: Recipe, folders: Sequence[Path], passes: Path) -> Material:
    """Return the material of a task for inputs by ``pipeline``; ``folders`` are where real data is looked for.

    Passes are kept in the folder ``passes``. Raises DataError where a task needs data that is nowhere, UsageError for
    a task without material.
    """
    made_by = {"kws": _keywords, "ad": _machines}
    if recipe.task not in made_by:
        raise UsageError(f"there is nothing to learn {recipe.task} from; there is for {', '.join(made_by)}.")
    return made_by[recipe.task](find_pipeline(pipeline), classes, recipe, folders, passes)


def _keywords(pipeline: Pipeline, classes: int, recipe: Recipe, folders: Sequence[Path], passes: Path) -> Material:
    found = next((found for folder in folders if (found := find_speech_commands(folder)) and found.train), None)
    if found is None or recipe.augmentation is None:
        raise DataError(
            "there are no keyword clips to learn from; give --data DIR or set MLPERF_TINY_DATA=DIR, where DIR holds "
            "speech_commands_v0.02/ or speech_commands.zip with its splits.csv."
        )
    splits = {"validation": found.validation, "test": found.test}
    return Material(
        classes=classes,
        store=keyword_store(found, pipeline, recipe.augmentation, recipe.seed, passes),
        figures=_accuracies({name: rows for name, rows in splits.items() if rows}, pipeline),
        metric="accuracy",
        about={
            "kind": "real",
            "source": "Google Speech Commands v0.02, CC BY 4.0",
            "what": found.origin.split(", from ")[0],
            "clips": {"train": len(found.train), "validation": len(found.validation), "test": len(found.test)},
            "speakers": {
                name: len({row.group for row in rows} - {""})
                for name, rows in (("train", found.train), *splits.items())
            },
            "passes": recipe.passes,
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=(
            "A MicroNet trained in this repository on clips of the official test set of Speech Commands, split by "
            "speaker. Its figures are for speakers it has not heard; they are not comparable with published ones, "
            "whose networks learnt from thirty times as many clips and are tested on all of that set."
        ),
        licence="CC-BY-4.0 (learnt from Speech Commands v0.02, Pete Warden, Google)",
    )


def _machines(pipeline: Pipeline, classes: int, recipe: Recipe, folders: Sequence[Path], passes: Path) -> Material:
    return Material(
        classes=classes,
        store=machine_store(pipeline, recipe.clips_per_machine, passes),
        figures=machine_figures(pipeline),
        metric="auc",
        about={
            "kind": "synthetic",
            "source": "models/data/synthetic/machines.py",
            "clips": len(MACHINE_IDS) * recipe.clips_per_machine,
            "machine_ids": list(MACHINE_IDS),
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=(
            "A MicroNet trained in this repository to tell four made-up machines apart. It knows nothing else: its "
            "figures say that the way through the benchmark works and are not comparable with any on real recordings."
        ),
        licence="Apache-2.0",
    )


def _accuracies(splits: dict[str, Sequence[Example]], pipeline: Pipeline) -> Callable[[Predict], Figures]:
    """Return the function from a predictor to the share of each split it gets right; features are made once."""
    made: dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]] = {}

    def figures(predict: Predict) -> Figures:
        for name, rows in splits.items():
            if name not in made:
                made[name] = features_of(rows, pipeline)
        return {name: _accuracy(predict(inputs), labels) for name, (inputs, labels) in made.items()}

    return figures


def _accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    right = int(np.sum(logits.argmax(axis=1) == labels))
    return {"clips": len(labels), "right": right, "accuracy": round(right / len(labels), 4)}
