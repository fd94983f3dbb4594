# SPDX-License-Identifier: Apache-2.0
"""DCASE 2020 task 2: sounds of machines, normal clips to train on, normal and anomalous clips to test.

A machine lies as ``<machine>/train/normal_id_00_00000000.wav`` and ``<machine>/test/anomaly_id_00_00000000.wav``, in a
folder or in its published ``dev_data_<machine>.zip``. Machines are ``slider`` (the MicroNets' own),
``ToyCar`` (MLPerf Tiny's) and others of the same layout.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import DataFiles, StoredFile, data_files, refuse_placeholders
from mlperf_tiny.models.data.formats.examples import Example, ExampleSet
from mlperf_tiny.models.data.formats.sound_file import SOUND_SUFFIXES, read_sound

LABELS = ("normal", "anomaly")
VALIDATION_ONE_IN = 10  # training clips of each machine


def find_dcase(folder: Path, machine: str) -> ExampleSet | None:
    """Return the clips of one machine type.

    Args:
        folder: A data folder.
        machine: The machine type, as ``slider``.

    Returns:
        The clips, ``label`` 0 for normal and 1 for anomalous, ``group`` the machine's id (``00``); None where there
        are none.

    Raises:
        DataError: A clip's name is neither normal nor anomalous, or the set lacks a split.
    """
    for place in (folder / machine, folder / f"dev_data_{machine}", folder / f"dev_data_{machine}.zip"):
        tree = data_files(place, SOUND_SUFFIXES) if place.exists() else {}
        if tree:
            return _of_tree(tree, machine, str(place))
    return None


def _of_tree(tree: DataFiles, machine: str, where: str) -> ExampleSet:
    splits: dict[str, list[Example]] = {"train": [], "test": []}
    for path, file in tree.items():
        split = PurePosixPath(path).parts[-2] if "/" in path else ""
        if split in splits:
            splits[split].append(_example(path, file))
    if not all(splits.values()):
        lacking = " and ".join(name for name, rows in splits.items() if not rows)
        raise DataError(f"{where} has no clips in a folder {lacking}/. Take the development set as published.")
    numbers: dict[str, int] = {}
    train: list[Example] = []
    validation: list[Example] = []
    for example in splits["train"]:
        numbers[example.group] = number = numbers.get(example.group, -1) + 1
        (validation if number % VALIDATION_ONE_IN == VALIDATION_ONE_IN - 1 else train).append(example)
    origin = f"DCASE 2020 task 2, {machine}, from {where}"
    test = tuple(splits["test"])
    return ExampleSet(
        task="ad",
        source="real",
        origin=origin,
        labels=LABELS,
        train=tuple(train),
        validation=tuple(validation),
        test=test,
        noises=(),
        published_test=test,
        published_count=len(test),
    )


def _example(path: str, file: StoredFile) -> Example:
    kind, _, rest = PurePosixPath(path).stem.partition("_id_")
    machine_id, _, number = rest.partition("_")
    if kind not in LABELS or not machine_id.isdigit() or not number:
        raise DataError(
            f"{file.where} is not called normal_id_00_00000000 or anomaly_...; take the names as published."
        )
    refuse_placeholders((file,))
    return Example(PurePosixPath(path).name, LABELS.index(kind), machine_id, partial(_load, file))


def _load(file: StoredFile) -> NDArray[np.int16]:
    return read_sound(file.read(), file.where)
