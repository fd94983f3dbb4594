# SPDX-License-Identifier: Apache-2.0
"""Inputs for a few inferences of any model, whether or not its task can be run here."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mlperf_tiny.harness.image.parts import ImageParts
from mlperf_tiny.models.catalog.catalog import feature_input_of
from mlperf_tiny.models.catalog.model import CatalogModel
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Dataset, Sample
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.inputs.feature_inputs import feature_dataset
from mlperf_tiny.models.inputs.select import PERFORMANCE_SAMPLES, performance_inputs
from mlperf_tiny.models.tasks import BY_NAME


def short_inputs(data: Path | None, model: CatalogModel, parts: ImageParts) -> tuple[tuple[Sample, ...], str]:
    """Return the inputs of one inference each, and a description of them.

    Args:
        data: The data folder the user named, if any; it need not hold samples of the model's task.
        model: The model's row.
        parts: Of its image: the input format and the size of the input tensor.
    """
    size_bytes = parts.model.input.size_bytes
    dataset = _dataset(data, model, parts.input_format)
    unused = _unused(data, model, parts.input_format, dataset)
    if dataset is None:
        return random_inputs(size_bytes), f"{PERFORMANCE_SAMPLES} random int8 inputs{unused}"
    samples = performance_inputs(dataset, "benchmark", size_bytes)
    return samples, f"{len({sample.name for sample in samples})} {dataset.source} inputs of {dataset.name}{unused}"


def _unused(data: Path | None, model: CatalogModel, input_format: str, dataset: Dataset | None) -> str:
    """Why a data folder that was named is not used, as the end of a description; "" where it is used."""
    if data is None or (dataset is not None and dataset.source == "real"):
        return ""
    task = BY_NAME.get(model.task)
    if task is None:
        why = f"no data of task {model.task} is read here"
    elif dataset is None and input_format != "benchmark" and feature_input_of(model.sha256) is None:
        why = "no feature pipeline is known for this model"
    else:
        why = f"it holds no samples of {task.data_id} for this model"
    return f" ({data} is not used: {why})"


def _dataset(data: Path | None, model: CatalogModel, input_format: str) -> Dataset | None:
    """The task's data as the model takes it; None for a model whose own inputs nothing here can make."""
    task = BY_NAME.get(model.task)
    if task is None:
        return None
    # A folder given as an argument must hold samples of the task; the environment's may lack those of some tasks.
    environ = os.environ if data is None else {**os.environ, DATA_VARIABLE: str(data)}
    if input_format == "benchmark":
        return load_dataset(task, environ=environ)
    feature_input = feature_input_of(model.sha256)
    return None if feature_input is None else feature_dataset(feature_input, task, environ=environ)


def random_inputs(size_bytes: int) -> tuple[Sample, ...]:
    """Return uniform int8 values of an input tensor of ``size_bytes``; the last sample has only the two extremes."""

    def sample(number: int) -> Sample:
        random = np.random.default_rng([number, size_bytes])
        extreme = number == PERFORMANCE_SAMPLES - 1
        values = random.choice([-128, 127], size_bytes) if extreme else random.integers(-128, 128, size_bytes)
        return Sample(f"random_{number}", NO_LABEL, values.astype(np.int8).tobytes)

    return tuple(map(sample, range(PERFORMANCE_SAMPLES)))
