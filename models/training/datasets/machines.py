# SPDX-License-Identifier: Apache-2.0
"""What networks for machine sounds learn from: which healthy machine a picture of sound is of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.data.sources.dcase import find_dcase
from mlperf_tiny.models.data.synthetic.machines import MACHINE_IDS, Clip, waveform
from mlperf_tiny.models.data.synthetic.sets import faulty_clips, normal_clips, run_clips
from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.training.datasets.augmentation_cache import Pass, PassStore
from mlperf_tiny.models.training.datasets.machine_images import (
    ClipPictures,
    MachineClip,
    altered,
    machine_figures,
    machines_of,
)
from mlperf_tiny.models.training.datasets.training_set import Data, Material
from mlperf_tiny.models.training.recipes.recipes import Recipe

TEST_CLIPS = 15  # of each machine, healthy and faulty, where they are made up
DCASE_MACHINE = "slider"  # the slide rail, which the paper's networks listen to


def machine_material(pipeline: Pipeline, classes: int, recipe: Recipe, data: Data, passes: Path) -> Material:
    """Return the slide rails of DCASE 2020 where they are at hand, else made-up machines.

    Raises DataError for a set with more machines than the network has ``classes``.
    """
    rails = next((found for place in data.places if (found := find_dcase(place, DCASE_MACHINE))), None)
    if rails is None:
        return _made_up(pipeline, classes, recipe, passes)
    return _recorded(rails, pipeline, classes, passes)


def _recorded(rails: ExampleSet, pipeline: Pipeline, classes: int, passes: Path) -> Material:
    machines = sorted({example.group for example in rails.train})
    strange = sorted({example.group for example in (*rails.validation, *rails.test)} - set(machines))
    if len(machines) > classes or strange:
        raise DataError(
            f"{rails.origin} has the machines {', '.join(machines)} to learn"
            + (f" and also {', '.join(strange)} to test" if strange else f", the network has {classes} outputs")
            + ". Take the development set as published."
        )

    def clips(examples: Sequence[Example]) -> list[MachineClip]:
        return [MachineClip(machines.index(row.group), bool(row.label), row.load) for row in examples]

    seen: list[tuple[list[MachineClip], ClipPictures]] = []

    def make(number: int) -> Pass:
        if not seen:
            learnt = clips(rails.train)
            seen.append((learnt, ClipPictures.of(learnt, pipeline)))
        return Pass(seen[0][1].inputs, machines_of(*seen[0]))

    listed = "\n".join(f"{row.name} {row.group}" for row in rails.train)
    settings = {"examples": hashlib.sha256(listed.encode()).hexdigest(), "pipeline": pipeline.name}
    splits = {"validation": rails.validation, "test": rails.test}
    return Material(
        classes=classes,
        store=PassStore(passes, settings, make, passes=1),
        figures=machine_figures({name: partial(clips, rows) for name, rows in splits.items() if rows}, pipeline),
        metric="auc",
        about={
            "kind": "real",
            "source": "DCASE 2020 task 2 development set (MIMII), CC BY-SA 4.0",
            "what": rails.origin.split(", from ")[0],
            "clips": {"train": len(rails.train), **{name: len(rows) for name, rows in splits.items()}},
            "machines": machines,
        },
        input={
            "features": pipeline.name,
            "tested_on": "test",
            "scored": True,
            "classes": [*machines, *[""] * (classes - len(machines))],
        },
        description=(
            "A MicroNet trained to tell slide rails apart. A clip that does not sound like its own rail is anomalous."
        ),
        licence="CC-BY-SA-4.0 (learnt from MIMII, Hitachi, Ltd.)",
    )


def _made_up(pipeline: Pipeline, classes: int, recipe: Recipe, passes: Path) -> Material:
    if classes != 2 * len(MACHINE_IDS):
        raise DataError(
            f"made-up machines and altered pictures of them are {2 * len(MACHINE_IDS)} classes, the network has "
            f"{classes} outputs. Name a folder with slide rails with --data."
        )
    wide = partial(_test_clips, TEST_CLIPS)
    return Material(
        classes=classes,
        store=made_up_store(pipeline, recipe.made_up_per_class, passes),
        figures=machine_figures({"test": wide, "run_set": lambda: made_up(run_clips())}, pipeline),
        metric="auc",
        about={
            "kind": "synthetic",
            "source": "models/data/synthetic/machines.py",
            "clips": len(MACHINE_IDS) * recipe.made_up_per_class,
            "machine_ids": list(MACHINE_IDS),
        },
        input={
            "features": pipeline.name,
            "tested_on": "test",
            "scored": True,
            "classes": [f"{mark}{machine:02d}" for mark in ("", "altered ") for machine in MACHINE_IDS],
        },
        description=(
            "A MicroNet trained in this repository to tell four made-up machines apart. It knows nothing else: its "
            "figures say that the way through the benchmark works and are not comparable with any on real recordings."
        ),
        licence="Apache-2.0",
    )


def made_up(clips: Sequence[Clip]) -> list[MachineClip]:
    """Made-up clips as networks are judged by them."""
    return [
        MachineClip(MACHINE_IDS.index(clip.machine_id), clip.fault is not None, partial(waveform, clip))
        for clip in clips
    ]


def made_up_store(pipeline: Pipeline, clips_per_machine: int, folder: Path) -> PassStore:
    """Return the passes over healthy made-up machines: pictures of all clips, labelled by machine, and altered ones.

    Machines as different as these are told apart by anything; only against altered pictures of itself, labelled as
    classes of their own after the machines, does a network learn what a machine sounds like.
    """
    seen: list[tuple[list[MachineClip], ClipPictures]] = []

    def make(number: int) -> Pass:
        if not seen:
            clips = made_up(normal_clips("train", clips_per_machine))
            seen.append((clips, ClipPictures.of(clips, pipeline)))
        inputs, machines = seen[0][1].inputs, machines_of(*seen[0])
        changed = altered(inputs, np.random.default_rng([len(inputs), number]))
        return Pass(np.concatenate([inputs, changed]), np.concatenate([machines, machines + len(MACHINE_IDS)]))

    settings = {
        "examples": "models/data/synthetic/machines.py, and altered",
        "pipeline": pipeline.name,
        "clips_per_machine": clips_per_machine,
    }
    return PassStore(folder, settings, make)


def _test_clips(per_machine: int) -> list[MachineClip]:
    return made_up(normal_clips("test", per_machine) + faulty_clips("test", per_machine))
