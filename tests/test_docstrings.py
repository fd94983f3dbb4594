# SPDX-License-Identifier: Apache-2.0
"""Public functions say what they do, and their arguments where there are several.

Commands are left out: click prints their docstrings.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AREAS = ("firmware", "harness", "models", "results", "runners", "search", "src/mlperf_tiny")


def public_functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of a module and methods of its public classes; not those inside other functions."""
    bodies = [module.body]
    while bodies:
        for node in bodies.pop():
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bodies.append(node.body)
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node


def is_exempt(function: ast.FunctionDef) -> bool:
    """Whether a decorator makes the function an overload, a property or a command."""
    decorators = {ast.unparse(node.func if isinstance(node, ast.Call) else node) for node in function.decorator_list}
    return any(name in ("overload", "property", "click_command", "click.group") for name in decorators)


def missing(function: ast.FunctionDef) -> list[str]:
    """What the docstring of a function lacks."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    names = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
    text = ast.get_docstring(function) or ""
    return [] if text and (len(names) < 2 or "Args:" in text) else ["Args:" if text else "docstring"]


def modules(area: str) -> list[Path]:
    """Files of an area; the links in ``src/mlperf_tiny`` lead to the other areas."""
    return [
        path for path in sorted((ROOT / area).rglob("*.py")) if not any(parent.is_symlink() for parent in path.parents)
    ]


@pytest.mark.parametrize("area", AREAS)
def test_public_functions_are_documented(area: str) -> None:
    assert modules(area)
    lacking = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name} lacks {', '.join(missing(function))}"
        for path in modules(area)
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8")))
        if not is_exempt(function) and missing(function)
    ]
    assert not lacking, "\n".join(lacking)


def docstrings(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring, those of attributes too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


@pytest.mark.parametrize("area", AREAS)
def test_shapes_are_code_and_no_links(area: str) -> None:
    """The documentation is Markdown: ``[height][width]`` without backquotes is a link to nowhere there."""
    links = [
        f"{path.relative_to(ROOT)}:{line}: put shapes into double backquotes"
        for path in modules(area)
        for line, text in docstrings(ast.parse(path.read_text(encoding="utf-8")))
        if "][" in re.sub(r"(`+).*?\1|^ {4,}>>>.*$|^    .*::$", "", text, flags=re.DOTALL | re.MULTILINE)
    ]
    assert not links, "\n".join(links)


@pytest.mark.parametrize("area", AREAS)
def test_examples_have_a_section(area: str) -> None:
    """Below ``Examples:``, indented: anywhere else the documentation shows ``>>>`` as three quotations."""
    bare = [
        f"{path.relative_to(ROOT)}:{line}: put examples below 'Examples:'"
        for path in modules(area)
        for line, text in docstrings(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"^>>> ", inspect.cleandoc(text), flags=re.MULTILINE)
    ]
    assert not bare, "\n".join(bare)
