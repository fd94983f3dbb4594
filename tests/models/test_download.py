# SPDX-License-Identifier: Apache-2.0
"""Downloads against a server on this machine: resumed, checked, and never left incomplete."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.models.data.download.download import download

CONTENT = np.random.default_rng(3).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """A server's behaviour, and the Range headers it received."""

    url: str = ""
    send_bytes: int | None = None  # break off after so many
    ranges: bool = True
    stall_s: float = 0.0  # say nothing for so long instead of breaking off
    versions: dict[str, str] = field(default_factory=dict)  # headers that name the version of the file
    content: bytes = CONTENT
    redirect: str = ""
    asked: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def __init__(self, site: Site, *args: object) -> None:
        self.site = site
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.site.asked.append(asked)
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", self.site.redirect)
            self.end_headers()
            return
        if self.path != "/file":
            self.send_error(404)
            return
        same = self.headers.get("If-Range") in (None, *self.site.versions.values())
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.site.ranges and same else 0
        if start >= len(self.site.content):
            self.send_error(416)
            return
        body = self.site.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.site.versions.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: self.site.send_bytes])
        self.wfile.flush()
        time.sleep(self.site.stall_s)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, made))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/file"
    yield made
    server.shutdown()
    server.server_close()


def test_download_reports_progress_and_is_requested_once(tmp_path: Path, site: Site) -> None:
    target = tmp_path / "deep" / "file.bin"
    seen: list[tuple[str, int, int | None]] = []
    download(site.url, target, SHA256, lambda *step: seen.append(step))
    assert target.read_bytes() == CONTENT
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    download(site.url, target, SHA256)
    assert site.asked == [None]
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_interrupted_download_is_continued(tmp_path: Path, site: Site, ranges: bool) -> None:
    target = tmp_path / "file.bin"
    site.send_bytes, site.ranges = 100_000, ranges
    with pytest.raises(DataError, match=r"was interrupted after 100,000 of 300,000 bytes"):
        download(site.url, target, SHA256)
    assert not target.exists()
    site.send_bytes = None
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-"]


def test_complete_part_file_is_used(tmp_path: Path, site: Site) -> None:
    target = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"", b"other", CONTENT + b"more"], ids=["none", "other content", "too long"])
def test_wrong_content_is_deleted_and_next_download_succeeds(tmp_path: Path, site: Site, part: bytes) -> None:
    target = tmp_path / "file.bin"
    if part:
        (tmp_path / "file.bin.part").write_bytes(part)
    with pytest.raises(DataError, match=r"has sha256 [0-9a-f]{64}, wanted [0-9a-f]{64}"):
        download(site.url, target, SHA256 if part else "0" * 64)
    assert list(tmp_path.iterdir()) == []
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT


def test_damaged_target_is_replaced(tmp_path: Path, site: Site) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(CONTENT[:-1])
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT


def test_http_error_is_reported(tmp_path: Path, site: Site) -> None:
    with pytest.raises(DataError, match="answered 404"):
        download(site.url + "s", tmp_path / "file.bin", SHA256)


def test_unreachable_server_is_one_error_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be reached"):
        download("http://127.0.0.1:9/file", tmp_path / "file.bin", SHA256)


ETAG = {"ETag": '"first"'}
DATE = {"Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
WEAK = {"ETag": 'W/"first"'}
OTHER = bytes(reversed(CONTENT))


@pytest.mark.parametrize(
    ("before", "now", "hashed", "begins_anew"),
    [
        (ETAG, ETAG, False, False),
        (DATE, DATE, False, False),
        ({**WEAK, **DATE}, {**WEAK, **DATE}, False, False),
        (ETAG, {"ETag": '"second"'}, False, True),
        (DATE, {"Last-Modified": "Tue, 03 Nov 2026 10:00:00 GMT"}, False, True),
        (ETAG, {"ETag": '"second"'}, True, True),
        (WEAK, {"ETag": 'W/"second"'}, False, True),
        ({}, {}, False, True),
    ],
)
def test_file_that_changed_is_not_joined_to_what_was_begun(
    tmp_path: Path, site: Site, before: dict[str, str], now: dict[str, str], hashed: bool, begins_anew: bool
) -> None:
    target = tmp_path / "file.bin"
    site.send_bytes, site.versions = 100_000, before
    with pytest.raises(DataError, match=r"was interrupted after 100,000 of 300,000 bytes; start again"):
        download(site.url, target, SHA256 if hashed else None)
    site.send_bytes, site.versions, site.content = None, now, OTHER if begins_anew else CONTENT
    download(site.url, target, hashlib.sha256(site.content).hexdigest() if hashed else None)
    assert target.read_bytes() == site.content
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


@pytest.mark.parametrize(("sent", "after"), [(100_000, "100,000 of 300,000 bytes"), (0, "0 of 300,000 bytes")])
def test_silent_server_is_given_up_and_what_arrived_is_kept(tmp_path: Path, site: Site, sent: int, after: str) -> None:
    target = tmp_path / "file.bin"
    site.send_bytes, site.stall_s, site.versions = sent, 1.0, ETAG
    begun = time.monotonic()
    with pytest.raises(DataError, match=rf"sent nothing for 0.2 s after {after}; start again to continue"):
        download(site.url, target, None, timeout_s=0.2)
    assert time.monotonic() - begun < 0.9
    assert (tmp_path / "file.bin.part").stat().st_size == sent
    site.send_bytes, site.stall_s = None, 0.0
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["ftp", "file", "gopher", "FTP"])
def test_redirect_to_another_kind_of_address_is_refused(tmp_path: Path, site: Site, kind: str) -> None:
    site.redirect = f"{kind}://127.0.0.1{tmp_path}/secret"
    with pytest.raises(DataError, match=r"redirects to .*, an address of the kind '[a-z]+', wanted http or https"):
        download(site.url.replace("/file", "/redirect"), tmp_path / "file.bin", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/file", "file", "data:,x"])
def test_address_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match="wanted http or https"):
        download(url, tmp_path / "file.bin", None)


def test_redirect_within_the_web_is_followed(tmp_path: Path, site: Site) -> None:
    site.redirect = "file"
    download(site.url.replace("/file", "/redirect"), tmp_path / "file.bin", SHA256)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
