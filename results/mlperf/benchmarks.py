# SPDX-License-Identifier: Apache-2.0
"""What submissions call the benchmarks, over all rounds: one row each, made from the table of tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlperf_tiny.models.tasks import ALL_TASKS, Metric, Task


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A benchmark as submissions name it."""

    name: str
    """The task's name, as ``kws``."""
    names: tuple[str, ...]
    """Folder names: lower case, only letters and digits."""
    model_id: str
    """The firmware's id."""
    data_id: str
    """Names its data folder and label lists: those of ic2 are those of ic."""
    task: Task | None
    """None for streaming wake words, which have neither label lists nor an accuracy target."""


BENCHMARKS: tuple[Benchmark, ...] = tuple(
    Benchmark(
        name=task.name,
        names=task.folder_names,
        model_id=task.model_id,
        data_id=task.data_id,
        task=None if task.metric is Metric.F1 else task,
    )
    for task in ALL_TASKS
)


def benchmark_of(folder: str) -> Benchmark | None:
    """Return the row a folder name means, or None."""
    plain = re.sub(r"[^a-z0-9]", "", folder.lower())
    return next((row for row in BENCHMARKS if plain in row.names), None)


def benchmark_of_model(model_id: str) -> Benchmark | None:
    """Return the row of a firmware's model id, or None."""
    return next((row for row in BENCHMARKS if row.model_id == model_id), None)
