# SPDX-License-Identifier: Apache-2.0
"""Real samples for models with an input of their own: a pipeline makes them from the task's raw data.

A sample's ``load`` gives the int8 bytes of the model's input tensor, which the device takes as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.catalog.official import OwnInput
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, cache_folder, data_folder
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.models.data.formats.examples import Example
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.data.sources.ad01 import clip_sounds
from mlperf_tiny.models.data.sources.dcase import find_dcase
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.data.synthetic.machines import Clip, waveform
from mlperf_tiny.models.data.synthetic.scenes import synthetic_scenes
from mlperf_tiny.models.data.synthetic.sets import run_clips
from mlperf_tiny.models.features.pipelines import Pipeline, find_pipeline
from mlperf_tiny.models.tasks import Task

Folders = tuple[Path, ...]

DRAWN_PER_CLASS = 100
"""Drawings that a run uses, with a person and without; no network has learnt from them."""


def own_dataset(
    own: OwnInput,
    task: Task,
    data_dir: Path | None = None,
    *,
    synthetic: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Dataset | None:
    """Return the samples of ``task`` as inputs of a model; None when no raw data of the task is at hand.

    Models for anomaly detection that learnt from real machines are tried on slide rails, the MicroNets' own, else on
    toy cars, which they do not know. Made-up machine sounds are always at hand; they are the only ones that a model
    which learnt from them is tried on. Where there are no pictures for visual wake words, drawn scenes stand in.
    Data is looked for in ``data_dir``, else the folder MLPERF_TINY_DATA names, and in the download cache. The set is
    ``labelled`` only where an answer can be told right from wrong. Raises DataError for broken data and for a
    ``data_dir`` without any, UsageError for a pipeline that does not exist.
    """
    pipeline = find_pipeline(own.features)
    if synthetic and pipeline.raw == "keyword clips":
        return None
    named = None if synthetic else data_folder(data_dir, environ)
    places = () if synthetic else (named, cache_folder(environ))
    folders = tuple(folder for folder in places if folder is not None and folder.is_dir())
    made = _MAKERS[pipeline.raw](own, pipeline, task, folders, data_dir, environ)
    if made is None and data_dir is not None and not synthetic:
        raise DataError(
            f"{data_dir} holds no {pipeline.raw}, which the inputs of this model are made from; wanted "
            f"{_WANTED[pipeline.raw]}. Name another folder with --data DIR or {DATA_VARIABLE}, or run on made-up data "
            "with --synthetic."
        )
    return made


def _from_keyword_clips(
    own: OwnInput,
    pipeline: Pipeline,
    task: Task,
    folders: Folders,
    data_dir: Path | None,
    environ: Mapping[str, str],
) -> Dataset | None:
    found = next((found for folder in folders if (found := find_speech_commands(folder))), None)
    if found is None:
        return None
    published = own.tested_on == "published" and found.published_test
    examples = found.published_test if published else found.test
    listed = found.published_count if published else len(examples)
    samples = tuple(
        Sample(example.name, own.output_of(example.label, found.labels), partial(_of_example, own, pipeline, example))
        for example in examples
    )
    what = "test clips as published" if published else "test split, speakers that no other split has"
    made = _dataset(task, pipeline, samples, f"{what}: {found.origin}", listed, own.scored)
    return replace(made, complete=bool(published) and len(samples) == listed)


def _from_pictures(
    own: OwnInput,
    pipeline: Pipeline,
    task: Task,
    folders: Folders,
    data_dir: Path | None,
    environ: Mapping[str, str],
) -> Dataset | None:
    dataset = load_dataset(task, data_dir, environ=environ) if folders or data_dir is not None else None
    if dataset is None or dataset.source != "real":
        return _drawn(own, pipeline, task) if task.name == "vww" else None
    side = round((task.window_bytes / 3) ** 0.5)
    samples = tuple(replace(s, load=partial(_of_picture, own, pipeline, side, s.load)) for s in dataset.samples)
    made = _dataset(task, pipeline, samples, dataset.origin, dataset.listed, own.scored and dataset.labelled)
    return replace(made, complete=dataset.complete)


def _drawn(own: OwnInput, pipeline: Pipeline, task: Task) -> Dataset:
    drawn = synthetic_scenes(DRAWN_PER_CLASS * 5)
    samples = tuple(
        Sample(f"{example.name.replace('/', '_')}.png", example.label, partial(_of_example, own, pipeline, example))
        for example in drawn.test
    )
    scored = own.scored and own.learnt_from == "synthetic"
    made = _dataset(task, pipeline, samples, drawn.origin, len(samples), scored)
    return replace(made, source="synthetic")


def _from_machine_clips(
    own: OwnInput,
    pipeline: Pipeline,
    task: Task,
    folders: Folders,
    data_dir: Path | None,
    environ: Mapping[str, str],
) -> Dataset | None:
    if own.learnt_from == "real":
        rails = next((found for folder in folders if (found := find_dcase(folder, "slider"))), None)
        if rails is not None:
            samples = tuple(
                Sample(example.name, example.label, partial(_of_clip, own, pipeline, example)) for example in rails.test
            )
            return _dataset(task, pipeline, samples, rails.origin, len(samples), labelled=True)
        examples = next((clips for folder in folders if (clips := clip_sounds(task, folder))), ())
        samples = tuple(
            Sample(example.name, example.label, partial(_of_clip, own, pipeline, example)) for example in examples
        )
        if samples:
            return _dataset(task, pipeline, samples, "toy-car clips", len(samples), own.scored)
    samples = tuple(
        Sample(f"{clip.name}.wav", int(clip.fault is not None), partial(_of_made_clip, own, pipeline, clip))
        for clip in run_clips()
    )
    scored = own.scored and own.learnt_from == "synthetic"
    made = _dataset(task, pipeline, samples, "made-up machine sounds", len(samples), scored)
    return replace(made, source="synthetic")


def _dataset(
    task: Task, pipeline: Pipeline, samples: tuple[Sample, ...], origin: str, listed: int, labelled: bool
) -> Dataset:
    size = int(np.prod(pipeline.shape))
    origin = f"{origin}, through {pipeline.name} features"
    return Dataset(task.model_id, "real", origin, samples, listed, size, size, False, labelled)


def _of_example(own: OwnInput, pipeline: Pipeline, example: Example) -> bytes:
    return _bytes(own, pipeline, example.load()[None])


def _of_clip(own: OwnInput, pipeline: Pipeline, example: Example) -> bytes:
    return _bytes(own, pipeline, example.load())


def _of_made_clip(own: OwnInput, pipeline: Pipeline, clip: Clip) -> bytes:
    return _bytes(own, pipeline, waveform(clip))


def _of_picture(own: OwnInput, pipeline: Pipeline, side: int, load: Callable[[], bytes]) -> bytes:
    return _bytes(own, pipeline, np.frombuffer(load(), np.uint8).reshape(1, side, side, 3))


def _bytes(own: OwnInput, pipeline: Pipeline, raw: NDArray[np.generic]) -> bytes:
    return pipeline.quantized(raw, own.scale, own.zero_point).tobytes()


_WANTED = {
    "keyword clips": "speech_commands_v0.02/, speech_commands_test_set_v0.02/ or speech_commands.zip with splits.csv",
    "pictures": "the pictures of vww01",
}
_Maker = Callable[[OwnInput, Pipeline, Task, Folders, Path | None, Mapping[str, str]], Dataset | None]
_MAKERS: dict[str, _Maker] = {
    "keyword clips": _from_keyword_clips,
    "machine clip": _from_machine_clips,
    "pictures": _from_pictures,
}
