# SPDX-License-Identifier: Apache-2.0
"""From an untrained network to a shipped model: float training, int8 training, .tflite, figures, card.

All lies in one folder: ``float.npz`` and ``int8.npz`` are checkpoints, ``model.tflite`` and ``card.json`` the result.
A training that was stopped goes on from its checkpoints and ends in the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.models.training.card import Trained, make_card
from mlperf_tiny.models.training.datasets.training_set import Figures, Floats, Material
from mlperf_tiny.models.training.epochs import cut_off, epoch_samples, loss_of
from mlperf_tiny.models.training.loop import Phase, Step, distribution, fit, repeatable
from mlperf_tiny.models.training.qat.export import to_tflite
from mlperf_tiny.models.training.qat.interpreter import open_interpreter
from mlperf_tiny.models.training.qat.quantised import quantised_model
from mlperf_tiny.models.training.recipes.recipes import Recipe
from mlperf_tiny.models.training.teacher import Teacher, int8_outputs

PREDICT_BATCH = 256
CALIBRATION_SAMPLES = 512


@dataclass(frozen=True)
class Progress:
    """What to do with news: an epoch done, or a sentence."""

    step: Callable[[Step], None]
    say: Callable[[str], None]


def train_micronet(
    build: Callable[[], Any],
    trained: Trained,
    recipe: Recipe,
    material: Material,
    teacher: Teacher | None,
    out: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Train the keras.Model that ``build`` makes, write model.tflite and card.json into ``out`` and return the card.

    Needs TensorFlow; raises DataError for a checkpoint of other settings, OSError when ``out`` cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    repeatable(recipe.seed)
    settings = {
        "network": trained.name,
        "recipe": asdict(recipe),
        "material": dict(material.store.settings),
        "teacher": teacher.sha256 if teacher else "",
    }
    loss = loss_of(recipe.distillation if teacher else None, material.classes, recipe.label_smoothing)

    def samples(epoch: int) -> tuple[Floats, Floats]:
        return epoch_samples(material.store, recipe, material.classes, epoch, teacher)

    def phase(name: str, epochs: int, learning_rate: float) -> Phase:
        decay = recipe.weight_decay if name == "float" else 0.0  # folded kernels have found their size
        return Phase(
            name, epochs, recipe.batch, learning_rate, recipe.last_learning_rate, decay, recipe.average, settings
        )

    with distribution().scope():
        model = build()
        first = phase("float", recipe.epochs, recipe.learning_rate)
        fit(model, first, samples, loss, out / "float.npz", progress.step)
        seen = cut_off(material.store.load(0).inputs, recipe)
        calibration = seen[:: max(1, len(seen) // CALIBRATION_SAMPLES)]
        learnt = quantised_model(model, calibration)
        second = phase("int8", recipe.int8_epochs, recipe.int8_learning_rate)
        fit(learnt, second, samples, loss, out / "int8.npz", progress.step)
    content = to_tflite(learnt)
    progress.say("measuring the float model, the int8 model in training and the .tflite")
    interpreter = open_interpreter(content, reference_kernels=True)

    def predicted(by: Any) -> Figures:
        return material.figures(
            lambda inputs: np.asarray(by.predict(cut_off(inputs, recipe), PREDICT_BATCH, verbose=0))
        )

    figures = {
        "float": predicted(model),
        "int8_in_training": predicted(learnt),
        "tflite": material.figures(lambda inputs: int8_outputs(interpreter, inputs)),
    }
    if teacher is not None:
        figures["teacher"] = material.figures(teacher.predict)
    card = make_card(trained, recipe, material, teacher, content, interpreter, figures)
    (out / "model.tflite").write_bytes(content)
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return card
