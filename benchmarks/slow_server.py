# SPDX-License-Identifier: Apache-2.0
"""Servers of this machine for downloads: a proxy that says nothing, and a file that arrives slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE_BYTES = 2000


class _Silent(BaseHTTPRequestHandler):
    """Answers a request for a connection, and then nothing."""

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while self.rfile.read(1):
                pass

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class SlowFile:
    """A file that a server sends a piece at a time, from where it is asked to."""

    content: bytes
    """What it holds."""
    bytes_a_s: int
    """How fast it is sent."""
    url: str = ""
    """Its address."""
    starts: list[int] = field(default_factory=list)
    """The first byte of each answer."""


class _Slow(BaseHTTPRequestHandler):
    """Sends a file slowly; understands ranges."""

    def __init__(self, file: SlowFile, *args: object) -> None:
        self.file = file
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        content = self.file.content[start:]
        if not content:
            self.send_error(416)
            return
        self.file.starts.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"the only version"')
        self.end_headers()
        with suppress(OSError):  # the other side was interrupted
            for at in range(0, len(content), PIECE_BYTES):
                self.wfile.write(content[at : at + PIECE_BYTES])
                time.sleep(PIECE_BYTES / self.file.bytes_a_s)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _served(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def slow_server() -> Iterator[str]:
    """The address of a proxy that takes connections and says nothing, as ``http_proxy`` takes it."""
    with _served(_Silent) as address:
        yield address


@contextmanager
def slow_file(content: bytes, bytes_a_s: int, name: str) -> Iterator[SlowFile]:
    """A file that a server of this machine sends slowly.

    Args:
        content: What it holds.
        bytes_a_s: How fast it is sent.
        name: The last part of its address.
    """
    file = SlowFile(content=content, bytes_a_s=bytes_a_s)
    with _served(partial(_Slow, file)) as address:
        file.url = f"{address}/{name}"
        yield file
