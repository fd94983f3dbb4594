# SPDX-License-Identifier: Apache-2.0
"""The data that a run uses: the user's folder, else the cache, else the synthetic set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, cache_folder, data_folder
from mlperf_tiny.models.data.formats.dataset import Dataset
from mlperf_tiny.models.data.formats.files import Decoder, FileForm, as_it_is, load_files
from mlperf_tiny.models.data.formats.image_file import rgb_decoder
from mlperf_tiny.models.data.sources.ad01 import clip_stem, label_of
from mlperf_tiny.models.data.synthetic.sets import synthetic_dataset
from mlperf_tiny.models.features.machine_sound import ad_features_of_wav
from mlperf_tiny.models.tasks import Task


def form_of(task: Task) -> FileForm:
    """Return how the samples of ``task`` are read; raises DataError for a task without a loader."""
    files = task.files
    if files is None:
        raise DataError(f"no loader reads the data of {task.name}. Run another task.")
    decoders: dict[str, Decoder] = {
        "bytes": as_it_is,
        "image": rgb_decoder(files.image_side, files.image_side),
        "ad features": ad_features_of_wav,
    }
    by_suffix = {suffix: decoders[key] for suffix, key in files.decoders.items()}
    if files.names == "machine clips":
        return FileForm(by_suffix, stem=clip_stem, label_of=label_of)
    return FileForm(by_suffix)


def load_dataset(
    task: Task, data_dir: Path | None = None, *, synthetic: bool = False, environ: Mapping[str, str] = os.environ
) -> Dataset:
    """Return the data set of a task; samples are read on demand.

    Searched in this order: ``data_dir``; the folder that MLPERF_TINY_DATA names; the download cache. Where none of
    them holds samples, the synthetic set is returned.

    Args:
        task: A runnable task.
        data_dir: The data folder that the user named, if any; it must hold the samples.
        synthetic: Whether to return the synthetic set in any case.
        environ: Environment variables.

    Returns:
        The data set.

    Raises:
        DataError: ``data_dir`` holds no samples of the task, or samples are damaged.
    """
    if synthetic:
        return synthetic_dataset(task)
    form = form_of(task)
    named = data_folder(data_dir, environ)
    if named is not None and named is data_dir:
        found = load_files(task, form, named)
        if found is None:
            raise WrongRequest(missing_message(task, named))
        return found
    for folder in (*([named] if named else []), cache_folder(environ)):
        found = load_files(task, form, folder) if folder.is_dir() else None
        if found is not None:
            return found
    return synthetic_dataset(task)


def missing_message(task: Task, folder: Path) -> str:
    """Return the error text for a folder without samples.

    Args:
        task: The task.
        folder: Where they were searched for.

    Returns:
        What was searched for, and the three ways to go on.
    """
    name = task.data_id
    kinds = ", ".join(form_of(task).decoders)
    return (
        f"{folder} holds no samples of {name}: wanted {name}.zip or a folder {name}/ with {kinds} files "
        "and y_labels.csv. "
        f"Name another folder with --data DIR or {DATA_VARIABLE}, fetch the official data with "
        f"'benchmark-fetch {task.name}', or run on synthetic data with --synthetic."
    )
