# SPDX-License-Identifier: Apache-2.0
"""Training datasets, fetched from their own addresses into the cache, where their loaders find them.

A .zip is kept as it is where its loader reads from one. A .tar.gz is unpacked, because it allows no random access, and
so are COCO's archives, whose images are read in any order.
``mlperf_tiny.models.data.download.published`` fetches the benchmark's own files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mlperf_tiny.disk import FULL, cannot_write, write_error
from mlperf_tiny.errors import DataError, UsageError, did_you_mean
from mlperf_tiny.models.data.download.cache import CACHE_VARIABLE, cache_folder
from mlperf_tiny.models.data.download.download import DownloadProgress, download, only_fetcher

CHUNK_BYTES = 1 << 20
MAX_MEMBERS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class DatasetArchive:
    """A published archive of a training dataset."""

    name: str
    """What ``benchmark-fetch`` takes."""
    url: str
    """Its address."""
    digest: str
    """``sha256:...``, or ``md5:...`` where its publisher states no other."""
    target: str
    """What lies in the cache afterwards: a .zip, or the folder that the archive is unpacked to.

    Of an unpacked .zip only the content of the folder of that name is taken.
    """
    about: str
    """Its size, content and licence, for messages."""


_SPEECH = "https://storage.googleapis.com/download.tensorflow.org/data/{}.tar.gz"
_DCASE = "https://zenodo.org/records/3678171/files/{}.zip"
# COCO's own host name has no valid certificate; this is the storage that serves it.
_COCO = "https://s3.amazonaws.com/images.cocodataset.org/{}.zip"

ARCHIVES: tuple[DatasetArchive, ...] = (
    DatasetArchive(
        name="speech-commands",
        url=_SPEECH.format("speech_commands_v0.02"),
        digest="sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        target="speech_commands_v0.02",
        about="2.4 GB, 105,829 clips, CC BY 4.0",
    ),
    DatasetArchive(
        name="speech-commands-test",
        url=_SPEECH.format("speech_commands_test_set_v0.02"),
        digest="sha256:cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        target="speech_commands_test_set_v0.02",
        about="113 MB, 4,890 clips, CC BY 4.0",
    ),
    DatasetArchive(
        name="dcase-slider",
        url=_DCASE.format("dev_data_slider"),
        digest="md5:da24a757719f0d94d5aa2d646bbfdc86",
        target="dev_data_slider.zip",
        about="1.0 GB, slide rails, CC BY-NC-SA 4.0",
    ),
    DatasetArchive(
        name="dcase-toycar",
        url=_DCASE.format("dev_data_ToyCar"),
        digest="md5:4dec75ca8d9f666aa9e4c1894a740501",
        target="dev_data_ToyCar.zip",
        about="toy cars, CC BY-NC-SA 4.0",
    ),
    DatasetArchive(
        name="coco-annotations",
        url=_COCO.format("annotations/annotations_trainval2014"),
        digest="md5:0a379cfc70b0e71301e0f377548639bd",
        target="coco/annotations",
        about="253 MB, COCO 2014, CC BY 4.0",
    ),
    DatasetArchive(
        name="coco-train2014",
        url=_COCO.format("zips/train2014"),
        digest="md5:0da8c0bd3d6becc4dcb32757491aca88",
        target="coco/train2014",
        about="13.5 GB, 82,783 images",
    ),
    DatasetArchive(
        name="coco-val2014",
        url=_COCO.format("zips/val2014"),
        digest="md5:a3d79f5ed8d289b7a7554ce06a5782b3",
        target="coco/val2014",
        about="6.6 GB, 40,504 images",
    ),
    DatasetArchive(
        name="cifar10",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        digest="sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        target="cifar10",
        about="170 MB, 60,000 images",
    ),
)


def archive_names() -> tuple[str, ...]:
    """The names that ``fetch_archive`` takes."""
    return tuple(row.name for row in ARCHIVES)


def fetch_archive(name: str, progress: DownloadProgress | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Bring a training dataset into the cache; what is there is not fetched again.

    An interrupted download is continued.

    Args:
        name: A row of ARCHIVES.
        progress: Called while the archive is downloaded.
        environ: Environment variables.

    Returns:
        The file or folder in the cache.

    Raises:
        UsageError: The name is unknown.
        DataError: The address cannot be reached, the content is not the published one, or it cannot be written.
        HeldElsewhere: Another process fetches it.
    """
    row = next((row for row in ARCHIVES if row.name == name), None)
    if row is None:
        raise UsageError(
            f"there is no data set {name!r} to fetch; choose one of {', '.join(archive_names())}."
            + did_you_mean(name, archive_names())
        )
    cache = cache_folder(environ)
    target = cache / row.target
    if not target.exists():
        with only_fetcher(target, cache, waits=False):
            if not target.exists():  # another process may just have fetched it
                _fetch_archive(row, target, progress, environ)
    return target


