# SPDX-License-Identifier: Apache-2.0
"""Samples for models with feature inputs: raw data of the task, computed to int8 by the model's feature pipeline.

A sample's ``load`` gives the bytes of the model's input tensor, which the device takes as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from mlperf_tiny.errors import WrongRequest
from mlperf_tiny.models.catalog.official import FeatureInput
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, cache_folder, data_folder
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.models.data.formats.examples import Example
from mlperf_tiny.models.data.load import missing_message
from mlperf_tiny.models.features.pipelines import Pipeline, find_pipeline
from mlperf_tiny.models.inputs.raw_data import RawData, find_raw_data, synthetic_raw_data
from mlperf_tiny.models.tasks import Task


def feature_dataset(
    feature_input: FeatureInput,
    task: Task,
    data_dir: Path | None = None,
    *,
    synthetic: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Dataset | None:
    """Return the samples of a task as inputs of a model.

    Real data is taken where it is found: in ``data_dir``, else the folder that MLPERF_TINY_DATA names, and in the
    download cache. Otherwise synthetic data replaces it, where the task has any. A model that was trained on synthetic
    machines gets only those. The set is ``labelled`` only where the model's answers can be scored.

    Args:
        feature_input: How the model's inputs are made.
        task: The model's task.
        data_dir: The data folder that the user named, if any.
        synthetic: Whether to use synthetic data even where real data is found.
        environ: Environment variables.

    Returns:
        The data set; None when no raw data of the task is available.

    Raises:
        DataError: The data is damaged, or ``data_dir`` holds none and nothing can replace it.
        UsageError: The pipeline does not exist.
    """
    pipeline = find_pipeline(feature_input.pipeline)
    found = None if synthetic else find_raw_data(pipeline.raw, feature_input, task, _folders(data_dir, environ))
    if found is None and not synthetic and data_dir is not None and pipeline.raw != "machine clip":
        raise WrongRequest(_missing(pipeline, task, data_dir))
    found = found or synthetic_raw_data(feature_input, task)
    return None if found is None else _as_dataset(found, feature_input, pipeline, task)


def _folders(data_dir: Path | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    places = (data_folder(data_dir, environ), cache_folder(environ))
    return tuple(folder for folder in places if folder is not None and folder.is_dir())


def _missing(pipeline: Pipeline, task: Task, data_dir: Path) -> str:
    if pipeline.raw == "images":
        return missing_message(task, data_dir)
    return (
        f"{data_dir} holds no {pipeline.raw}, which the inputs of this model are made from; wanted "
        "speech_commands_v0.02/, speech_commands_test_set_v0.02/ or speech_commands.zip with splits.csv. "
        f"Name another folder with --data DIR or {DATA_VARIABLE}, or run on synthetic data with --synthetic."
    )


def _as_dataset(found: RawData, feature_input: FeatureInput, pipeline: Pipeline, task: Task) -> Dataset:
    size_bytes = int(np.prod(pipeline.shape))
    return Dataset(
        name=task.model_id,
        source=found.source,
        origin=f"{found.origin}, through {pipeline.name} features",
        samples=tuple(
            Sample(example.name, example.label, partial(_input_bytes, feature_input, pipeline, example))
            for example in found.examples
        ),
        listed=found.listed,
        window_bytes=size_bytes,
        stride_bytes=size_bytes,
        complete=found.complete,
        labelled=found.labelled,
    )


def _input_bytes(feature_input: FeatureInput, pipeline: Pipeline, example: Example) -> bytes:
    raw = example.load()
    batch = raw if pipeline.raw == "machine clip" else raw[None]  # a clip of a machine gives several inputs itself
    return pipeline.quantized(batch, feature_input.scale, feature_input.zero_point).tobytes()
