# SPDX-License-Identifier: Apache-2.0
"""Machine sounds as a question of who: pictures of sound, the scores of clips made of them, and the figures.

A machine that no longer sounds like itself is anomalous: the score of a clip is minus the probability of its own
machine, mean over its pictures (MicroNets, arXiv 2010.11267, section 5.2.3; how pictures make a clip is not said
there, the mean is the natural choice).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.training.datasets.scores import auc
from mlperf_tiny.models.training.datasets.training_set import Figures, Floats, Predict


@dataclass(frozen=True)
class MachineClip:
    """One clip: ``machine`` is its place among the machines that are told apart; ``load`` gives int16 (samples,)."""

    machine: int
    anomalous: bool
    load: Callable[[], NDArray[np.int16]]


@dataclass(frozen=True)
class ClipPictures:
    """The pictures (n, *shape) of some clips; ``of_clip`` (n,) is the number of the clip each is of."""

    inputs: Floats
    of_clip: NDArray[np.int64]

    @staticmethod
    def of(clips: Sequence[MachineClip], pipeline: Pipeline) -> ClipPictures:
        """Make all pictures of ``clips``."""
        made = [pipeline.compute(clip.load()) for clip in clips]
        return ClipPictures(np.concatenate(made), np.repeat(np.arange(len(clips)), [len(rows) for rows in made]))


def machines_of(clips: Sequence[MachineClip], pictures: ClipPictures) -> NDArray[np.int64]:
    """The machine of each picture, shape (n,)."""
    return np.array([clip.machine for clip in clips], np.int64)[pictures.of_clip]


def altered(inputs: Floats, rng: np.random.Generator) -> Floats:
    """Return pictures (n, time, bands, 1) that are no longer of the machine they were of, in one of four ways.

    Moved up or down by a band or two; some bands louder or softer; bursts in time; blended with another picture. These
    are changes of pictures, made without knowing how any faulty machine sounds.
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
    splits: dict[str, Callable[[], Sequence[MachineClip]]], pipeline: Pipeline
) -> Callable[[Predict], Figures]:
    """Return the function from a predictor to the figures of each split; clips are read and pictures made once."""
    made: dict[str, tuple[Sequence[MachineClip], ClipPictures]] = {}

    def figures(predict: Predict) -> Figures:
        for name, clips_of in splits.items():
            if name not in made:
                clips = clips_of()
                made[name] = clips, ClipPictures.of(clips, pipeline)
        return {name: figures_of(clips, pictures, predict) for name, (clips, pictures) in made.items()}

    return figures


def figures_of(clips: Sequence[MachineClip], pictures: ClipPictures, predict: Predict) -> dict[str, float]:
    """AUC over all clips, its mean over the machines, and the share of healthy pictures told right."""
    logits, machines = predict(pictures.inputs), machines_of(clips, pictures)
    anomalous = np.array([int(clip.anomalous) for clip in clips])
    of_machine = np.array([clip.machine for clip in clips])
    scores = clip_scores(logits, machines, pictures.of_clip)
    healthy = anomalous[pictures.of_clip] == 0
    told: dict[str, float] = {"clips": len(clips)}
    if 0 < anomalous.sum() < len(anomalous):
        told["auc"] = round(auc(anomalous, scores), 4)
        each = [
            auc(anomalous[here], scores[here])
            for machine in np.unique(of_machine)
            if 0 < anomalous[here := of_machine == machine].sum() < here.sum()
        ]
        told["auc_mean_of_machines"] = round(float(np.mean(each)), 4)
    told["healthy_pictures_told_right"] = round(float(np.mean(logits[healthy].argmax(axis=1) == machines[healthy])), 4)
    return told


def clip_scores(logits: Floats, machines: NDArray[np.int64], of_clip: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the anomaly score of each clip from the logits (n, classes) of its pictures."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    odds = np.exp(shifted)
    own = odds[np.arange(len(machines)), machines] / odds.sum(axis=1)
    return -np.bincount(of_clip, own) / np.bincount(of_clip)
