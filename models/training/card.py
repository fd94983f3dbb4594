# SPDX-License-Identifier: Apache-2.0
"""The card of a trained model: what it is, what it learnt from, how, and what it gives."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from mlperf_tiny.models.training.recipes.recipes import Recipe
from mlperf_tiny.models.training.teacher import Teacher


@dataclass(frozen=True)
class Trained:
    """Which network was trained. ``name`` is of the zoo's row, ``shipped_as`` of the folder under ``pretrained``."""

    name: str
    shipped_as: str
    task: str
    macs: int
    parameters: int


def versions() -> dict[str, str]:
    """What the result depends on beside the seed."""
    import keras
    import tensorflow as tf

    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


def make_card(
    trained: Trained,
    recipe: Recipe,
    material: Any,
    teacher: Teacher | None,
    content: bytes,
    interpreter: Any,
    figures: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> dict[str, Any]:
    """Return the card; ``figures`` are by form of the model, then by split."""
    entry = interpreter.get_input_details()[0]
    scale, zero_point = entry["quantization"]
    words = (
        f"micronet-train {trained.name} --out DIR --seed {recipe.seed} --epochs {recipe.epochs} "
        f"--int8-epochs {recipe.int8_epochs} --batch {recipe.batch} --passes {recipe.passes}"
    )
    if material.about["kind"] == "synthetic":
        words += f" --clips {recipe.made_up_per_class}"
    if teacher is not None:
        words += "".join(f" --distill {name}" for name in teacher.names)
    return {
        "name": trained.shipped_as,
        "network": trained.name,
        "task": trained.task,
        "file": "model.tflite",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": material.licence,
        "description": material.description,
        "training_data": dict(material.about),
        "teacher": {"models": list(teacher.names), "sha256": teacher.sha256} if teacher else None,
        "input": {
            "format": "features",
            "bytes": int(np.prod(entry["shape"])),
            "scale": float(scale),
            "zero_point": int(zero_point),
            **material.input,
        },
        "macs": trained.macs,
        "parameters": trained.parameters,
        "recipe": {"command": words, **asdict(recipe)},
        "metric": material.metric,
        "figures": {form: {split: dict(row) for split, row in rows.items()} for form, rows in figures.items()},
        "versions": versions(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }
