# SPDX-License-Identifier: Apache-2.0
"""Log-mel spectrogram patches of machine sounds, the anomaly scores of clips made of them, and the metrics.

A network classifies the machine id of each patch. The anomaly score of a clip is minus the probability of its own
machine, mean over its patches (MicroNets, arXiv 2010.11267, section 5.2.3, which does not give the mean).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.features.pipelines import Pipeline
from mlperf_tiny.models.training.datasets.scores import auc
from mlperf_tiny.models.training.datasets.training_set import Floats, Metrics, Predict


@dataclass(frozen=True, kw_only=True)
class MachineClip:
    """One clip."""

    machine: int
    """Class of its machine."""
    anomalous: bool
    """Whether the machine is faulty."""
    load: Callable[[], NDArray[np.int16]]
    """Returns the samples, shape (n,)."""


@dataclass(frozen=True, kw_only=True)
class ClipPatches:
    """The patches of some clips."""

    inputs: Floats
    """Shape (n, *patch_shape)."""
    of_clip: NDArray[np.int64]
    """Index of the clip of each patch, shape (n,)."""

    @staticmethod
    def of(clips: Sequence[MachineClip], pipeline: Pipeline) -> ClipPatches:
        """Compute the patches.

        Args:
            clips: At least one.
            pipeline: Makes several patches of a clip.
        """
        patches = [pipeline.compute(clip.load()) for clip in clips]
        of_clip = np.repeat(np.arange(len(clips)), [len(rows) for rows in patches])
        return ClipPatches(inputs=np.concatenate(patches), of_clip=of_clip)


def machines_of(clips: Sequence[MachineClip], patches: ClipPatches) -> NDArray[np.int64]:
    """Return the machine of each patch, shape (n,).

    Args:
        clips: The clips.
        patches: Their patches.
    """
    return np.array([clip.machine for clip in clips], np.int64)[patches.of_clip]


def pseudo_anomalies(inputs: Floats, rng: np.random.Generator) -> Floats:
    """Return patches that no longer sound like the machine they are of, each changed in one of four ways.

    Moved up or down by a band or two; some bands louder or softer; bursts in time; blended with another patch. The
    changes are of patches, made without knowledge of how any faulty machine sounds.

    Args:
        inputs: Patches, shape (n, time, bands, 1).
        rng: Source of the choices.

    Returns:
        Changed copies, same shape.
    """
    out = inputs.copy()
    for patch in out:
        way = int(rng.integers(4))
        times, bands = patch.shape[:2]
        if way == 0:
            by = int(rng.choice([-2, -1, 1, 2]))
            patch[:] = np.roll(patch, by, axis=1)
        elif way == 1:
            at, width = int(rng.integers(bands)), int(rng.integers(1, 6))
            patch[:, at : at + width] += rng.choice([-1.0, 1.0]) * rng.uniform(1.5, 6.0)
        elif way == 2:
            struck = rng.random(times) < rng.uniform(0.1, 0.6)
            low = int(rng.integers(bands - 4))
            patch[struck, low:] += rng.uniform(1.0, 5.0)
        else:
            patch[:] = np.maximum(patch, inputs[int(rng.integers(len(inputs)))] - rng.uniform(0.0, 6.0))
    return out


def patch_evaluation(
    splits: Mapping[str, Callable[[], Sequence[MachineClip]]], pipeline: Pipeline
) -> Callable[[Predict], Metrics]:
    """Return the function from a predictor to its metrics on each split; patches are computed once.

    Args:
        splits: Functions that return clips, by name of the split.
        pipeline: Makes their patches.
    """
    computed: dict[str, tuple[Sequence[MachineClip], ClipPatches]] = {}

    def evaluate(predict: Predict) -> Metrics:
        for name, clips_of in splits.items():
            if name not in computed:
                clips = clips_of()
                computed[name] = clips, ClipPatches.of(clips, pipeline)
        return {name: patch_metrics(clips, patches, predict) for name, (clips, patches) in computed.items()}

    return evaluate


def patch_validation(clips_of: Callable[[], Sequence[MachineClip]], pipeline: Pipeline) -> Callable[[Predict], float]:
    """Return the function from a predictor to its score on validation clips.

    The mean AUC of the machines where there are anomalous clips, else the share of patches whose machine is found.

    Args:
        clips_of: Returns the clips, at least one.
        pipeline: Makes their patches.
    """
    evaluate = patch_evaluation({"validation": clips_of}, pipeline)

    def score(predict: Predict) -> float:
        metrics = evaluate(predict)["validation"]
        return metrics.get("auc_mean_of_machines", metrics["normal_patch_accuracy"])

    return score


def patch_metrics(clips: Sequence[MachineClip], patches: ClipPatches, predict: Predict) -> dict[str, float]:
    """Return the metrics of a network on some clips.

    Args:
        clips: The clips.
        patches: Their patches.
        predict: Patches to logits (n, machines).

    Returns:
        ``clips``, ``normal_patch_accuracy`` (patches of normal clips whose machine is classified correctly) and, if
        there are clips of both kinds, ``auc`` over all clips and ``auc_mean_of_machines``.
    """
    logits, machines = predict(patches.inputs), machines_of(clips, patches)
    anomalous = np.array([int(clip.anomalous) for clip in clips])
    machine_of_clip = np.array([clip.machine for clip in clips])
    scores = clip_scores(logits, machines, patches.of_clip)
    metrics: dict[str, float] = {"clips": len(clips)}
    if 0 < anomalous.sum() < len(anomalous):
        metrics["auc"] = round(auc(anomalous, scores), 4)
        of_machines = [
            auc(anomalous[here], scores[here])
            for machine in np.unique(machine_of_clip)
            if 0 < anomalous[here := machine_of_clip == machine].sum() < here.sum()
        ]
        metrics["auc_mean_of_machines"] = round(float(np.mean(of_machines)), 4)
    normal = anomalous[patches.of_clip] == 0
    metrics["normal_patch_accuracy"] = round(float(np.mean(logits[normal].argmax(axis=1) == machines[normal])), 4)
    return metrics


def clip_scores(logits: Floats, machines: NDArray[np.int64], of_clip: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the anomaly score of each clip, -1 (normal) to 0.

    Args:
        logits: Outputs of the network for each patch, shape (n, classes).
        machines: Machine of each patch, shape (n,).
        of_clip: Clip of each patch, shape (n,).

    Returns:
        Scores, shape (clips,).
    """
    from scipy.special import softmax

    probabilities = softmax(logits.astype(np.float64), axis=1)
    own = probabilities[np.arange(len(machines)), machines]
    return -np.bincount(of_clip, own) / np.bincount(of_clip)
