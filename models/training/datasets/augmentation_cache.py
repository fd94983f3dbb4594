# SPDX-License-Identifier: Apache-2.0
"""Augmented epochs of a training set, kept as files: features of freshly changed samples, and teachers' logits.

An augmented epoch costs as much to make as to train on, so it is made once and serves every network that is trained on
the same set: file names carry a hash of everything the content depends on.
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

from mlperf_tiny.models.data.formats.array_file import stored_arrays

Floats = NDArray[np.float32]

_AGAIN = "Delete it; it is then made again."


@dataclass(frozen=True)
class AugmentedEpoch:
    """Samples to train on."""

    inputs: Floats
    """Shape (n, *input_shape)."""
    labels: NDArray[np.int64]
    """Classes, shape (n,); -1: no label, only a teacher's logits can be a target."""


@dataclass(frozen=True, kw_only=True)
class AugmentationCache:
    """Augmented epochs in a folder, made when they are first loaded."""

    folder: Path
    """Where the files are; made when needed."""
    settings: Mapping[str, Any]
    """Everything that ``make`` depends on, as JSON values."""
    make: Callable[[int], AugmentedEpoch]
    """Makes the augmented epoch with a number."""
    versions: int | None = None
    """Number of different augmented epochs; None: any number."""

    @property
    def key(self) -> str:
        """A name for all augmented epochs with these settings."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]

    def load(self, number: int) -> AugmentedEpoch:
        """Return the augmented epoch ``number``, from its file if it exists."""
        number = self._of(number)
        file = self.folder / f"{self.key}-{number:03d}.npz"
        if not file.is_file():
            made = self.make(number)
            with _complete_file(file) as part, part.open("wb") as stream:
                np.savez(stream, inputs=made.inputs, labels=made.labels)
        with stored_arrays(file, _AGAIN) as stored:
            return AugmentedEpoch(stored["inputs"], stored["labels"])

    def load_logits(self, number: int, teacher: str, predict: Callable[[Floats], Floats]) -> Floats:
        """Return a teacher's logits of an augmented epoch, from their file if it exists.

        Args:
            number: Number of the augmented epoch.
            teacher: Hash of the teacher.
            predict: Inputs (n, *shape) to logits (n, classes).

        Returns:
            Logits, shape (n, classes).
        """
        number = self._of(number)
        file = self.folder / f"{self.key}-{number:03d}-{teacher[:16]}.npy"
        if not file.is_file():
            logits = predict(self.load(number).inputs)
            with _complete_file(file) as part, part.open("wb") as stream:
                np.save(stream, logits)
        with stored_arrays(file, _AGAIN) as stored:
            return np.asarray(stored, np.float32)

    def _of(self, number: int) -> int:
        return number if self.versions is None else number % self.versions


@contextmanager
def _complete_file(file: Path) -> Iterator[Path]:
    """A name to write to; the file gets its own name only when it is complete."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
