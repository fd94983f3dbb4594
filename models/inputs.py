# SPDX-License-Identifier: Apache-2.0
"""Which samples a run feeds to a model: the data set's where its files fit, made-up ones for a model's own input."""

from __future__ import annotations

from functools import partial

from harness.errors import UsageError
from models.catalog import CatalogModel, InputFormat
from models.data.dataset import NO_LABEL, Dataset, Sample
from models.data.synthetic.patterns import random_bytes
from models.tasks import Task

PERFORMANCE_SAMPLES = 5


def performance_inputs(
    task: Task,
    model: CatalogModel,
    dataset: Dataset,
    input_format: InputFormat | None = None,
    input_bytes: int | None = None,
) -> tuple[Sample, ...]:
    """Return the 5 samples of a performance run; ``load`` of each gives the bytes of exactly one inference.

    For a model that takes the benchmark's files: the first 5 of ``dataset``, of a longer file its first window. For
    one with an input of its own: made-up int8 values of its input tensor's size, which do for timing. ``input_format``
    and ``input_bytes`` are what the caller read from the file and are needed for a model given by path.
    """
    if _format(model, input_format) == "benchmark":
        return tuple(_first_window(dataset, number) for number in range(PERFORMANCE_SAMPLES))
    size = input_bytes or model.input_bytes
    if size is None:
        raise UsageError(f"the size of the input of {model.name} is not known; give input_bytes.")
    return tuple(
        Sample(f"own_{number}.bin", NO_LABEL, partial(random_bytes, size, number))
        for number in range(PERFORMANCE_SAMPLES)
    )


def accuracy_inputs(
    task: Task, model: CatalogModel, dataset: Dataset, input_format: InputFormat | None = None
) -> tuple[Sample, ...]:
    """Return the samples of an accuracy run, in list order.

    Raises UsageError when no accuracy can be measured: the data set has no labels, or the model has an input of its
    own that nothing here makes from the task's data.
    """
    if not dataset.labelled:
        raise UsageError(
            f"the {dataset.source} data of task {task.name} has no labels, so there is no accuracy to measure. "
            "Give real data with --data DIR or MLPERF_TINY_DATA, or run --mode performance."
        )
    if _format(model, input_format) != "benchmark":
        raise UsageError(
            f"model {model.name} has an input of its own and no feature pipeline makes it from {dataset.name} files. "
            "Run it with --mode performance, or take a model that reads the benchmark's files."
        )
    return dataset.samples


def _format(model: CatalogModel, read: InputFormat | None) -> InputFormat:
    known = model.input_format or read
    if known is None:
        raise UsageError(f"{model.name} was given by path; its input format must be read from the file first.")
    return known


def _first_window(dataset: Dataset, number: int) -> Sample:
    # With fewer samples than 5 they are used again: the rule wants five windows, not five different files.
    sample = dataset.samples[number % len(dataset.samples)]
    return Sample(sample.name, sample.label, lambda: sample.load()[: dataset.window_bytes])
