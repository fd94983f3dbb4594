# SPDX-License-Identifier: Apache-2.0
"""The training set of keyword networks: clips of Speech Commands, augmented for each epoch."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mlperf_tiny.errors import WrongRequest
from mlperf_tiny.models.data.formats.examples import ExampleSet, labels_of
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.data.synthetic.speech import synthetic_speech
from mlperf_tiny.models.features.pipelines import Pipeline, find_pipeline
from mlperf_tiny.models.training.augment.keyword_clips import ClipAugmentation, ClipBank, augment_clips
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.datasets.training_set import (
    TrainingSet,
    TrainingSetOptions,
    accuracy_evaluation,
    validation_accuracy,
)

_REAL_DESCRIPTION = (
    "A MicroNet trained in this repository on clips of the official test set of Speech Commands, split by speaker. Its "
    "metrics are for speakers it was not trained on; they are not comparable with published ones, whose networks were "
    "trained on thirty times as many clips and are tested on all of that set."
)
_SYNTHETIC_DESCRIPTION = (
    "A MicroNet trained in this repository on synthetic speech. Its metrics are about the synthesiser's voices, not "
    "about people."
)


def keyword_training_set(options: TrainingSetOptions) -> TrainingSet:
    """Return the clips of Speech Commands where they are found, else synthetic speech.

    Raises:
        DataError: A folder is named and holds no training clips.
    """
    pipeline, recipe, folders = find_pipeline(options.pipeline), options.recipe, options.folders
    found, unused = folders.first(
        lambda folder: found if (found := find_speech_commands(folder)) and found.train else None, "keyword clips"
    )
    if found is None and folders.named is not None:
        raise WrongRequest(
            f"no keyword clips found in {folders.named}; wanted speech_commands_v0.02/, or speech_commands.zip with "
            "its splits.csv. Without --data and MLPERF_TINY_DATA, training is on synthetic speech."
        )
    examples = found or synthetic_speech(recipe.synthetic_per_class)
    augmentation = recipe.augmentation or ClipAugmentation()
    if not options.unlabelled:
        augmentation = replace(augmentation, splices=0.0, mixes=0.0)
    splits = {"validation": examples.validation, "test": examples.test}
    counted = (("train", examples.train), *splits.items())
    return TrainingSet(
        classes=options.classes,
        cache=keyword_cache(examples, pipeline, augmentation, recipe.seed, options.cache),
        evaluate=accuracy_evaluation(splits, pipeline),
        metric="accuracy",
        validation=validation_accuracy(examples.validation, pipeline),
        provenance={
            "kind": examples.source,
            "source": "Google Speech Commands v0.02, CC BY 4.0" if found else "models/data/synthetic/speech.py",
            "what": examples.origin.split(", from ")[0],
            "clips": {name: len(rows) for name, rows in counted},
            "speakers": {name: len({row.group for row in rows} - {""}) for name, rows in counted},
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=_REAL_DESCRIPTION if found else _SYNTHETIC_DESCRIPTION,
        licence="CC-BY-4.0 (trained on Speech Commands v0.02, Pete Warden, Google)" if found else "Apache-2.0",
        unused=unused,
    )


def keyword_cache(
    examples: ExampleSet, pipeline: Pipeline, settings: ClipAugmentation, seed: int, folder: Path
) -> AugmentationCache:
    """Return the augmented epochs of the train split; the clips are read when the first one is made.

    Args:
        examples: The clips and noises.
        pipeline: Makes their features.
        settings: How clips are changed.
        seed: Seed of the changes.
        folder: Where augmented epochs are kept.
    """
    bank: list[ClipBank] = []

    def make(number: int) -> AugmentedEpoch:
        if not bank:
            bank.append(_read_clips(examples))
        clips, labels = augment_clips(bank[0], settings, seed, number)
        return AugmentedEpoch(pipeline.compute(clips), labels)

    listed = "\n".join(f"{row.name} {row.label}" for row in (*examples.train, *examples.noises))
    key = {
        "examples": hashlib.sha256(listed.encode()).hexdigest(),
        "pipeline": pipeline.name,
        "augmentation": asdict(settings),
        "seed": seed,
    }
    return AugmentationCache(folder=folder, settings=key, make=make)


def _read_clips(examples: ExampleSet) -> ClipBank:
    return ClipBank(
        clips=np.stack([example.load() for example in examples.train]),
        labels=labels_of(examples.train),
        noises=tuple(example.load() for example in examples.noises),
        silence=examples.labels.index("silence"),
    )
