# SPDX-License-Identifier: Apache-2.0
"""How networks are trained, as rows: one for each task.

The paper's own figures are for much more data (MicroNets, arXiv 2010.11267: keywords 100 epochs of cosine decay and
SpecAugment; machine sounds 50 epochs with mixup 0.3; pictures with distillation, coefficient 0.5 and temperature 4).
Learning rates here are AdamW's, whose decay does not act through the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.training.augment.keyword_clips import ClipAugmentation


@dataclass(frozen=True)
class Masking:
    """SpecAugment (arXiv 1904.08779): stripes of the features of ``share`` of the samples get their sample's mean.

    Widths are drawn from 0 to the one given, of the first and of the second axis of a sample.
    """

    share: float
    frames: int
    bands: int


@dataclass(frozen=True)
class Distillation:
    """``coefficient`` of the loss is distance from the teacher's softmax at ``temperature``, the rest from labels."""

    coefficient: float
    temperature: float


@dataclass(frozen=True)
class Recipe:
    """How a network learns. The learning rates of both phases start as given and fall along half a cosine to ``last``.

    ``passes`` differently changed passes over the material are made and taken in turn, one in each epoch. ``mixup`` is
    the parameter of its beta distribution; 0 is none. ``made_up_per_class`` counts the samples of each class, or
    machine, where they are made up. ``input_range`` cuts the inputs off, as the int8 input then does.
    ``distillation`` counts only when a teacher is named. ``average`` is the decay of the weights' running average.
    """

    task: str
    epochs: int
    int8_epochs: int
    batch: int
    learning_rate: float
    int8_learning_rate: float
    last_learning_rate: float
    weight_decay: float
    passes: int
    made_up_per_class: int = 0
    seed: int = 7
    label_smoothing: float = 0.0
    input_range: tuple[float, float] | None = None
    mixup: float = 0.0
    masking: Masking | None = None
    distillation: Distillation = Distillation(0.5, 4.0)
    average: float = 0.999
    augmentation: ClipAugmentation | None = None


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        task="kws",
        epochs=240,
        int8_epochs=20,
        batch=32,
        learning_rate=5e-3,
        int8_learning_rate=3e-4,
        last_learning_rate=1e-6,
        weight_decay=0.01,
        passes=30,
        made_up_per_class=300,
        masking=Masking(0.5, frames=8, bands=2),
        input_range=(-25.0, 26.0),  # about that of the published networks: below lies only how silent a silence is
        distillation=Distillation(0.8, 2.0),
        augmentation=ClipAugmentation(splices=0.1, mixes=1.0),
    ),
    Recipe(
        task="ad",
        epochs=16,
        int8_epochs=4,
        batch=32,
        learning_rate=2e-3,
        int8_learning_rate=2e-4,
        last_learning_rate=1e-6,
        weight_decay=0.01,
        passes=8,
        made_up_per_class=48,
        mixup=0.3,
    ),
    Recipe(
        task="vww",
        epochs=40,
        int8_epochs=8,
        batch=32,
        learning_rate=2e-3,
        int8_learning_rate=2e-4,
        last_learning_rate=1e-6,
        weight_decay=0.01,
        passes=10,
        made_up_per_class=2_000,
    ),
)


def recipe_for(task: str) -> Recipe:
    """Return the row of ``task``; raises UsageError where there is none."""
    for row in RECIPES:
        if row.task == task:
            return row
    raise UsageError(f"there is no recipe for task {task}; there is one for {', '.join(row.task for row in RECIPES)}.")
