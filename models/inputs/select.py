# SPDX-License-Identifier: Apache-2.0
"""Which samples a run feeds to a model: the data set's where its files fit, made-up ones for a model's own input.

``input_format`` is what a catalog row says of its model, or ``catalog.benchmark_format`` of a file that was read.
"""

from __future__ import annotations

from functools import partial

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.catalog.official import InputFormat
from mlperf_tiny.models.data.formats.dataset import NO_LABEL, Dataset, Sample
from mlperf_tiny.models.data.synthetic.patterns import random_bytes

PERFORMANCE_SAMPLES = 5


def performance_inputs(dataset: Dataset, input_format: InputFormat, input_bytes: int) -> tuple[Sample, ...]:
    """Return the 5 samples of a performance run; ``load`` of each gives the bytes of exactly one inference.

    For a model that takes the benchmark's files: the first 5 of ``dataset``, of a longer file its first window. For
    one with an input of its own: made-up int8 values of its input tensor's size, ``input_bytes``, which do for timing.
    """
    numbers = range(PERFORMANCE_SAMPLES)
    if input_format == "benchmark":
        return tuple(_first_window(dataset, number) for number in numbers)
    return tuple(
        Sample(f"own_{number}.bin", NO_LABEL, partial(random_bytes, input_bytes, number)) for number in numbers
    )


def accuracy_inputs(dataset: Dataset, input_format: InputFormat, model_name: str) -> tuple[Sample, ...]:
    """Return the samples of an accuracy run, in list order.

    Raises UsageError when no accuracy can be measured: the data set has no labels, or the model ``model_name`` has an
    input of its own that nothing here makes from the task's data.
    """
    if not dataset.labelled and dataset.source == "real":
        raise UsageError(
            f"the data of {dataset.name} cannot tell right answers of model {model_name} from wrong ones: it was made "
            "for other classes. Run it with --mode performance."
        )
    if not dataset.labelled:
        raise UsageError(
            f"the {dataset.source} data of {dataset.name} has no labels, so there is no accuracy to measure. "
            "Give real data with --data DIR or MLPERF_TINY_DATA, or run --mode performance."
        )
    if input_format != "benchmark":
        raise UsageError(
            f"model {model_name} has an input of its own and no feature pipeline makes it from {dataset.name} files. "
            "Run it with --mode performance, or take a model that reads the benchmark's files."
        )
    return dataset.samples


def _first_window(dataset: Dataset, number: int) -> Sample:
    # With fewer samples than 5 they are used again: the rule wants five windows, not five different files.
    sample = dataset.samples[number % len(dataset.samples)]
    return Sample(sample.name, sample.label, lambda: sample.load()[: dataset.window_bytes])
