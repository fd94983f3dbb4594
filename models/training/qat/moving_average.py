# SPDX-License-Identifier: Apache-2.0
"""The running average of a network's weights while it learns; it is better than the weights of any one step.

Polyak averaging, with the warm-up of the decay that TensorFlow's ExponentialMovingAverage has: min(decay, (1 + n) /
(10 + n)) after n steps. Everything is averaged, statistics of norms and ranges of tensors too, so that the average is a
whole network.
"""

from __future__ import annotations

from typing import Any


def averaging(model: Any, decay: float) -> Any:
    """Return a keras Callback that averages the floating-point variables of ``model`` over its steps.

    Its ``variables`` are the averages and the number of steps, to be kept with a checkpoint; ``put_in`` copies the
    averages into the model.
    """
    import keras
    import tensorflow as tf

    class Averaging(keras.callbacks.Callback):
        """Follows each step."""

        def __init__(self) -> None:
            super().__init__()
            self._followed = [v for v in model.variables if tf.as_dtype(v.dtype).is_floating]
            self._averages = [tf.Variable(v, trainable=False) for v in self._followed]
            self._steps = tf.Variable(0, dtype=tf.int64, trainable=False)

            @tf.function
            def follow() -> None:
                done = tf.cast(self._steps.assign_add(1), tf.float32)
                kept = tf.minimum(decay, done / (9.0 + done))
                for average, value in zip(self._averages, self._followed, strict=True):
                    average.assign(kept * average + (1.0 - kept) * tf.convert_to_tensor(value))

            self._follow = follow

        @property
        def variables(self) -> list[Any]:
            return [*self._averages, self._steps]

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._follow()

        def put_in(self) -> None:
            for average, value in zip(self._averages, self._followed, strict=True):
                value.assign(average)

    return Averaging()
