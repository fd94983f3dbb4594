# SPDX-License-Identifier: Apache-2.0
"""Fixtures every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real models and data, or a skip that says what is missing."""
    return require_data()


def require_data() -> Path:
    """Return the folder ``MLPERF_TINY_DATA`` names; skips the calling test when there is none."""
    value = os.environ.get("MLPERF_TINY_DATA")
    if not value:
        pytest.skip("MLPERF_TINY_DATA is not set: this test needs the official models and data")
    path = Path(value)
    if not path.is_dir():
        pytest.skip(f"MLPERF_TINY_DATA={value} is not a folder: this test needs the official models and data")
    return path
