# SPDX-License-Identifier: Apache-2.0
"""Fetch a published data set from its own address into the cache, where ``load_dataset`` finds it.

A task's ``download`` names the archive, the official list, and the function that picks the listed samples out of it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from mlperf_tiny.disk import FULL, cannot_write, write_error
from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import data_files_by_name
from mlperf_tiny.models.data.download.cache import CACHE_VARIABLE, DATA_VARIABLE, cache_folder
from mlperf_tiny.models.data.download.download import DownloadProgress, download, only_fetcher
from mlperf_tiny.models.data.formats.files import LABEL_FILE
from mlperf_tiny.models.data.formats.labels import parse_labels
from mlperf_tiny.models.data.sources.cifar10 import pickled_batch
from mlperf_tiny.models.tasks import Task
from mlperf_tiny.models.tasks.task import OfficialDownload

Picker = Callable[[Path, frozenset[str]], Mapping[str, bytes]]
"""Takes an archive and the listed names; returns the content by name."""


def pick_keyword_files(archive: Path, names: frozenset[str]) -> dict[str, bytes]:
    """Return the listed .bin files of kws01 in the archive of EEMBC's repository.

    Args:
        archive: The .zip as its server packs it.
        names: File names of the official list.

    Returns:
        Name -> content. Listed names that the archive lacks are left out.
    """
    store = data_files_by_name(archive, frozenset({".bin"}))
    return {name: store[name].read() for name in names if name in store}


def pick_cifar_images(archive: Path, names: frozenset[str]) -> dict[str, bytes]:
    """Return the listed images of CIFAR-10's test batch.

    Args:
        archive: The .tar.gz as published.
        names: File names of the official list, ending in .bin.

    Returns:
        Name -> 32 x 32 x 3 bytes, interleaved RGB. Listed names that the batch lacks are left out.

    Raises:
        DataError: The archive holds no test batch.
    """
    with tarfile.open(archive) as tar:
        member = tar.extractfile("cifar-10-batches-py/test_batch")
        if member is None:
            raise DataError(f"{archive} holds no test batch.")
        batch = pickled_batch(member.read())
    files = (name.rsplit(".", 1)[0] + ".bin" for name in batch.names)
    return {file: image.tobytes() for file, image in zip(files, batch.images, strict=True) if file in names}


PICKERS: dict[str, Picker] = {"keyword files": pick_keyword_files, "CIFAR-10 images": pick_cifar_images}
"""By ``OfficialDownload.picker``."""


def fetch(task: Task, progress: DownloadProgress | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Bring the official data set of a task into the cache; what is there is not fetched again.

    Args:
        task: The task.
        progress: Called while files are downloaded.
        environ: Environment variables.

    Returns:
        The .zip in the cache.

    Raises:
        DataError: No program can fetch the set, the address cannot be reached, or the content is not the published
            one; the message names the other ways to give data.
        HeldElsewhere: Another process fetches it.
    """
    target = cache_folder(environ) / f"{task.data_id}.zip"
    if target.is_file():
        return target
    row = task.download
    if row is None:
        how = task.manual_download
        raise DataError(f"{task.data_id} cannot be fetched: {how}, and give --data DIR or {DATA_VARIABLE}=DIR.")
    downloads = target.parent / "downloads" / task.data_id
    with only_fetcher(target, target.parent, waits=False):
        if not target.is_file():  # another process may just have fetched it
            _fetch_or_explain(task, row, downloads, target, progress)
    return target


def _fetch_or_explain(
    task: Task, row: OfficialDownload, downloads: Path, target: Path, progress: DownloadProgress | None
) -> None:
    try:
        _fetch(task, row, downloads, target, progress)
    except OSError as error:
        if error.errno in FULL:
            raise DataError(cannot_write(error, target, f"or name another folder with {CACHE_VARIABLE}")) from error
        if error.filename is None:  # a damaged archive; the system's own errors name a file
            raise DataError(f"what {row.archive_url} holds is not {task.data_id} as published: {error}.") from error
        sentence = (
            f"{error.filename} cannot be written or read: {error.strerror}. "
            f"Name another folder for downloads with {CACHE_VARIABLE}."
        )
        raise write_error(error, target, "", DataError, sentence) from error
    except (KeyError, ValueError, EOFError, zlib.error, tarfile.TarError, pickle.UnpicklingError) as error:
        raise DataError(f"what {row.archive_url} holds is not {task.data_id} as published: {error!r}.") from error
    except DataError as error:
        raise DataError(
            f"{error} Without network give {task.data_id} as DIR/{task.data_id}.zip with --data DIR or "
            f"{DATA_VARIABLE}=DIR, or try again later."
        ) from error


def _fetch(task: Task, row: OfficialDownload, downloads: Path, target: Path, progress: DownloadProgress | None) -> None:
    list_file, archive = downloads / LABEL_FILE, downloads / row.archive_url.rsplit("/", 1)[1]
    download(row.list_url, list_file, row.list_sha256, progress)
    download(row.archive_url, archive, row.archive_sha256, progress)
    listed = parse_labels(list_file.read_text(encoding="utf-8"), task, row.list_url)
    content = PICKERS[row.picker](archive, frozenset(entry.file for entry in listed))
    missing = [entry.file for entry in listed if len(content.get(entry.file, b"")) != task.file_bytes]
    if missing:
        raise DataError(f"{row.archive_url} lacks {len(missing)} of {len(listed)} files, first {missing[0]}.")
    digest = hashlib.sha256(b"".join(content[entry.file] for entry in listed)).hexdigest()
    if row.content_sha256 not in (None, digest):
        archive.unlink()
        raise DataError(f"the samples in {row.archive_url} have sha256 {digest}, wanted {row.content_sha256}.")
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(list_file, f"{task.data_id}/{LABEL_FILE}")
        for entry in listed:
            out.writestr(f"{task.data_id}/{entry.file}", content[entry.file])
    part.replace(target)
    archive.unlink()  # up to 170 MB that are not needed again
    list_file.unlink()
