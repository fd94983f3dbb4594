# SPDX-License-Identifier: Apache-2.0
"""Fixtures every test folder shares, and the rule that data tests may not skip where the data is promised."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MISSING = "needs the official models and data (MLPERF_TINY_DATA)"

_skipped_for_data: list[str] = []


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
