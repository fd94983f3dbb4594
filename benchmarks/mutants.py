# SPDX-License-Identifier: Apache-2.0
"""Which changes of the code that makes figures do the tests not find? By cosmic-ray, in a copy of the tree.

    python -m benchmarks.mutants [MODULE ...]        (make mutants)

A module is a path of the table below, or the end of one; without any, all of them, which takes hours. Needs the extra
``mutants``. Each change that its tests survive is printed as a diff; the exit status is 1 below ``REQUIRED`` percent.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from mlperf_tiny.errors import UsageError

ROOT = Path(__file__).parents[1]
REQUIRED = 92.0
TIMEOUT_S = 60.0
COPIED = ("benchmarks", "docs", "firmware", "harness", "models", "results", "runners", "search", "src", "tests")
# Annotations are never evaluated, so that `int | None` can become anything.
LEFT_OUT = ("core/ReplaceBinaryOperator_BitOr_.*", "core/RemoveDecorator")


@dataclass(frozen=True, kw_only=True)
class Mutated:
    """A module that makes figures."""

    module: str
    """Its path."""
    tests: tuple[str, ...]
    """The tests that look at its figures, the quickest first."""


MODULES = (
    Mutated(module="harness/record/rules.py", tests=("tests/harness/record/test_rules.py",)),
    Mutated(module="harness/record/metrics.py", tests=("tests/harness/record/test_metrics.py",)),
    Mutated(
        module="harness/record/compute.py",
        tests=("tests/harness/record", "tests/harness/run/test_whole_runs.py"),
    ),
    Mutated(
        module="harness/record/measured.py",
        tests=("tests/harness/record", "tests/harness/run/test_whole_runs.py"),
    ),
    Mutated(
        module="harness/wire/protocol.py",
        tests=("tests/harness/wire/test_protocol.py", "tests/harness/wire/test_session.py"),
    ),
    Mutated(module="harness/wire/inference.py", tests=("tests/harness/wire/test_session.py",)),
    Mutated(module="harness/wire/session.py", tests=("tests/harness/wire/test_session.py",)),
    Mutated(module="harness/wire/transcript.py", tests=("tests/harness/wire/test_transcript.py",)),
    Mutated(module="harness/run/modes.py", tests=("tests/harness/run/test_whole_runs.py",)),
    Mutated(
        module="harness/run/calibration.py",
        tests=("tests/harness/run/test_calibration.py",),
    ),
    Mutated(module="results/review/checks/recompute.py", tests=("tests/results",)),
    Mutated(module="firmware/codegen/place.py", tests=("tests/firmware/test_place.py",)),
    Mutated(
        module="firmware/codegen/ir/requant.py", tests=("tests/firmware/test_lower.py", "tests/firmware/test_conv.py")
    ),
    Mutated(module="runners/emulator/timing/cores/cortex_m7.py", tests=("tests/runners/timing/test_cortex_m7.py",)),
)


def chosen(names: tuple[str, ...]) -> tuple[Mutated, ...]:
    """Return the rows whose paths end with ``names``; all for none."""
    for name in names:
        if not any(row.module.endswith(name) for row in MODULES):
            raise UsageError(f"{name} is not in the table; known are {', '.join(row.module for row in MODULES)}.")
    return tuple(row for row in MODULES if not names or row.module.endswith(names))


def configuration(row: Mutated) -> str:
    """Return cosmic-ray's configuration for a module."""
    tests = " ".join(row.tests)
    left_out = ", ".join(f'"{name}"' for name in LEFT_OUT)
    return f"""[cosmic-ray]
module-path = "{row.module}"
timeout = {TIMEOUT_S}
excluded-modules = []
test-command = "{sys.executable} -m pytest -x -q -n 0 -p no:cacheprovider {tests}"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [{left_out}]
"""


def survivors(row: Mutated, tree: Path) -> tuple[int, list[str]]:
    """Try every change of a module: how many were tried, and a diff of each that the tests did not find.

    The options of ``@dataclass`` are left out: that a row cannot be changed makes no figure.

    Args:
        row: The module.
        tree: A copy of the tree, which is changed in place.
    """
    from cosmic_ray.work_db import WorkDB, use_db

    (tree / "mutants.toml").write_text(configuration(row))
    session = tree / "mutants.sqlite"
    session.unlink(missing_ok=True)
    path = os.pathsep.join([str(tree / "src"), str(tree), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    for command in (
        ("cosmic_ray.cli", "init", "mutants.toml", session.name),
        ("cosmic_ray.tools.filters.operators_filter", session.name, "mutants.toml"),
        ("cosmic_ray.cli", "baseline", "mutants.toml"),
        ("cosmic_ray.cli", "exec", "mutants.toml", session.name),
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=tree, env=environment, check=True)
    with use_db(str(session), WorkDB.Mode.open) as database:
        done = [
            (result.diff or "", result.test_outcome.value)
            for _, result in database.completed_work_items
            if result.test_outcome is not None and "\n-@dataclass" not in (result.diff or "")
        ]
    return len(done), [diff for diff, outcome in done if outcome == "survived"]


@click.command()
@click.argument("modules", nargs=-1)
def main(modules: tuple[str, ...]) -> None:
    """Print the changes that the tests do not find."""
    enough = True
    for row in chosen(modules):
        with tempfile.TemporaryDirectory() as name:
            tree = Path(name)
            for folder in COPIED:
                shutil.copytree(ROOT / folder, tree / folder, symlinks=True)
            shutil.copy(ROOT / "pyproject.toml", tree)
            tried, alive = survivors(row, tree)
        killed = 100.0 * (tried - len(alive)) / max(tried, 1)
        enough = enough and killed >= REQUIRED
        print("\n".join(alive))
        print(f"{row.module}: {tried - len(alive)} of {tried} found, {killed:.1f} %", flush=True)
    raise SystemExit(0 if enough else 1)


if __name__ == "__main__":
    main()
