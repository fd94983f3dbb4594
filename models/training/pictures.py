# SPDX-License-Identifier: Apache-2.0
"""What picture networks learn from: drawn scenes, moved, turned round and lit anew in every pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.examples import ExampleSet, labels_of
from models.features.pipelines import Pipeline
from models.training.passes import Pass, PassStore


@dataclass(frozen=True)
class PictureAugmentation:
    """What may happen to a picture: half of them are mirrored, all moved and lit by up to so much."""

    shift_pixels: int = 8
    light: float = 0.25


def picture_store(
    examples: ExampleSet, pipeline: Pipeline, settings: PictureAugmentation, seed: int, folder: Path
) -> PassStore:
    """Return the passes over the train split of ``examples``, kept in ``folder``; pictures are read at the first."""
    read: list[NDArray[np.uint8]] = []

    def make(number: int) -> Pass:
        if not read:
            read.append(np.stack([example.load() for example in examples.train]))
        rng = np.random.default_rng([seed, number])
        changed = np.stack([change(picture, settings, rng) for picture in read[0]])
        return Pass(pipeline.compute(changed), labels_of(examples.train))

    all_of_it = {
        "examples": f"{examples.origin} {len(examples.train)}",
        "pipeline": pipeline.name,
        "augmentation": asdict(settings),
        "seed": seed,
    }
    return PassStore(folder, all_of_it, make)


def change(picture: NDArray[np.uint8], settings: PictureAugmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a changed copy of ``picture``, uint8 (height, width, 3); what moves in from outside repeats the edge."""
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    most = settings.shift_pixels
    down, right = (int(value) for value in rng.integers(0, 2 * most + 1, 2))
    height, width = picture.shape[:2]
    framed = np.pad(picture, ((most, most), (most, most), (0, 0)), mode="edge")
    lit = framed[down : down + height, right : right + width] * (1.0 + rng.uniform(-settings.light, settings.light))
    return np.asarray(np.clip(np.rint(lit), 0, 255), np.uint8)