def _fetch_archive(
    row: DatasetArchive, target: Path, progress: DownloadProgress | None, environ: Mapping[str, str]
) -> None:
    kind, _, wanted = row.digest.partition(":")
    unpack = not row.target.endswith(".zip")
    file = cache_folder(environ) / "downloads" / row.url.rsplit("/", 1)[1]
    try:
        download(row.url, file, wanted if kind == "sha256" else None, progress)
        if kind == "md5":
            _check_md5(row, file, wanted)
        if unpack:
            (_unpack_zip if file.suffix == ".zip" else _unpack)(file, target)
            file.unlink()
        else:
            file.replace(target)
    except DataError as error:
        raise DataError(
            f"{error} Without network put {row.target} ({row.about}) into a folder DIR and give --data DIR, or try "
            "again later."
        ) from error
    except OSError as error:
        if error.errno in FULL:
            raise DataError(cannot_write(error, target, f"or name another folder with {CACHE_VARIABLE}")) from error
        sentence = (
            f"{error.filename or target} cannot be written or read: {error.strerror or error}. "
            f"Name another folder for downloads with {CACHE_VARIABLE}."
        )
        raise write_error(error, target, "", DataError, sentence) from error


def _check_md5(row: DatasetArchive, file: Path, wanted: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != wanted:
        file.unlink()
        raise DataError(f"{row.url} has md5 {digest.hexdigest()}, wanted {wanted}; deleted.")


def _unpack_zip(file: Path, target: Path) -> None:
    """Unpack the folder of ``target``'s name from a .zip; ``target`` appears only when all of it is there."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                parts = _parts_of(member.filename, file)
                if member.is_dir() or parts[0] != target.name:
                    continue
                with archive.open(member) as content:
                    _put(content, part.joinpath(*parts[1:]))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise DataError(f"{file} is not a usable .zip file: {error}. Delete it and fetch it again.") from error
    part.mkdir(parents=True, exist_ok=True)
    part.replace(target)


def _parts_of(name: str, file: Path) -> tuple[str, ...]:
    """The parts of a member's path; raises DataError for one that points outside of its archive."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(f"{file} holds {name!r}, which points outside of it; refused.")
    return path.parts


def _put(content: IO[bytes], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as out:
        shutil.copyfileobj(content, out, CHUNK_BYTES)


def _unpack(file: Path, target: Path) -> None:
    """Unpack the regular files of a .tar.gz into ``target``, which appears only when all of them are there."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with tarfile.open(file, "r|gz") as tar:
            for count, member in enumerate(tar):
                if count > MAX_MEMBERS:
                    raise DataError(f"{file} holds more than {MAX_MEMBERS:,} files; refused.")
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    _put(content, part.joinpath(*_parts_of(member.name, file)))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{file} is not a usable .tar.gz file: {error}. Delete it and fetch it again.") from error
    part.mkdir(exist_ok=True)
    part.replace(target)
