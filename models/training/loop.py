# SPDX-License-Identifier: Apache-2.0
"""The training loop: one epoch after the other, a checkpoint after each, the same result whether interrupted or not."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.training.qat.moving_average import averaging

Floats = NDArray[np.float32]
Samples = Callable[[int], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Phase:
    """One run of the loop. ``settings`` is all that its result depends on; a checkpoint of others is refused.

    ``average`` is the decay of the running average of the weights that the network has in the end; 0 is none.
    """

    name: str
    epochs: int
    batch: int
    learning_rate: float
    last_learning_rate: float
    weight_decay: float
    average: float
    settings: dict[str, Any]


@dataclass(frozen=True)
class Step:
    """Where the loop is: ``done`` of ``total`` epochs, the mean loss of the last and how long it took."""

    phase: str
    done: int
    total: int
    loss: float
    epoch_s: float


def distribution() -> Any:
    """The tf.distribute strategy for this machine: mirrored over its GPUs where there are several."""
    import tensorflow as tf

    many = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if many else tf.distribute.get_strategy()


def repeatable(seed: int) -> None:
    """Make what follows depend on the seed alone."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    model: Any,
    phase: Phase,
    samples: Samples,
    loss: Any,
    checkpoint: Path,
    tell: Callable[[Step], None],
    finished: Callable[[int], None] = lambda epoch: None,
) -> None:
    """Train ``model`` (keras.Model, changed in place) from the checkpoint, if that file is there, to the last epoch.

    ``samples(epoch)`` gives inputs and targets in the order to learn; ``finished(epoch)`` is called once an epoch is
    done and its checkpoint written. Raises DataError for a checkpoint of a training with other settings.
    """
    import keras

    first, _ = samples(0)
    steps = phase.epochs * max(1, -(-len(first) // phase.batch))
    rate = keras.optimizers.schedules.CosineDecay(
        phase.learning_rate, steps, alpha=phase.last_learning_rate / phase.learning_rate
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=phase.weight_decay, clipnorm=5.0)
    # Norms, biases and ranges are few and mean something at their size: only kernels decay.
    optimizer.exclude_from_weight_decay(var_list=[v for v in model.trainable_variables if len(v.shape) < 2])
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    average = averaging(model, phase.average) if phase.average else None
    kept = {"model": model.variables, "optimizer": optimizer.variables, "average": average.variables if average else []}
    done = _restore(checkpoint, phase, kept)
    for epoch in range(done, phase.epochs):
        start_s = time.monotonic()
        inputs, targets = samples(epoch)
        history = model.fit(
            inputs,
            targets,
            batch_size=phase.batch,
            epochs=1,
            shuffle=False,
            verbose=0,
            callbacks=[average] if average else [],
        )
        _save(checkpoint, phase, epoch + 1, kept)
        tell(Step(phase.name, epoch + 1, phase.epochs, history.history["loss"][-1], time.monotonic() - start_s))
        finished(epoch)
    if average:
        average.put_in()


def _save(checkpoint: Path, phase: Phase, done: int, kept: Mapping[str, Sequence[Any]]) -> None:
    head = json.dumps({"phase": phase.name, "settings": phase.settings, "done": done}, sort_keys=True)
    values = {f"{owner}_{n:04d}": np.asarray(v) for owner, variables in kept.items() for n, v in enumerate(variables)}
    part = checkpoint.with_name(f"{checkpoint.name}.part")
    with part.open("wb") as stream:
        np.savez(stream, allow_pickle=False, head=np.array(head), **values)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(checkpoint)  # a training that dies here still has the one before


def _restore(checkpoint: Path, phase: Phase, kept: Mapping[str, Sequence[Any]]) -> int:
    """Take over the checkpoint, if there is one, and return the number of epochs it has seen."""
    if not checkpoint.is_file():
        return 0
    named = {f"{owner}_{n:04d}": v for owner, variables in kept.items() for n, v in enumerate(variables)}
    with np.load(checkpoint) as stored:
        head = json.loads(str(stored["head"]))
        same = head["phase"] == phase.name and head["settings"] == json.loads(json.dumps(phase.settings))
        if not same or any(
            name not in stored or stored[name].shape != tuple(variable.shape) for name, variable in named.items()
        ):
            raise DataError(
                f"{checkpoint} is of a training with other settings. Give those again, or another --out folder."
            )
        for name, variable in named.items():
            variable.assign(stored[name])
    return int(head["done"])
