# SPDX-License-Identifier: Apache-2.0
"""What networks learn from: raw samples with labels in three splits, read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.data.formats.dataset import Source


@dataclass(frozen=True)
class Example:
    """One raw sample. ``load`` gives what its feature pipeline takes: int16 samples (n,) or uint8 pixels (h, w, 3).

    ``label`` is an index in the set's ``labels``. ``group`` is what must not be in two splits at once: the speaker,
    the machine, the picture; "" where there is none.
    """

    name: str
    label: int
    group: str
    load: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class ExampleSet:
    """The examples of a task. ``noises`` are sounds without a label that may be mixed in; a split may be empty.

    ``published_test`` are the examples at hand of the test set that published figures are about, in its order, and
    ``published_count`` is how many it has in all. It is ``test`` where a set's own split says so, more where a set was
    cut out of a published test set.
    """

    task: str
    source: Source
    origin: str
    labels: tuple[str, ...]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    noises: tuple[Example, ...] = ()
    published_test: tuple[Example, ...] = ()
    published_count: int = 0

    @property
    def summary(self) -> str:
        """One line for cards and tables."""
        counts = f"{len(self.train)} to train, {len(self.validation)} to validate, {len(self.test)} to test"
        return f"{self.task}, {self.source}: {counts}, {self.origin}"


def labels_of(examples: Iterable[Example]) -> NDArray[np.int64]:
    """Return the labels as an array, shape (n,)."""
    return np.array([example.label for example in examples], np.int64)
