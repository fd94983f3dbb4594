# SPDX-License-Identifier: Apache-2.0
"""Machine sounds as a question of who: networks learn which healthy machine a picture of sound is of.

A machine that no longer sounds like itself is anomalous: the score of a clip is minus the probability of its own
machine, mean over its pictures (MicroNets, arXiv 2010.11267, section 5.2.3; how pictures make a clip is not said
there, the mean is the natural choice).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.synthetic.machines import MACHINE_IDS, Clip, waveform
from models.data.synthetic.sets import faulty_clips, normal_clips, run_clips
from models.evaluate import auc
from models.features.pipelines import Pipeline
from models.training.passes import Pass, PassStore

Floats = NDArray[np.float32]
TEST_CLIPS = 15  # of each machine, healthy and faulty


def machine_store(pipeline: Pipeline, clips_per_machine: int, folder: Path) -> PassStore:
    """Return the passes over healthy made-up machines: pictures of all clips, labelled by machine, and altered ones.

    Machines as different as these are told apart by anything; only against altered pictures of itself, labelled as
    classes of their own after the machines, does a network learn what a machine sounds like.
    """

    seen: list[tuple[Floats, NDArray[np.int64]]] = []

    def make(number: int) -> Pass:
        if not seen:
            seen.append(pictures(normal_clips("train", clips_per_machine), pipeline)[:2])
        inputs, labels = seen[0]
        changed = altered(inputs, np.random.default_rng([len(inputs), number]))
        return Pass(np.concatenate([inputs, changed]), np.concatenate([labels, labels + len(MACHINE_IDS)]))

    settings = {
        "examples": "models/data/synthetic/machines.py, and altered",
        "pipeline": pipeline.name,
        "clips_per_machine": clips_per_machine,
    }
    return PassStore(folder, settings, make)


def pictures(clips: Sequence[Clip], pipeline: Pipeline) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return the inputs (n, *shape) of ``clips``, the label of each, and the number of its clip."""
    made = [pipeline.compute(waveform(clip)) for clip in clips]
    counts = [len(rows) for rows in made]
    labels = np.repeat([MACHINE_IDS.index(clip.machine_id) for clip in clips], counts)
    return np.concatenate(made), labels.astype(np.int64), np.repeat(np.arange(len(clips)), counts)


def altered(inputs: Floats, rng: np.random.Generator) -> Floats:
    """Return pictures (n, time, bands, 1) that are no longer of the machine they were of, in one of four ways.

    Moved up or down by a band or two; some bands louder or softer; bursts in time; blended with another picture. These
    are changes of pictures, made without knowing how the faulty machines of the test set sound.
    """
    out = inputs.copy()
    for picture in out:
        way = int(rng.integers(4))
        times, bands = picture.shape[:2]
        if way == 0:
            by = int(rng.choice([-2, -1, 1, 2]))
            picture[:] = np.roll(picture, by, axis=1)
        elif way == 1:
            at, width = int(rng.integers(bands)), int(rng.integers(1, 6))
            picture[:, at : at + width] += rng.choice([-1.0, 1.0]) * rng.uniform(1.5, 6.0)
        elif way == 2:
            struck = rng.random(times) < rng.uniform(0.1, 0.6)
            low = int(rng.integers(bands - 4))
            picture[struck, low:] += rng.uniform(1.0, 5.0)
        else:
            picture[:] = np.maximum(picture, inputs[int(rng.integers(len(inputs)))] - rng.uniform(0.0, 6.0))
    return out


def machine_figures(
    pipeline: Pipeline, clips_per_machine: int = TEST_CLIPS
) -> Callable[[Callable[[Floats], Floats]], dict[str, dict[str, float]]]:
    """Return the function from a predictor to the AUC over clips and the share of healthy pictures told right.

    "run_set" are the clips that a run on a device uses; "test" is a larger set, so that the figure is not their luck.
    """
    wide = normal_clips("test", clips_per_machine) + faulty_clips("test", clips_per_machine)
    sets = {name: (clips, pictures(clips, pipeline)) for name, clips in (("test", wide), ("run_set", run_clips()))}

    def figures(predict: Callable[[Floats], Floats]) -> dict[str, dict[str, float]]:
        return {name: _figures_of(clips, predict(made[0]), *made[1:]) for name, (clips, made) in sets.items()}

    return figures


def _figures_of(
    clips: Sequence[Clip], logits: Floats, labels: NDArray[np.int64], of_clip: NDArray[np.int64]
) -> dict[str, float]:
    anomalous = np.array([int(clip.fault is not None) for clip in clips])
    healthy = anomalous[of_clip] == 0
    right = float(np.mean(logits[healthy].argmax(axis=1) == labels[healthy]))
    return {
        "clips": len(clips),
        "auc": round(auc(anomalous, clip_scores(logits, labels, of_clip)), 4),
        "healthy_pictures_told_right": round(right, 4),
    }


def clip_scores(logits: Floats, labels: NDArray[np.int64], of_clip: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the anomaly score of each clip from the logits (n, classes) of its pictures."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    odds = np.exp(shifted)
    own = odds[np.arange(len(labels)), labels] / odds.sum(axis=1)
    return -np.bincount(of_clip, own) / np.bincount(of_clip)
