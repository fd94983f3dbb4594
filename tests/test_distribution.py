# SPDX-License-Identifier: Apache-2.0
"""What others install: the wheel holds all that the package reads, runs, and has types; an sdist builds it again.

Nothing is downloaded: the build uses the setuptools of this environment, the new environment its libraries.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[1]
FOLDERS = ("firmware", "harness", "models", "results", "runners", "search")
BUILD = "import sys; from setuptools import build_meta as build; print(build.{}(sys.argv[1]))"


def run(*command: object, cwd: Path, **environ: str) -> str:
    """Run a command without this checkout on its path; return its stdout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLPERF_TINY"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**kept, **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree as git has it, links as links."""
    setuptools = pytest.importorskip("setuptools", minversion="77", reason="needs setuptools 77 (extra 'test')")
    assert setuptools
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout, which tells sources from other files")
    tree = tmp_path_factory.mktemp("sources")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    for name in listed:
        if (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    return tree


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-c", BUILD.format("build_wheel"), folder, cwd=sources)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a new environment with the wheel, which borrows the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    return folder / "bin"


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_every_file_of_the_package(sources: Path, wheel: Path) -> None:
    wanted = {
        f"mlperf_tiny/{path.relative_to(sources)}"
        for folder in FOLDERS
        for path in (sources / folder).rglob("*")
        if path.is_file()
    }
    wanted |= {str(path.relative_to(sources / "src")) for path in (sources / "src").rglob("*") if path.is_file()}
    wanted = {name for name in wanted if ".egg-info/" not in name and "__pycache__" not in name}
    held = {name for name in names(wheel) if ".dist-info/" not in name}
    assert (sorted(wanted - held), sorted(held - wanted)) == ([], [])


def test_wheel_names_no_file_that_it_does_not_hold(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (record,) = (name for name in names(wheel) if name.endswith(".dist-info/RECORD"))
    rows = [row[0] for row in csv.reader(io.StringIO(archive.read(record).decode()))]
    assert set(rows) == names(wheel)
    (top,) = (name for name in names(wheel) if name.endswith("/top_level.txt"))
    assert archive.read(top).decode().split() == ["mlperf_tiny"]


def test_source_distribution_builds_the_same_wheel(sources: Path, wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-c", BUILD.format("build_sdist"), tmp_path, cwd=sources)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        assert not [member.name for member in tar if "/tests/" in member.name]
        tar.extractall(tmp_path, filter="data")
    (tree,) = (path for path in tmp_path.iterdir() if path.is_dir())
    run(sys.executable, "-c", BUILD.format("build_wheel"), tmp_path, cwd=tree)
    (again,) = tmp_path.glob("*.whl")
    assert names(again) == names(wheel)


def test_installed_commands_run(environment: Path, tmp_path: Path) -> None:
    place = run(environment / "python", "-c", "import mlperf_tiny; print(mlperf_tiny.__file__)", cwd=tmp_path)
    assert Path(place).is_relative_to(environment.parent)
    assert "stm32f746" in run(environment / "benchmark-devices", cwd=tmp_path)
    assert run(environment / "mlperf-tiny", "--version", cwd=tmp_path).startswith("mlperf-tiny ")
    command = ("--task", "ad", "--device", "host", "--mode", "accuracy", "--limit", 2, "--synthetic")
    text = run(environment / "benchmark-run", *command, cwd=tmp_path, MLPERF_TINY_CACHE=str(tmp_path / "cache"))
    assert "anomaly detection (ad) on host" in text


def test_other_projects_see_the_types(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(
        "from mlperf_tiny import Session, find_board, open_transport\n"
        "clock_hz: int = find_board('stm32f746').clock_hz\n"
        "answer: list[str] = Session(open_transport('/dev/ttyACM0')).command('name')\n"
    )
    (tmp_path / "bad.py").write_text("from mlperf_tiny import find_board\nfind_board(746)\n")
    mypy = (
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        str(environment / "python"),
        "--cache-dir",
        str(tmp_path / "cache"),
    )
    run(*mypy, "good.py", cwd=tmp_path)
    done = subprocess.run([*mypy, "bad.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'Argument 1 to "find_board" has incompatible type "int"; expected "str"' in done.stdout
