# SPDX-License-Identifier: Apache-2.0
"""From a data folder to a Dataset: find the list, find the files, decode them on demand.

What differs between data sets is a ``FileForm``, which ``mlperf_tiny.models.data.load`` makes from the task's row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import DataFiles, StoredFile, data_files_by_name, refuse_placeholders, text_of
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.models.data.formats.labels import Listed, official_list, parse_labels
from mlperf_tiny.models.tasks import Task

LABEL_FILE = "y_labels.csv"

Decoder = Callable[[bytes, str], bytes]
"""Takes the content of a file and its path for errors; returns the bytes for the wire. Raises DataError."""


def as_it_is(content: bytes, where: str) -> bytes:
    """Decode a file that already holds the bytes for the wire.

    Args:
        content: The file's content.
        where: Its path; not used.

    Returns:
        ``content``.
    """
    return content


@dataclass(frozen=True)
class FileForm:
    """How one data set lies on disk."""

    decoders: Mapping[str, Decoder]
    """File suffix -> decoder, the preferred one first."""
    stem: Callable[[str], str] = lambda name: PurePosixPath(name).stem
    """Returns what a sample is called in every file format, from its file name."""
    label_of: Callable[[str], int | None] | None = None
    """Returns the label of a stem that no list names, or None; itself None where names carry no label."""


def roots(task: Task, folder: Path) -> tuple[Path, ...]:
    """Return the places where the samples of a task may lie.

    Args:
        task: The task.
        folder: A data folder, or the task's own folder.

    Returns:
        The archives and folders that exist.
    """
    candidates = [folder / f"{task.data_id}.zip", folder / task.data_id, folder / "datasets" / task.data_id]
    if folder.name == task.data_id:
        candidates.append(folder)
    return tuple(path for path in candidates if path.exists())


def load_files(task: Task, form: FileForm, folder: Path) -> Dataset | None:
    """Build the data set of a task from a folder.

    Files are taken in list order; missing ones are skipped, and then ``complete`` is false. Without a single listed
    file, files whose name carries a label are taken in name order.

    Args:
        task: The task.
        form: How its samples lie on disk.
        folder: The data folder.

    Returns:
        The data set; None when the folder holds no sample of it.

    Raises:
        DataError: A list or an archive is broken, a file has the wrong size, or no list names the samples.
    """
    suffixes = frozenset(form.decoders)
    stores = [(root, data_files_by_name(root, suffixes | {".csv"})) for root in roots(task, folder)]
    files = _by_stem(form, [store for _, store in stores])
    if not files:
        return None
    places = ", ".join(str(root) for root, _ in stores)
    listed, list_where = _find_list(task, folder, [store for _, store in stores])
    chosen = [(row, files[form.stem(row.file)]) for row in listed if form.stem(row.file) in files]
    if chosen:
        official = official_list(task.data_id, listed)
        title = official.title if official else f"the list {list_where}"
        origin = f"{title}, from {places}"
        complete = official is not None and len(chosen) == len(listed)
        return _dataset(task, form, chosen, len(listed), origin, complete)
    if form.label_of is None:
        raise DataError(
            f"{places} holds {len(files)} files but no {LABEL_FILE} names any of them; wanted the published list there "
            f"or at {folder / 'labels' / task.data_id / LABEL_FILE}."
        )
    labelled = [
        (Listed(Path(file.where).name, label), file)
        for file, label in _labels_by_name(form, files)
        if label is not None
    ]
    if not labelled:
        return None
    origin = f"in no official list, labelled by file name, from {places}"
    return _dataset(task, form, labelled, len(listed) or task.samples, origin, complete=False)


def _labels_by_name(form: FileForm, files: DataFiles) -> list[tuple[StoredFile, int | None]]:
    assert form.label_of is not None
    return [(files[stem], form.label_of(stem)) for stem in sorted(files)]


def _by_stem(form: FileForm, stores: list[DataFiles]) -> DataFiles:
    """All sample files by stem. Of a sample in two file formats, the one that ``decoders`` names first is taken."""
    found: DataFiles = {}
    for suffix in form.decoders:
        for store in stores:
            for name, file in store.items():
                if PurePosixPath(name).suffix.lower() == suffix:
                    found.setdefault(form.stem(name), file)
    return found


def _find_list(task: Task, folder: Path, stores: list[DataFiles]) -> tuple[tuple[Listed, ...], str]:
    """The label list to use: an official one where there is one, else the first found, else an empty one."""
    beside = folder / "labels" / task.data_id
    candidates = [store[LABEL_FILE] for store in stores if LABEL_FILE in store]
    if beside.is_dir():
        candidates += [
            file for name, file in data_files_by_name(beside, frozenset({".csv"})).items() if name == LABEL_FILE
        ]
    parsed = [(parse_labels(_text(file), task, file.where), file.where) for file in candidates]
    for listed, where in parsed:
        if official_list(task.data_id, listed):
            return listed, where
    return parsed[0] if parsed else ((), "")


def _text(file: StoredFile) -> str:
    try:
        return text_of(file.read())
    except UnicodeDecodeError as error:
        raise DataError(f"{file.where} is not a text file: {error}. Take the list as published.") from error


def _dataset(
    task: Task, form: FileForm, chosen: list[tuple[Listed, StoredFile]], listed: int, origin: str, complete: bool
) -> Dataset:
    for _, file in chosen:
        _check_stored(task, form, file)
    samples = tuple(Sample(row.file, row.label, partial(_load, task, form, file)) for row, file in chosen)
    return Dataset(
        name=task.data_id,
        source="real",
        origin=origin,
        samples=samples,
        listed=listed,
        window_bytes=task.window_bytes,
        stride_bytes=task.stride_bytes,
        complete=complete,
    )


def _check_stored(task: Task, form: FileForm, file: StoredFile) -> None:
    """Check before anything runs what needs no decoding."""
    sent_as_it_is = form.decoders[PurePosixPath(file.where).suffix.lower()] is as_it_is
    if sent_as_it_is and file.size_bytes == task.file_bytes:
        return
    refuse_placeholders((file,))
    if sent_as_it_is:
        _check_size(task, file.where, file.size_bytes)


def _load(task: Task, form: FileForm, file: StoredFile) -> bytes:
    decode = form.decoders[PurePosixPath(file.where).suffix.lower()]
    content = decode(file.read(), file.where)
    _check_size(task, file.where, len(content))
    return content


def _check_size(task: Task, where: str, got_bytes: int) -> None:
    if got_bytes != task.file_bytes:
        raise DataError(
            f"{where} gives {got_bytes:,} bytes, wanted {task.file_bytes:,} for {task.data_id}. Replace the file."
        )
