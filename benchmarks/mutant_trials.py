# SPDX-License-Identifier: Apache-2.0
"""Tries the changes in cosmic-ray's database, each in a fork of a process that has imported the libraries already.

    python -m benchmarks.mutant_trials SESSION TIMEOUT_S TEST ...        (by benchmarks.mutants, in a copy of the tree)

A process of its own for each change, as cosmic-ray starts them, takes several times as long as most tests do.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import signal
import sys
import time
from collections.abc import Sequence

import pytest
from _pytest.config import default_plugins
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

LIBRARIES = ("hypothesis", "msgspec", "numpy", "scipy.special", "sklearn.metrics", "unicorn", "click")
"""What tests import; nothing of this project, which is imported in each fork."""
POLL_S = 0.005


def found_by(tests: Sequence[str], timeout_s: float) -> bool:
    """Return whether the tests fail, or do not end.

    Args:
        tests: Paths of tests.
        timeout_s: Seconds after which they do not end.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(null, descriptor)
            status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
        finally:
            os._exit(status)
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        time.sleep(POLL_S)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def trial(change: MutationSpec, tests: Sequence[str], timeout_s: float) -> WorkResult:
    """Make one change, run the tests, and take it back.

    Args:
        change: What to change.
        tests: Paths of tests.
        timeout_s: Seconds after which they have found it.
    """
    operator = get_operator(change.operator_name)(**change.operator_args)
    with use_mutation(change.module_path, operator, change.occurrence) as (before, after):
        if after is None:
            return WorkResult(worker_outcome=WorkerOutcome.NO_TEST)
        outcome = TestOutcome.KILLED if found_by(tests, timeout_s) else TestOutcome.SURVIVED
    name = str(change.module_path)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    return WorkResult(worker_outcome=WorkerOutcome.NORMAL, test_outcome=outcome, diff="\n".join(diff))


def main() -> None:
    """Try all changes that have no result yet."""
    session, timeout_s, *tests = sys.argv[1:]
    for name in (*LIBRARIES, *(f"_pytest.{plugin}" for plugin in default_plugins)):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert not any(name.partition(".")[0] == "mlperf_tiny" for name in sys.modules)
    with use_db(session, WorkDB.Mode.open) as database:
        for item in list(database.pending_work_items):
            database.set_result(item.job_id, trial(item.mutations[0], tests, float(timeout_s)))


if __name__ == "__main__":
    main()
