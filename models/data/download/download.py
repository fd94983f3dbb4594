# SPDX-License-Identifier: Apache-2.0
"""Fetch one file to a path: resumed after an interruption, checked by sha256, moved into place when it is right."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from mlperf_tiny.errors import DataError

DownloadProgress = Callable[[str, int, int | None], None]
"""Takes the file name, the bytes so far, and the bytes in total or None where the server does not state them."""

CHUNK_BYTES = 1 << 16
MAX_DOWNLOAD_BYTES = 4 << 30


def download(
    url: str, target: Path, sha256: str | None, progress: DownloadProgress | None = None, timeout_s: float = 30.0
) -> None:
    """Make ``target`` hold the content of ``url``.

    An interrupted download stays in ``<target>.part`` and is continued with a Range request. A complete download with
    another sha256 is deleted.

    Args:
        url: The address.
        target: Where the file goes; nothing is requested when it is there with the right hash.
        sha256: The hash that the file must have; None: any.
        progress: Called for every chunk.
        timeout_s: How long the server may be silent.

    Raises:
        DataError: The server cannot be reached, the file is not the wanted one, or it cannot be written.
    """
    if target.is_file() and (sha256 is None or file_sha256(target) == sha256):
        return
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, progress, timeout_s)
        got = file_sha256(part)
        if sha256 is not None and got != sha256:
            part.unlink()
            raise DataError(f"{url} has sha256 {got}, wanted {sha256}; deleted.")
        part.replace(target)
    except OSError as error:
        raise DataError(f"{url} could not be fetched to {target}: {error}.") from error


def _fetch(url: str, part: Path, progress: DownloadProgress | None, timeout_s: float) -> None:
    """Bring ``part`` to the full length of ``url``; raises OSError or DataError, and keeps what arrived."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "mlperf-tiny-harness"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:
            # A server may ignore the range and send everything again.
            have = have if reply.status == 206 else 0
            stated = reply.headers.get("Content-Length")
            total = have + int(stated) if stated and stated.isdigit() else None
            with part.open("ab" if have else "wb") as out:
                while chunk := reply.read(CHUNK_BYTES):
                    out.write(chunk)
                    have += len(chunk)
                    if have > MAX_DOWNLOAD_BYTES:
                        raise DataError(f"{url} sent more than {MAX_DOWNLOAD_BYTES:,} bytes; stopped.")
                    if progress:
                        progress(part.name.removesuffix(".part"), have, total)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # the part is already as long as the file, or longer: the hash decides
            return
        raise DataError(f"{url} answered {error.code} {error.reason}.") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(f"{url} cannot be reached: {reason}.") from error
    if total is not None and have < total:
        raise DataError(f"{url} was interrupted after {have:,} of {total:,} bytes; start again to continue from there.")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as hex; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
