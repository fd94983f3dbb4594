# SPDX-License-Identifier: Apache-2.0
"""The exponential moving average of a network's weights over the training steps; it is better than any one step's.

Polyak averaging with the warm-up of the decay that TensorFlow's ExponentialMovingAverage has: min(decay, (1 + n) /
(10 + n)) after n steps. All floating-point variables are averaged, the statistics of norms and the ranges of tensors
too, so that the average is a whole network.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class ExponentialMovingAverage(keras.callbacks.Callback):
    """Averages the floating-point variables of a model after each step."""

    def __init__(self, model: Any, decay: float) -> None:
        super().__init__()
        self._decay = decay
        self._followed = [v for v in model.variables if tf.as_dtype(v.dtype).is_floating]
        self._averages = [tf.Variable(v, trainable=False) for v in self._followed]
        self._steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> list[Any]:
        """The averages and the number of steps: what a checkpoint must keep."""
        return [*self._averages, self._steps]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the weights after a step into the average.

        Args:
            batch: Number of the step in its epoch; not used.
            logs: Keras's metrics; not used.
        """
        self._follow()

    @tf.function  # type: ignore[untyped-decorator, unused-ignore]
    def _follow(self) -> None:
        done = tf.cast(self._steps.assign_add(1), tf.float32)
        kept = tf.minimum(self._decay, done / (9.0 + done))
        for average, value in zip(self._averages, self._followed, strict=True):
            average.assign(kept * average + (1.0 - kept) * tf.convert_to_tensor(value))

    def apply(self) -> None:
        """Copy the averages into the model."""
        for average, value in zip(self._averages, self._followed, strict=True):
            value.assign(average)
