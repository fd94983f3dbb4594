# SPDX-License-Identifier: Apache-2.0
"""The examples in docstrings are run: of every module that has one."""

from __future__ import annotations

import ast
import doctest
import importlib

import pytest

from tests.markers import imports_of, needs
from tests.test_structure import SOURCES

WITH_EXAMPLES = sorted(module for module, path in SOURCES.items() if ">>> " in path.read_text(encoding="utf-8"))


def test_some_modules_have_examples() -> None:
    assert "mlperf_tiny" in WITH_EXAMPLES


def needed_by(module: str) -> list[pytest.MarkDecorator]:
    """Markers of what a module imports: TensorFlow takes seconds."""
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    found = needs(set(imports_of(tree.body, deep=False))) & {"tensorflow"}
    return [getattr(pytest.mark, name) for name in sorted(found)]


@pytest.mark.parametrize("module", [pytest.param(name, marks=needed_by(name)) for name in WITH_EXAMPLES])
def test_examples_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
