# SPDX-License-Identifier: Apache-2.0
"""Which marker a test gets: what it needs, found from what its file and its own body import.

A marker at a test, class or file wins over all that; only ``slow`` is added to what is found. A test that is not slow
and needs nothing special is ``unit``.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

MARKERS = {
    "unit": "quick, and needs nothing but the package's own dependencies",
    "emulator": "runs firmware on an emulated board",
    "toolchain": "compiles C, or builds the package",
    "tensorflow": "runs TensorFlow or its interpreter on a whole network",
    "browser": "drives a Chromium of the system",
    "data": "reads the official models and data",
    "slow": "tries every position of a file, or hundreds of inputs: takes seconds",
}

DATA_FIXTURE = "data_dir"

NEEDS = {
    "emulator": (
        "mlperf_tiny.harness.compare.engines",
        "mlperf_tiny.harness.profile.measure",
        "mlperf_tiny.runners.emulator.board",
        "mlperf_tiny.runners.emulator.transport",
        "tests.runners.emulator_images",
    ),
    "toolchain": (
        "mlperf_tiny.firmware.build",
        "mlperf_tiny.firmware.toolchain",
        "mlperf_tiny.harness.image.build",
        "mlperf_tiny.results.reproduce.reproduce",
        "tests.fakes.host_model",
        "tests.fakes.host_monitor",
        "tests.fakes.sanitized_model",
        "tests.fakes.tflm_tree",
        "tests.fakes.thumb_code",
        "ziglang",
    ),
    "tensorflow": ("ai_edge_litert.interpreter", "keras", "tensorflow"),
    "browser": ("playwright", "tests.fakes.browser"),
}
"""Marker -> modules; a test that imports one of them, or a module below it, gets the marker."""


def imports_of(nodes: list[ast.stmt], deep: bool) -> Iterator[str]:
    """Names of the modules that statements import, also by ``pytest.importorskip("name")``.

    Args:
        nodes: Statements of a module or of a function.
        deep: Look into functions and classes too.
    """
    for node in nodes:
        if not deep and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Import):
                yield from (alias.name for alias in part.names)
            elif isinstance(part, ast.ImportFrom) and part.module:
                yield part.module
                yield from (f"{part.module}.{alias.name}" for alias in part.names)
            elif isinstance(part, ast.Call) and ast.unparse(part.func) == "pytest.importorskip":
                yield ast.literal_eval(part.args[0])


def needs(imports: set[str]) -> set[str]:
    """Return the markers that a set of imported modules asks for."""
    return {
        marker
        for marker, modules in NEEDS.items()
        if any(name == module or name.startswith(f"{module}.") for name in imports for module in modules)
    }


@cache
def markers_of_file(path: Path) -> frozenset[str]:
    """Return the markers of all tests in a file."""
    return frozenset(needs(set(imports_of(ast.parse(path.read_text(encoding="utf-8")).body, deep=False))))


@cache
def _functions(path: Path) -> dict[str, frozenset[str]]:
    """Name of each function in a file, with the markers of what its body imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {node.name: frozenset(needs(set(imports_of(node.body, deep=True)))) for node in functions}


def markers_of_test(path: Path, name: str, fixtures: Collection[str] = ()) -> frozenset[str]:
    """Return the markers of one test.

    Args:
        path: The file of the test.
        name: The function's name, without parameters.
        fixtures: Names of all fixtures it uses.

    Returns:
        One or more of ``MARKERS``.
    """
    own = _functions(path).get(name, frozenset())
    data = {"data"} if DATA_FIXTURE in fixtures else set()
    return frozenset(markers_of_file(path) | own | data) or frozenset({"unit"})
