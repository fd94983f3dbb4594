# SPDX-License-Identifier: Apache-2.0
"""The training loop: a checkpoint after each epoch, the same result whether interrupted or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mlperf_tiny.models.training.checkpoint import restore_checkpoint, save_checkpoint
from mlperf_tiny.models.training.ema import ExponentialMovingAverage
from mlperf_tiny.models.training.optimizer import decoupled_adam, half_cosine
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.progress import Progress

Floats = NDArray[np.float32]
PhaseName = Literal["float", "int8"]
Samples = Callable[[int], tuple[Floats, Floats]]
"""Inputs and targets of an epoch, in the order they are trained on."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One run of the loop: float training, or quantisation-aware training after it."""

    name: PhaseName
    """Which of the two."""
    recipe: Recipe
    """How the network is trained."""
    settings: Mapping[str, Any]
    """Everything the result depends on, as JSON values; a checkpoint of other settings is refused."""

    @property
    def epochs(self) -> int:
        """Epochs of this phase."""
        return self.recipe.epochs if self.name == "float" else self.recipe.int8_epochs

    @property
    def learning_rate(self) -> float:
        """Learning rate at its start."""
        return self.recipe.learning_rate if self.name == "float" else self.recipe.int8_learning_rate

    @property
    def weight_decay(self) -> float:
        """Decoupled decay per step: none for kernels with folded norms, which have found their size."""
        return self.recipe.weight_decay if self.name == "float" else 0.0


def distribution() -> Any:
    """Return the tf.distribute strategy for this machine: mirrored over its GPUs if there are several."""
    many = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if many else tf.distribute.get_strategy()


def make_deterministic(seed: int, threads: int | None) -> None:
    """Make everything after this call depend on the seed alone.

    Args:
        seed: Seed of Python's, NumPy's and TensorFlow's generators.
        threads: Threads of TensorFlow's operators, None: all cores. Can only be set before TensorFlow has computed.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def fit(
    model: Any, phase: Phase, samples: Samples, loss: Any, checkpoint: Path, report: Callable[[Progress], None]
) -> None:
    """Train a model from its checkpoint, if that file exists, to the last epoch.

    Args:
        model: A keras.Model, changed in place.
        phase: How it is trained.
        samples: The samples of an epoch.
        loss: A loss as Keras takes it.
        checkpoint: File of the checkpoint.
        report: Called after each epoch.

    Raises:
        DataError: The checkpoint is of a training with other settings.
    """
    first, _ = samples(0)
    optimizer = _optimizer(model, phase, steps_per_epoch=max(1, -(-len(first) // phase.recipe.batch)))
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    average = ExponentialMovingAverage(model, phase.recipe.ema_decay) if phase.recipe.ema_decay else None
    variables = {
        "model": model.variables,
        "optimizer": optimizer.variables,
        "average": average.variables if average else [],
    }
    done = restore_checkpoint(checkpoint, phase=phase.name, settings=phase.settings, variables=variables)
    for epoch in range(done, phase.epochs):
        start_s = time.monotonic()
        inputs, targets = samples(epoch)
        history = model.fit(
            inputs,
            targets,
            batch_size=phase.recipe.batch,
            epochs=1,
            shuffle=phase.recipe.shuffle == "keras",
            verbose=0,
            callbacks=[average] if average else [],
        )
        save_checkpoint(
            checkpoint, phase=phase.name, settings=phase.settings, epochs_done=epoch + 1, variables=variables
        )
        text = f"loss {history.history['loss'][-1]:.4f}, {time.monotonic() - start_s:.0f} s per epoch"
        report(Progress(f"{phase.name} training", epoch + 1, phase.epochs, text))
    if average:
        average.apply()


def _optimizer(model: Any, phase: Phase, steps_per_epoch: int) -> Any:
    """AdamW along half a cosine, built for the model's variables."""
    rate = half_cosine(phase.learning_rate, phase.recipe.final_learning_rate, phase.epochs * steps_per_epoch)
    return decoupled_adam(
        model.trainable_variables, rate, weight_decay=phase.weight_decay, clip_norm=phase.recipe.clip_norm
    )
