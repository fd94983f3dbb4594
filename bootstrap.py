# SPDX-License-Identifier: Apache-2.0
"""Make the virtual environment of the project on a machine that has Python and nothing else.

Debian and Ubuntu ship Python without ``ensurepip``: there the environment is made without pip, and pip is fetched as
a wheel from the package index (``PIP_INDEX_URL`` if set) and installs itself. No root, no system package.

What is installed is pinned with hashes in ``requirements/*.txt`` (``make requirements`` refreshes them); pip refuses a
file with another hash. The project itself is installed from this folder, without its dependencies.
"""

from __future__ import annotations

import argparse
import hashlib
import html.parser
import importlib.util
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")
# Any pip that reads current wheels; it installs the pinned one afterwards.
BOOTSTRAP_PIP = "24.0"
BOOTSTRAP_PIP_SHA256 = "ba0d021a166865d2265246961bec0152ff124de910c5cc39f1156ce3fa7c69dc"
REQUIREMENTS = ROOT / "requirements"
# Extras that are not pinned: mutation testing needs yattag, which is published as a source archive only.
UNPINNED = frozenset({"mutants"})


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


def pip_wheel(folder: Path, index: str = INDEX) -> Path:
    """Download one pip wheel from a package index of the PEP 503 form, and check its hash before anything runs it.

    Args:
        folder: Where the wheel is written.
        index: Address of the package index.

    Returns:
        The path of the wheel.

    Raises:
        SystemExit: The index cannot be reached, has no such wheel, or the wheel is not the published one.
    """
    page_url = index.rstrip("/") + "/pip/"
    name = f"pip-{BOOTSTRAP_PIP}-py3-none-any.whl"
    try:
        with urllib.request.urlopen(page_url, timeout=60) as page:
            links = _Links()
            links.feed(page.read().decode())
        address = next(urllib.parse.urljoin(page_url, link) for link in links.found if name in link)
        target = folder / name
        with urllib.request.urlopen(address, timeout=120) as wheel:
            content = wheel.read()
    except (OSError, StopIteration, urllib.error.URLError) as problem:
        raise SystemExit(
            f"this Python has no ensurepip, and {name} could not be fetched from {index}: {problem!r}. "
            "Set PIP_INDEX_URL to a reachable package index, or install your system's python3-venv package."
        ) from None
    _check_wheel(content, address)
    target.write_bytes(content)
    return target


def _check_wheel(content: bytes, address: str) -> None:
    """Raise SystemExit unless a wheel has the published hash, and the one that the index states (``#sha256=...``)."""
    where, _, fragment = address.partition("#")
    stated = urllib.parse.parse_qs(fragment).get("sha256", [BOOTSTRAP_PIP_SHA256])[0]
    got = hashlib.sha256(content).hexdigest()
    for wanted in (stated, BOOTSTRAP_PIP_SHA256):
        if got != wanted:
            raise SystemExit(
                f"{where} has sha256 {got}, wanted {wanted}; it was not run. Try again, set PIP_INDEX_URL to another "
                "package index, or install your system's python3-venv package."
            )


def make_environment(venv: Path) -> None:
    """Create ``venv`` with a working pip, unless it exists."""
    python = venv / "bin" / "python"
    if python.exists() and subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    print(f"making the environment {venv} with Python {sys.version.split()[0]}", file=sys.stderr, flush=True)
    if importlib.util.find_spec("ensurepip"):
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True)
        if made.returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)], check=True)
    with tempfile.TemporaryDirectory() as folder:
        wheel = pip_wheel(Path(folder))
        install([str(python), f"{wheel}/pip"], "build")


def install(pip: list[str], name: str) -> None:
    """Install a set of pinned requirements; only wheels, because a source archive would bring unpinned build tools.

    Args:
        pip: The command that runs pip.
        name: Of the set, a file ``requirements/<name>.txt``.

    Raises:
        SystemExit: There is no such set, or pip refused.
    """
    file = REQUIREMENTS / f"{name}.txt"
    if not file.is_file():
        sets = ", ".join(sorted(path.stem for path in REQUIREMENTS.glob("*.txt")))
        raise SystemExit(f"there are no pinned requirements {name!r}, wanted one of {sets}; or run make requirements.")
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    status = subprocess.run([*pip, "install", *options, "--requirement", str(file)]).returncode
    if status:
        raise SystemExit(
            f"pip could not install {file.relative_to(ROOT)} (exit status {status}); its message is above. Where it "
            "names a hash, the package index gave a file that is not the pinned one: use another index. Where no "
            "version is found, the pins do not cover this Python or machine: make requirements pins newer ones, and "
            f"{pip[0]} -m pip install --editable . installs without pins."
        )


def main() -> None:
    """Make the environment and install the project into it, editable."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--extra", action="append", default=[], help="also install requirements/EXTRA.txt, e.g. test")
    parser.add_argument("--only", metavar="SET", help="install nothing but requirements/SET.txt")
    arguments = parser.parse_args()
    if sys.version_info < (3, 10):  # noqa: UP036 - the one file an older Python may meet
        raise SystemExit(
            f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}; use make PYTHON=python3.11"
        )
    make_environment(arguments.venv)
    pip = [str(arguments.venv / "bin" / "python"), "-m", "pip"]
    pinned = [extra for extra in arguments.extra if extra not in UNPINNED]
    sets = [arguments.only] if arguments.only else ["build", *(pinned or ["run"])]
    print(f"installing what the project needs: {', '.join(sets)}", file=sys.stderr, flush=True)
    for name in sets:
        install(pip, name)
    if arguments.only:
        return
    others = ",".join(sorted(UNPINNED & set(arguments.extra)))
    project = ["--editable", f"{ROOT}[{others}]"] if others else ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    result = subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", *project])
    if result.returncode:
        raise SystemExit(f"pip could not install the project (exit status {result.returncode}); its message is above")


if __name__ == "__main__":
    main()
