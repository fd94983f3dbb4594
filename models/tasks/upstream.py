# SPDX-License-Identifier: Apache-2.0
"""The commit of mlcommons/tiny that the published lists and reference models are taken from."""

from __future__ import annotations

MLCOMMONS_TINY = "https://raw.githubusercontent.com/mlcommons/tiny/1afd2c9820f795965a6134facd0b4dfae41ef23f"


def label_list_url(data_id: str) -> str:
    """The address of a task's official ``y_labels.csv``."""
    return f"{MLCOMMONS_TINY}/benchmark/evaluation/datasets/{data_id}/y_labels.csv"
