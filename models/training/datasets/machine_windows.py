# SPDX-License-Identifier: Apache-2.0
"""The training set of auto-encoders for machine sounds: windows of log-mel features of normal synthetic machines.

Training, calibration and test clips differ; the machines are the same four. An auto-encoder reconstructs normal
machines only; the score of a clip is its reconstruction error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.synthetic.machines import MACHINE_IDS, Clip
from mlperf_tiny.models.data.synthetic.sets import clip_features, faulty_clips, normal_clips, run_clips
from mlperf_tiny.models.training.datasets.augmentation_cache import AugmentationCache, AugmentedEpoch
from mlperf_tiny.models.training.datasets.scores import ad_score, ad_windows, auc
from mlperf_tiny.models.training.datasets.training_set import (
    Floats,
    Metrics,
    Predict,
    TrainingSet,
    TrainingSetOptions,
)

CALIBRATION_CLIPS = 4
"""Clips of each machine that ranges are calibrated with."""
CALIBRATION_STRIDE = 5
"""Of their windows every fifth is taken."""
TEST_CLIPS = 50
"""Clips of each machine, normal and as many anomalous, in the split ``test``: more than in a run."""
SOURCE = "models/data/synthetic/machines.py"


def window_training_set(options: TrainingSetOptions) -> TrainingSet:
    """Return windows of normal synthetic machines, whatever real data is found.

    Raises:
        DataError: The network's output is not a window.
    """
    clips_per_machine = options.recipe.synthetic_per_class

    def make(number: int) -> AugmentedEpoch:
        inputs = np.concatenate(_windows(normal_clips("train", clips_per_machine)))
        return AugmentedEpoch(inputs, np.zeros(len(inputs), np.int64))

    def calibration() -> Floats:
        clips = normal_clips("calibrate", CALIBRATION_CLIPS)
        return np.concatenate([windows[::CALIBRATION_STRIDE] for windows in _windows(clips)])

    if options.classes != 640:
        raise DataError(f"a window has 640 values, the network has {options.classes} outputs.")
    settings: dict[str, Any] = {
        "examples": SOURCE,
        "pipeline": "mlperf-ad",
        "clips_per_machine": clips_per_machine,
    }
    return TrainingSet(
        classes=options.classes,
        cache=AugmentationCache(folder=options.cache, settings=settings, make=make, versions=1),
        evaluate=window_evaluation(
            {
                "test": lambda: normal_clips("test", TEST_CLIPS) + faulty_clips("test", TEST_CLIPS),
                "run_set": run_clips,
            }
        ),
        metric="auc",
        provenance={
            "kind": "synthetic",
            "source": SOURCE,
            "clips": clips_per_machine * len(MACHINE_IDS),
            "machine_ids": list(MACHINE_IDS),
        },
        input={"format": "benchmark"},
        description=(
            "The architecture of the MLPerf Tiny anomaly-detection model, trained in this repository on four synthetic "
            "machines. Its metrics show that the benchmark works and are not comparable with any on real recordings."
        ),
        licence="Apache-2.0",
        unused=options.folders.unused("this network is trained on synthetic machines only"),
        calibration=calibration,
    )


def window_evaluation(splits: Mapping[str, Callable[[], Sequence[Clip]]]) -> Callable[[Predict], Metrics]:
    """Return the function from an auto-encoder to its AUC on each split; features are computed once.

    Args:
        splits: Functions that return clips, by name of the split.
    """
    computed: dict[str, tuple[list[Floats], list[int]]] = {}

    def evaluate(predict: Predict) -> Metrics:
        metrics: Metrics = {}
        for name, clips_of in splits.items():
            if name not in computed:
                clips = clips_of()
                computed[name] = _windows(clips), [int(clip.fault is not None) for clip in clips]
            windows, labels = computed[name]
            outputs = np.split(predict(np.concatenate(windows)), len(windows))
            scores = [ad_score(output, inputs) for output, inputs in zip(outputs, windows, strict=True)]
            metrics[name] = {"clips": len(labels), "auc": round(auc(np.array(labels), np.array(scores)), 4)}
        return metrics

    return evaluate


def _windows(clips: Sequence[Clip]) -> list[Floats]:
    """The windows of each clip, shape (196, 640)."""
    return [ad_windows(clip_features(clip)) for clip in clips]
