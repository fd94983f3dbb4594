# SPDX-License-Identifier: Apache-2.0
"""ad01: toy-car clips as log-mel feature files (200 frames x 128 bands, float32), or the .wav clips they are made of.

File names carry the label (``anomaly_id_01_00000000``), so clips outside the official lists can be used as well.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.file_tree import StoredFile, data_files_by_name, refuse_placeholders
from mlperf_tiny.models.data.formats.examples import Example
from mlperf_tiny.models.data.formats.files import roots
from mlperf_tiny.models.data.formats.sound_file import read_sound
from mlperf_tiny.models.tasks import Task

_FEATURE_TAIL = "_hist_librosa"


def clip_stem(name: str) -> str:
    """Return what a clip and its feature file are both called.

    Examples:
        >>> clip_stem("normal_id_01_00000003_hist_librosa.bin")
        'normal_id_01_00000003'
    """
    return PurePosixPath(name).stem.removesuffix(_FEATURE_TAIL)


def label_of(stem: str) -> int | None:
    """Return 0 for a normal clip, 1 for an anomalous one, None for any other name."""
    return {"normal": 0, "anomaly": 1}.get(stem.split("_id_")[0])


def clip_sounds(task: Task, folder: Path) -> tuple[Example, ...]:
    """Return the .wav clips of ad01 as raw samples for other feature pipelines.

    Args:
        task: Anomaly detection.
        folder: A data folder.

    Returns:
        The clips in name order, ``group`` the machine's id; empty where there are none.
    """
    found: dict[str, Example] = {}
    for root in roots(task, folder):
        for name, file in data_files_by_name(root, frozenset({".wav"})).items():
            stem = clip_stem(name)
            label = label_of(stem)
            if label is not None:
                refuse_placeholders((file,))
                found.setdefault(stem, Example(name, label, stem.split("_")[2], partial(_sound, file)))
    return tuple(found[stem] for stem in sorted(found))


def _sound(file: StoredFile) -> NDArray[np.int16]:
    return read_sound(file.read(), file.where)
