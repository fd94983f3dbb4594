# SPDX-License-Identifier: Apache-2.0
"""What one epoch learns from: a pass, shuffled, masked and mixed by the recipe, and targets to match.

Everything is drawn from the recipe's seed and the epoch's number, so that a training that was interrupted goes on with
the same samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.training.datasets.augmentation_cache import PassStore
from mlperf_tiny.models.training.recipes.recipes import Distillation, Masking, Recipe
from mlperf_tiny.models.training.teacher import Teacher

Floats = NDArray[np.float32]


def epoch_samples(
    store: PassStore, recipe: Recipe, classes: int, epoch: int, teacher: Teacher | None
) -> tuple[Floats, Floats]:
    """Return inputs (n, *shape) and targets (n, 2 * classes) in the order they are learnt; n is whole batches.

    Targets are the labels as shares of one, zeros where there is no label, then the teacher's logits, or zeros.
    """
    rng = np.random.default_rng([recipe.seed, 1_000_003, epoch])
    number = epoch % recipe.passes
    made = store.load(number)
    targets: Floats = np.zeros((len(made.labels), 2 * classes), np.float32)
    labelled = np.flatnonzero(made.labels >= 0)
    targets[labelled, made.labels[labelled]] = 1.0
    if teacher is not None:
        targets[:, classes:] = store.load_logits(number, teacher.sha256, teacher.predict)
    kept = np.arange(len(made.labels)) if teacher is not None else labelled
    order = rng.permutation(kept)
    whole = max(len(order) // recipe.batch * recipe.batch, min(len(order), recipe.batch))
    inputs, targets = made.inputs[order[:whole]], targets[order[:whole]]
    inputs = cut_off(inputs, recipe)
    if recipe.masking is not None:
        inputs = masked(inputs, recipe.masking, rng)
    if recipe.mixup > 0.0:
        inputs, targets = mixed(inputs, targets, recipe.mixup, rng)
    return inputs, targets


def cut_off(inputs: Floats, recipe: Recipe) -> Floats:
    """Return inputs as the recipe lets networks see them."""
    return inputs if recipe.input_range is None else np.clip(inputs, *recipe.input_range)


def masked(inputs: Floats, settings: Masking, rng: np.random.Generator) -> Floats:
    """Return a copy of (n, frames, bands, channels) with stripes of some samples at their sample's mean."""
    out = inputs.copy()
    for row in np.flatnonzero(rng.random(len(out)) < settings.share):
        mean = out[row].mean()
        for axis, widest in ((0, settings.frames), (1, settings.bands)):
            width = int(rng.integers(0, widest + 1))
            start = int(rng.integers(0, out.shape[1 + axis] - width + 1))
            if axis == 0:
                out[row, start : start + width] = mean
            else:
                out[row, :, start : start + width] = mean
    return out


def mixed(inputs: Floats, targets: Floats, spread: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return each sample mixed with another one, inputs and targets by the same share (mixup, arXiv 1710.09412)."""
    other = rng.permutation(len(inputs))
    share = rng.beta(spread, spread, len(inputs)).astype(np.float32)
    beside = share.reshape(-1, *([1] * (inputs.ndim - 1)))
    return inputs * beside + inputs[other] * (1 - beside), targets * share[:, None] + targets[other] * (
        1 - share[:, None]
    )


def loss_of(distillation: Distillation | None, classes: int, label_smoothing: float) -> Any:
    """Return the loss of (targets as above, logits): cross-entropy with the labels and distance from the teacher.

    The distance is the Kullback-Leibler divergence of the softmaxes at the temperature, times its square (Hinton et
    al., arXiv 1503.02531); without ``distillation`` there is none of it. A sample without a label has only that.
    """
    import tensorflow as tf

    def loss(targets: Any, logits: Any) -> Any:
        labels, teacher = targets[:, :classes], targets[:, classes:]
        known = tf.reduce_sum(labels, axis=1)
        smooth = labels * (1.0 - label_smoothing) + known[:, None] * (label_smoothing / classes)
        by_label = tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
        if distillation is None:
            return by_label
        heat = distillation.temperature
        wanted = tf.nn.softmax(teacher / heat)
        got = tf.nn.log_softmax(logits / heat)
        distance = tf.reduce_sum(wanted * (tf.nn.log_softmax(teacher / heat) - got), axis=1) * heat * heat
        weight = tf.where(known > 0.0, distillation.coefficient, 1.0)
        return (1.0 - weight) * by_label + weight * distance

    return loss
