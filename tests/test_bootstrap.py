# SPDX-License-Identifier: Apache-2.0
"""bootstrap.py without ensurepip: it finds the wheel of pip on a package index."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap

WHEEL = f"pip-{bootstrap.BOOTSTRAP_PIP}-py3-none-any.whl"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a package index on the loopback interface."""
    (tmp_path / "pip").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", tmp_path
    server.shutdown()
    server.server_close()


def test_downloads_the_wheel_that_the_index_links_to(index: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = index
    (folder / "pip" / "index.html").write_text(f'<a href="../{WHEEL}#sha256=00">{WHEEL}</a>')
    (folder / WHEEL).write_bytes(b"wheel")
    target = tmp_path / "got"
    target.mkdir()
    assert bootstrap.pip_wheel(target, address).read_bytes() == b"wheel"


@pytest.mark.parametrize("page", ["", '<a href="pip-1.0.tar.gz">old</a>', f'<a href="missing/{WHEEL}">gone</a>'])
def test_missing_wheel_names_the_next_step(index: tuple[str, Path], tmp_path: Path, page: str) -> None:
    address, folder = index
    (folder / "pip" / "index.html").write_text(page)
    with pytest.raises(SystemExit, match="Set PIP_INDEX_URL"):
        bootstrap.pip_wheel(tmp_path, address)
