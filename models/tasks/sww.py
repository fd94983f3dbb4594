# SPDX-License-Identifier: Apache-2.0
"""Streaming wake word: the device listens to a wave over I2S and signals each word. Reviewed here, not run."""

from __future__ import annotations

from mlperf_tiny.models.tasks.task import Metric, Task

WAKE_WORDS = 50
"""Words in the 20-minute wave of the accuracy run."""
WAKE_WORD_ERROR_LIMIT = 8
"""Most false negatives, and most false positives, of a closed result."""

SWW = Task(
    name="sww",
    title="streaming wake word",
    model_id="sww01",
    data_id="sww01",
    folder_names=("sww", "sww01", "streamingwakeword"),
    runnable=False,
    metric=Metric.F1,
    target=0.0,
    labels=("marvin", "silence", "unknown"),
    classes=3,
    # 30 frames of 40 bands; a new frame every 32 ms.
    file_bytes=1_200,
    window_bytes=1_200,
    stride_bytes=40,
    samples=1,
    default_model="mlperf-sww",
)
