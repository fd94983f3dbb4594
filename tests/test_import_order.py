# SPDX-License-Identifier: Apache-2.0
"""Imports follow the data flow: a package may import only itself and what lies below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Package -> packages of this project it may import. The errors are a leaf that all may import.
LEAVES = {"harness.errors"}
MAY_IMPORT = {
    "models": set(),
    "firmware": set(),
    "search": {"models", "firmware"},
    "runners": {"firmware"},
    "harness": {"runners", "models", "firmware"},
    "results": {"harness", "models", "firmware"},
    "harness.cli": {"harness", "runners", "models", "firmware", "search", "results"},
}


def imported_modules(path: Path) -> set[str]:
    """Absolute names of all modules a file imports, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            assert node.module is not None
            names.add(node.module)
    return names


def package_of(module: str) -> str:
    """The row of MAY_IMPORT a module belongs to."""
    return "harness.cli" if module.startswith("harness.cli") else module.split(".")[0]


SOURCES = sorted(path for package in MAY_IMPORT if "." not in package for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_lies_below(path: Path) -> None:
    own = package_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for module in imported_modules(path):
        other = package_of(module)
        if other not in MAY_IMPORT or other == own or module in LEAVES:
            continue
        assert other in MAY_IMPORT[own], f"{path.relative_to(ROOT)} imports {module}: {own} may not know {other}"
