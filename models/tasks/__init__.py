# SPDX-License-Identifier: Apache-2.0
"""The benchmarks, one module each. Other code reads a task's fields and never compares task names.

To add a task, write its module and name its row in ALL_TASKS.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.models.tasks.ad import AD
from mlperf_tiny.models.tasks.ic import IC, IC2
from mlperf_tiny.models.tasks.kws import KWS
from mlperf_tiny.models.tasks.sww import SWW
from mlperf_tiny.models.tasks.task import Metric, Task
from mlperf_tiny.models.tasks.vww import VWW

__all__ = ["ALL_TASKS", "BY_NAME", "TASKS", "Metric", "Task", "find_task", "task_names"]

ALL_TASKS: tuple[Task, ...] = (AD, IC, IC2, KWS, SWW, VWW)
"""Every benchmark that results are reviewed and listed of, in the order of tables."""

TASKS: tuple[Task, ...] = tuple(task for task in ALL_TASKS if task.runnable)
"""The benchmarks that can be run."""

BY_NAME: dict[str, Task] = {task.name: task for task in TASKS}


def find_task(name: str) -> Task:
    """Return the runnable task called ``name``; raises UsageError naming the tasks there are."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UsageError(
            f"there is no task {name!r}; choose one of {', '.join(sorted(BY_NAME))}.{did_you_mean(name, BY_NAME)}"
        ) from None


def task_names(tasks: Iterable[Task] = TASKS) -> str:
    """Return the names of ``tasks`` for a sentence.

    Examples:
        >>> task_names((IC, KWS, VWW))
        'ic, kws or vww'
    """
    *others, last = (task.name for task in tasks)
    return f"{', '.join(others)} or {last}" if others else last
