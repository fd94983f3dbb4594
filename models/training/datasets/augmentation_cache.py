# SPDX-License-Identifier: Apache-2.0
"""Passes over the training material, kept as files: features of freshly changed samples, and what teachers say of them.

A pass costs as much to make as to learn from, so it is made once and serves every network that learns from the same
material: file names carry a hash of all that the content depends on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pass:
    """Samples to learn from: inputs float32 (n, *shape) and labels int64 (n,), -1 where only a teacher can tell."""

    inputs: Floats
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class PassStore:
    """Passes in ``folder``, made when asked for. ``settings`` holds all that ``make`` depends on.

    ``passes`` is how many different ones there are, None for as many as are asked for.
    """

    folder: Path
    settings: Mapping[str, Any]
    make: Callable[[int], Pass]
    passes: int | None = None

    @property
    def key(self) -> str:
        """A name for all passes with these settings."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]

    def load(self, number: int) -> Pass:
        """Return pass ``number``, from its file if it is there."""
        number = self._of(number)
        file = self.folder / f"{self.key}-{number:03d}.npz"
        if not file.is_file():
            made = self.make(number)
            with _whole_file(file) as part, part.open("wb") as stream:
                np.savez(stream, inputs=made.inputs, labels=made.labels)
        with np.load(file) as stored:
            return Pass(stored["inputs"], stored["labels"])

    def load_logits(self, number: int, teacher: str, predict: Callable[[Floats], Floats]) -> Floats:
        """Return what the teacher with the hash ``teacher`` says of pass ``number``, float32 (n, classes)."""
        number = self._of(number)
        file = self.folder / f"{self.key}-{number:03d}-{teacher[:16]}.npy"
        if not file.is_file():
            logits = predict(self.load(number).inputs)
            with _whole_file(file) as part, part.open("wb") as stream:
                np.save(stream, logits)
        return np.asarray(np.load(file), np.float32)

    def _of(self, number: int) -> int:
        return number if self.passes is None else number % self.passes


@contextmanager
def _whole_file(file: Path) -> Iterator[Path]:
    """A name to write to; the file appears under its own name only when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
