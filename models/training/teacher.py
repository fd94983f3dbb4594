# SPDX-License-Identifier: Apache-2.0
"""A trained int8 .tflite that a new network learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.pipelines import quantize_inputs
from mlperf_tiny.models.training.qat.interpreter import open_interpreter

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    """One model, or several whose logits are averaged. ``names`` are what cards say, ``sha256`` stands for all."""

    names: tuple[str, ...]
    sha256: str
    predict: Callable[[Floats], Floats]


def make_teacher(models: Sequence[tuple[str, bytes]]) -> Teacher:
    """Return the teacher of one or more int8 models with the same inputs and classes, given as (name, file)."""
    interpreters = [open_interpreter(content) for _, content in models]

    def predict(inputs: Floats) -> Floats:
        return np.mean([int8_outputs(interpreter, inputs) for interpreter in interpreters], axis=0, dtype=np.float32)

    together = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for _, content in models)).hexdigest()
    return Teacher(tuple(name for name, _ in models), together, predict)


def int8_outputs(interpreter: object, inputs: Floats) -> Floats:
    """Return the real values, (n, classes), that an int8 model gives for float ``inputs``, (n, *shape)."""
    entry = interpreter.get_input_details()[0]  # type: ignore[attr-defined]
    result = interpreter.get_output_details()[0]  # type: ignore[attr-defined]
    scale, zero_point = result["quantization"]
    outputs = []
    for row in quantize_inputs(inputs, *entry["quantization"]):
        interpreter.set_tensor(entry["index"], row[None])  # type: ignore[attr-defined]
        interpreter.invoke()  # type: ignore[attr-defined]
        outputs.append(interpreter.get_tensor(result["index"])[0])  # type: ignore[attr-defined]
    return (np.asarray(outputs, np.float32) - zero_point) * np.float32(scale)
