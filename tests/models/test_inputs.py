# SPDX-License-Identifier: Apache-2.0
"""The samples that a run sends to a model."""

from __future__ import annotations

import dataclasses

import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.inputs.select import accuracy_inputs, performance_inputs
from mlperf_tiny.models.tasks import TASKS, Task, find_task

SOUNDS = load_dataset(find_task("ad"), synthetic=True)
PATTERNS = load_dataset(find_task("kws"), synthetic=True)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_performance_inputs_hold_one_inference_each(task: Task) -> None:
    dataset = load_dataset(task, synthetic=True)
    samples = performance_inputs(dataset, "benchmark", 1)
    assert [sample.name for sample in samples] == [sample.name for sample in dataset.samples[:5]]
    assert [sample.load() for sample in samples] == [
        sample.load()[: task.window_bytes] for sample in dataset.samples[:5]
    ]
    assert {len(sample.load()) for sample in samples} == {task.window_bytes}


def test_few_samples_repeat() -> None:
    few = dataclasses.replace(PATTERNS, samples=PATTERNS.samples[:2])
    assert [sample.load() for sample in performance_inputs(few, "benchmark", 490)] == [
        PATTERNS.samples[number].load() for number in (0, 1, 0, 1, 0)
    ]


def test_a_model_that_no_data_fits_gets_random_values_of_its_size() -> None:
    first, second = ([sample.load() for sample in performance_inputs(PATTERNS, "features", 2_500)] for _ in range(2))
    assert first == second and len(set(first)) == 5 and {len(content) for content in first} == {2_500}


def test_accuracy_uses_the_whole_list() -> None:
    assert accuracy_inputs(SOUNDS, "benchmark", "m") == SOUNDS.samples


def test_accuracy_needs_labels_and_matching_inputs() -> None:
    with pytest.raises(UsageError, match="kws01 has no labels"):
        accuracy_inputs(PATTERNS, "benchmark", "mlperf-kws")
    with pytest.raises(UsageError, match="micronet-ad-s needs inputs that no feature pipeline computes"):
        accuracy_inputs(SOUNDS, "features", "micronet-ad-s")
