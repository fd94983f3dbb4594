# SPDX-License-Identifier: Apache-2.0
"""bootstrap.py: it runs only the published wheel of pip, and what is installed is pinned with hashes."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap

pytestmark = pytest.mark.slow

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


def test_downloads_the_wheel_that_the_index_links_to(
    index: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = index
    published = hashlib.sha256(b"wheel").hexdigest()
    monkeypatch.setattr(bootstrap, "BOOTSTRAP_PIP_SHA256", published)
    (folder / "pip" / "index.html").write_text(f'<a href="../{WHEEL}#sha256={published}">{WHEEL}</a>')
    (folder / WHEEL).write_bytes(b"wheel")
    target = tmp_path / "got"
    target.mkdir()
    assert bootstrap.pip_wheel(target, address).read_bytes() == b"wheel"


@pytest.mark.parametrize("published", [bootstrap.BOOTSTRAP_PIP_SHA256, hashlib.sha256(b"wheel").hexdigest()])
@pytest.mark.parametrize("fragment", ["", "#sha256=" + "0" * 64, "#sha256=" + hashlib.sha256(b"wheel").hexdigest()])
def test_wheel_with_another_hash_is_not_run(
    index: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: str, fragment: str
) -> None:
    address, folder = index
    monkeypatch.setattr(bootstrap, "BOOTSTRAP_PIP_SHA256", published)
    content = b"wheel" if published == bootstrap.BOOTSTRAP_PIP_SHA256 and "000" in fragment else b"other"
    (folder / "pip" / "index.html").write_text(f'<a href="../{WHEEL}{fragment}">{WHEEL}</a>')
    (folder / WHEEL).write_bytes(content)
    with pytest.raises(SystemExit, match=r"pip-.*whl has sha256 [0-9a-f]{64}, wanted [0-9a-f]{64}; it was not run"):
        bootstrap.pip_wheel(tmp_path, address)


@pytest.mark.parametrize("page", ["", '<a href="pip-1.0.tar.gz">old</a>', f'<a href="missing/{WHEEL}">gone</a>'])
def test_missing_wheel_names_the_next_step(index: tuple[str, Path], tmp_path: Path, page: str) -> None:
    address, folder = index
    (folder / "pip" / "index.html").write_text(page)
    with pytest.raises(SystemExit, match="Set PIP_INDEX_URL"):
        bootstrap.pip_wheel(tmp_path, address)


SETS = sorted((bootstrap.ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("file", SETS, ids=lambda path: path.stem)
def test_every_requirement_has_a_version_and_hashes_and_no_address(file: Path) -> None:
    text = file.read_text()
    assert "://" not in text and "index" not in text
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+( ; [^\\]+)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n)?)+\n?$", entry), entry[
            :200
        ]


@pytest.mark.parametrize(
    ("name", "table"),
    [("run", "dependencies"), ("test", "test"), ("docs", "docs"), ("train", "train"), ("build", "requires")],
)
def test_what_pyproject_asks_for_is_pinned(name: str, table: str) -> None:
    project = (bootstrap.ROOT / "pyproject.toml").read_text()
    wanted = re.search(rf"^{table} = \[(.*?)\]$", project, re.M | re.S)
    assert wanted
    pinned = {match[1] for match in re.finditer(r"^([a-z0-9-]+)==", (SETS[0].parent / f"{name}.txt").read_text(), re.M)}
    asked = set(re.findall(r'^\s*"([A-Za-z0-9-]+)|, "([A-Za-z0-9-]+)|^"([A-Za-z0-9-]+)', wanted[1], re.M))
    names = {"".join(parts) for parts in asked}
    assert names and names <= pinned


def test_sets_of_one_environment_have_the_same_versions() -> None:
    tested: dict[str, set[str]] = {}
    for line in re.findall(r"^\S+==\S+", (SETS[0].parent / "test.txt").read_text(), re.M):
        tested.setdefault(line.split("==")[0], set()).add(line)
    for file in SETS:
        for line in re.findall(r"^\S+==\S+", file.read_text(), re.M):
            assert line in tested.get(line.split("==")[0], {line}), file


def test_file_with_another_hash_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "nothing_here-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as out:
        out.writestr("nothing_here-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: nothing-here\nVersion: 1.0\n")
        out.writestr(
            "nothing_here-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr("nothing_here-1.0.dist-info/RECORD", "")
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", tmp_path)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    for digest in (wrong, right):
        (tmp_path / "one.txt").write_text(f"nothing-here==1.0 --hash=sha256:{digest}\n")
        if digest == wrong:
            with pytest.raises(SystemExit, match=r"could not install one.txt .*Where it names a hash"):
                bootstrap.install([sys.executable, "-m", "pip"], "one")
            assert wrong in capfd.readouterr().err and not (tmp_path / "installed").exists()
    bootstrap.install([sys.executable, "-m", "pip"], "one")
    assert (tmp_path / "installed").is_dir()


def test_unknown_set_names_the_sets() -> None:
    with pytest.raises(SystemExit, match="there are no pinned requirements 'nosuch', wanted one of build, docs"):
        bootstrap.install([sys.executable, "-m", "pip"], "nosuch")
