# SPDX-License-Identifier: Apache-2.0
"""The model of a reproduction: the catalogue's where its hash is the recorded one, else the enclosed file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import BenchError, DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.record.settings import ModelInfo
from mlperf_tiny.models.catalog.catalog import find_model, model_names
from mlperf_tiny.models.catalog.model import MAX_MODEL_BYTES
from mlperf_tiny.results.submission.manifest import sha256

CATALOGUE, ENCLOSED = "the catalogue", "the enclosed file"


@dataclass(frozen=True)
class ChosenModel:
    """The file that is compiled."""

    content: bytes
    """The .tflite file."""
    origin: str
    """CATALOGUE or ENCLOSED."""
    why: str = ""
    """Why it is the enclosed one; "" for the catalogue's."""


def choose_model(info: ModelInfo, task: str, tree: FileTree, enclosed: str | None, data: Path | None) -> ChosenModel:
    """Return the model a run had, found by its hash.

    Args:
        info: What the run recorded of it. Its name is only looked up in the catalogue, never opened as a path.
        task: The run's task.
        tree: Where the run is from.
        enclosed: Path of the enclosed model there; None when there is none.
        data: The data folder.

    Raises:
        DataError: No file found has the recorded hash.
    """
    why = f"no catalogue has a model {info.name!r}"
    if info.name in model_names() and info.origin != "path":
        try:
            content = find_model(info.name, task, data_dir=data).load()
        except BenchError as error:
            why = str(error)
        else:
            if sha256(content) == info.sha256:
                return ChosenModel(content, CATALOGUE)
            why = f"{info.name} of the catalogue has sha256 {sha256(content)[:12]}, the run's {info.sha256[:12]}"
    if enclosed is None:
        raise DataError(f"its model is not found: {why.rstrip('.')}, and no model.tflite is enclosed.")
    content = tree.read(enclosed, MAX_MODEL_BYTES)
    if sha256(content) != info.sha256:
        raise DataError(
            f"its model is not found: {why.rstrip('.')}, and {enclosed} has sha256 {sha256(content)[:12]}, the "
            f"run's {info.sha256[:12]}."
        )
    return ChosenModel(content, ENCLOSED, why)
