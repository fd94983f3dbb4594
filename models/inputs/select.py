# SPDX-License-Identifier: Apache-2.0
"""The samples that a run sends to a model: the data set's where they fit, else random values.

``input_format`` is the value in the catalogue, or what ``catalog.benchmark_format`` returns for a file that was read.
"""

from __future__ import annotations

from functools import partial

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.catalog.official import InputFormat
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Dataset, Sample
from mlperf_tiny.models.data.synthetic.patterns import random_bytes

PERFORMANCE_SAMPLES = 5


def performance_inputs(dataset: Dataset, input_format: InputFormat, input_bytes: int) -> tuple[Sample, ...]:
    """Return the 5 samples of a performance run; ``load`` of each returns the bytes of exactly one inference.

    Args:
        dataset: The data set of the task.
        input_format: "benchmark" where the model takes the samples of ``dataset``; else it gets random values of its
            input tensor, which suffice for timing.
        input_bytes: Size of the model's int8 input tensor.

    Returns:
        The first 5 samples of ``dataset``, of a longer file its first window; or 5 random inputs.
    """
    numbers = range(PERFORMANCE_SAMPLES)
    if input_format == "benchmark":
        return tuple(_first_window(dataset, number) for number in numbers)
    # Transcripts hold these names.
    return tuple(
        Sample(f"own_{number}.bin", NO_LABEL, partial(random_bytes, input_bytes, number)) for number in numbers
    )


def accuracy_inputs(dataset: Dataset, input_format: InputFormat, model_name: str) -> tuple[Sample, ...]:
    """Return the samples of an accuracy run, in list order.

    Args:
        dataset: The data set of the task.
        input_format: "benchmark" where the model takes the samples of ``dataset``.
        model_name: The model, for errors.

    Returns:
        All samples of ``dataset``.

    Raises:
        UsageError: No accuracy can be measured: the samples have no labels, or do not fit the model.
    """
    if not dataset.labelled and dataset.source == "real":
        raise UsageError(
            f"the data of {dataset.name} cannot be scored with model {model_name}, which was trained on other classes. "
            "Run it with --mode performance."
        )
    if not dataset.labelled:
        raise UsageError(
            f"the {dataset.source} data of {dataset.name} has no labels, so there is no accuracy to measure. "
            "Give real data with --data DIR or MLPERF_TINY_DATA, or run --mode performance."
        )
    if input_format != "benchmark":
        raise UsageError(
            f"model {model_name} needs inputs that no feature pipeline computes from {dataset.name} files. "
            "Run it with --mode performance, or choose a model that takes the official files."
        )
    return dataset.samples


def _first_window(dataset: Dataset, number: int) -> Sample:
    # With fewer than 5 samples they repeat: the rule requires five windows, not five different files.
    sample = dataset.samples[number % len(dataset.samples)]
    return Sample(sample.name, sample.label, lambda: sample.load()[: dataset.window_bytes])
