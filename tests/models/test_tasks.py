# SPDX-License-Identifier: Apache-2.0
"""The table of tasks: every row is complete, and what it names by a key exists."""

from __future__ import annotations

import pytest

from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.catalog.model import benchmark_format
from mlperf_tiny.models.data.download.published import PICKERS
from mlperf_tiny.models.data.load import form_of
from mlperf_tiny.models.data.synthetic.sets import synthetic_dataset
from mlperf_tiny.models.tasks import ALL_TASKS, BY_NAME, TASKS, Task, find_task, task_names
from mlperf_tiny.results.leaderboard.titles import accuracy_of, task_title
from mlperf_tiny.results.mlperf.benchmarks import benchmark_of, benchmark_of_model

every_task = pytest.mark.parametrize("task", ALL_TASKS, ids=lambda task: task.name)
runnable_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def test_names_are_unique() -> None:
    assert len({task.name for task in ALL_TASKS}) == len({task.model_id for task in ALL_TASKS}) == len(ALL_TASKS)
    folders = [name for task in ALL_TASKS for name in task.folder_names]
    assert len(set(folders)) == len(folders)


@every_task
def test_submissions_name_every_task(task: Task) -> None:
    assert {task.name, task.model_id} <= set(task.folder_names)
    for folder in task.folder_names:
        assert folder == folder.lower() and folder.isalnum()
        found = benchmark_of(folder)
        assert found is not None and found is benchmark_of_model(task.model_id) and found.data_id == task.data_id
    assert task_title(task.name) == task.title and accuracy_of(task.name).target == (task.target or None)


@every_task
def test_sizes_fit_each_other(task: Task) -> None:
    assert task.windows >= 1 and task.window_bytes <= task.file_bytes
    assert task.window_bytes + (task.windows - 1) * task.stride_bytes == task.file_bytes
    assert all(row.files <= task.samples for row in task.official_lists)


@runnable_task
def test_runnable_tasks_are_complete(task: Task) -> None:
    assert wire_format(task).model_id == task.model_id and wire_format(task).buffer_bytes >= task.window_bytes
    assert form_of(task).decoders and task.official_lists[0].files == task.samples
    assert find_model(task.default_model).task == task.name
    assert synthetic_dataset(task).samples
    assert task.download is None or task.download.picker in PICKERS
    tensor = task.tensor
    assert tensor is not None
    assert benchmark_format(task.name, tensor.size_bytes, tensor.scale or 1.0, tensor.zero_point or 0) == "benchmark"


def test_only_runnable_tasks_are_offered() -> None:
    assert {"ic2", "sww"}.isdisjoint(BY_NAME) and find_task("kws") is BY_NAME["kws"]
    assert task_names(TASKS[:3]) == f"{TASKS[0].name}, {TASKS[1].name} or {TASKS[2].name}"
    assert task_names(TASKS[:1]) == TASKS[0].name and all(task.name in task_names() for task in TASKS)
