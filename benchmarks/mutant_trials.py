# SPDX-License-Identifier: Apache-2.0
"""Tries the changes in cosmic-ray's database, each in a fork of a process that has imported the libraries already.

    python -m benchmarks.mutant_trials SESSION TEST ...        (by benchmarks.mutants, in a copy of the tree)

A process of its own for each change, as cosmic-ray starts them, takes several times as long as most tests do.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import importlib
import signal
import sys
from collections.abc import Sequence

from _pytest.config import default_plugins
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

from benchmarks.mutant_forks import Ended, Report, limit_of, run_tests

LIBRARIES = ("hypothesis", "msgspec", "numpy", "scipy.special", "sklearn.metrics", "unicorn", "click")
"""What tests import; nothing of this project, which is imported in each fork."""


def trial(change: MutationSpec, tests: Sequence[str], limit_s: int) -> WorkResult:
    """Make one change, run the tests, and take it back.

    Args:
        change: What to change.
        tests: Paths of tests.
        limit_s: Seconds of the processor after which they have found it.
    """
    operator = get_operator(change.operator_name)(**change.operator_args)
    with use_mutation(change.module_path, operator, change.occurrence) as (before, after):
        if after is None:
            return WorkResult(worker_outcome=WorkerOutcome.NO_TEST)
        ended = run_tests(tests, limit_s)
    outcome = TestOutcome.SURVIVED if ended is Ended.PASSED else TestOutcome.KILLED
    name = str(change.module_path)
    diff = "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm=""))
    return WorkResult(worker_outcome=WorkerOutcome.NORMAL, test_outcome=outcome, diff=diff, output=ended.value)


def main() -> None:
    """Try all changes that have no result yet."""
    session, *tests = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in (*LIBRARIES, *(f"_pytest.{plugin}" for plugin in default_plugins)):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert not any(name.partition(".")[0] == "mlperf_tiny" for name in sys.modules)
    limit_s = limit_of(tests)
    with use_db(session, WorkDB.Mode.open) as database:
        items = list(database.pending_work_items)
        gc.collect()
        gc.freeze()  # each fork collects at its end: what it made, not the libraries
        report = Report(str(items[0].mutations[0].module_path) if items else "", len(items))
        for number, item in enumerate(items, start=1):
            result = trial(item.mutations[0], tests, limit_s)
            database.set_result(item.job_id, result)
            report.add(number, result.output)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
        sys.exit()
    sys.exit(130)
