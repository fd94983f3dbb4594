# SPDX-License-Identifier: Apache-2.0
"""Every finding cites the section of the rules that it rests on, or says that none asks for it."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest

from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.results.mlperf.rule_sections import SECTION_OF_RULE, SECTION_OF_RULE_ID
from mlperf_tiny.results.review.checks.rules import REVIEW_RULES
from mlperf_tiny.results.review.html import render_html
from mlperf_tiny.results.review.review import review_path
from mlperf_tiny.results.review.text import render_text
from tests.results.review_submission import write_eembc
from tests.test_structure import SOURCES

CITATION = ("MLPerfTiny_Rules.adoc ", "directory_structure.adoc: ", "tools/", "benchmark/", "no rule")


def named_rules() -> list[tuple[str, ast.expr]]:
    """Module and second argument of every ``Finding(...)`` of the reviews."""
    return [
        (module, call.args[1])
        for module, path in SOURCES.items()
        if module.startswith("mlperf_tiny.results.review")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Finding"
    ]


def test_every_finding_of_the_code_has_a_section() -> None:
    assert len(named_rules()) > 25
    for module, rule in named_rules():
        if isinstance(rule, ast.Attribute):
            continue  # rule.name of REVIEW_RULES, below
        assert isinstance(rule, ast.Constant | ast.Name)
        name = rule.value if isinstance(rule, ast.Constant) else getattr(importlib.import_module(module), rule.id)
        assert name in SECTION_OF_RULE, f"{module}: {name}"


def test_every_rule_has_a_section_of_a_known_document() -> None:
    for rule in REVIEW_RULES:
        section = Finding(rule.kind, rule.name, "", rule.cited).section
        assert section.startswith(CITATION), rule.name
        assert rule.kind is Kind.NOTE or not section.startswith("no rule"), rule.name
    assert set(SECTION_OF_RULE_ID) == set(RuleId)
    assert all(section.startswith(CITATION) for section in (*SECTION_OF_RULE.values(), *SECTION_OF_RULE_ID.values()))


@pytest.mark.parametrize("broken", ["performance/log.txt", "energy/trace1-energy.bin", "accuracy/results.txt"])
def test_sections_are_in_every_output(tmp_path: Path, broken: str) -> None:
    result = write_eembc(tmp_path / "tree")
    (result / broken).write_bytes(b"")
    review = review_path(tmp_path / "tree")
    text, page, values = render_text(review), render_html(review), json.dumps(review.to_json())
    findings = review.results[0].findings
    assert findings
    for finding in findings:
        assert finding.section.startswith(CITATION)
        assert f"[{finding.rule}; {finding.section}]" in text
        assert json.dumps(finding.section) in values
        assert finding.section.replace("<", "&lt;").replace(">", "&gt;") in page
