# SPDX-License-Identifier: Apache-2.0
"""No regular expression of the package takes quadratic time: each is run on texts made from its own parts.

All modules are scanned, so a new expression needs no entry here. Where a pattern repeats something, a long row of it
stands between the shortest text for what comes before and one that cannot match; and each beginning of a match is
repeated. A pattern is used as its module uses it: ``match`` may be linear where ``search`` is not.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import pytest

from tests.test_structure import SOURCES

NEW = sys.version_info >= (3, 11)
ops: Any = importlib.import_module("re._constants" if NEW else "sre_constants")
sre_parser: Any = importlib.import_module("re._parser" if NEW else "sre_parse")

pytestmark = pytest.mark.slow

SIZES = (30, 2 * 1024, 64 * 1024)
"""An exponential expression is found with the first, which it can finish, a quadratic one with the second."""
LIMIT_S = 0.05
METHODS = ("search", "match", "fullmatch", "findall", "finditer", "sub", "split")
MISMATCH = "\x00"
CHARACTERS = " 0a_,.:-\"'[]\n\t=#"
"""Of a class of characters those that are in it stand for it."""

Pieces = list[tuple[str, bool]]
"""Texts in the order of a match; True for one that may be repeated without end."""


def reached(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """Patterns in a global value of a module: itself, or in tuples, dictionaries and rows of tables."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 5:
        parts: Any = ()
        if isinstance(value, dict):
            parts = value.values()
        elif isinstance(value, tuple | list | set | frozenset):
            parts = value
        elif is_dataclass(value) and not isinstance(value, type):
            parts = [getattr(value, field.name) for field in fields(value)]
        for part in parts:
            yield from reached(part, depth + 1)


def calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]


