# SPDX-License-Identifier: Apache-2.0
"""The training set of networks that classify the machine id of a log-mel spectrogram patch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.data.sources.dcase import find_dcase
from mlperf_tiny.models.data.synthetic.machines import MACHINE_IDS, Clip, waveform
from mlperf_tiny.models.data.synthetic.sets import faulty_clips, normal_clips, run_clips
from mlperf_tiny.models.features.pipelines import Pipeline, find_pipeline
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.datasets.machine_patches import (
    ClipPatches,
    MachineClip,
    machines_of,
    patch_evaluation,
    patch_validation,
    pseudo_anomalies,
)
from mlperf_tiny.models.training.datasets.training_set import TrainingSet, TrainingSetOptions

TEST_CLIPS = 15
"""Clips of each machine, normal and as many anomalous, in the split ``test`` of synthetic machines."""
DCASE_MACHINE = "slider"
"""The slide rail, which the paper's networks are trained on."""
SOURCE = "models/data/synthetic/machines.py"


def machine_training_set(options: TrainingSetOptions) -> TrainingSet:
    """Return the slide rails of DCASE 2020 where they are found, else synthetic machines.

    Raises:
        DataError: The set does not fit the network's number of classes.
    """
    pipeline = find_pipeline(options.pipeline)
    rails, unused = options.folders.first(lambda folder: find_dcase(folder, DCASE_MACHINE), "slide rails of DCASE 2020")
    made = _synthetic(pipeline, options) if rails is None else _recorded(rails, pipeline, options)
    return replace(made, unused=unused)


def _recorded(rails: ExampleSet, pipeline: Pipeline, options: TrainingSetOptions) -> TrainingSet:
    machines = _machine_ids(rails, options.classes)
    listed = "\n".join(f"{example.name} {example.group}" for example in rails.train)
    settings = {"examples": hashlib.sha256(listed.encode()).hexdigest(), "pipeline": pipeline.name}

    def make(number: int) -> AugmentedEpoch:
        clips = _recorded_clips(rails.train, machines)
        patches = ClipPatches.of(clips, pipeline)
        return AugmentedEpoch(patches.inputs, machines_of(clips, patches))

    splits = {name: rows for name, rows in (("validation", rails.validation), ("test", rails.test)) if rows}
    return TrainingSet(
        classes=options.classes,
        cache=AugmentationCache(folder=options.cache, settings=settings, make=make, versions=1),
        evaluate=patch_evaluation(
            {name: partial(_recorded_clips, rows, machines) for name, rows in splits.items()}, pipeline
        ),
        metric="auc",
        validation=patch_validation(partial(_recorded_clips, rails.validation, machines), pipeline)
        if rails.validation
        else None,
        provenance={
            "kind": "real",
            "source": "DCASE 2020 task 2 development set (MIMII), CC BY-SA 4.0",
            "what": rails.origin.split(", from ")[0],
            "clips": {"train": len(rails.train), "validation": len(rails.validation), "test": len(rails.test)},
            "machines": machines,
        },
        input=_card_input(pipeline, [*machines, *[""] * (options.classes - len(machines))]),
        description=(
            "A MicroNet trained to classify the id of slide rails. A clip whose rail gets a low probability is "
            "anomalous."
        ),
        licence="CC-BY-SA-4.0 (trained on MIMII, Hitachi, Ltd.)",
    )


def _machine_ids(rails: ExampleSet, classes: int) -> list[str]:
    """The machines to classify."""
    machines = sorted({example.group for example in rails.train})
    strange = sorted({example.group for example in (*rails.validation, *rails.test)} - set(machines))
    if len(machines) > classes or strange:
        raise DataError(
            f"{rails.origin} has training clips of the machines {', '.join(machines)}"
            + (f" and test clips also of {', '.join(strange)}" if strange else f", the network has {classes} outputs")
            + ". Use the development set as published."
        )
    return machines


def _recorded_clips(examples: Sequence[Example], machines: Sequence[str]) -> list[MachineClip]:
    return [
        MachineClip(machine=machines.index(example.group), anomalous=bool(example.label), load=example.load)
        for example in examples
    ]


def _card_input(pipeline: Pipeline, classes: Sequence[str]) -> dict[str, Any]:
    return {"features": pipeline.name, "tested_on": "test", "scored": True, "classes": list(classes)}


def _synthetic(pipeline: Pipeline, options: TrainingSetOptions) -> TrainingSet:
    if options.classes != 2 * len(MACHINE_IDS):
        raise DataError(
            f"synthetic machines and pseudo-anomalies of them are {2 * len(MACHINE_IDS)} classes, the network has "
            f"{options.classes} outputs. Use --data to name a folder with slide rails."
        )
    clips_per_machine = options.recipe.synthetic_per_class
    return TrainingSet(
        classes=options.classes,
        cache=synthetic_cache(pipeline, clips_per_machine, options.cache),
        evaluate=patch_evaluation(
            {"test": partial(_clips_of, "test"), "run_set": lambda: machine_clips(run_clips())}, pipeline
        ),
        metric="auc",
        validation=patch_validation(partial(_clips_of, "validation"), pipeline),
        provenance={
            "kind": "synthetic",
            "source": SOURCE,
            "clips": len(MACHINE_IDS) * clips_per_machine,
            "machine_ids": list(MACHINE_IDS),
        },
        input=_card_input(
            pipeline, [f"{mark}{machine:02d}" for mark in ("", "pseudo-anomaly ") for machine in MACHINE_IDS]
        ),
        description=(
            "A MicroNet trained in this repository to classify four synthetic machines. Its metrics show that the "
            "benchmark works and are not comparable with any on real recordings."
        ),
        licence="Apache-2.0",
    )


def machine_clips(clips: Sequence[Clip]) -> list[MachineClip]:
    """Return synthetic clips in the form networks are tested on."""
    return [
        MachineClip(
            machine=MACHINE_IDS.index(clip.machine_id),
            anomalous=clip.fault is not None,
            load=partial(waveform, clip),
        )
        for clip in clips
    ]


def synthetic_cache(pipeline: Pipeline, clips_per_machine: int, folder: Path) -> AugmentationCache:
    """Return the augmented epochs of normal synthetic machines: their patches, and pseudo-anomalies of all of them.

    The four machines differ so much that any feature classifies them. Against pseudo-anomalies of the same machine,
    as classes of their own after the machines, a network is trained on what the machine sounds like.

    Args:
        pipeline: Makes the patches.
        clips_per_machine: Number of clips of each machine.
        folder: Where augmented epochs are kept.
    """
    computed: list[tuple[list[MachineClip], ClipPatches]] = []

    def make(number: int) -> AugmentedEpoch:
        if not computed:
            clips = machine_clips(normal_clips("train", clips_per_machine))
            computed.append((clips, ClipPatches.of(clips, pipeline)))
        inputs, machines = computed[0][1].inputs, machines_of(*computed[0])
        anomalies = pseudo_anomalies(inputs, np.random.default_rng([len(inputs), number]))
        return AugmentedEpoch(
            np.concatenate([inputs, anomalies]), np.concatenate([machines, machines + len(MACHINE_IDS)])
        )

    settings = {
        "examples": f"{SOURCE}, and altered",  # part of the files' names: the words stay as they were first written
        "pipeline": pipeline.name,
        "clips_per_machine": clips_per_machine,
    }
    return AugmentationCache(folder=folder, settings=settings, make=make)


def _clips_of(split: str) -> list[MachineClip]:
    return machine_clips(normal_clips(split, TEST_CLIPS) + faulty_clips(split, TEST_CLIPS))
