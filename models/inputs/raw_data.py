# SPDX-License-Identifier: Apache-2.0
"""Raw samples of a task for models with feature inputs: real ones where they are found, else synthetic ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.catalog.official import FeatureInput
from mlperf_tiny.models.data.formats.dataset import Sample, Source
from mlperf_tiny.models.data.formats.examples import Example
from mlperf_tiny.models.data.formats.files import load_files
from mlperf_tiny.models.data.load import form_of
from mlperf_tiny.models.data.sources.ad01 import clip_sounds
from mlperf_tiny.models.data.sources.dcase import find_dcase
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.data.synthetic.machines import waveform
from mlperf_tiny.models.data.synthetic.scenes import synthetic_scenes
from mlperf_tiny.models.data.synthetic.sets import run_clips
from mlperf_tiny.models.features.pipelines import Raw
from mlperf_tiny.models.tasks import Task

Folders = tuple[Path, ...]

SCENES_PER_CLASS = 100
"""Synthetic scenes that a run uses, with a person and without; no network has been trained on them."""


@dataclass(frozen=True, kw_only=True)
class RawData:
    """Samples that a feature pipeline takes."""

    examples: tuple[Example, ...]
    """In list order. ``label`` is the right output for an image or a keyword, 0 (normal) or 1 for a machine clip."""
    source: Source
    """Whether they are real or synthetic."""
    origin: str
    """Where they come from, for records."""
    listed: int
    """Length of the list they were taken from."""
    complete: bool = False
    """Whether they are all samples of a published list."""
    labelled: bool
    """Whether the model's answers can be scored."""


def find_raw_data(raw: Raw, feature_input: FeatureInput, task: Task, folders: Folders) -> RawData | None:
    """Return the real raw data of a task.

    Args:
        raw: What the model's pipeline takes.
        feature_input: How the model's inputs are made.
        task: The model's task.
        folders: Where to look, in this order.

    Returns:
        The data of the first folder that holds any, or None.

    Raises:
        DataError: Data was found but is damaged.
    """
    if raw == "keyword clips":
        return _keyword_clips(feature_input, folders)
    if raw == "images":
        return _images(feature_input, task, folders)
    return _machine_clips(feature_input, task, folders)


def synthetic_raw_data(feature_input: FeatureInput, task: Task) -> RawData | None:
    """Return the synthetic raw data of a task.

    Args:
        feature_input: How the model's inputs are made. The data is labelled where the model was trained on such data.
        task: The model's task.

    Returns:
        The data; None for a task without any.
    """
    make = {"scenes": _synthetic_scenes, "machine clips": _synthetic_machines}.get(task.synthetic)
    if make is None:
        return None
    return replace(make(), labelled=feature_input.scored and feature_input.trained_on == "synthetic")


def _first(find: Callable[[Path], RawData | None], folders: Folders) -> RawData | None:
    return next((found for folder in folders if (found := find(folder))), None)


def _keyword_clips(feature_input: FeatureInput, folders: Folders) -> RawData | None:
    def find(folder: Path) -> RawData | None:
        found = find_speech_commands(folder)
        if found is None:
            return None
        published = bool(feature_input.tested_on == "published" and found.published_test)
        chosen = found.published_test if published else found.test
        listed = found.published_count if published else len(chosen)
        what = "test clips as published" if published else "test split, speakers that no other split has"
        return RawData(
            examples=tuple(replace(e, label=feature_input.output_of(e.label, found.labels)) for e in chosen),
            source="real",
            origin=f"{what}: {found.origin}",
            listed=listed,
            complete=published and len(chosen) == listed,
            labelled=feature_input.scored,
        )

    return _first(find, folders)


def _images(feature_input: FeatureInput, task: Task, folders: Folders) -> RawData | None:
    def find(folder: Path) -> RawData | None:
        found = load_files(task, form_of(task), folder)
        if found is None or task.files is None:
            return None
        side = task.files.image_side
        return RawData(
            examples=tuple(Example(s.name, s.label, "", partial(_pixels, s, side)) for s in found.samples),
            source="real",
            origin=found.origin,
            listed=found.listed,
            complete=found.complete,
            labelled=feature_input.scored and found.labelled,
        )

    return _first(find, folders)


def _pixels(sample: Sample, side: int) -> NDArray[np.uint8]:
    return np.frombuffer(sample.load(), np.uint8).reshape(side, side, 3)


def _machine_clips(feature_input: FeatureInput, task: Task, folders: Folders) -> RawData | None:
    """Slide rails, which the MicroNets were trained on, else toy cars, which are new to them."""
    if feature_input.trained_on == "synthetic":
        return None  # it was trained on no real machine

    def find_slide_rails(folder: Path) -> RawData | None:
        found = find_dcase(folder, "slider")
        return _machines(found.test, found.origin, labelled=True) if found else None

    def find_toy_cars(folder: Path) -> RawData | None:
        clips = clip_sounds(task, folder)
        return _machines(clips, "toy-car clips", labelled=feature_input.scored) if clips else None

    return _first(find_slide_rails, folders) or _first(find_toy_cars, folders)


def _machines(examples: tuple[Example, ...], origin: str, labelled: bool) -> RawData:
    return RawData(examples=examples, source="real", origin=origin, listed=len(examples), labelled=labelled)


def _synthetic_scenes() -> RawData:
    scenes = synthetic_scenes(SCENES_PER_CLASS * 5)
    examples = tuple(replace(e, name=f"{e.name.replace('/', '_')}.png") for e in scenes.test)
    return _synthetic(examples, scenes.origin)


def _synthetic_machines() -> RawData:
    examples = tuple(
        Example(f"{clip.name}.wav", int(clip.fault is not None), f"{clip.machine_id:02d}", partial(waveform, clip))
        for clip in run_clips()
    )
    return _synthetic(examples, "synthetic machine sounds")


def _synthetic(examples: tuple[Example, ...], origin: str) -> RawData:
    return RawData(examples=examples, source="synthetic", origin=origin, listed=len(examples), labelled=False)
