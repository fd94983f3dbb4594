# SPDX-License-Identifier: Apache-2.0
"""The card of a trained model: what it is, what it was trained on, how, and its metrics."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.row_file import network_json
from mlperf_tiny.models.training.datasets.training_set import Metrics, TrainingSet
from mlperf_tiny.models.training.interpreter import open_interpreter
from mlperf_tiny.models.training.recipes.recipe import Recipe
from mlperf_tiny.models.training.teacher import Teacher


def library_versions() -> dict[str, str]:
    """Return what the result depends on beside the seed: versions of libraries and the type of the processor."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


def training_command(arch: Arch, recipe: Recipe, training_set: TrainingSet, teacher: Teacher | None) -> str:
    """Return the command that trains the model again.

    Args:
        arch: The network.
        recipe: How it was trained.
        training_set: What it was trained on.
        teacher: The model it was distilled from.
    """
    command = (
        f"micronet-train {arch.name} --out DIR --seed {recipe.seed} --epochs {recipe.epochs} "
        f"--int8-epochs {recipe.int8_epochs} --batch {recipe.batch} --augmented-epochs {recipe.augmented_epochs}"
    )
    if training_set.provenance["kind"] == "synthetic":
        command += f" --clips {recipe.synthetic_per_class}"
    return command + "".join(f" --distill {name}" for name in (teacher.names if teacher else ()))


def make_card(
    arch: Arch,
    recipe: Recipe,
    training_set: TrainingSet,
    teacher: Teacher | None,
    content: bytes,
    metrics: Mapping[str, Metrics],
) -> dict[str, Any]:
    """Return the card.

    Args:
        arch: The network.
        recipe: How it was trained.
        training_set: What it was trained on.
        teacher: The model it was distilled from.
        content: The .tflite file.
        metrics: Metrics by form of the model (float, int8_in_training, tflite, teacher), then by split.
    """
    entry = open_interpreter(content, reference_kernels=True).get_input_details()[0]
    scale, zero_point = entry["quantization"]
    return {
        "name": arch.name.removeprefix("micronet-"),
        "network": network_json(arch),
        "task": recipe.task,
        "file": "model.tflite",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": training_set.licence,
        "description": training_set.description,
        "training_data": dict(training_set.provenance),
        "teacher": {"models": list(teacher.names), "sha256": teacher.sha256} if teacher else None,
        "input": {
            "format": "features",
            "bytes": int(np.prod(entry["shape"])),
            "scale": float(scale),
            "zero_point": int(zero_point),
            **training_set.input,
        },
        "macs": arch.macs,
        "parameters": arch.parameters,
        "recipe": {"command": training_command(arch, recipe, training_set, teacher), **asdict(recipe)},
        "metric": training_set.metric,
        "figures": {form: {split: dict(row) for split, row in rows.items()} for form, rows in metrics.items()},
        "versions": library_versions(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }
