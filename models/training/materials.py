# SPDX-License-Identifier: Apache-2.0
"""What each task's networks learn from and are judged by, with the words for their cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError, UsageError
from models.data.examples import Example
from models.data.speech_commands import find_speech_commands
from models.data.synthetic.machines import MACHINE_IDS
from models.data.synthetic.scenes import synthetic_scenes
from models.data.synthetic.speech import synthetic_speech
from models.features.pipelines import Pipeline, find_pipeline
from models.training.keyword_clips import ClipAugmentation
from models.training.keywords import features_of, keyword_store
from models.training.machines import machine_figures, machine_store
from models.training.micronet import Figures, Material, Predict
from models.training.pictures import PictureAugmentation, picture_store
from models.training.recipes import Recipe


@dataclass(frozen=True)
class Data:
    """Where real data may be: the folder the user ``named``, and the one where downloads are kept."""

    named: Path | None
    cached: Path


_OF_CLIPS = (
    "A MicroNet trained in this repository on clips of the official test set of Speech Commands, split by speaker. Its "
    "figures are for speakers it has not heard; they are not comparable with published ones, whose networks learnt "
    "from thirty times as many clips and are tested on all of that set."
)
_OF_MADE_UP_SPEECH = (
    "A MicroNet trained in this repository on speech that a synthesiser made. Its figures are about the synthesiser's "
    "voices, not about people."
)


def material_for(pipeline: str, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    """Return the material of a task for inputs by ``pipeline``; passes are kept in the folder ``passes``.

    Where no real data is known of, samples are made up, and the card says so. Raises DataError where a folder was named
    that holds none, UsageError for a task without material.
    """
    made_by = {"kws": _keywords, "ad": _machines, "vww": _pictures}
    if recipe.task not in made_by:
        raise UsageError(f"there is nothing to learn {recipe.task} from; there is for {', '.join(made_by)}.")
    return made_by[recipe.task](find_pipeline(pipeline), classes, recipe, data, passes)


def _keywords(pipeline: Pipeline, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    places = [place for place in (data.named, data.cached) if place is not None and place.is_dir()]
    found = next((found for place in places if (found := find_speech_commands(place)) and found.train), None)
    if found is None and data.named is not None:
        raise DataError(
            f"there are no keyword clips to learn from in {data.named}; wanted speech_commands_v0.02/, or "
            "speech_commands.zip with its splits.csv. Without --data and MLPERF_TINY_DATA made-up speech is learnt."
        )
    examples = found or synthetic_speech(recipe.made_up_per_class)
    splits = {"validation": examples.validation, "test": examples.test}
    about = {
        "kind": examples.source,
        "source": "Google Speech Commands v0.02, CC BY 4.0" if found else "models/data/synthetic/speech.py",
        "what": examples.origin.split(", from ")[0],
        "clips": {name: len(rows) for name, rows in (("train", examples.train), *splits.items())},
        "speakers": {
            name: len({row.group for row in rows} - {""}) for name, rows in (("train", examples.train), *splits.items())
        },
    }
    return Material(
        classes=classes,
        store=keyword_store(examples, pipeline, recipe.augmentation or ClipAugmentation(), recipe.seed, passes),
        figures=_accuracies({name: rows for name, rows in splits.items() if rows}, pipeline),
        metric="accuracy",
        about=about,
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=_OF_CLIPS if found else _OF_MADE_UP_SPEECH,
        licence="CC-BY-4.0 (learnt from Speech Commands v0.02, Pete Warden, Google)" if found else "Apache-2.0",
    )


def _pictures(pipeline: Pipeline, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    scenes = synthetic_scenes(recipe.made_up_per_class)
    return Material(
        classes=classes,
        store=picture_store(scenes, pipeline, PictureAugmentation(), recipe.seed, passes),
        figures=_accuracies({"validation": scenes.validation, "test": scenes.test}, pipeline),
        metric="accuracy",
        about={
            "kind": "synthetic",
            "source": "models/data/synthetic/scenes.py",
            "pictures": {"train": len(scenes.train), "validation": len(scenes.validation), "test": len(scenes.test)},
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=(
            "A MicroNet trained in this repository to find people in drawings. It has never seen a photograph: its "
            "figures are about drawings, and on pictures of the benchmark it does little better than guessing."
        ),
        licence="Apache-2.0",
    )


def _machines(pipeline: Pipeline, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    return Material(
        classes=classes,
        store=machine_store(pipeline, recipe.made_up_per_class, passes),
        figures=machine_figures(pipeline),
        metric="auc",
        about={
            "kind": "synthetic",
            "source": "models/data/synthetic/machines.py",
            "clips": len(MACHINE_IDS) * recipe.made_up_per_class,
            "machine_ids": list(MACHINE_IDS),
        },
        input={
            "features": pipeline.name,
            "tested_on": "test",
            "scored": True,
            "classes": [f"{mark}{machine:02d}" for mark in ("", "altered ") for machine in MACHINE_IDS],
        },
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
