# SPDX-License-Identifier: Apache-2.0
"""ad01: toy-car clips as log-mel feature files (200 frames x 128 bands, float32), or the .wav clips they are made of.

File names carry the answer (``anomaly_id_01_00000000``), so clips outside the official lists can be used as well.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from models.data.files import FileForm, as_it_is
from models.features.machine_sound import ad_features_of_wav

_FEATURE_TAIL = "_hist_librosa"


def clip_stem(name: str) -> str:
    """``normal_id_01_00000003`` for the clip and for its feature file."""
    return PurePosixPath(name).stem.removesuffix(_FEATURE_TAIL)


def label_of(stem: str) -> int | None:
    """0 for a normal clip, 1 for an anomalous one, None for a name that says neither."""
    return {"normal": 0, "anomaly": 1}.get(stem.split("_id_")[0])


FORM = FileForm({".bin": as_it_is, ".wav": ad_features_of_wav}, stem=clip_stem, label_of=label_of)
