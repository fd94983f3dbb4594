# SPDX-License-Identifier: Apache-2.0
"""Teacher models for distillation: trained int8 .tflite files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """One teacher model, or several whose logits are averaged."""

    names: tuple[str, ...]
    """Names of the models, as written in cards."""
    sha256: str
    """Hash of the hashes of all files."""
    predict: Callable[[Floats], Floats]
    """Inputs (n, *shape) to logits (n, classes)."""


def make_teacher(models: Sequence[tuple[str, bytes]]) -> Teacher:
    """Return the teacher of one or more int8 models with the same inputs and classes, given as (name, file)."""
    interpreters = [open_interpreter(content) for _, content in models]

    def predict(inputs: Floats) -> Floats:
        return np.mean([int8_outputs(interpreter, inputs) for interpreter in interpreters], axis=0, dtype=np.float32)

    together = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for _, content in models)).hexdigest()
    return Teacher(names=tuple(name for name, _ in models), sha256=together, predict=predict)
