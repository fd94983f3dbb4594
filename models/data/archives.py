# SPDX-License-Identifier: Apache-2.0
"""Data sets to learn from, fetched from their own addresses into the cache, where their loaders find them.

A .zip is kept as it is: loaders read from it. A .tar.gz is unpacked, for nothing can be read from its middle.
``models.data.published`` fetches the benchmark's own files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import DataError, UsageError
from models.data.cache import CACHE_VARIABLE, cache_folder
from models.data.download import Progress, download

CHUNK_BYTES = 1 << 20
MOST_MEMBERS = 1_000_000


@dataclass(frozen=True)
class Archive:
    """One archive. ``digest`` is ``sha256:...`` or ``md5:...``, the latter where its publisher gives no other.

    ``target`` is what lies in the cache afterwards: a .zip, or the folder that a .tar.gz is unpacked to.
    """

    name: str
    url: str
    digest: str
    target: str
    about: str


_SPEECH = "https://storage.googleapis.com/download.tensorflow.org/data/{}.tar.gz"
_DCASE = "https://zenodo.org/records/3678171/files/{}.zip"

ARCHIVES: tuple[Archive, ...] = (
    Archive(
        "speech-commands",
        _SPEECH.format("speech_commands_v0.02"),
        "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        "speech_commands_v0.02",
        "2.4 GB, 105,829 clips, CC BY 4.0",
    ),
    Archive(
        "speech-commands-test",
        _SPEECH.format("speech_commands_test_set_v0.02"),
        "sha256:cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        "speech_commands_test_set_v0.02",
        "113 MB, 4,890 clips, CC BY 4.0",
    ),
    Archive(
        "dcase-slider",
        _DCASE.format("dev_data_slider"),
        "md5:da24a757719f0d94d5aa2d646bbfdc86",
        "dev_data_slider.zip",
        "1.0 GB, slide rails, CC BY-NC-SA 4.0",
    ),
    Archive(
        "dcase-toycar",
        _DCASE.format("dev_data_ToyCar"),
        "md5:4dec75ca8d9f666aa9e4c1894a740501",
        "dev_data_ToyCar.zip",
        "toy cars, CC BY-NC-SA 4.0",
    ),
    Archive(
        "cifar10",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        "cifar10",
        "170 MB, 60,000 pictures",
    ),
)


def archive_names() -> tuple[str, ...]:
    """The names ``fetch_archive`` knows."""
    return tuple(row.name for row in ARCHIVES)


def fetch_archive(name: str, progress: Progress | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Bring the data set ``name`` into the cache and return where it lies; what is there is not fetched again.

    A broken download is continued where it broke off. Raises UsageError for an unknown name, DataError when the
    address cannot be reached, the content is not the published one, or the disk refuses it.
    """
    row = next((row for row in ARCHIVES if row.name == name), None)
    if row is None:
        raise UsageError(f"there is no data set {name!r} to fetch; choose one of {', '.join(archive_names())}.")
    target = cache_folder(environ) / row.target
    if target.exists():
        return target
    kind, _, wanted = row.digest.partition(":")
    unpack = not row.target.endswith(".zip")
    file = target.parent / "downloads" / row.url.rsplit("/", 1)[1]
    try:
        download(row.url, file, wanted if kind == "sha256" else None, progress)
        if kind == "md5":
            _check_md5(row, file, wanted)
        if unpack:
            _unpack(file, target)
            file.unlink()
        else:
            file.replace(target)
    except DataError as error:
        raise DataError(
            f"{error} Without network put {row.target} ({row.about}) into a folder DIR and give --data DIR, or try "
            "again later."
        ) from error
    except OSError as error:
        raise DataError(
            f"{error.filename or target} cannot be written or read: {error.strerror or error}. "
            f"Name another folder for downloads with {CACHE_VARIABLE}."
        ) from error
    return target


def _check_md5(row: Archive, file: Path, wanted: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != wanted:
        file.unlink()
        raise DataError(f"{row.url} has md5 {digest.hexdigest()}, wanted {wanted}; thrown away.")


def _unpack(file: Path, target: Path) -> None:
    """Unpack the regular files of a .tar.gz into ``target``, which appears only when all of them are there."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with tarfile.open(file, "r|gz") as tar:
            for count, member in enumerate(tar):
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or count > MOST_MEMBERS:
                    raise DataError(f"{file} holds {member.name!r}, which points outside of it; refused.")
                content = tar.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                place = part.joinpath(*name.parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as out:
                    shutil.copyfileobj(content, out, CHUNK_BYTES)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{file} is not a usable .tar.gz file: {error}. Delete it and fetch it again.") from error
    part.mkdir(exist_ok=True)
    part.replace(target)
