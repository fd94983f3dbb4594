# SPDX-License-Identifier: Apache-2.0
"""What a network is trained on and tested with: the form in which every dataset is handed to the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.data.formats.examples import Example, labels_of
from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache
from mlperf_tiny.models.training.recipes.recipe import Recipe

Floats = NDArray[np.float32]
Predict = Callable[[Floats], Floats]
"""Inputs (n, *shape) to outputs (n, outputs)."""
Found = TypeVar("Found")
Metrics = dict[str, dict[str, float]]
"""Values by split, then by name."""

EXAMPLES_AT_A_TIME = 256


@dataclass(frozen=True, kw_only=True)
class DataFolders:
    """Where real data may be."""

    named: Path | None
    """The folder the user named, if any."""
    cached: Path
    """The folder where downloads are kept."""

    @property
    def existing(self) -> tuple[Path, ...]:
        """Those of the two that exist, in the order they are searched."""
        return tuple(folder for folder in (self.named, self.cached) if folder is not None and folder.is_dir())

    def first(self, find: Callable[[Path], Found | None], what: str) -> tuple[Found | None, str]:
        """Search the folders for a data set.

        Args:
            find: Returns the set in a folder, or None.
            what: What is searched for, for the sentence.

        Returns:
            The first set that is found, and why the folder the user named is not used, "" where it is or none is named.
        """
        for folder in self.existing:
            if (found := find(folder)) is not None:
                return found, "" if folder == self.named else self.unused(f"it holds no {what}")
        return None, self.unused(f"it holds no {what}")

    def unused(self, why: str) -> str:
        """Return the sentence that says why the folder the user named is not used; "" where none is named."""
        return "" if self.named is None else f"{self.named} is not used: {why}"


@dataclass(frozen=True, kw_only=True)
class TrainingSetOptions:
    """What a training set is made for, and from."""

    pipeline: str
    """Name of the network's feature pipeline; "": the benchmark's own files."""
    classes: int
    """Length of the network's output."""
    recipe: Recipe
    """How the network is trained."""
    folders: DataFolders
    """Where real data may be."""
    cache: Path
    """Folder for augmented epochs."""
    unlabelled: bool = True
    """Whether samples without a label are made where the recipe has some: only a teacher has targets for them."""


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What a network is trained on and tested with."""

    classes: int
    """Length of the network's output."""
    cache: AugmentationCache
    """The augmented epochs."""
    evaluate: Callable[[Predict], Metrics]
    """Metrics of a predictor, for each split."""
    metric: str
    """Name of the metric that counts."""
    validation: Callable[[Predict], float] | None = None
    """Score of a predictor, 0 to 1, on rows that choices may be made by: never the test rows; None: there are none."""
    provenance: dict[str, Any]
    """Where the data is from: ``training_data`` of the card."""
    input: dict[str, Any]
    """How the network's inputs are made: part of ``input`` of the card."""
    description: str
    """Sentences for the card."""
    licence: str
    """Licence of the trained weights."""
    of_pipeline: Callable[[str], TrainingSet] | None = None
    """The same samples for another feature pipeline of the task, by its name; None: there is no other."""
    unused: str = ""
    """Why the data in the folder that the user named is not used; "" where it is used, or none is named."""
    calibration: Callable[[], Floats] | None = None
    """Inputs that the ranges of activations start from; None: some of the first augmented epoch."""


def features_of(examples: Sequence[Example], pipeline: Pipeline) -> tuple[Floats, NDArray[np.int64]]:
    """Return inputs and labels of unchanged examples, with few of them in memory at a time.

    Args:
        examples: At least one.
        pipeline: Makes their features.

    Returns:
        Inputs, shape (n, *input_shape), and labels, shape (n,).
    """
    features = [
        pipeline.compute(np.stack([example.load() for example in examples[start : start + EXAMPLES_AT_A_TIME]]))
        for start in range(0, len(examples), EXAMPLES_AT_A_TIME)
    ]
    return np.concatenate(features), labels_of(examples)


def accuracy_evaluation(splits: Mapping[str, Sequence[Example]], pipeline: Pipeline) -> Callable[[Predict], Metrics]:
    """Return the function from a predictor to its accuracy on each split; features are computed once.

    Args:
        splits: Examples by name of the split; a split without examples has no metrics.
        pipeline: Makes their features.
    """
    computed: dict[str, tuple[Floats, NDArray[np.int64]]] = {}

    def evaluate(predict: Predict) -> Metrics:
        for name, examples in splits.items():
            if examples and name not in computed:
                computed[name] = features_of(examples, pipeline)
        return {name: _accuracy(predict(inputs), labels) for name, (inputs, labels) in computed.items()}

    return evaluate


def validation_accuracy(examples: Sequence[Example], pipeline: Pipeline) -> Callable[[Predict], float] | None:
    """Return the function from a predictor to its accuracy on validation rows; None where there are none.

    Args:
        examples: The rows.
        pipeline: Makes their features.
    """
    if not examples:
        return None
    evaluate = accuracy_evaluation({"validation": examples}, pipeline)
    return lambda predict: evaluate(predict)["validation"]["accuracy"]


def _accuracy(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float]:
    right = int(np.sum(logits.argmax(axis=1) == labels))
    return {"clips": len(labels), "right": right, "accuracy": round(right / len(labels), 4)}
