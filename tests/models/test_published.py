# SPDX-License-Identifier: Apache-2.0
"""Fetching official data sets, with local files in place of their addresses."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.download.published import fetch
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.tasks import TASKS, Task, find_task

KWS, IC = find_task("kws"), find_task("ic")
KWS_LIST = "a_Stop_7.bin,12,7\nb_Up_8.bin,12,8\n"
KWS_FILES = {"a_Stop_7.bin": b"\x01" * 490, "b_Up_8.bin": b"\x02" * 490}
IC_LIST = "frog_s_2.bin,10,6\ntaxi_s_1.bin,10,1\n"


def offer(task: Task, site: Path, archive: bytes, labels: str, content: bytes) -> Task:
    """Return ``task`` with addresses in ``site``, where an archive and a list are put."""
    site.mkdir(exist_ok=True)
    (site / "archive").write_bytes(archive)
    (site / "list.csv").write_text(labels)
    assert task.download is not None
    download = dataclasses.replace(
        task.download,
        archive_url=(site / "archive").as_uri(),
        archive_sha256=None,
        list_url=(site / "list.csv").as_uri(),
        list_sha256=hashlib.sha256(labels.encode()).hexdigest(),
        content_sha256=hashlib.sha256(content).hexdigest(),
    )
    return dataclasses.replace(task, download=download)


def keyword_archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in {**files, "other.bin": bytes(490)}.items():
            archive.writestr(f"energyrunner-cf7c/datasets/kws01/{name}", content)
        archive.writestr("energyrunner-cf7c/datasets/ad01/y_labels.csv", "x.bin,2,0,2560,512\n")
    return stream.getvalue()


def cifar_archive(batch: object) -> bytes:
    stream = io.BytesIO()
    data = pickle.dumps(batch, protocol=2)
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_fetched_keywords_are_found_by_load_dataset(tmp_path: Path) -> None:
    environ = {"MLPERF_TINY_CACHE": str(tmp_path / "cache")}
    content = b"".join(KWS_FILES.values())
    task = offer(KWS, tmp_path / "site", keyword_archive(KWS_FILES), KWS_LIST, content)
    steps: list[tuple[str, int, int | None]] = []
    path = fetch(task, lambda *step: steps.append(step), environ)
    assert steps and [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == [path]
    dataset = load_dataset(KWS, environ=environ)
    assert [(sample.name, sample.label) for sample in dataset.samples] == [("a_Stop_7.bin", 7), ("b_Up_8.bin", 8)]
    assert b"".join(sample.load() for sample in dataset.samples) == content
    (tmp_path / "site" / "archive").unlink()
    assert fetch(task, None, environ) == path


def test_fetched_images_are_interleaved(tmp_path: Path) -> None:
    environ = {"MLPERF_TINY_CACHE": str(tmp_path / "cache")}
    planes = np.random.default_rng(4).integers(0, 256, (3, 3, 32, 32), np.uint8)
    wanted = [b"".join(planes[at, :, y, x].tobytes() for y in range(32) for x in range(32)) for at in (2, 1)]
    names = [b"ship_s_0.png", b"taxi_s_1.png", b"frog_s_2.png"]
    archive = cifar_archive({b"data": planes.reshape(3, 3072), b"filenames": names, b"labels": [8, 1, 6]})
    task = offer(IC, tmp_path / "site", archive, IC_LIST, b"".join(wanted))
    fetch(task, None, environ)
    assert [sample.load() for sample in load_dataset(IC, environ=environ).samples] == wanted


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("harmed",))


def test_pickle_with_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = offer(IC, tmp_path / "site", cifar_archive(Harmful()), IC_LIST, b"")
    with pytest.raises(DataError, match="not allowed in a data set"):
        fetch(task, None, {"MLPERF_TINY_CACHE": str(tmp_path / "cache")})
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("archive", "content", "wanted"),
    [
        (keyword_archive({**KWS_FILES, "b_Up_8.bin": b"\x03" * 490}), b"", "have sha256"),
        (keyword_archive({"a_Stop_7.bin": bytes(490)}), b"", "lacks 1 of 2 files, first b_Up_8.bin"),
        (keyword_archive({**KWS_FILES, "a_Stop_7.bin": bytes(3)}), b"", "lacks 1 of 2 files, first a_Stop_7.bin"),
        (b"no archive", b"", "not a usable .zip"),
    ],
    ids=["other content", "missing", "short", "no archive"],
)
def test_other_content_leaves_no_data_set(tmp_path: Path, archive: bytes, content: bytes, wanted: str) -> None:
    task = offer(KWS, tmp_path / "site", archive, KWS_LIST, content)
    with pytest.raises(DataError, match=wanted) as refused:
        fetch(task, None, {"MLPERF_TINY_CACHE": str(tmp_path / "cache")})
    assert "--data DIR or MLPERF_TINY_DATA=DIR" in str(refused.value)
    assert not (tmp_path / "cache" / "kws01.zip").exists()


@pytest.mark.parametrize("name", ["ad", "vww"])
def test_fetch_refuses_manual_downloads_and_names_the_source(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be fetched: .*--data DIR or MLPERF_TINY_DATA"):
        fetch(find_task(name), None, {"MLPERF_TINY_CACHE": str(tmp_path)})


def test_hashes_of_rows_match_the_real_files(data_dir: Path) -> None:
    content = b"".join(sample.load() for sample in load_dataset(KWS, data_dir).samples)
    assert KWS.download is not None and hashlib.sha256(content).hexdigest() == KWS.download.content_sha256
    for task in (task for task in TASKS if task.download is not None):
        labels = (data_dir / "labels" / task.data_id / "y_labels.csv").read_bytes()
        assert task.download and hashlib.sha256(labels).hexdigest() == task.download.list_sha256
