# SPDX-License-Identifier: Apache-2.0
"""Fetch one file to a path: resumed after an interruption, checked by sha256, moved into place when it is right."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlperf_tiny.disk import FULL, cannot_write, write_error
from mlperf_tiny.errors import DataError, HeldElsewhere
from mlperf_tiny.file_lock import locked_name

DownloadProgress = Callable[[str, int, int | None], None]
"""Takes the file name, the bytes so far, and the bytes in total or None where the server does not state them."""

CHUNK_BYTES = 1 << 16
MAX_DOWNLOAD_BYTES = 4 << 30


def download(
    url: str, target: Path, sha256: str | None, progress: DownloadProgress | None = None, timeout_s: float = 30.0
) -> None:
    """Make ``target`` hold the content of ``url``.

    An interrupted download stays in ``<target>.part`` and is continued with a Range request. The ETag or date of the
    version that was begun is kept in ``<target>.part.version`` and sent as If-Range, so a server that has another
    version by now sends all of it. Without both, and without ``sha256``, the download starts again. A complete download
    with another sha256 is deleted.

    Args:
        url: The address: http, https, or a file of this machine.
        target: Where the file goes; nothing is requested when it is there with the right hash.
        sha256: The hash that the file must have; None: any.
        progress: Called for every chunk.
        timeout_s: How long the server may send nothing.

    Raises:
        DataError: The server cannot be reached, the file is not the wanted one, or it cannot be written.
    """
    if target.is_file() and (sha256 is None or file_sha256(target) == sha256):
        return
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, sha256 is not None, progress, timeout_s)
        version_file(part).unlink(missing_ok=True)
        got = file_sha256(part)
        if sha256 is not None and got != sha256:
            part.unlink()
            raise DataError(f"{url} has sha256 {got}, wanted {sha256}; deleted.")
        part.replace(target)
    except OSError as error:
        if error.errno in FULL:
            keep = "then start again: what arrived is kept, and continued from there"
            raise DataError(cannot_write(error, target, keep)) from error
        sentence = f"{url} could not be fetched to {target}: {error}."
        raise write_error(error, target, "", DataError, sentence) from error


@contextmanager
def only_fetcher(target: Path, cache: Path, waits: bool) -> Iterator[None]:
    """Hold what is fetched for one process: two that append to one incomplete download spoil it.

    Args:
        target: What is to appear in the cache.
        cache: The cache folder.
        waits: Wait for a process that fetches the same, for a file that is there in a moment.

    Raises:
        HeldElsewhere: when another process fetches the same and ``waits`` is False.
    """
    try:
        with locked_name(cache / "locks", target.name, (lambda holder: None) if waits else None):
            yield
    except HeldElsewhere as error:
        raise HeldElsewhere(str(target), error.holder) from error


def version_file(part: Path) -> Path:
    """The file beside an incomplete download that holds the server's name for the version that was begun."""
    return part.with_name(part.name + ".version")


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects from http and https to http and https; urllib itself also follows them to ftp."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_scheme(newurl, f"{req.full_url} redirects to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        # urllib checks the scheme before it calls redirect_request, and its message names no next step.
        address = headers.get("location") or headers.get("uri")
        if address:
            address = urllib.parse.urljoin(req.full_url, address)
            _check_scheme(address, f"{req.full_url} redirects to {address}")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _check_scheme(url: str, what: str) -> None:
    scheme = urllib.parse.urlsplit(url).scheme.lower()
    if scheme not in ("http", "https"):
        raise DataError(f"{what}, an address of the kind {scheme!r}, wanted http or https; nothing was fetched.")


def _can_continue(part: Path, hashed: bool) -> bool:
    """Whether two versions of the file cannot be joined unnoticed: the server's name for it is known, or its hash."""
    return part.exists() and (hashed or version_file(part).is_file())


