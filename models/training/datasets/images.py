# SPDX-License-Identifier: Apache-2.0
"""What picture networks learn from: photographs or drawn scenes, moved, mirrored and lit anew in every pass."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet, labels_of
from mlperf_tiny.models.data.formats.files import load_files
from mlperf_tiny.models.data.load import form_of
from mlperf_tiny.models.data.sources.coco import find_coco
from mlperf_tiny.models.data.synthetic.scenes import synthetic_scenes
from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.tasks import Task, find_task
from mlperf_tiny.models.training.datasets.augmentation_cache import Pass, PassStore
from mlperf_tiny.models.training.datasets.training_set import Data, Material, accuracies
from mlperf_tiny.models.training.recipes.recipes import Recipe

AT_A_TIME = 512
SMALLEST_SIDE = 96  # what is read of a photograph, for networks that look at less


@dataclass(frozen=True)
class PictureAugmentation:
    """What may happen to a picture: half of them are mirrored, all moved and lit by up to so much."""

    shift_pixels: int = 8
    light: float = 0.25


def picture_material(pipeline: Pipeline, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    """Return COCO by the rule of Visual Wake Words where it is at hand, else drawn scenes.

    What learnt from drawings is also tried on the benchmark's own pictures, where those are at hand.
    """
    side = max(SMALLEST_SIDE, pipeline.shape[0])
    photographs = next((found for place in data.places if (found := find_coco(place, side)) and found.train), None)
    examples = photographs or synthetic_scenes(recipe.made_up_per_class)
    splits = {"validation": examples.validation, "test": examples.test}
    if not photographs:
        splits["benchmark_pictures"] = _benchmark_pictures(find_task(recipe.task), data)
    if photographs:
        description = "A network trained to find people in the photographs of COCO."
        licence = "CC-BY-4.0 (learnt from COCO's annotations; its pictures have licences of their own)"
    else:
        description = (
            "A MicroNet trained in this repository to find people in drawings. It has never seen a photograph: its "
            "figures for validation and test are about drawings; that for the benchmark's pictures, if there is one, "
            "says how little of it carries over."
        )
        licence = "Apache-2.0"
    return Material(
        classes=classes,
        store=picture_store(examples, pipeline, PictureAugmentation(), recipe.seed, passes),
        figures=accuracies(splits, pipeline),
        metric="accuracy",
        about={
            "kind": examples.source,
            "source": "COCO, by the rule of Visual Wake Words" if photographs else "models/data/synthetic/scenes.py",
            "what": examples.origin.split(", from ")[0],
            "pictures": {"train": len(examples.train), **{name: len(rows) for name, rows in splits.items() if rows}},
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=description,
        licence=licence,
    )


def _benchmark_pictures(task: Task, data: Data) -> tuple[Example, ...]:
    """The accuracy set at hand, () where there is none."""
    form = form_of(task)
    found = next((found for place in data.places if (found := load_files(task, form, place))), None)
    side = round((task.window_bytes / 3) ** 0.5)

    def load(sample: Sample) -> NDArray[np.uint8]:
        return np.frombuffer(sample.load(), np.uint8).reshape(side, side, 3)

    samples = found.samples if found else ()
    return tuple(Example(sample.name, sample.label, "", partial(load, sample)) for sample in samples)


def picture_store(
    examples: ExampleSet, pipeline: Pipeline, settings: PictureAugmentation, seed: int, folder: Path
) -> PassStore:
    """Return the passes over the train split of ``examples``, kept in ``folder``. Few pictures are held at a time."""

    def make(number: int) -> Pass:
        rng = np.random.default_rng([seed, number])
        made = [
            pipeline.compute(np.stack([change(example.load(), settings, rng) for example in part]))
            for start in range(0, len(examples.train), AT_A_TIME)
            if (part := examples.train[start : start + AT_A_TIME])
        ]
        return Pass(np.concatenate(made), labels_of(examples.train))

    listed = "\n".join(f"{row.name} {row.label}" for row in examples.train)
    all_of_it = {
        "examples": f"{examples.origin.split(', from ')[0]} {hashlib.sha256(listed.encode()).hexdigest()}",
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
