# SPDX-License-Identifier: Apache-2.0
"""The samples of one epoch: an augmented epoch, shuffled, with the augmentations of the recipe, and its targets.

Everything is drawn from the recipe's seed and the epoch's number, so that an interrupted training continues with the
same samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache
from mlperf_tiny.models.training.recipes.recipe import Recipe, SpecAugment
from mlperf_tiny.models.training.teacher import Teacher

Floats = NDArray[np.float32]


def epoch_samples(
    cache: AugmentationCache, recipe: Recipe, classes: int, epoch: int, teacher: Teacher | None
) -> tuple[Floats, Floats]:
    """Return the samples of an epoch in the order they are trained on.

    Args:
        cache: The augmented epochs.
        recipe: How they are shuffled and changed.
        classes: Number of classes; not used with the loss ``mse``.
        epoch: Number of the epoch, from 0.
        teacher: Model whose logits are targets too; samples without a label are left out without it.

    Returns:
        Inputs (n, *shape) and targets. The targets are the inputs with the loss ``mse``; otherwise (n, 2 * classes):
        the labels as probabilities, zeros where there is no label, then the teacher's logits, or zeros.
    """
    rng = np.random.default_rng([recipe.seed, 1_000_003, epoch])
    number = epoch % recipe.augmented_epochs
    stored = cache.load(number)
    if recipe.loss == "mse":
        inputs = clip_inputs(stored.inputs, recipe)[_order(np.arange(len(stored.inputs)), recipe, rng)]
        return inputs, inputs
    targets: Floats = np.zeros((len(stored.labels), 2 * classes), np.float32)
    labelled = np.flatnonzero(stored.labels >= 0)
    targets[labelled, stored.labels[labelled]] = 1.0
    if teacher is not None:
        targets[:, classes:] = cache.load_logits(number, teacher.sha256, teacher.predict)
    order = _order(np.arange(len(stored.labels)) if teacher is not None else labelled, recipe, rng)
    inputs, targets = clip_inputs(stored.inputs[order], recipe), targets[order]
    if recipe.spec_augment is not None:
        inputs = spec_augment(inputs, recipe.spec_augment, rng)
    if recipe.mixup > 0.0:
        inputs, targets = mixup(inputs, targets, recipe.mixup, rng)
    return inputs, targets


def _order(indices: NDArray[np.int64], recipe: Recipe, rng: np.random.Generator) -> NDArray[np.int64]:
    order = rng.permutation(indices) if recipe.shuffle == "every epoch" else indices
    if recipe.partial_batches:
        return order
    return order[: max(len(order) // recipe.batch * recipe.batch, min(len(order), recipe.batch))]


def clip_inputs(inputs: Floats, recipe: Recipe) -> Floats:
    """Return inputs clipped to the input range of a recipe.

    Args:
        inputs: Any shape.
        recipe: Its range; None: nothing is clipped.
    """
    return inputs if recipe.input_range is None else np.clip(inputs, *recipe.input_range)


def spec_augment(inputs: Floats, settings: SpecAugment, rng: np.random.Generator) -> Floats:
    """Return a copy in which stripes of some samples are set to the sample's mean (SpecAugment, arXiv 1904.08779).

    Args:
        inputs: Features, shape (n, frames, bands, 1) or (n, frames, 1, bands).
        settings: How many samples, and how wide the stripes are.
        rng: Source of the choices.
    """
    out = inputs.copy()
    frames, bands = out.shape[1], out.shape[2] * out.shape[3]
    maps = out.reshape(len(out), frames, bands)  # a view
    for row in np.flatnonzero(rng.random(len(out)) < settings.share):
        mean = maps[row].mean()
        for axis, size, widest in ((0, frames, settings.frames), (1, bands, settings.bands)):
            width = int(rng.integers(0, widest + 1))
            start = int(rng.integers(0, size - width + 1))
            if axis == 0:
                maps[row, start : start + width] = mean
            else:
                maps[row, :, start : start + width] = mean
    return out


def mixup(inputs: Floats, targets: Floats, alpha: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return each sample blended with another one, inputs and targets by the same share (mixup, arXiv 1710.09412).

    Args:
        inputs: Shape (n, *shape).
        targets: Shape (n, outputs).
        alpha: Parameter of the beta distribution of the shares, more than 0.
        rng: Source of the choices.

    Returns:
        Inputs and targets of the same shapes.
    """
    other = rng.permutation(len(inputs))
    share = rng.beta(alpha, alpha, len(inputs)).astype(np.float32)
    input_share, target_share = share.reshape(-1, *([1] * (inputs.ndim - 1))), share[:, None]
    return (
        inputs * input_share + inputs[other] * (1 - input_share),
        targets * target_share + targets[other] * (1 - target_share),
    )
