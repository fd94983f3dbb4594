# SPDX-License-Identifier: Apache-2.0
"""Fetch a published data set from its own address into the cache, where ``load_dataset`` finds it.

What can be had this way is a row: its archive, its official list, and how to pick the listed samples out of it. The
toy-car clips (ad01) and the pictures with people (vww01) have no row: their official files are made by hand from
sets whose licences or crops cannot be followed from here; ``WHERE`` says where they come from.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.download.cache import CACHE_VARIABLE, DATA_VARIABLE, cache_folder
from mlperf_tiny.models.data.download.download import Progress, download
from mlperf_tiny.models.data.formats.files import LABEL_FILE
from mlperf_tiny.models.data.formats.labels import parse_labels
from mlperf_tiny.models.data.formats.store import open_store
from mlperf_tiny.models.data.sources.cifar10 import pickled_batch
from mlperf_tiny.models.tasks import Task

Picker = Callable[[Path, frozenset[str]], Mapping[str, bytes]]  # archive, listed names -> content by name


@dataclass(frozen=True)
class Published:
    """One data set that can be fetched.

    ``archive_sha256`` is None where the archive is packed anew by its server at times; ``content_sha256`` then holds
    the samples to account: it is the digest over all of them in list order.
    """

    model_id: str
    archive_url: str
    archive_sha256: str | None
    list_url: str
    list_sha256: str
    content_sha256: str | None
    pick: Picker


def pick_keyword_files(archive: Path, names: frozenset[str]) -> dict[str, bytes]:
    """The .bin files of kws01 in the archive of EEMBC's repository."""
    store = open_store(archive, frozenset({".bin"}))
    return {name: store[name].read() for name in names if name in store}


def pick_cifar_pictures(archive: Path, names: frozenset[str]) -> dict[str, bytes]:
    """The listed pictures of CIFAR-10's test batch, from three planes of 32 x 32 to interleaved RGB."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile("cifar-10-batches-py/test_batch")
        if member is None:
            raise DataError(f"{archive} holds no test batch.")
        batch = pickled_batch(member.read())
    files = (name.rsplit(".", 1)[0] + ".bin" for name in batch.names)
    return {file: picture.tobytes() for file, picture in zip(files, batch.pictures, strict=True) if file in names}


_LISTS = (
    "https://raw.githubusercontent.com/mlcommons/tiny/1afd2c9820f795965a6134facd0b4dfae41ef23f/"
    "benchmark/evaluation/datasets/{}/y_labels.csv"
)

PUBLISHED: tuple[Published, ...] = (
    Published(
        "kws01",
        "https://github.com/eembc/energyrunner/archive/cf7c2f2634608a7c0ea7458ab7cb3379f2863424.zip",
        None,
        _LISTS.format("kws01"),
        "6cb3709762d53fe64eb00eaf4a75796248bb3c1386f1d1f93ccdb07b071e9698",
        "c2e5f02def82726f5c49dfe85c311c52f295ad68561f6bae89931fdadaaedc73",
        pick_keyword_files,
    ),
    Published(
        "ic01",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        _LISTS.format("ic01"),
        "79e1f19ad731f046983a1a4480bda6369df26c5acee47505a860f164fb58ccd4",
        None,
        pick_cifar_pictures,
    ),
)

WHERE: dict[str, str] = {
    "ad01": (
        "it is made from the test clips of dev_data_ToyCar.zip (https://zenodo.org/records/3678171, non-commercial "
        "terms); unpack them as DIR/ad01/ beside the official y_labels.csv"
    ),
    "vww01": (
        "it is made from pictures of COCO val2017, cropped to 96 x 96; put the .bin files as DIR/vww01/ beside the "
        "official y_labels.csv"
    ),
}


def fetch(task: Task, progress: Progress | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Bring the official data set of ``task`` into the cache and return the .zip; nothing is fetched twice.

    Raises DataError when the set cannot be fetched by a program, the network or the address fails, or the content is
    not the published one; the message names the other ways to give data.
    """
    target = cache_folder(environ) / f"{task.model_id}.zip"
    if target.is_file():
        return target
    row = next((row for row in PUBLISHED if row.model_id == task.model_id), None)
    if row is None:
        where = WHERE.get(task.model_id, "no address is known")
        raise DataError(f"{task.model_id} cannot be fetched: {where}, and give --data DIR or {DATA_VARIABLE}=DIR.")
    downloads = target.parent / "downloads" / task.model_id
    try:
        _fetch(task, row, downloads, target, progress)
    except OSError as error:
        if error.filename is None:  # a damaged archive; the system's own errors name a file
            raise DataError(f"what {row.archive_url} holds is not {task.model_id} as published: {error}.") from error
        raise DataError(
            f"{error.filename} cannot be written or read: {error.strerror}. "
            f"Name another folder for downloads with {CACHE_VARIABLE}."
        ) from error
    except (KeyError, ValueError, EOFError, zlib.error, tarfile.TarError, pickle.UnpicklingError) as error:
        raise DataError(f"what {row.archive_url} holds is not {task.model_id} as published: {error!r}.") from error
    except DataError as error:
        raise DataError(
            f"{error} Without network give {task.model_id} as DIR/{task.model_id}.zip with --data DIR or "
            f"{DATA_VARIABLE}=DIR, or try again later."
        ) from error
    return target


def _fetch(task: Task, row: Published, downloads: Path, target: Path, progress: Progress | None) -> None:
    list_file, archive = downloads / LABEL_FILE, downloads / row.archive_url.rsplit("/", 1)[1]
    download(row.list_url, list_file, row.list_sha256, progress)
    download(row.archive_url, archive, row.archive_sha256, progress)
    listed = parse_labels(list_file.read_text(), task, row.list_url)
    content = row.pick(archive, frozenset(entry.file for entry in listed))
    missing = [entry.file for entry in listed if len(content.get(entry.file, b"")) != task.file_bytes]
    if missing:
        raise DataError(f"{row.archive_url} lacks {len(missing)} of {len(listed)} files, first {missing[0]}.")
    digest = hashlib.sha256(b"".join(content[entry.file] for entry in listed)).hexdigest()
    if row.content_sha256 not in (None, digest):
        archive.unlink()
        raise DataError(f"the samples in {row.archive_url} have sha256 {digest}, wanted {row.content_sha256}.")
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(list_file, f"{task.model_id}/{LABEL_FILE}")
        for entry in listed:
            out.writestr(f"{task.model_id}/{entry.file}", content[entry.file])
    part.replace(target)
    archive.unlink()  # up to 170 MB that are not needed again
    list_file.unlink()
