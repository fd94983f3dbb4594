# SPDX-License-Identifier: Apache-2.0
"""Which changes of the code that makes figures do the tests not find? By cosmic-ray, in a copy of the tree.

    python -m benchmarks.mutants [MODULE ...]        (make mutants)

A module is a path of the table below, or the end of one; without any, all of them, which takes hours. Needs the extra
``mutants``. Each change that its tests survive is printed as a diff, unless ``equivalent_mutants.toml`` lists it with
the reason why it changes no figure; so is each entry of that list that is out of date. The exit status is 1 below
``REQUIRED`` percent, and for a list that is out of date.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec

from mlperf_tiny.errors import UsageError

ROOT = Path(__file__).parents[1]
REQUIRED = 92.0
TIMEOUTS = 5.0
"""A changed module may take this many times what its tests take; at least ``SHORTEST_TIMEOUT_S``."""
SHORTEST_TIMEOUT_S = 5.0
COPIED = ("benchmarks", "docs", "firmware", "harness", "models", "results", "runners", "search", "src", "tests")
EQUIVALENT = "benchmarks/equivalent_mutants.toml"
TABLE_HEAD = (
    "| module | changes | found by a test | change nothing (listed) | not found | found |",
    "|---|---|---|---|---|---|",
)
LEFT_OUT = (
    # Annotations are never evaluated, so that `int | None` can become anything.
    "core/ReplaceBinaryOperator_BitOr_.*",
    "core/RemoveDecorator",
    # Whether equal numbers or texts are one object is up to the interpreter, and None equals nothing but itself.
    "core/ReplaceComparisonOperator_(Eq_Is|NotEq_IsNot|Is_Eq|IsNot_NotEq)",
)


@dataclass(frozen=True, kw_only=True)
class Mutated:
    """A module that makes figures."""

    module: str
    """Its path."""
    tests: tuple[str, ...]
    """The tests that look at its figures, the quickest first."""


MODULES = (
    Mutated(module="harness/record/rules.py", tests=("tests/harness/record/test_rules.py",)),
    Mutated(module="harness/record/metrics.py", tests=("tests/harness/record/test_metric_values.py",)),
    Mutated(module="harness/record/compute.py", tests=("tests/harness/record/test_compute.py",)),
    Mutated(module="harness/record/measured.py", tests=("tests/harness/record/test_measured.py",)),
    Mutated(module="harness/record/record.py", tests=("tests/harness/record/test_record_values.py",)),
    Mutated(
        module="harness/wire/protocol.py",
        tests=("tests/harness/wire/test_protocol_details.py", "tests/harness/wire/test_protocol.py"),
    ),
    Mutated(module="harness/wire/inference.py", tests=("tests/harness/wire/test_protocol_details.py",)),
    Mutated(
        module="harness/wire/session.py",
        tests=(
            "tests/harness/wire/test_session_details.py",
            "tests/harness/wire/test_session.py",
            "tests/harness/wire/test_reply_crc.py",
        ),
    ),
    Mutated(module="harness/wire/transcript.py", tests=("tests/harness/wire/test_transcript.py",)),
    Mutated(module="harness/wire/grammar.py", tests=("tests/harness/wire/test_grammar.py",)),
    Mutated(module="harness/wire/events.py", tests=("tests/harness/wire/test_events.py",)),
    Mutated(module="harness/run/modes.py", tests=("tests/harness/run/test_modes.py",)),
    Mutated(
        module="harness/run/calibration.py",
        tests=("tests/harness/run/test_calibration.py",),
    ),
    Mutated(module="results/review/checks/recompute.py", tests=("tests/results/test_recompute.py",)),
    Mutated(module="firmware/codegen/place.py", tests=("tests/firmware/test_place_search.py",)),
    Mutated(module="firmware/codegen/ir/requant.py", tests=("tests/firmware/test_requant.py",)),
    Mutated(
        module="runners/emulator/timing/cores/cortex_m7.py",
        tests=(
            "tests/runners/test_emulator_timing.py",
            "tests/runners/timing/test_cortex_m7_details.py",
            "tests/runners/timing/test_cortex_m7.py",
        ),
    ),
)


def chosen(names: tuple[str, ...]) -> tuple[Mutated, ...]:
    """Return the rows whose paths end with ``names``; all for none."""
    for name in names:
        if not any(row.module.endswith(name) for row in MODULES):
            raise UsageError(f"{name} is not in the table; known are {', '.join(row.module for row in MODULES)}.")
    return tuple(row for row in MODULES if not names or row.module.endswith(names))


class Equivalent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A line of a module and changes of it that change no figure; its number is not needed to find it."""

    module: str
    """Its path."""
    function: str = ""
    """The function that holds the line; empty outside functions."""
    line: str
    """The line without indentation; of a change of several lines all of them, joined by one blank."""
    becomes: tuple[str, ...]
    """The changed line, once for each change."""
    reason: str
    """Why it changes no figure."""


class EquivalentFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """What ``equivalent_mutants.toml`` holds."""

    equivalent: tuple[Equivalent, ...] = ()
    """In the order of ``MODULES``."""


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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of the changes of one module."""

    module: str
    """Its path."""
    tried: int
    """Changes."""
    killed: int
    """Changes that a test found."""
    equivalent: int
    """Changes that no test found, and that are listed as equivalent."""
    survivors: tuple[str, ...]
    """Diffs of the others."""
    stale: tuple[str, ...] = field(default=())
    """What is wrong in the list, a sentence each."""

    @property
    def percent(self) -> float:
        """Changes that were found, of those that change a figure."""
        return 100.0 * self.killed / max(self.tried - self.equivalent, 1)

    def row(self) -> str:
        """The outcome as a row of the table in CONTRIBUTING.md."""
        return (
            f"| {self.module} | {self.tried} | {self.killed} | {self.equivalent} "
            f"| {len(self.survivors)} | {self.percent:.1f} % |"
        )


def listed() -> tuple[Equivalent, ...]:
    """Return the changes that are listed as equivalent."""
    return msgspec.toml.decode((ROOT / EQUIVALENT).read_bytes(), type=EquivalentFile).equivalent


def outcome(module: str, mutants: Sequence[Mutant], table: Sequence[Equivalent]) -> Outcome:
    """Return how many changes were found, which were not, and which entries of the list are out of date.

    Args:
        module: Its path.
        mutants: Each change that was tried.
        table: The changes listed as equivalent, of any module.
    """
    alive = [mutant for mutant in mutants if mutant.survived]
    known = {mutant.key for mutant in mutants}
    surviving = {mutant.key for mutant in alive}
    entries = [(row.function, row.line, text) for row in table if row.module == module for text in row.becomes]
    stale = [
        f"{EQUIVALENT}: {module}: `{line}` to `{text}` in {function or 'no function'} "
        f"{'is found by a test now' if (function, line, text) in known else 'is no change that is tried'}; remove it."
        for function, line, text in entries
        if (function, line, text) not in surviving
    ]
    survivors = tuple(mutant.diff for mutant in alive if mutant.key not in entries)
    return Outcome(
        module=module,
        tried=len(mutants),
        killed=len(mutants) - len(alive),
        equivalent=len(alive) - len(survivors),
        survivors=survivors,
        stale=tuple(stale),
    )


def configuration(row: Mutated) -> str:
    """Return cosmic-ray's configuration for a module; ``mutant_trials.py`` runs the tests."""
    left_out = ", ".join(f'"{name}"' for name in LEFT_OUT)
    return f"""[cosmic-ray]
module-path = "{row.module}"
timeout = {SHORTEST_TIMEOUT_S}
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
    return {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def timeout_of(row: Mutated, tree: Path) -> float:
    """Return the seconds after which the tests of a module have found a change; they pass without one.

    Args:
        row: The module.
        tree: A copy of the tree.
    """
    for _ in range(2):  # the first run compiles the unchanged modules, the second one takes what each change will take
        started_s = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *row.tests]
        subprocess.run(command, cwd=tree, env=environment_of(tree), check=True)
    return max(SHORTEST_TIMEOUT_S, TIMEOUTS * (time.monotonic() - started_s))


def try_mutants(row: Mutated, tree: Path, session: Path) -> tuple[Mutant, ...]:
    """Try every change of a module.

    Args:
        row: The module.
        tree: A copy of the tree, which is changed in place.
        session: cosmic-ray's database; what a test has found by it is not tried again.

    Returns:
        The changes that were tried, now or before.
    """
    environment = {**environment_of(tree), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*command: str) -> None:
        subprocess.run([sys.executable, "-m", *command], cwd=tree, env=environment, check=True)

    timeout_s = timeout_of(row, tree)
    if session.exists():
        forget_survivors(session)
    else:
        (tree / "mutants.toml").write_text(configuration(row))
        run("cosmic_ray.cli", "init", "mutants.toml", str(session))
        run("cosmic_ray.tools.filters.operators_filter", str(session), "mutants.toml")
        leave_out_options_of_rows(session, (tree / row.module).read_text().splitlines())
    run("benchmarks.mutant_trials", str(session), str(timeout_s), *row.tests)
    return tuple(results(session))


def session_of(row: Mutated, folder: Path) -> Path:
    """Return the database of a module; that of another text of the module is removed.

    Args:
        row: The module.
        folder: Keeps databases.
    """
    name = row.module.replace("/", "+")
    session, text = folder / f"{name}.sqlite", folder / name
    content = (ROOT / row.module).read_bytes()
    if not text.exists() or text.read_bytes() != content:
        session.unlink(missing_ok=True)
    text.write_bytes(content)
    return session.resolve()


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


@click.command()
@click.argument("modules", nargs=-1)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps what was found: while a module stays as it is, only the others are tried again.",
)
def main(modules: tuple[str, ...], keep: Path | None) -> None:
    """Print the changes that the tests do not find."""
    outcomes = []
    for row in chosen(modules):
        with tempfile.TemporaryDirectory() as name:
            tree = Path(name)
            for folder in COPIED:
                shutil.copytree(ROOT / folder, tree / folder, symlinks=True)
            shutil.copy(ROOT / "pyproject.toml", tree)
            kept = keep or tree
            kept.mkdir(parents=True, exist_ok=True)
            found = outcome(row.module, try_mutants(row, tree, session_of(row, kept)), listed())
        print("\n".join([*found.survivors, *found.stale]))
        print(found.row(), flush=True)
        outcomes.append(found)
    print("\n" + "\n".join([*TABLE_HEAD, *(found.row() for found in outcomes)]))
    raise SystemExit(0 if all(found.percent >= REQUIRED and not found.stale for found in outcomes) else 1)


if __name__ == "__main__":
    main()
