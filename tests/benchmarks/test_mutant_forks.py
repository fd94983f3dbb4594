# SPDX-License-Identifier: Apache-2.0
"""How the tests of a change end, whatever else the machine does, and what is said of a long row of changes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.mutant_forks import Ended, Report
from benchmarks.mutant_sessions import environment_of, forget_survivors, session_of, state_of
from benchmarks.mutants import ROOT

CASES = (
    # body of the test, whether it passes or how it fails
    ("assert True", Ended.PASSED),
    ("assert False", Ended.FAILED),
    ("import nothing_of_this_name", Ended.FAILED),
    ("import os; os.kill(os.getpid(), 11)", Ended.FAILED),
    ("while True: pass", Ended.LATE),
    # Waits for what never comes: late by the clock. A slow machine waits too, and longer than its processor's limit.
    ("import time; time.sleep(1000)", Ended.LATE),
    ("import time; time.sleep(1.2)", Ended.PASSED),
)
TRIALS = """
import sys
from benchmarks import mutant_forks
mutant_forks.WAITING = 4.0
assert mutant_forks.limit_of(sys.argv[1:2]) == mutant_forks.SHORTEST_S
for test in sys.argv[1:]:
    print(mutant_forks.run_tests([test], 1).value)
mutant_forks.limit_of(sys.argv[2:3])
"""


def test_how_tests_end(tmp_path: Path) -> None:
    """In a process that has imported few libraries, as that of the trials: of all others each fork has a copy."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    files = [tmp_path / f"test_{number}.py" for number in range(len(CASES))]
    for file, (body, _) in zip(files, CASES, strict=True):
        file.write_text(f"def test_it():\n    {body}\n")
    command = [sys.executable, "-c", TRIALS, *map(str, files)]
    done = subprocess.run(command, env=environment_of(ROOT), capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == [ended.value for _, ended in CASES], done.stderr
    assert done.returncode == 1 and f"{files[1]} fail in a fork without a change" in done.stderr


def test_a_report_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("a/m.py", 3)
    for number, ended in enumerate(("passed", "late", None), start=1):
        report.add(number, ended)
    assert (
        "a/m.py: 3 of 3 changes tried in 0 min, 1 passed their tests, 1 did not end in time" in capsys.readouterr().err
    )
    assert report.text(1, 600).endswith("about 20 min left")


def test_a_database_is_kept_while_no_file_changes(tmp_path: Path) -> None:
    tree, kept = tmp_path / "tree", tmp_path / "kept"
    for folder in (tree / "tests", kept):
        folder.mkdir(parents=True)
    (tree / "m.py").write_text("1")
    before = state_of(tree, ["m.py", "tests"])
    session = session_of("m.py", kept, before)
    session.write_text("tried")
    assert session_of("m.py", kept, before).exists()
    (tree / "tests" / "m.pyc").write_text("compiled")
    assert state_of(tree, ["m.py", "tests"]) == before
    (tree / "tests" / "test_m.py").write_text("2")
    after = state_of(tree, ["m.py", "tests"])
    assert after != before and state_of(tree, ["m.py"]) == state_of(tree, ["m.py", "nothing"])
    assert not session_of("m.py", kept, after).exists()


def test_only_survivors_are_forgotten(tmp_path: Path) -> None:
    session = tmp_path / "session.sqlite"
    with closing(sqlite3.connect(session)) as database, database:
        database.execute("CREATE TABLE work_results (test_outcome TEXT)")
        database.executemany("INSERT INTO work_results VALUES (?)", [("SURVIVED",), ("KILLED",), (None,)])
    forget_survivors(session)
    with closing(sqlite3.connect(session)) as database:
        assert database.execute("SELECT test_outcome FROM work_results").fetchall() == [("KILLED",), (None,)]


def test_the_tests_see_the_copy_of_the_tree(tmp_path: Path) -> None:
    environment = environment_of(tmp_path)
    assert environment["PYTHONPATH"].split(os.pathsep)[:2] == [str(tmp_path / "src"), str(tmp_path)]
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