def is_of_re(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "re"


@cache
def expressions() -> dict[tuple[str, str | bytes, int], tuple[str, ...]]:
    """Module, pattern and flags -> how it is used."""
    found: dict[tuple[str, str | bytes, int], set[str]] = {}
    for module, path in SOURCES.items():
        tree = ast.parse(path.read_text())
        if not any(isinstance(node, ast.Import) and node.names[0].name == "re" for node in ast.walk(tree)):
            continue
        every = calls(tree)
        used = {call.func.attr for call in every if isinstance(call.func, ast.Attribute) and not is_of_re(call)}
        methods = used & set(METHODS) or {"search"}
        patterns = 0
        for name, value in vars(importlib.import_module(module)).items():
            own = {
                call.func.attr
                for call in every
                if isinstance(call.func, ast.Attribute)
                and isinstance(call.func.value, ast.Name)
                and call.func.value.id == name
            } & set(METHODS)
            for pattern in reached(value):
                patterns += 1
                found.setdefault((module, pattern.pattern, pattern.flags), set()).update(own or methods)
        for call in filter(is_of_re, every):
            assert isinstance(call.func, ast.Attribute)
            if call.func.attr == "compile":
                patterns -= 1
            elif call.func.attr in METHODS:
                first = call.args[0]
                assert isinstance(first, ast.Constant), f"{module}: a pattern that is made in a function"
                flags = re.MULTILINE if any("MULTILINE" in ast.dump(extra) for extra in call.args) else 0
                found.setdefault((module, first.value, flags), set()).add(call.func.attr)
        assert patterns >= 0, f"{module}: re.compile inside a function, which is not found here"
    return {key: tuple(sorted(methods)) for key, methods in found.items()}


def members(items: Any) -> list[str]:
    """Some characters of a class."""
    negated = items[0][0] is ops.NEGATE
    source = "".join(chr(low) for op, low in items if op is ops.LITERAL)
    source += "".join(chr(row[0]) for op, row in items if op is ops.RANGE) + CHARACTERS
    good = [char for char in source if any(is_in(char, item) for item in items if item[0] is not ops.NEGATE) != negated]
    return list(dict.fromkeys(good))[:4] or ["~"]


def is_in(char: str, item: Any) -> bool:
    op, value = item
    if op is ops.LITERAL:
        return ord(char) == value
    if op is ops.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if op is ops.CATEGORY:
        kinds = {
            ops.CATEGORY_DIGIT: char.isdigit(), ops.CATEGORY_NOT_DIGIT: not char.isdigit(),
            ops.CATEGORY_SPACE: char.isspace(), ops.CATEGORY_NOT_SPACE: not char.isspace(),
            ops.CATEGORY_WORD: char.isalnum() or char == "_",
            ops.CATEGORY_NOT_WORD: not (char.isalnum() or char == "_"),
        }  # fmt: skip
        return kinds[value]
    raise AssertionError(f"{op} in a class of characters")


def pieces(parsed: Any) -> list[Pieces]:
    """The ways of a parsed pattern, each as pieces; of every class one way a character, of branches one each."""
    ways: list[Pieces] = [[]]
    for op, value in parsed:
        if op is ops.LITERAL:
            choices: list[Pieces] = [[(chr(value), False)]]
        elif op is ops.NOT_LITERAL:
            choices = [[("~" if value != ord("~") else "!", False)]]
        elif op is ops.ANY:
            choices = [[(char, False)] for char in ("a", " ")]
        elif op is ops.IN:
            choices = [[(char, False)] for char in members(value)]
        elif op is ops.BRANCH:
            choices = [way for branch in value[1] for way in pieces(branch)]
        elif op is ops.SUBPATTERN:
            choices = pieces(value[-1])
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            few, many, inner = value
            choices = []
            for way in pieces(inner):
                text = "".join(part for part, _ in way)
                once = [*way] if few <= 1 else [(text * few, False)]
                # What is repeated within something repeated is pumped alone as well.
                choices += [[(text, True)], once] if many > 99 else [once]
        else:
            assert op in (ops.AT, ops.ASSERT, ops.ASSERT_NOT), f"{op} is not known here: add it"
            continue
        ways = [[*way, *choice] for way in ways for choice in choices][:60]
    return ways


def attacks(parsed: Any, size: int) -> set[str]:
    """Texts of about a size that make a pattern with two ways to read them try both."""
    texts: set[str] = set()
    for way in pieces(parsed):
        shortest = [text for text, _ in way]
        for at, (text, repeated) in enumerate(way):
            before, after = "".join(shortest[:at]), "".join(shortest[at + 1 :])
            if repeated and text:
                row = text * (size // len(text))
                texts |= {
                    before + row + MISMATCH,
                    before + row + after + MISMATCH,
                    row + MISMATCH,
                    before + row + after,
                }
            start = before + text
            texts |= {start * (size // len(start)), (start + MISMATCH) * (size // len(start) or 1)} if start else set()
    return texts


def seconds(run: Callable[[], object]) -> float:
    best_s = float("inf")
    for _ in range(3):
        started_s = time.process_time()
        run()
        best_s = min(best_s, time.process_time() - started_s)
        if best_s < LIMIT_S:
            break
    return best_s


def slow(pattern: re.Pattern[Any], method: str, parsed: Any) -> str:
    """The beginning of a text that takes long; "" for none."""
    for size in SIZES:
        limit_s = LIMIT_S * max(size / SIZES[-1], 0.2)
        for text in attacks(parsed, size):
            subject = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text

            def run(subject: Any = subject) -> object:
                if method == "sub":
                    return pattern.sub(subject[:0], subject)
                return (
                    list(getattr(pattern, method)(subject) or ())[:0]
                    if method == "finditer"
                    else getattr(pattern, method)(subject)
                )

            if (took_s := seconds(run)) > limit_s:
                return f"{text[:80]!r}... of {len(text):,} characters takes {took_s:.2f} s"
    return ""


def test_all_modules_are_scanned() -> None:
    modules = {module for module, _, _ in expressions()}
    assert len(expressions()) > 80 and len(modules) > 20
    assert {"mlperf_tiny.harness.wire.protocol", "mlperf_tiny.file_tree.content_kind"} < modules


@pytest.mark.parametrize("module", sorted({module for module, _, _ in expressions()}))
def test_every_expression_takes_linear_time(module: str) -> None:
    for (place, source, flags), methods in expressions().items():
        if place == module:
            pattern = re.compile(source, flags)
            for method in methods:
                assert not slow(pattern, method, sre_parser.parse(source, flags)), f"{source!r} with {method}"


@pytest.mark.parametrize(
    ("source", "method"),
    [
        (r"e-\[\s*(.*?)\s*\]?$", "search"),  # what took 43 s
        (r"(a|aa)+$", "match"),
        (r"\s+$", "search"),
        (r"(\d+,)*\d*\d*x", "match"),
    ],
)
def test_expressions_known_to_be_slow_are_found(source: str, method: str) -> None:
    assert slow(re.compile(source), method, sre_parser.parse(source))
