# SPDX-License-Identifier: Apache-2.0
"""Make the virtual environment of the project on a machine that has Python and nothing else.

Debian and Ubuntu ship Python without ``ensurepip``: there the environment is made without pip, and pip is fetched as
a wheel from the package index (``PIP_INDEX_URL`` if set) and installs itself. No root, no system package.
"""

from __future__ import annotations

import argparse
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
# Any pip that reads current wheels; it installs the newest one afterwards.
BOOTSTRAP_PIP = "24.0"


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


def pip_wheel(folder: Path, index: str = INDEX) -> Path:
    """Download one pip wheel from a package index of the PEP 503 form.

    Args:
        folder: Where the wheel is written.
        index: Address of the package index.

    Returns:
        The path of the wheel.

    Raises:
        SystemExit: The index cannot be reached, or has no such wheel.
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
            target.write_bytes(wheel.read())
    except (OSError, StopIteration, urllib.error.URLError) as problem:
        raise SystemExit(
            f"this Python has no ensurepip, and {name} could not be fetched from {index}: {problem!r}. "
            "Set PIP_INDEX_URL to a reachable package index, or install your system's python3-venv package."
        ) from None
    return target


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
        subprocess.run([str(python), f"{wheel}/pip", "install", "--quiet", "pip", "setuptools", "wheel"], check=True)


def main() -> None:
    """Make the environment and install the project into it, editable."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--extra", action="append", default=[], help="optional dependency group, e.g. test or train")
    arguments = parser.parse_args()
    if sys.version_info < (3, 10):  # noqa: UP036 - the one file an older Python may meet
        raise SystemExit(
            f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}; use make PYTHON=python3.11"
        )
    make_environment(arguments.venv)
    extras = f"[{','.join(arguments.extra)}]" if arguments.extra else ""
    print(f"installing the project{extras} and what it needs", file=sys.stderr, flush=True)
    pip = [str(arguments.venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    result = subprocess.run([*pip, "--editable", f"{ROOT}{extras}"])
    if result.returncode:
        raise SystemExit(f"pip could not install the project (exit status {result.returncode}); its message is above")


if __name__ == "__main__":
    main()
