# SPDX-License-Identifier: Apache-2.0
"""The model a reproduction takes: the catalogue's by name where that is the very file, else the enclosed one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import BenchError, DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.record.settings import ModelInfo
from mlperf_tiny.models.catalog.catalog import MAX_MODEL_BYTES, find_model, model_names
from mlperf_tiny.results.submission.manifest import sha256

CATALOGUE, ENCLOSED = "the catalogue", "the enclosed file"


@dataclass(frozen=True)
class ChosenModel:
    """``origin`` is CATALOGUE or ENCLOSED; ``why`` says why it is the enclosed one, "" for the catalogue's."""

    content: bytes
    origin: str
    why: str = ""


def choose_model(facts: ModelInfo, task: str, tree: FileTree, enclosed: str | None, data: Path | None) -> ChosenModel:
    """Return the model a run had, told by its hash; raises DataError when it is not at hand.

    A name out of a record is only looked up in the catalogue, never opened as a path.
    """
    why = f"no catalogue has a model {facts.name!r}"
    if facts.name in model_names() and facts.origin != "path":
        try:
            content = find_model(facts.name, task, data_dir=data).load()
        except BenchError as error:
            why = str(error)
        else:
            if sha256(content) == facts.sha256:
                return ChosenModel(content, CATALOGUE)
            why = f"{facts.name} of the catalogue has sha256 {sha256(content)[:12]}, the run's {facts.sha256[:12]}"
    if enclosed is None:
        raise DataError(f"its model is not at hand: {why.rstrip('.')}, and no model.tflite is enclosed.")
    content = tree.read(enclosed, MAX_MODEL_BYTES)
    if sha256(content) != facts.sha256:
        raise DataError(
            f"its model is not at hand: {why.rstrip('.')}, and {enclosed} has sha256 {sha256(content)[:12]}, the "
            f"run's {facts.sha256[:12]}."
        )
    return ChosenModel(content, ENCLOSED, why)
