# SPDX-License-Identifier: Apache-2.0
"""From an untrained network to a model with its card: float training, quantisation, .tflite, metrics.

All files are in one folder: ``float.npz`` and ``int8.npz`` are checkpoints, ``model.tflite`` and ``card.json`` the
result. An interrupted training continues from its checkpoints and ends in the same bytes. Needs TensorFlow (the
``[train]`` extra).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import DataError
from mlperf_tiny.file_lock import locked
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.build import build, fold
from mlperf_tiny.models.arch.row_file import network_json
from mlperf_tiny.models.training.card import make_card
from mlperf_tiny.models.training.datasets.training_set import Floats, Metrics, TrainingSet
from mlperf_tiny.models.training.epochs import clip_inputs, epoch_samples
from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter
from mlperf_tiny.models.training.loop import Phase, PhaseName, distribution, fit, make_deterministic
from mlperf_tiny.models.training.losses import loss_for
from mlperf_tiny.models.training.post_training import post_training_tflite
from mlperf_tiny.models.training.qat.export import to_tflite
from mlperf_tiny.models.training.qat.quantised_network import quantised_model
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.models.training.teacher import Teacher
from mlperf_tiny.progress import Listener
from mlperf_tiny.whole_file import write_whole

PREDICT_BATCH = 256
CALIBRATION_SAMPLES = 512

FitPhase = Callable[[Any, PhaseName], None]
"""Trains a keras.Model through the phase with a name."""


def train_network(
    arch: Arch, recipe: Recipe, training_set: TrainingSet, teacher: Teacher | None, out: Path, listener: Listener
) -> dict[str, Any]:
    """Train a network and write model.tflite and card.json.

    Args:
        arch: The network.
        recipe: How it is trained.
        training_set: What it is trained and tested on.
        teacher: Model to distil from, if any.
        out: Folder for the result and the checkpoints; a checkpoint there is continued.
        listener: Gets a line now and then, and each epoch.

    Returns:
        The card.

    Raises:
        DataError: A checkpoint in ``out`` is of other settings.
        OSError: ``out`` cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)  # fails before the hours of training, not after them
    except OSError as error:
        raise write_error(error, out, "or name another folder with --out", DataError) from error
    with locked(out):
        return _train(arch, recipe, training_set, teacher, out, listener)


def _train(
    arch: Arch, recipe: Recipe, training_set: TrainingSet, teacher: Teacher | None, out: Path, listener: Listener
) -> dict[str, Any]:
    make_deterministic(recipe.seed, recipe.threads)
    fit_phase = _phase_trainer(arch, recipe, training_set, teacher, out, listener)
    with distribution().scope():
        float_model = build(arch)
        fit_phase(float_model, "float")
        forms = {"float": float_model}
        calibration = _calibration_inputs(recipe, training_set)
        if recipe.int8_epochs:
            forms["int8_in_training"] = quantised_model(float_model, calibration)
            fit_phase(forms["int8_in_training"], "int8")
            content = to_tflite(forms["int8_in_training"])
        else:
            content = post_training_tflite(fold(arch, float_model), calibration)
    listener.log("measuring the metrics of the float model and of the .tflite")
    metrics = {name: _keras_metrics(model, recipe, training_set) for name, model in forms.items()}
    interpreter = open_interpreter(content, reference_kernels=True)
    metrics["tflite"] = training_set.evaluate(lambda inputs: int8_outputs(interpreter, inputs))
    if teacher is not None:
        metrics["teacher"] = training_set.evaluate(teacher.predict)
    card = make_card(arch, recipe, training_set, teacher, content, metrics)
    write_whole(out / "model.tflite", content)
    write_whole(out / "card.json", (json.dumps(card, indent=2) + "\n").encode())
    return card


def _phase_trainer(
    arch: Arch, recipe: Recipe, training_set: TrainingSet, teacher: Teacher | None, out: Path, listener: Listener
) -> FitPhase:
    """The function that trains a model through one of the two phases."""
    settings = {
        "network": network_json(arch),
        "recipe": asdict(recipe),
        "training_set": dict(training_set.cache.settings),
        "teacher": teacher.sha256 if teacher else "",
    }
    loss = loss_for(recipe, training_set.classes, distil=teacher is not None)

    def samples(epoch: int) -> tuple[Floats, Floats]:
        return epoch_samples(training_set.cache, recipe, training_set.classes, epoch, teacher)

    def fit_phase(model: Any, name: PhaseName) -> None:
        phase = Phase(name=name, recipe=recipe, settings=settings)
        fit(model, phase, samples, loss, out / f"{name}.npz", listener.progress)

    return fit_phase


def _calibration_inputs(recipe: Recipe, training_set: TrainingSet) -> Floats:
    if training_set.calibration is not None:
        return clip_inputs(training_set.calibration(), recipe)
    inputs = clip_inputs(training_set.cache.load(0).inputs, recipe)
    return inputs[:: max(1, len(inputs) // CALIBRATION_SAMPLES)]


def _keras_metrics(model: Any, recipe: Recipe, training_set: TrainingSet) -> Metrics:
    return training_set.evaluate(
        lambda inputs: np.asarray(model.predict(clip_inputs(inputs, recipe), PREDICT_BATCH, verbose=0))
    )
