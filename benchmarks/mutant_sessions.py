# SPDX-License-Identifier: Apache-2.0
"""Databases of cosmic-ray: the changes of a module, and what its tests made of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import BenchError

LEFT_OUT = (
    # Annotations are never evaluated, so that `int | None` can become anything.
    "core/ReplaceBinaryOperator_BitOr_.*",
    "core/RemoveDecorator",
    # Whether equal numbers or texts are one object is up to the interpreter, and None equals nothing but itself.
    "core/ReplaceComparisonOperator_(Eq_Is|NotEq_IsNot|Is_Eq|IsNot_NotEq)",
)


class TestsFail(BenchError):
    """The tests of a module fail without a change, so that they say nothing about changes."""

    def __init__(self, tests: Sequence[str]) -> None:
        super().__init__(f"These tests fail before anything is changed: {' '.join(tests)}. Repair them first.")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change, which its tests have met."""

    function: str
    """The function it is in; empty outside functions."""
    diff: str
    """What was changed."""
    survived: bool
    """Whether all tests passed."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Function, line and what it became, as in a row of ``Equivalent``."""
        lines = [line for line in self.diff.splitlines() if line[:3] not in ("---", "+++")]
        removed, added = (" ".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
        return self.function, removed, added


def state_of(tree: Path, names: Iterable[str]) -> str:
    """Return a digest of files.

    Args:
        tree: A copy of the tree.
        names: Files and folders in it.
    """
    digest = hashlib.sha256()
    paths = (path for name in names for path in (tree / name, *sorted((tree / name).rglob("*"))))
    for path in paths:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(tree)} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def session_of(name: str, folder: Path, state: str) -> Path:
    """Return the path of a module's database; one of another state is removed.

    Args:
        name: Of the module.
        folder: Keeps databases.
        state: What the database is about, as ``state_of`` returns it.
    """
    session, known = folder / f"{name}.sqlite", folder / f"{name}.state"
    if not known.exists() or known.read_text() != state:
        session.unlink(missing_ok=True)
    known.write_text(state)
    return session.resolve()


def configuration(module: str) -> str:
    """Return cosmic-ray's configuration for a module; ``mutant_trials.py`` runs the tests, within its own limits."""
    left_out = ", ".join(f'"{name}"' for name in LEFT_OUT)
    return f"""[cosmic-ray]
module-path = "{module}"
timeout = 1.0
excluded-modules = []
test-command = "false"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [{left_out}]
"""


def environment_of(tree: Path) -> dict[str, str]:
    """Return the environment of the tests; plugins of pytest are not needed, and each process would import them."""
    path = os.pathsep.join([str(tree / "src"), str(tree), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def try_mutants(module: str, tests: Sequence[str], tree: Path, session: Path, *, again: bool) -> None:
    """Try the changes of a module that the database has no result of.

    Args:
        module: Its path.
        tests: Paths of its tests.
        tree: A copy of the tree, which is changed in place.
        session: cosmic-ray's database; it is made unless it is there.
        again: Try again also what no test found.

    Raises:
        TestsFail: when the tests fail without a change.
    """
    environment = environment_of(tree)

    def run(*command: str, **variables: str) -> int:
        arguments = [sys.executable, "-m", *command]
        with subprocess.Popen(arguments, cwd=tree, env={**environment, **variables}) as process:
            try:
                return process.wait()
            finally:
                process.terminate()

    # Compiles the modules that stay as they are, which no trial may do: two changes within a second look the same.
    if run("pytest", "-x", "-q", "-p", "no:cacheprovider", *tests, PYTHONDONTWRITEBYTECODE=""):
        raise TestsFail(tests)
    if not session.exists():
        make_session(module, tree, session, run)
    elif again:
        forget_survivors(session)
    if status := run("benchmarks.mutant_trials", str(session), *tests):
        raise BenchError(f"The trials of {module} ended with exit status {status}, see above.")


def make_session(module: str, tree: Path, session: Path, run: Callable[..., int]) -> None:
    """Write the database of all changes of a module; it is not there before it is whole.

    Args:
        module: Its path.
        tree: A copy of the tree.
        session: Path of the database.
        run: Runs a module of Python with arguments in the tree, and returns its exit status.
    """
    (tree / "mutants.toml").write_text(configuration(module))
    unfinished = tree / "mutants.sqlite"
    for command in (
        ("cosmic_ray.cli", "init", "mutants.toml", str(unfinished)),
        ("cosmic_ray.tools.filters.operators_filter", str(unfinished), "mutants.toml"),
    ):
        if status := run(*command):
            raise BenchError(f"{' '.join(command)} ended with exit status {status}, see above.")
    leave_out_options_of_rows(unfinished, (tree / module).read_text().splitlines())
    copied = session.with_suffix(".unfinished")
    shutil.copy(unfinished, copied)
    copied.replace(session)


def forget_survivors(session: Path) -> None:
    """Let the changes that no test found be tried again."""
    with contextlib.closing(sqlite3.connect(session)) as database, database:
        database.execute("DELETE FROM work_results WHERE lower(test_outcome) = 'survived'")


def leave_out_options_of_rows(session: Path, lines: Sequence[str]) -> None:
    """Leave out changes of the options of ``@dataclass`` and ``Struct``: that a row cannot be changed makes no figure.

    Args:
        session: cosmic-ray's database.
        lines: The module.
    """
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    with use_db(str(session), WorkDB.Mode.open) as database:
        for item in list(database.pending_work_items):
            line = lines[item.mutations[0].start_pos[0] - 1]
            if line.startswith("@dataclass") or "(msgspec.Struct, " in line:
                database.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def results(session: Path) -> list[Mutant]:
    """Return the changes that were tried, out of cosmic-ray's database."""
    from cosmic_ray.work_db import WorkDB, use_db

    with use_db(str(session), WorkDB.Mode.open) as database:
        return [
            Mutant(
                function=item.mutations[0].definition_name or "",
                diff=result.diff or "",
                survived=result.test_outcome.value == "survived",
            )
            for item, result in database.completed_work_items
            if result.test_outcome is not None
        ]
