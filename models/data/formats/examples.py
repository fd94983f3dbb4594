# SPDX-License-Identifier: Apache-2.0
"""Raw samples with labels in three splits, read on demand: what networks are trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.data.formats.dataset import Source


@dataclass(frozen=True)
class Example:
    """One raw sample."""

    name: str
    """Its name within the set."""
    label: int
    """Index in the set's ``labels``."""
    group: str
    """What must not be in two splits at once: the speaker, the machine, the image; "" where there is none."""
    load: Callable[[], NDArray[Any]]
    """Returns what its feature pipeline takes: int16 samples (n,) or uint8 pixels (h, w, 3)."""


@dataclass(frozen=True, kw_only=True)
class ExampleSet:
    """The raw samples of a task in three splits, any of which may be empty."""

    task: str
    """The name of the task."""
    source: Source
    """Whether the samples are real or synthetic."""
    origin: str
    """Where they come from."""
    labels: tuple[str, ...]
    """The classes."""
    train: tuple[Example, ...]
    """Samples to train on."""
    validation: tuple[Example, ...]
    """Samples to choose hyperparameters and epochs by."""
    test: tuple[Example, ...]
    """Samples that training never sees."""
    noises: tuple[Example, ...] = ()
    """Unlabelled sounds that may be mixed in."""
    published_test: tuple[Example, ...] = ()
    """The available samples of the test set that published figures are about, in its order. Equals ``test`` where the
    set's own split is that one; more where a set was cut out of a published test set."""
    published_count: int = 0
    """Length of that test set in full."""

    @property
    def summary(self) -> str:
        """One line for cards and tables."""
        counts = f"{len(self.train)} to train, {len(self.validation)} to validate, {len(self.test)} to test"
        return f"{self.task}, {self.source}: {counts}, {self.origin}"


def labels_of(examples: Iterable[Example]) -> NDArray[np.int64]:
    """Return the labels as an array, shape (n,)."""
    return np.array([example.label for example in examples], np.int64)
