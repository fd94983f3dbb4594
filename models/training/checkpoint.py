# SPDX-License-Identifier: Apache-2.0
"""The checkpoint of a training phase: one .npz with all variables, the epochs done and what the result depends on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.disk import cannot_write
from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.models.data.formats.array_file import stored_arrays

Variables = Mapping[str, Sequence[Any]]
"""Variables by owner: model, optimizer, average."""

# Names of recipe fields in checkpoints that were written when the training set was called ``material``.
_FORMER_NAMES = {
    "last_learning_rate": "final_learning_rate",
    "average": "ema_decay",
    "passes": "augmented_epochs",
    "made_up_per_class": "synthetic_per_class",
    "masking": "spec_augment",
}
# Recipe fields those checkpoints do not have; trainings then were as the row of the task is now.
_ADDED_NAMES = ("networks", "dataset", "loss", "partial_batches", "clip_norm", "shuffle", "threads")


def save_checkpoint(
    file: Path, *, phase: str, settings: Mapping[str, Any], epochs_done: int, variables: Variables
) -> None:
    """Write a checkpoint; a process that dies meanwhile leaves the one before.

    Args:
        file: The .npz file.
        phase: Name of the training phase.
        settings: Everything the result depends on, as JSON values.
        epochs_done: Number of epochs trained.
        variables: Everything the next epoch starts from.
    """
    head = json.dumps({"phase": phase, "settings": settings, "done": epochs_done}, sort_keys=True)
    values = {name: np.asarray(variable) for name, variable in _named(variables).items()}
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, head=np.array(head), **values)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(cannot_write(error, file, "then continue with --resume")) from error


def restore_checkpoint(file: Path, *, phase: str, settings: Mapping[str, Any], variables: Variables) -> int:
    """Assign the values of a checkpoint, if the file exists, and return the number of epochs it has done, else 0.

    Args:
        file: The .npz file.
        phase: Name of the phase it must be of.
        settings: Settings it must be of.
        variables: Variables to assign to.

    Raises:
        DataError: The checkpoint is of another phase or other settings, or is damaged.
    """
    if not file.is_file():
        return 0
    named = _named(variables)
    wanted = json.loads(json.dumps(settings))
    with stored_arrays(file, "Restore it, or train again with another --out folder.") as stored:
        head = json.loads(str(stored["head"]))
        same = head["phase"] == phase and _with_present_names(head["settings"], wanted) == wanted
        if not same or any(
            name not in stored or stored[name].shape != tuple(variable.shape) for name, variable in named.items()
        ):
            raise WrongRequest(
                f"{file} is a checkpoint of a training with other settings. Use the same settings, or another --out "
                "folder."
            )
        for name, variable in named.items():
            variable.assign(stored[name])
    return int(head["done"])


def _named(variables: Variables) -> dict[str, Any]:
    return {f"{owner}_{n:04d}": variable for owner, row in variables.items() for n, variable in enumerate(row)}


def _with_present_names(settings: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Settings of a checkpoint with the names that are used now; ``wanted`` has the values of fields that are new."""
    if "material" not in settings:
        return settings
    recipe = {_FORMER_NAMES.get(name, name): value for name, value in settings["recipe"].items()}
    added = {name: wanted["recipe"][name] for name in _ADDED_NAMES}
    kept = {name: value for name, value in settings.items() if name not in ("material", "recipe")}
    return {**kept, "recipe": {**recipe, **added}, "training_set": settings["material"]}
