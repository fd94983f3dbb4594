# SPDX-License-Identifier: Apache-2.0
"""The examples in docstrings are run: of every module that has one."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.test_structure import SOURCES

WITH_EXAMPLES = sorted(module for module, path in SOURCES.items() if ">>> " in path.read_text(encoding="utf-8"))


def test_some_modules_have_examples() -> None:
    assert "mlperf_tiny" in WITH_EXAMPLES


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
