# SPDX-License-Identifier: Apache-2.0
"""What mutation testing counts, and that its list of equivalent changes is about code that is there."""

from __future__ import annotations

import re

import pytest

from benchmarks.mutant_sessions import Mutant
from benchmarks.mutants import MODULES, ROOT, Equivalent, chosen, listed, outcome
from mlperf_tiny.errors import UsageError


def mutant(removed: str, added: str, survived: bool, function: str = "f") -> Mutant:
    diff = (
        f"--- mutation diff ---\n--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n def f(a):\n-    {removed}\n+    {added}\n x"
    )
    return Mutant(function=function, diff=diff, survived=survived)


def row(line: str, *becomes: str, module: str = "m.py", function: str = "f") -> Equivalent:
    return Equivalent(module=module, function=function, line=line, becomes=becomes, reason="they are equal")


def test_a_listed_change_is_no_survivor_wherever_its_line_stands() -> None:
    mutants = [
        mutant("return a", "return not a", survived=False),
        mutant("if a > 0:", "if a != 0:", survived=True),
        mutant("if a > 0:", "if a >= 0:", survived=True),
        mutant("if a > 0:", "if a != 0:", survived=True, function="g"),
    ]
    found = outcome("m.py", mutants, [row("if a > 0:", "if a != 0:"), row("x", "y", module="other.py")])
    assert (found.tried, found.killed, found.equivalent, found.stale) == (4, 1, 1, ())
    assert found.survivors == (mutants[2].diff, mutants[3].diff)
    assert found.percent == pytest.approx(100 / 3)
    assert found.row() == "| m.py | 4 | 1 | 1 | 2 | 33.3 % |"


def test_entries_that_are_out_of_date_are_named() -> None:
    mutants = [mutant("return a", "return not a", survived=False)]
    found = outcome("m.py", mutants, [row("return a", "return not a", "return b")])
    assert found.stale == (
        "benchmarks/equivalent_mutants.toml: m.py: `return a` to `return not a` in f is found by a test now; "
        "remove it.",
        "benchmarks/equivalent_mutants.toml: m.py: `return a` to `return b` in f is no change that is tried; "
        "remove it.",
    )


def test_a_change_of_several_lines_is_one_line_of_the_list() -> None:
    change = Mutant(
        function="f", diff="--- a\n+++ b\n@@ -1 +1 @@\n-    return g(\n-        1)\n+    return g( 2)", survived=True
    )
    assert outcome("m.py", [change], [row("return g( 1)", "return g( 2)")]).survivors == ()


def test_the_list_is_about_lines_that_are_there() -> None:
    for entry in listed():
        assert entry.module in {row.module for row in MODULES}, entry
        source = re.sub(r"\s+", " ", (ROOT / entry.module).read_text())
        assert re.sub(r"\s+", " ", entry.line) in source, entry
        assert not entry.function or f"def {entry.function}(" in source, entry
        assert entry.reason and entry.becomes and entry.line not in entry.becomes, entry


def test_modules_are_chosen_by_the_end_of_their_paths() -> None:
    assert [row.module for row in chosen(("record/rules.py",))] == ["harness/record/rules.py"]
    assert chosen(()) == MODULES
    with pytest.raises(UsageError, match=r"nothing\.py is not in the table"):
        chosen(("nothing.py",))


def test_the_tests_of_each_module_are_there() -> None:
    for module in MODULES:
        assert (ROOT / module.module).is_file()
        assert all((ROOT / path.partition("::")[0]).exists() for path in module.tests), module.module
