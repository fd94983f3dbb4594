# SPDX-License-Identifier: Apache-2.0
"""What keyword networks learn from: the clips of Speech Commands at hand, changed anew in every pass."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.examples import Example, ExampleSet, labels_of
from models.features.pipelines import Pipeline
from models.training.keyword_clips import ClipAugmentation, ClipBank, augmented_pass
from models.training.passes import Pass, PassStore


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


def features_of(examples: Sequence[Example], pipeline: Pipeline) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return inputs (n, *shape) and labels (n,) of unchanged examples."""
    return pipeline.compute(np.stack([example.load() for example in examples])), labels_of(examples)


def _bank(examples: ExampleSet) -> ClipBank:
    clips = np.stack([example.load() for example in examples.train])
    noises = tuple(example.load() for example in examples.noises)
    return ClipBank(clips, labels_of(examples.train), noises, examples.labels.index("silence"))
