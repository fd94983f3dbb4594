# SPDX-License-Identifier: Apache-2.0
"""The inputs of each benchmark: ``load_dataset(task, data_dir)``."""

from models.data.dataset import NO_LABEL, Dataset, Sample
from models.data.load import load_dataset

__all__ = ["NO_LABEL", "Dataset", "Sample", "load_dataset"]
