# SPDX-License-Identifier: Apache-2.0
"""The structure that docs/architecture.md draws: imports go down only, folders form no cycle, no folder is crowded.

What catches every exception says why."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"
ROOT = "mlperf_tiny"
MAX_MODULES = 12

# From top to bottom. A package may import those in the rows below its own, never one beside it; itself always.
LAYERS = (
    ("__main__",),
    ("cli", "api"),
    ("results", "search"),
    ("harness",),
    ("runners",),
    ("firmware", "models"),
    ("terminal", "progress", "file_tree", "interruption", "child_process", "file_lock", "disk", "whole_file"),
    ("errors", "file_names"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
BROAD = {"Exception", "BaseException"}
CROWDED = {f"{ROOT}.cli"}  # one file a command


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    """Module name -> file, of the whole package; the links to the top-level folders are followed by hand."""
    found: dict[str, Path] = {}
    folders = [SRC / ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir():
                folders.append(path)
            elif path.suffix == ".py":
                found[module_name(path)] = path
    return found


SOURCES = sources()


def imported_modules(path: Path) -> set[str]:
    """Names of all modules of this project that a file imports, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            full = (f"{node.module}.{alias.name}" for alias in node.names)
            names |= {name if name in SOURCES else str(node.module) for name in full}
    return {name for name in names if name.split(".")[0] == ROOT}


@cache
def imports() -> dict[str, set[str]]:
    """Module name -> names of the modules it imports."""
    return {module: imported_modules(path) for module, path in SOURCES.items()}


def layer_of(module: str) -> int | None:
    """The row of LAYERS; None for the package's own ``__init__``: the commands take the version from it."""
    return None if module == ROOT else LEVEL[module.split(".")[1]]


def test_imports_go_down_only() -> None:
    upward = [
        f"{module} imports {other}"
        for module, others in imports().items()
        for other in others
        if (own := layer_of(module)) is not None and (other == ROOT or module.split(".")[1] != other.split(".")[1])
        if ((theirs := layer_of(other)) is None and own > LEVEL["cli"]) or (theirs is not None and theirs <= own)
    ]
    assert not upward


def test_folders_form_no_cycle() -> None:
    def folder(module: str) -> str:
        return module if SOURCES[module].name == "__init__.py" else module.rpartition(".")[0]

    graph: dict[str, set[str]] = {}
    for module, others in imports().items():
        graph.setdefault(folder(module), set()).update(map(folder, others))
    for name, others in graph.items():
        others.discard(name)
    del graph[ROOT]  # the leaves and the lazy front of the package
    for others in graph.values():
        others.discard(ROOT)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"folders import each other: {' <- '.join(error.args[1])}") from None


def test_no_folder_is_crowded() -> None:
    modules = Counter(str(path.parent) for path in SOURCES.values() if path.name != "__init__.py")
    crowded = {
        folder: count
        for folder, count in modules.items()
        if count > MAX_MODULES and module_name(Path(folder) / "__init__.py") not in CROWDED
    }
    assert not crowded


def test_no_test_module_has_the_name_of_one_of_python() -> None:
    """pytest puts the folders of tests on the module path, which child processes get: theirs would be found first."""
    taken = {path for path in Path(__file__).parent.rglob("*.py") if path.stem in sys.stdlib_module_names}
    assert taken == set()


def broad_handlers(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that catches every exception and does not raise it again."""
    text = path.read_text()
    for node in ast.walk(ast.parse(text)):
        names: list[ast.AST] = []
        if isinstance(node, ast.ExceptHandler):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                names = [ast.Name("BaseException")] if node.type is None else list(ast.walk(node.type))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            names = list(node.args)
        if any(isinstance(name, ast.Name) and name.id in BROAD for name in names):
            yield node.lineno, text.splitlines()[node.lineno - 1].strip()


def test_what_catches_every_exception_says_why() -> None:
    """A boundary may have to, with the reason in its line; all else names the errors that can come."""
    found = {f"{module}:{number}": line for module, path in SOURCES.items() for number, line in broad_handlers(path)}
    silent = [place for place, line in found.items() if "  # " not in line]
    assert not silent, "\n".join(silent)
    assert {place.partition(":")[0].removeprefix(f"{ROOT}.") for place in found} == {
        "models.data.synthetic.espeak",
        "runners.emulator.core.engine_callbacks",
        "runners.emulator.translate.worker",
    }


def test_no_two_test_modules_have_one_name() -> None:
    """Folders of tests are no packages: pytest imports a module by its bare name, and refuses the second one."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
