# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all test folders, the markers of tests, and no skips for want of data where data is promised."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.markers import MARKERS, markers_of_file, markers_of_test

MISSING = "needs the official models and data (MLPERF_TINY_DATA)"

_skipped_for_data: list[str] = []

# Each worker has a core: threads of TensorFlow and BLAS beyond it only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real models and data, or a skip that says what is missing."""
    value = os.environ.get("MLPERF_TINY_DATA")
    if not value:
        pytest.skip(f"{MISSING}: the variable is not set")
    path = Path(value)
    if not path.is_dir():
        pytest.skip(f"{MISSING}: {value} is not a folder")
    return path


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts a background command with SIGINT ignored, nohup with SIGHUP: tests that send them need the default.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m unit`` a file of other tests is not even imported: TensorFlow takes seconds."""
    if config.getoption("markexpr") != "unit" or not collection_path.name.startswith("test_"):
        return None
    return True if markers_of_file(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the markers that it needs, unless it has one of them."""
    for item in items:
        given = {mark.name for mark in item.iter_markers()} & set(MARKERS)
        if not isinstance(item, pytest.Function) or given - {"slow"}:
            continue
        found = markers_of_test(item.path, item.originalname, item.fixturenames)
        for name in sorted(found - {"unit"} if given else found):
            item.add_marker(name)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple) and MISSING in report.longrepr[2]:
        _skipped_for_data.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("MLPERF_TINY_REQUIRE_DATA") and _skipped_for_data:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("MLPERF_TINY_REQUIRE_DATA") and _skipped_for_data:
        terminalreporter.write_line(
            f"{len(_skipped_for_data)} tests skipped for want of data although MLPERF_TINY_REQUIRE_DATA is set: "
            + ", ".join(_skipped_for_data[:5]),
            red=True,
        )
