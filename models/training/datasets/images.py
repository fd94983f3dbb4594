# SPDX-License-Identifier: Apache-2.0
"""The training set of image networks: photographs or synthetic scenes, moved, mirrored and lit for each epoch."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
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
from mlperf_tiny.models.features.pipelines import Pipeline, find_pipeline
from mlperf_tiny.models.tasks import Task, find_task
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.datasets.training_set import (
    DataFolders,
    TrainingSet,
    TrainingSetOptions,
    accuracy_evaluation,
    validation_accuracy,
)

IMAGES_AT_A_TIME = 512
PHOTOGRAPHS = "training images of COCO with their annotations"
MIN_SIDE_PIXELS = 96
"""Side that photographs are read at, for networks with smaller inputs too."""

_REAL_DESCRIPTION = "A network trained to find people in the photographs of COCO."
_SYNTHETIC_DESCRIPTION = (
    "A MicroNet trained in this repository to find people in synthetic scenes. It was not trained on photographs: its "
    "metrics for validation and test are about synthetic scenes; those for the benchmark's images, if there are any, "
    "show how little of that applies to photographs."
)


@dataclass(frozen=True, kw_only=True)
class ImageAugmentation:
    """How images are changed; half of them are also mirrored."""

    shift_pixels: int = 8
    """Largest move in both directions."""
    light: float = 0.25
    """Largest relative change of brightness."""


def image_training_set(options: TrainingSetOptions) -> TrainingSet:
    """Return COCO by the rule of Visual Wake Words where it is found, else synthetic scenes.

    A network trained on synthetic scenes is also tested on the benchmark's own images, where those are found.
    """
    pipeline, recipe, folders = find_pipeline(options.pipeline), options.recipe, options.folders
    side = max(MIN_SIDE_PIXELS, pipeline.shape[0])
    photographs, unused = folders.first(
        lambda folder: found if (found := find_coco(folder, side)) and found.train else None, PHOTOGRAPHS
    )
    examples = photographs or synthetic_scenes(recipe.synthetic_per_class)
    splits = {"validation": examples.validation, "test": examples.test}
    if not photographs:
        splits["benchmark_images"] = _benchmark_images(find_task(recipe.task), folders)
    return TrainingSet(
        classes=options.classes,
        cache=image_cache(examples, pipeline, ImageAugmentation(), recipe.seed, options.cache),
        evaluate=accuracy_evaluation(splits, pipeline),
        metric="accuracy",
        validation=validation_accuracy(examples.validation, pipeline),
        provenance={
            "kind": examples.source,
            "source": "COCO, by the rule of Visual Wake Words" if photographs else "models/data/synthetic/scenes.py",
            "what": examples.origin.split(", from ")[0],
            "images": {"train": len(examples.train), **{name: len(rows) for name, rows in splits.items() if rows}},
        },
        input={"features": pipeline.name, "tested_on": "test", "scored": True},
        description=_REAL_DESCRIPTION if photographs else _SYNTHETIC_DESCRIPTION,
        licence=(
            "CC-BY-4.0 (trained on COCO's annotations; its images have licences of their own)"
            if photographs
            else "Apache-2.0"
        ),
        of_pipeline=lambda name: image_training_set(replace(options, pipeline=name)),
        unused=unused,
    )


def _benchmark_images(task: Task, folders: DataFolders) -> tuple[Example, ...]:
    """The benchmark's accuracy set, () where it is not found."""
    form = form_of(task)
    found = next((found for folder in folders.existing if (found := load_files(task, form, folder))), None)
    side = round((task.window_bytes / 3) ** 0.5)

    def load(sample: Sample) -> NDArray[np.uint8]:
        return np.frombuffer(sample.load(), np.uint8).reshape(side, side, 3)

    samples = found.samples if found else ()
    return tuple(Example(sample.name, sample.label, "", partial(load, sample)) for sample in samples)


def image_cache(
    examples: ExampleSet, pipeline: Pipeline, settings: ImageAugmentation, seed: int, folder: Path
) -> AugmentationCache:
    """Return the augmented epochs of the train split; few images are in memory at a time.

    Args:
        examples: The images.
        pipeline: Makes the network's inputs.
        settings: How images are changed.
        seed: Seed of the changes.
        folder: Where augmented epochs are kept.
    """

    def make(number: int) -> AugmentedEpoch:
        rng = np.random.default_rng([seed, number])
        inputs = [
            pipeline.compute(np.stack([augment_image(example.load(), settings, rng) for example in part]))
            for start in range(0, len(examples.train), IMAGES_AT_A_TIME)
            if (part := examples.train[start : start + IMAGES_AT_A_TIME])
        ]
        return AugmentedEpoch(np.concatenate(inputs), labels_of(examples.train))

    listed = "\n".join(f"{row.name} {row.label}" for row in examples.train)
    key = {
        "examples": f"{examples.origin.split(', from ')[0]} {hashlib.sha256(listed.encode()).hexdigest()}",
        "pipeline": pipeline.name,
        "augmentation": asdict(settings),
        "seed": seed,
    }
    return AugmentationCache(folder=folder, settings=key, make=make)


def augment_image(image: NDArray[np.uint8], settings: ImageAugmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a changed copy of an image; pixels that move in from outside repeat the edge.

    Args:
        image: Shape (height, width, 3).
        settings: How much it is changed.
        rng: Source of the choices.

    Returns:
        An image of the same shape.
    """
    if rng.random() < 0.5:
        image = image[:, ::-1]
    most = settings.shift_pixels
    down, right = (int(value) for value in rng.integers(0, 2 * most + 1, 2))
    height, width = image.shape[:2]
    framed = np.pad(image, ((most, most), (most, most), (0, 0)), mode="edge")
    lit = framed[down : down + height, right : right + width] * (1.0 + rng.uniform(-settings.light, settings.light))
    return np.asarray(np.clip(np.rint(lit), 0, 255), np.uint8)
