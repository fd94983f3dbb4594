# SPDX-License-Identifier: Apache-2.0
"""The data a run uses: the benchmark's files, what a feature pipeline makes of raw data, or synthetic inputs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.harness.record.settings import DatasetInfo, InputInfo, ModelInfo
from mlperf_tiny.harness.run.request import MODES
from mlperf_tiny.models.catalog.catalog import feature_input_of
from mlperf_tiny.models.catalog.official import InputFormat
from mlperf_tiny.models.data.download.cache import cache_folder, data_folder
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.models.data.formats.files import roots
from mlperf_tiny.models.data.formats.labels import Listed, list_digest
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.inputs.feature_inputs import feature_dataset
from mlperf_tiny.models.inputs.select import accuracy_inputs, performance_inputs
from mlperf_tiny.models.tasks import Task


@dataclass(frozen=True, kw_only=True)
class DataChoice:
    """The data of a run, and the modes that it allows."""

    dataset: Dataset
    """The data set."""
    info: DatasetInfo
    """What a record holds of it."""
    modes: tuple[str, ...]
    """What will be run."""
    performance: tuple[Sample, ...]
    """One inference each."""
    accuracy: tuple[Sample, ...]
    """Whole files."""
    unused: str = ""
    """A sentence: why the data in the folder that the user named is not used; "" where it is used."""


def choose_data(
    task: Task,
    model: ModelInfo,
    inputs: InputInfo,
    folder: Path | None,
    synthetic: bool = False,
    modes: tuple[str, ...] | None = None,
    limit: int | None = None,
) -> DataChoice:
    """Return the data of a run.

    Args:
        task: The task.
        model: The model; the feature pipeline is found by its hash.
        inputs: What the model takes.
        folder: Data folder the user named; None for the environment's.
        synthetic: Use synthetic data whatever is available.
        modes: What to run; None: performance, and accuracy where the data has labels.
        limit: Cuts the accuracy samples to the first ones.

    Raises:
        UsageError: for an accuracy run on data that has no labels.
        DataError: for data that cannot be read.
    """
    features = None
    if inputs.format != "benchmark" and (pipeline := feature_input_of(model.sha256)) is not None:
        features = feature_dataset(pipeline, task, folder, synthetic=synthetic)
    dataset = features or load_dataset(task, folder, synthetic=synthetic)
    # Without a pipeline for its inputs a model is timed on random values of its input tensor.
    random = features is None and inputs.format != "benchmark"
    input_format: InputFormat = "features" if random else "benchmark"
    chosen = modes or (MODES if dataset.labelled and not random else ("performance",))
    accuracy = accuracy_inputs(dataset, input_format, model.name) if "accuracy" in chosen else ()
    return DataChoice(
        dataset=dataset,
        info=_random_info(dataset, inputs) if random else _info(dataset, folder),
        modes=tuple(chosen),
        performance=performance_inputs(dataset, input_format, inputs.size_bytes),
        accuracy=accuracy[:limit],
        unused="" if synthetic else _unused(task, model, dataset, inputs, random, folder),
    )


def _unused(
    task: Task, model: ModelInfo, dataset: Dataset, inputs: InputInfo, random: bool, folder: Path | None
) -> str:
    """Why the data folder's samples are not what the model is run on."""
    named = data_folder(folder)
    if named is None or (dataset.source == "real" and not random):
        return ""
    there = roots(task, named)
    what = f"{', '.join(map(str, there))} is not used" if there else f"{named} holds no data of {task.data_id}"
    pipeline = feature_input_of(model.sha256) if inputs.format != "benchmark" else None
    if inputs.format == "benchmark":
        why = f"it has no sample file named by a label list; wanted {task.data_id}.zip or {task.data_id}/"
    elif pipeline is None:
        why = f"the official files are no input of model {model.name}, and no feature pipeline is known for it"
    elif pipeline.trained_on == "synthetic":
        why = f"model {model.name} was trained on synthetic data only"
    else:
        raw = find_pipeline(pipeline.pipeline).raw
        why = f"the inputs of model {model.name} are made from {raw}, and none are found there"
    return f"{what}: {why}; the inputs are {'random values' if random else 'synthetic'}"


def _info(dataset: Dataset, folder: Path | None) -> DatasetInfo:
    listed = tuple(Listed(sample.name, sample.label) for sample in dataset.samples)
    return DatasetInfo(
        name=dataset.name,
        source=dataset.source,
        origin=_portable(dataset.origin, folder),
        summary=_portable(dataset.summary, folder),
        complete=dataset.complete,
        labelled=dataset.labelled,
        digest=list_digest(listed),
        listed=tuple(row.file for row in listed),
    )


def _random_info(dataset: Dataset, inputs: InputInfo) -> DatasetInfo:
    return DatasetInfo(
        name=dataset.name,
        source="synthetic",
        origin="random values of the model's input tensor",
        summary=f"synthetic: random values, {inputs.size_bytes} bytes each",
        complete=False,
        labelled=False,
        digest=list_digest(()),
        listed=(),
    )


def _portable(text: str, folder: Path | None) -> str:
    """A description without the data folder's and the cache's paths, which mean nothing on another machine."""
    for place in (data_folder(folder), cache_folder()):
        text = text if place is None else text.replace(f"{place}{os.sep}", "")
    return text
