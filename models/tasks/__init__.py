# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: one row per task. Everything else asks the row and never compares task names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mlperf_tiny.errors import UsageError


class Metric(Enum):
    """What the closed division's quality target is stated in."""

    TOP1 = "top1"  # percent
    AUC = "auc"  # 0..1, over files


@dataclass(frozen=True)
class Task:
    """One benchmark.

    ``model_id`` is the firmware's name of it and of its data folder (``kws01``). ``classes`` is the length of the
    result vector (AD: 1, the window's score). ``file_bytes`` is the size of one official input file; ``window_bytes``
    and ``stride_bytes`` differ from it only where a file holds several inferences (AD). ``target`` is the closed
    division's limit in ``metric``'s unit. ``default_model`` is what ``benchmark-run --task`` runs. ``samples`` is the
    size of the official accuracy set.
    """

    name: str
    title: str
    model_id: str
    metric: Metric
    target: float
    labels: tuple[str, ...]
    classes: int
    file_bytes: int
    window_bytes: int
    stride_bytes: int
    samples: int
    default_model: str

    @property
    def windows(self) -> int:
        """Inferences per official file."""
        return (self.file_bytes - self.window_bytes) // self.stride_bytes + 1


_KWS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
_IC = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

TASKS: tuple[Task, ...] = (
    Task("ad", "anomaly detection", "ad01", Metric.AUC, 0.85, ("normal", "anomaly"), 1,
         102_400, 2_560, 512, 248, "ad-s"),
    Task("ic", "image classification", "ic01", Metric.TOP1, 85.0, _IC, 10, 3_072, 3_072, 3_072, 200, "mlperf-ic"),
    Task("kws", "keyword spotting", "kws01", Metric.TOP1, 90.0, _KWS, 12, 490, 490, 490, 1000, "mlperf-kws"),
    Task("vww", "visual wake words", "vww01", Metric.TOP1, 80.0, ("non_person", "person"), 2,
         27_648, 27_648, 27_648, 1000, "mlperf-vww"),
)  # fmt: skip

BY_NAME: dict[str, Task] = {task.name: task for task in TASKS}


def find_task(name: str) -> Task:
    """Return the row called ``name``; raises UsageError naming the tasks there are."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UsageError(f"there is no task {name!r}; choose one of {', '.join(sorted(BY_NAME))}.") from None
