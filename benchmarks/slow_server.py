# SPDX-License-Identifier: Apache-2.0
"""A proxy of this machine that takes connections and says nothing: a download then waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Slow(BaseHTTPRequestHandler):
    """Answers a request for a connection, and then nothing."""

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while self.rfile.read(1):
                pass

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def slow_server() -> Iterator[str]:
    """The address of the proxy, as ``http_proxy`` takes it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
