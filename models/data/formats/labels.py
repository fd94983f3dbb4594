# SPDX-License-Identifier: Apache-2.0
"""``y_labels.csv``: which files make up a data set, in which order, and what each one is.

A line is ``file,classes,label``, for AD ``file,2,label,window bytes,stride bytes``; no header, blanks around commas
allowed. The official lists are told from others by a digest of their entries, so line ends and blanks do not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.tasks import Task


@dataclass(frozen=True)
class Listed:
    """One line of a label list."""

    file: str
    label: int


@dataclass(frozen=True)
class OfficialList:
    """A label list that a published benchmark uses. ``digest`` is ``list_digest`` of its entries."""

    model_id: str
    digest: str
    files: int
    title: str


# The lists of mlcommons/tiny (benchmark/evaluation/datasets) and of eembc/energyrunner (datasets).
OFFICIAL_LISTS: tuple[OfficialList, ...] = (
    OfficialList(
        "kws01", "c29dee25f94d56439828dca5c7d6950cd09d71f091d76760cecebd93e87e7a99", 1000, "the official list"
    ),
    OfficialList(
        "vww01", "04b8860587ec8bf2660761fa497f2f454d6f8ef8a28568e1fa99f1d4f630d1e4", 1000, "the official list"
    ),
    OfficialList("ad01", "c28edc4a43bf29df6108062742dfcb7ecd8e9ee7e60db45b9ded0c5bed732bb4", 248, "the official list"),
    OfficialList(
        "ad01", "564a33690b270464f6a9a48134422187cc99aa7894096f5905b313c5c01b58dc", 72, "the official short list"
    ),
    OfficialList("ic01", "209a004e1c5a99e5a0da0f3442d85a6adef27ebc5c300027984cecda90fe7e3e", 200, "the official list"),
    OfficialList(
        "ic01", "3ebb5b6bb54772cfa2a1c33d25ae01466117e5284f3cb9191d4b165dbd8490fd", 200, "the EEMBC runner's list"
    ),
)


def parse_labels(text: str, task: Task, where: str) -> tuple[Listed, ...]:
    """Read a label list; raises DataError naming ``where`` and the line for anything that does not fit ``task``."""
    classes = len(task.labels)
    wanted_tail = (task.window_bytes, task.stride_bytes) if task.windows > 1 else ()
    listed: dict[str, Listed] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(",")]
        try:
            file, of_classes, label, *tail = fields[0], int(fields[1]), int(fields[2]), *map(int, fields[3:])
        except (IndexError, ValueError):
            raise DataError(
                f"{where} line {number}: got {line[:80]!r}, wanted 'file,classes,label'. Take the list as published."
            ) from None
        if of_classes != classes or not 0 <= label < classes or tuple(tail) != wanted_tail:
            wanted = ",".join(["file", str(classes), f"0..{classes - 1}", *map(str, wanted_tail)])
            raise DataError(f"{where} line {number}: got {line[:80]!r}, wanted '{wanted}' for {task.model_id}.")
        if not file or "/" in file or "\\" in file or file in listed:
            raise DataError(f"{where} line {number}: {file[:80]!r} is not a plain file name or is listed twice.")
        listed[file] = Listed(file, label)
    if not listed:
        raise DataError(f"{where} lists no file; wanted {task.samples} lines 'file,classes,label'.")
    return tuple(listed.values())


def list_digest(listed: Sequence[Listed]) -> str:
    """Return the sha256 (hex) over ``file,label`` of each entry, in order, one per line."""
    return hashlib.sha256("".join(f"{row.file},{row.label}\n" for row in listed).encode()).hexdigest()


def official_list(model_id: str, listed: Sequence[Listed]) -> OfficialList | None:
    """Return the row of the official list these entries are, or None."""
    digest = list_digest(listed)
    return next((row for row in OFFICIAL_LISTS if row.model_id == model_id and row.digest == digest), None)
