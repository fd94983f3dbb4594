# SPDX-License-Identifier: Apache-2.0
"""``y_labels.csv``: the files of a data set, in order, and their labels.

A line is ``file,classes,label``, for AD ``file,2,label,window bytes,stride bytes``; no header, blanks around commas
allowed. Official lists are recognised by a digest of their entries, so line ends and blanks do not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.errors import DataError, WrongRequest
from mlperf_tiny.file_tree import content_kind
from mlperf_tiny.models.tasks import TASKS, Task
from mlperf_tiny.models.tasks.task import OfficialList


@dataclass(frozen=True)
class Listed:
    """One line of a label list."""

    file: str
    """The file's name."""
    label: int
    """Index in ``Task.labels``."""


OFFICIAL_LISTS: dict[str, tuple[OfficialList, ...]] = {task.data_id: task.official_lists for task in TASKS}
"""By data id: the lists of mlcommons/tiny (benchmark/evaluation/datasets) and of eembc/energyrunner (datasets)."""


def parse_labels(text: str, task: Task, where: str) -> tuple[Listed, ...]:
    """Read a label list.

    Args:
        text: The content of the file.
        task: The task whose classes and sizes it must state.
        where: Its path, for errors.

    Returns:
        The entries, in order.

    Raises:
        DataError: A line does not fit the task, or there is none; the message names the line.
    """
    if kind := content_kind(text[:4096].encode()):
        raise WrongRequest(f"{where} is {kind.what}. {kind.advice}")
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
    return hashlib.sha256(
        "".join(f"{row.file},{row.label}\n" for row in listed).encode("utf-8", "surrogatepass")
    ).hexdigest()


def official_list(data_id: str, listed: Sequence[Listed]) -> OfficialList | None:
    """Return the official list of a task that ``listed`` equals.

    Args:
        data_id: The name of the task's data folder, as ``kws01``.
        listed: The entries, in order.

    Returns:
        The row with the same digest, or None.
    """
    digest = list_digest(listed)
    return next((row for row in OFFICIAL_LISTS.get(data_id, ()) if row.digest == digest), None)
