# SPDX-License-Identifier: Apache-2.0
"""Training datasets, fetched from a server on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.models.data.download import archives
from mlperf_tiny.models.data.download.archives import ARCHIVES, archive_names, fetch_archive
from mlperf_tiny.models.data.sources.coco import find_coco
from mlperf_tiny.models.data.sources.dcase import find_dcase
from mlperf_tiny.models.data.sources.speech_commands import find_speech_commands
from tests.fakes.data_sets import sound, speech_corpus, write_tree
from tests.fakes.training_datasets import coco_files


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address it is served at."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def tar_of(files: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def publish(monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], name: str, content: bytes) -> dict[str, str]:
    """Put ``content`` on the site as the archive of the row ``name``; return the environment of a fetch."""
    folder, address = site
    row = next(row for row in ARCHIVES if row.name == name)
    kind = row.digest.split(":")[0]
    file = row.url.rsplit("/", 1)[1]
    (folder / file).write_bytes(content)
    digest = f"{kind}:{hashlib.new(kind, content).hexdigest()}"
    monkeypatch.setattr(archives, "ARCHIVES", (dataclasses.replace(row, url=f"{address}/{file}", digest=digest),))
    return {"MLPERF_TINY_CACHE": str(folder.parent / "cache")}


def test_archive_rows_are_complete() -> None:
    for row in ARCHIVES:
        kind, digest = row.digest.split(":")
        assert row.url.startswith("https://") and len(digest) == {"sha256": 64, "md5": 32}[kind] and int(digest, 16)
        assert row.url.endswith(".zip") or not row.target.endswith(".zip")
    assert len(set(archive_names())) == len(ARCHIVES)


def test_tar_is_unpacked_where_its_loader_finds_it(monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str]) -> None:
    environ = publish(monkeypatch, site, "speech-commands", tar_of(speech_corpus()))
    seen: list[int] = []
    folder = fetch_archive("speech-commands", lambda what, done, total: seen.append(done), environ)
    found = find_speech_commands(folder.parent)
    assert found is not None and len(found.train) == 10 and seen
    assert not list((folder.parent / "downloads").iterdir()) and not list(folder.parent.glob("*.part"))
    (site[0] / "speech_commands_v0.02.tar.gz").unlink()
    assert fetch_archive("speech-commands", environ=environ) == folder


def test_zip_is_kept_packed(monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], tmp_path: Path) -> None:
    clips = {f"slider/{split}/normal_id_00_00000000.wav": sound(1, 400) for split in ("train", "test")}
    packed = write_tree(tmp_path / "made", clips, "zip").read_bytes()
    environ = publish(monkeypatch, site, "dcase-slider", packed)
    path = fetch_archive("dcase-slider", environ=environ)
    assert path.name == "dev_data_slider.zip" and find_dcase(path.parent, "slider") is not None


def test_coco_is_unpacked_where_its_loader_finds_it(
    monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], tmp_path: Path
) -> None:
    files = coco_files("val2014", 4)
    for name, folder in (("coco-annotations", "annotations"), ("coco-val2014", "val2014")):
        held = {path: content for path, content in files.items() if path.startswith(folder)}
        packed = write_tree(tmp_path / folder, {**held, "readme.txt": b"not asked for"}, "zip").read_bytes()
        environ = publish(monkeypatch, site, name, packed)
        fetched = fetch_archive(name, environ=environ)
        assert fetched.name == folder
    cache = Path(environ["MLPERF_TINY_CACHE"])
    found = find_coco(cache)
    assert found is not None and len(found.test) == 4
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {path.split("/")[1] for path in files}


@pytest.mark.parametrize("name", ["speech-commands-test", "dcase-slider", "coco-val2014"])
def test_other_content_is_deleted(monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], name: str) -> None:
    environ = publish(monkeypatch, site, name, tar_of({"go/1.wav": sound(1)}))
    row = archives.ARCHIVES[0]
    monkeypatch.setattr(archives, "ARCHIVES", (dataclasses.replace(row, digest=row.digest[:-4] + "0000"),))
    with pytest.raises(DataError, match=r"has (sha256|md5) \w+, wanted \w+0000; deleted\. Without network put"):
        fetch_archive(name, environ=environ)
    assert not [file for file in Path(environ["MLPERF_TINY_CACHE"]).rglob("*") if file.is_file()]


def zip_of(name: str, content: bytes = b"x" * 5000) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        out.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("cifar10", tar_of({"a": b"x"})[:-20], "not a usable .tar.gz"),
        ("cifar10", b"no tar", "not a usable .tar.gz"),
        ("cifar10", tar_of({"../../outside": b"x"}), "points outside"),
        ("coco-val2014", zip_of("val2014/a.jpg")[:-20], "not a usable .zip"),
        ("coco-val2014", zip_of("val2014/a.jpg").replace(b"xxxx", b"xxyx", 1), "not a usable .zip"),
        ("coco-val2014", zip_of("val2014/../../../outside"), "points outside"),
    ],
    # A .gz holds the time, so its bytes cannot serve as a test id.
    ids=["broken off", "no tar", "points outside", "zip broken off", "zip damaged", "zip points outside"],
)
def test_damaged_archives_leave_no_files(
    monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], name: str, content: bytes, wanted: str
) -> None:
    environ = publish(monkeypatch, site, name, content)
    with pytest.raises(DataError, match=wanted):
        fetch_archive(name, environ=environ)
    cache = Path(environ["MLPERF_TINY_CACHE"])
    assert not (cache / archives.ARCHIVES[0].target).exists() and not list(site[0].parent.rglob("outside"))


def test_errors_for_no_network_and_unknown_name(monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str]) -> None:
    environ = publish(monkeypatch, site, "dcase-toycar", b"x")
    (site[0] / "dev_data_ToyCar.zip").unlink()
    with pytest.raises(DataError, match=r"answered 404.*Without network put dev_data_ToyCar\.zip"):
        fetch_archive("dcase-toycar", environ=environ)
    with pytest.raises(UsageError, match="no data set 'mnist' to fetch; choose one of dcase-toycar"):
        fetch_archive("mnist", environ=environ)
