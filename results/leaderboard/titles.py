# SPDX-License-Identifier: Apache-2.0
"""What people call tasks, rankings and rows; for the terminal and for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mlperf_tiny.models.tasks import ALL_TASKS, Metric
from mlperf_tiny.results.leaderboard.ranking import Group
from mlperf_tiny.results.leaderboard.rows.columns import Row


@dataclass(frozen=True)
class AccuracyTitle:
    """What a task's column Accuracy is: its name with unit, its short name, decimals shown, the closed target."""

    heading: str
    name: str
    unit: str
    decimals: int
    target: float | None


_TASKS = {task.name: task for task in ALL_TASKS}
# By metric: heading, short name, unit and decimals. F1 is what the official checker makes of wake word counts.
_METRICS = {
    Metric.AUC: ("AUC", "AUC", "", 3),
    Metric.F1: ("F1", "F1", "", 3),
    Metric.TOP1: ("Top-1, %", "top-1", "%", 1),
}


def task_title(task: str) -> str:
    """Return the full name of a task."""
    return _TASKS[task].title if task in _TASKS else task or "unknown task"


def accuracy_of(task: str) -> AccuracyTitle:
    """How the accuracy of a task is stated; top-1 for an unknown task."""
    row = _TASKS.get(task)
    heading, name, unit, decimals = _METRICS[row.metric if row else Metric.TOP1]
    return AccuracyTitle(heading, name, unit, decimals, row.target or None if row else None)


def timing_title(timing: str, level: str, generation: str) -> str:
    """Return whose time it is, with the model of emulated time.

    Args:
        timing: ``hardware``, ``emulated`` or ``host``.
        level: Timing level; "" for measured time.
        generation: Generation of the timing model; "" for measured time.

    Examples:
        >>> timing_title("emulated", "pipeline", "1")
        'emulated (pipeline, generation 1)'
    """
    model = ", ".join(filter(None, (level, generation and f"generation {generation}")))
    return f"{timing} ({model})" if model else timing


def group_title(group: Group) -> str:
    """Return a ranking's name in one line, without its task."""
    _, division, timing, level, generation, data = group
    return f"{division or 'unknown'} division, {timing_title(timing, level, generation)}, {data} data"


def short_titles(groups: Iterable[Group]) -> dict[Group, str]:
    """Return a short line for each ranking: without the timing model's generation where that is unambiguous."""
    short = {group: group_title((*group[:4], "", group[5])) for group in groups}
    often = Counter((group[0], title) for group, title in short.items())
    return {group: title if often[group[0], title] == 1 else group_title(group) for group, title in short.items()}


def row_title(row: Row) -> str:
    """Return a row's name in one line."""
    if row["Source"] == "run":
        engine = row["Engine"] if row["Engine"] != row["ModelName"] else ""  # both are "on the device" behind a port
        return f"{row['ModelName']}, {' '.join(filter(None, (row['Device'], engine)))}"
    model = row["ModelName"]
    return " ".join(filter(None, (row["Organization"], row["SystemDesc"], model, row["Round"])))
