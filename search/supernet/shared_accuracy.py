# SPDX-License-Identifier: Apache-2.0
"""Validation scores of networks with the weights they have in a supernet, after their norms are calibrated again."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from mlperf_tiny.models.training.datasets.training_set import TrainingSet
from mlperf_tiny.models.training.epochs import clip_inputs
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.search.space.space import Decisions
from mlperf_tiny.search.supernet.gates import Chosen
from mlperf_tiny.search.supernet.supernet import Supernet

CALIBRATION_SAMPLES = 256
"""Training samples that a network's norms get their statistics from."""


def shared_accuracy(supernet: Supernet, decisions: Decisions, recipe: Recipe, training_set: TrainingSet) -> float:
    """Return the validation score of a network of a supernet, 0 to 1.

    Its norms have statistics of training samples.

    Args:
        supernet: The shared weights.
        decisions: The network.
        recipe: Of the task.
        training_set: Has validation rows.
    """
    gates = Chosen(decisions)
    stored = training_set.cache.load(0).inputs
    samples = clip_inputs(stored[:: max(1, len(stored) // CALIBRATION_SAMPLES)][:CALIBRATION_SAMPLES], recipe)
    statistics: dict[str, tuple[Any, Any]] = {}
    supernet.forward(tf.constant(samples), gates, collect=statistics)

    def predict(inputs: Any) -> Any:
        clipped = tf.constant(clip_inputs(inputs, recipe))
        return supernet.forward(clipped, gates, statistics=statistics).numpy()

    assert training_set.validation is not None
    return training_set.validation(predict)
