# SPDX-License-Identifier: Apache-2.0
"""The import root: what it offers, what it loads, and that no other project's folders get in its way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mlperf_tiny
from mlperf_tiny import api
from mlperf_tiny.cli.main import ENTRIES
from tests.cli.test_help import HELP_OF_ALL

SRC = Path(__file__).parents[1] / "src"
FOLDERS = sorted(path.name for path in (SRC / "mlperf_tiny").iterdir() if path.is_symlink())


def python(*arguments: str, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep if path else ''}{SRC}"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def foreign_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with folders and modules named like ours; importing one of them is an error."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in FOLDERS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise ImportError('the foreign {name} was imported')\n")
    for name in ("cli", "api", "errors", "progress", "terminal", "run"):
        (folder / f"{name}.py").write_text(f"raise ImportError('the foreign {name} was imported')\n")
    return folder


def test_commands_work_in_a_project_with_the_same_folders(foreign_project: Path) -> None:
    done = python("-c", HELP_OF_ALL, cwd=foreign_project, path=str(foreign_project))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: x") == 1 + len(ENTRIES)


def test_a_command_that_loads_much_works_in_a_project_with_the_same_folders(
    foreign_project: Path, tmp_path: Path
) -> None:
    done = python(
        "-m", "mlperf_tiny", "compile", "kws-s", "--out", str(tmp_path), cwd=foreign_project, path=str(foreign_project)
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.c").is_file()


def test_the_api_works_in_a_project_with_the_same_folders(foreign_project: Path) -> None:
    code = "from mlperf_tiny import *; print(find_board('stm32f746').cpu, Session.__name__, run_benchmark.__name__)"
    done = python("-c", code, cwd=foreign_project, path=str(foreign_project))
    assert done.stdout == "cortex-m7 Session run_benchmark\n", done.stderr


def test_importing_the_errors_does_not_load_the_api(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom mlperf_tiny import errors\nimport mlperf_tiny\nmlperf_tiny.errors.BenchError\n"
        "print(sorted(name for name in sys.modules if name.startswith('mlperf_tiny')))"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.stdout == "['mlperf_tiny', 'mlperf_tiny.errors']\n", done.stderr


def test_every_public_name_is_documented() -> None:
    table = (api.__doc__ or "").split("=====")
    listed = {name for line in "".join(table).splitlines() for name in line[:23].replace(",", " ").split()}
    assert set(api.__all__) <= listed
    assert all(getattr(mlperf_tiny, name) is getattr(api, name) for name in api.__all__)
    assert set(api.__all__) <= set(dir(mlperf_tiny))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'run_benchmrk'; mlperf_tiny\.api lists its names"):
        _ = mlperf_tiny.run_benchmrk  # type: ignore[attr-defined]
