# SPDX-License-Identifier: Apache-2.0
"""What a network learns from and is judged by: the form in which each task hands it over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.data.formats.examples import Example, labels_of
from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.training.datasets.augmentation_cache import PassStore

Floats = NDArray[np.float32]
Predict = Callable[[Floats], Floats]
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Data:
    """Where real data may be: the folder the user ``named``, and the one where downloads are kept."""

    named: Path | None
    cached: Path

    @property
    def places(self) -> tuple[Path, ...]:
        """Those of the two that are there, in the order to look into them."""
        return tuple(place for place in (self.named, self.cached) if place is not None and place.is_dir())


@dataclass(frozen=True)
class Material:
    """What a network learns from and is judged by.

    ``figures`` takes a function from inputs (n, *shape) to logits (n, classes) and returns figures for each split.
    ``about`` and ``input`` go into the card; ``metric`` is the name of the figure that counts.
    """

    classes: int
    store: PassStore
    figures: Callable[[Predict], Figures]
    metric: str
    about: dict[str, Any]
    input: dict[str, Any]
    description: str
    licence: str


def features_of(examples: Sequence[Example], pipeline: Pipeline) -> tuple[Floats, NDArray[np.int64]]:
    """Return inputs (n, *shape) and labels (n,) of unchanged examples; few of them are in memory at a time."""
    made = [
        pipeline.compute(np.stack([example.load() for example in examples[start : start + 256]]))
        for start in range(0, len(examples), 256)
    ]
    return np.concatenate(made), labels_of(examples)


def accuracies(splits: Mapping[str, Sequence[Example]], pipeline: Pipeline) -> Callable[[Predict], Figures]:
    """Return the function from a predictor to the share of each split it gets right; features are made once.

    A split without examples has no figure.
    """
    made: dict[str, tuple[Floats, NDArray[np.int64]]] = {}

    def figures(predict: Predict) -> Figures:
        for name, rows in splits.items():
            if rows and name not in made:
                made[name] = features_of(rows, pipeline)
        return {name: _accuracy(predict(inputs), labels) for name, (inputs, labels) in made.items()}

    return figures


def _accuracy(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float]:
    right = int(np.sum(logits.argmax(axis=1) == labels))
    return {"clips": len(labels), "right": right, "accuracy": round(right / len(labels), 4)}