def _request(url: str, part: Path, hashed: bool) -> tuple[urllib.request.Request, int]:
    """The request for what ``part`` lacks, and how many bytes it has."""
    headers = {"User-Agent": "mlperf-tiny-harness", "Accept-Encoding": "identity"}
    version = version_file(part)
    have = part.stat().st_size if _can_continue(part, hashed) else 0
    if have:
        headers["Range"] = f"bytes={have}-"
        if version.is_file():
            headers["If-Range"] = version.read_text(encoding="latin-1")
    return urllib.request.Request(url, headers=headers), have


def _keep_version(reply: Any, part: Path) -> None:
    """Write down which version of the file is being fetched; a weak ETag does not promise equal bytes."""
    tag = reply.headers.get("ETag") or ""
    version = tag if tag.startswith('"') else reply.headers.get("Last-Modified")
    if version and version.isascii() and version.isprintable():
        version_file(part).write_text(version, encoding="latin-1")
    else:
        version_file(part).unlink(missing_ok=True)


def _continues(reply: Any, have: int) -> bool:
    """Whether a reply goes on at byte ``have``; a server may ignore the range, or send another version as a whole."""
    stated = reply.headers.get("Content-Range") or f"bytes {have}-"
    if reply.status == 206 and not stated.startswith(f"bytes {have}-"):
        raise DataError(f"{reply.url} sent the range {stated!r}, wanted one from byte {have:,}; try again later.")
    return bool(reply.status == 206)


def _fetch(url: str, part: Path, hashed: bool, progress: DownloadProgress | None, timeout_s: float) -> None:
    """Bring ``part`` to the full length of ``url``; raises OSError or DataError, and keeps what arrived."""
    if urllib.parse.urlsplit(url).scheme != "file":  # a folder of this machine may be named, but not by a server
        _check_scheme(url, url)
    request, have = _request(url, part, hashed)
    try:
        with urllib.request.build_opener(_WebRedirects).open(request, timeout=timeout_s) as reply:
            if not _continues(reply, have):
                have = 0
                part.unlink(missing_ok=True)
                _keep_version(reply, part)
            stated = reply.headers.get("Content-Length")
            total = have + int(stated) if stated and stated.isdigit() else None
            broken, have = _receive(reply, part, have, lambda now: _tell(progress, part, now, total))
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # the part is already as long as the file, or longer: the hash decides
            return
        raise DataError(f"{url} answered {error.code} {error.reason}.") from error
    except TimeoutError as error:
        raise DataError(f"{url} sent nothing for {timeout_s:g} s; try again later.") from error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(f"{url} cannot be reached: {reason}.") from error
    if have > MAX_DOWNLOAD_BYTES:
        raise DataError(f"{url} sent more than {MAX_DOWNLOAD_BYTES:,} bytes; stopped.")
    if broken or (total is not None and have < total):
        what = f"sent nothing for {timeout_s:g} s" if isinstance(broken, TimeoutError) else "was interrupted"
        after = f"{have:,} bytes" if total is None else f"{have:,} of {total:,} bytes"
        where = "to continue from there" if _can_continue(part, hashed) else "from the beginning"
        raise DataError(f"{url} {what} after {after}; start again {where}.")


def _receive(reply: Any, part: Path, have: int, tell: Callable[[int], None]) -> tuple[Exception | None, int]:
    """Append what arrives to ``part``; returns what broke it off, if anything did, and the bytes that are there."""
    with part.open("ab") as out:
        try:
            # read1 returns what has arrived; read would wait for a full chunk, and lose it when the server stops.
            while have <= MAX_DOWNLOAD_BYTES and (chunk := reply.read1(CHUNK_BYTES)):
                out.write(chunk)
                have += len(chunk)
                tell(have)
        except (TimeoutError, http.client.HTTPException, ConnectionError) as error:
            return error, have
    return None, have


def _tell(progress: DownloadProgress | None, part: Path, have: int, total: int | None) -> None:
    if progress:
        progress(part.name.removesuffix(".part"), have, total)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as hex; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
