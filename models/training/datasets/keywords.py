# SPDX-License-Identifier: Apache-2.0
"""What keyword networks learn from: the clips of Speech Commands at hand, changed anew in every pass."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import ExampleSet, labels_of
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.data.synthetic.speech import synthetic_speech
from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.training.augment.keyword_clips import ClipAugmentation, ClipBank, augmented_pass
from mlperf_tiny.models.training.datasets.augmentation_cache import Pass, PassStore
from mlperf_tiny.models.training.datasets.training_set import Data, Material, accuracies
from mlperf_tiny.models.training.recipes.recipes import Recipe

_OF_CLIPS = (
    "A MicroNet trained in this repository on clips of the official test set of Speech Commands, split by speaker. Its "
    "figures are for speakers it has not heard; they are not comparable with published ones, whose networks learnt "
    "from thirty times as many clips and are tested on all of that set."
)
_OF_MADE_UP_SPEECH = (
    "A MicroNet trained in this repository on speech that a synthesiser made. Its figures are about the synthesiser's "
    "voices, not about people."
)


def keyword_material(pipeline: Pipeline, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    """Return the clips of Speech Commands that are at hand, else made-up speech.

    Raises DataError where a folder was named and holds no clips to learn from.
    """
    found = next((found for place in data.places if (found := find_speech_commands(place)) and found.train), None)
    if found is None and data.named is not None:
        raise DataError(
            f"there are no keyword clips to learn from in {data.named}; wanted speech_commands_v0.02/, or "
            "speech_commands.zip with its splits.csv. Without --data and MLPERF_TINY_DATA made-up speech is learnt."
        )
    examples = found or synthetic_speech(recipe.made_up_per_class)
    splits = {"validation": examples.validation, "test": examples.test}
    counted = (("train", examples.train), *splits.items())
    return Material(
        classes=classes,
        store=keyword_store(examples, pipeline, recipe.augmentation or ClipAugmentation(), recipe.seed, passes),
        figures=accuracies(splits, pipeline),
        metric="accuracy",
        about={
            "kind": examples.source,
            "source": "Google Speech Commands v0.02, CC BY 4.0" if found else "models/data/synthetic/speech.py",
            "what": examples.origin.split(", from ")[0],
            "clips": {name: len(rows) for name, rows in counted},
            "speakers": {name: len({row.group for row in rows} - {""}) for name, rows in counted},
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=_OF_CLIPS if found else _OF_MADE_UP_SPEECH,
        licence="CC-BY-4.0 (learnt from Speech Commands v0.02, Pete Warden, Google)" if found else "Apache-2.0",
    )


def keyword_store(
    examples: ExampleSet, pipeline: Pipeline, settings: ClipAugmentation, seed: int, folder: Path
) -> PassStore:
    """Return the passes over the train split of ``examples``, kept in ``folder``; the clips are read at the first."""
    bank: list[ClipBank] = []

    def make(number: int) -> Pass:
        if not bank:
            bank.append(_bank(examples))
        clips, labels = augmented_pass(bank[0], settings, seed, number)
        return Pass(pipeline.compute(clips), labels)

    listed = "\n".join(f"{row.name} {row.label}" for row in (*examples.train, *examples.noises))
    all_of_it = {
        "examples": hashlib.sha256(listed.encode()).hexdigest(),
        "pipeline": pipeline.name,
        "augmentation": asdict(settings),
        "seed": seed,
    }
    return PassStore(folder, all_of_it, make)


def _bank(examples: ExampleSet) -> ClipBank:
    clips = np.stack([example.load() for example in examples.train])
    noises = tuple(example.load() for example in examples.noises)
    return ClipBank(clips, labels_of(examples.train), noises, examples.labels.index("silence"))
