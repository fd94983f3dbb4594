# SPDX-License-Identifier: Apache-2.0
"""Which changes of the code that makes figures do the tests not find? By cosmic-ray, in a copy of the tree.

    python -m benchmarks.mutants [MODULE ...]        (make mutants)

A module is a path of the table below, or the end of one; without any, all of them, which takes hours. Needs the extra
``mutants``. Each change that its tests survive is printed as a diff, unless ``equivalent_mutants.toml`` lists it with
the reason why it changes no figure; so is each entry of that list that is out of date. The exit status is 1 below
``REQUIRED`` percent, and for a list that is out of date. What was tried before an interruption is kept in ``KEPT``: the
same command goes on there, unless a file of the tree has changed since.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec

from benchmarks.mutant_sessions import Mutant, results, session_of, state_of, try_mutants
from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.errors import UsageError
from mlperf_tiny.file_lock import locked_name

ROOT = Path(__file__).parents[1]
REQUIRED = 92.0
KEPT = ROOT / "build" / "mutants"
COPIED = ("benchmarks", "docs", "firmware", "harness", "models", "results", "runners", "search", "src", "tests")
EQUIVALENT = "benchmarks/equivalent_mutants.toml"
TABLE_HEAD = (
    "| module | changes | found by a test | change nothing (listed) | not found | found |",
    "|---|---|---|---|---|---|",
)


@dataclass(frozen=True, kw_only=True)
class Mutated:
    """A module that makes figures."""

    module: str
    """Its path."""
    tests: tuple[str, ...]
    """The tests that look at its figures, the quickest first."""

    @property
    def name(self) -> str:
        """Its path as a file name."""
        return self.module.replace("/", "+")


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
    Mutated(module="runners/emulator/timing/cores/fetch_queue.py", tests=("tests/runners/timing/test_fetch_queue.py",)),
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


def try_module(row: Mutated, keep: Path | None) -> Outcome:
    """Try the changes of a module in a copy of the tree.

    Args:
        row: The module.
        keep: What a test found stays in this folder while the module stays as it is. None: while the tree does.

    Raises:
        HeldElsewhere: while another process tries the same module.
        TestsFail: when the module's tests fail without a change.
    """
    folder = keep or KEPT
    with locked_name(folder, f"{row.name}.lock"), tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for copied in COPIED:
            shutil.copytree(ROOT / copied, tree / copied, symlinks=True)
        shutil.copy(ROOT / "pyproject.toml", tree)
        session = session_of(row.name, folder, state_of(tree, [row.module] if keep else COPIED))
        try_mutants(row.module, row.tests, tree, session, again=keep is not None)
        found = outcome(row.module, results(session), listed())
        if not keep:
            session.unlink()
    return found


@click.command()
@click.argument("modules", nargs=-1)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps what was found: while a module stays as it is, only the others are tried again.",
)
@reports_errors
def main(modules: tuple[str, ...], keep: Path | None) -> None:
    """Print the changes that the tests do not find."""
    outcomes = []
    for row in chosen(modules):
        found = try_module(row, keep)
        print("\n".join([*found.survivors, *found.stale]))
        print(found.row(), flush=True)
        outcomes.append(found)
    print("\n" + "\n".join([*TABLE_HEAD, *(found.row() for found in outcomes)]))
    raise SystemExit(0 if all(found.percent >= REQUIRED and not found.stale for found in outcomes) else 1)


if __name__ == "__main__":
    main()
