# SPDX-License-Identifier: Apache-2.0
"""The losses of recipes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from mlperf_tiny.models.training.recipes.recipe import Distillation, Recipe


def loss_for(recipe: Recipe, classes: int, *, distil: bool) -> Any:
    """Return the loss of a recipe, as Keras takes it, for the targets that ``epoch_samples`` makes.

    Args:
        recipe: The recipe.
        classes: Number of classes.
        distil: Whether there is a teacher.
    """
    if recipe.loss == "mse":
        return "mse"
    return softmax_loss(recipe.distillation if distil else None, classes, recipe.label_smoothing)


def softmax_loss(distillation: Distillation | None, classes: int, label_smoothing: float) -> Any:
    """Return the loss of (targets, logits): cross-entropy with the labels, blended with distance from the teacher.

    The distance is the Kullback-Leibler divergence of the softmaxes at the temperature, times its square (Hinton et
    al., arXiv 1503.02531). A sample without a label has only that.

    Args:
        distillation: Weight and temperature of the distance; None: cross-entropy alone.
        classes: Number of classes; targets are (n, 2 * classes): labels, then the teacher's logits.
        label_smoothing: Share of each label that is spread over all classes.
    """

    def loss(targets: Any, logits: Any) -> Any:
        labels, teacher = targets[:, :classes], targets[:, classes:]
        known = tf.reduce_sum(labels, axis=1)
        smooth = labels * (1.0 - label_smoothing) + known[:, None] * (label_smoothing / classes)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
        if distillation is None:
            return cross_entropy
        temperature = distillation.temperature
        wanted = tf.nn.softmax(teacher / temperature)
        got = tf.nn.log_softmax(logits / temperature)
        divergence = tf.reduce_sum(wanted * (tf.nn.log_softmax(teacher / temperature) - got), axis=1)
        distance = divergence * temperature * temperature
        weight = tf.where(known > 0.0, distillation.coefficient, 1.0)
        return (1.0 - weight) * cross_entropy + weight * distance

    return loss
