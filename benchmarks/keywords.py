# SPDX-License-Identifier: Apache-2.0
"""Right answers of the shipped keyword networks beside those of the official ones, on clips that are new to both.

    python -m benchmarks.keywords

The clips are the test split of the Speech Commands data in ``MLPERF_TINY_DATA``; the kernels are TFLite's
reference kernels, which a device equals. Takes a minute or two.
"""

from __future__ import annotations

import sys

import numpy as np

from mlperf_tiny.models.catalog.catalog import available_locally, find_model, model_names
from mlperf_tiny.models.data.download.cache import DATA_VARIABLE, data_folder
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from mlperf_tiny.models.features.pipelines import find_pipeline
from mlperf_tiny.models.training.datasets.training_set import features_of
from mlperf_tiny.models.training.interpreter import int8_outputs, open_interpreter

PIPELINE = "micronet-kws"


def main() -> None:
    """Print a line for each available network with that feature pipeline."""
    folder = data_folder(None)
    examples = find_speech_commands(folder) if folder else None
    if examples is None:
        sys.exit(f"error: {DATA_VARIABLE} names no folder with Speech Commands; set it to one.")
    inputs, labels = features_of(examples.test, find_pipeline(PIPELINE))
    print(f"{'model':20} {'clips':>6} {'right':>6} {'%':>6}")
    for name in filter(available_locally, model_names()):
        model = find_model(name)
        own = model.feature_input
        if own is None or own.pipeline != PIPELINE:
            continue
        wanted = np.array([own.output_of(int(label), examples.labels) for label in labels])
        interpreter = open_interpreter(model.load(), reference_kernels=True)
        answers = int8_outputs(interpreter, inputs).argmax(axis=1)
        right = int(np.sum(answers == wanted))
        print(f"{name:20} {len(labels):6,} {right:6,} {100 * right / len(labels):6.1f}", flush=True)


if __name__ == "__main__":
    main()
