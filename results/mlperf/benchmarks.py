# SPDX-License-Identifier: Apache-2.0
"""What submissions call the benchmarks, over all rounds: one row each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mlperf_tiny.models.tasks import Task, find_task

WAKE_WORDS = 50
WAKE_WORD_LIMIT = 8


@dataclass(frozen=True)
class Benchmark:
    """``names`` are folder names (lower case, only letters and digits); ``task`` is None for streaming wake words.

    ``data_id`` names its data folder and label lists: those of ic2 are those of ic.
    """

    name: str
    names: tuple[str, ...]
    model_id: str
    data_id: str
    task: Task | None


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("ad", ("ad", "ad01", "anomalydetection"), "ad01", "ad01", find_task("ad")),
    Benchmark("ic", ("ic", "ic01", "imageclassification"), "ic01", "ic01", find_task("ic")),
    Benchmark(
        "ic2", ("ic2", "ic02"), "ic02", "ic01", replace(find_task("ic"), name="ic2", model_id="ic02", target=91.0)
    ),
    Benchmark("kws", ("kws", "kws01", "keywordspotting"), "kws01", "kws01", find_task("kws")),
    Benchmark("sww", ("sww", "sww01", "streamingwakeword"), "sww01", "sww01", None),
    Benchmark("vww", ("vww", "vww01", "visualwakewords", "visualwakeword"), "vww01", "vww01", find_task("vww")),
)


def benchmark_of(folder: str) -> Benchmark | None:
    """Return the row a folder name means, or None."""
    plain = re.sub(r"[^a-z0-9]", "", folder.lower())
    return next((row for row in BENCHMARKS if plain in row.names), None)


def benchmark_of_model(model_id: str) -> Benchmark | None:
    """Return the row of a firmware's model id, or None."""
    return next((row for row in BENCHMARKS if row.model_id == model_id), None)
