# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from mlperf_tiny.harness.record.rules import RULES, Accuracy, Performance, Result, TimedWindow, violations
from mlperf_tiny.harness.record.violation import RuleId, rules_text
from mlperf_tiny.models.tasks import find_task

FILES = tuple(f"{number}.bin" for number in range(1000))
WINDOWS = tuple(TimedWindow(FILES[number], 100, 10.2) for number in range(5))
GOOD = Result(
    task=find_task("kws"),
    division="closed",
    model_id="kws01",
    data="real",
    performance=Performance(windows=WINDOWS),
    accuracy=Accuracy(metric=90.2, answered=FILES, listed=FILES, official=True),
)
AD = replace(GOOD, task=find_task("ad"), model_id="ad01")


def windows(**change: object) -> Result:
    """GOOD with its third window changed."""
    return replace(GOOD, performance=Performance(windows=(*WINDOWS[:2], replace(WINDOWS[2], **change), *WINDOWS[3:])))


def accuracy(result: Result = GOOD, **change: object) -> Result:
    """``result`` with its accuracy changed."""
    assert GOOD.accuracy is not None
    return replace(result, accuracy=replace(GOOD.accuracy, **change))


CASES: list[tuple[str, Result, tuple[str, ...]]] = [
    ("kept", GOOD, ()),
    ("performance alone", replace(GOOD, accuracy=None), ()),
    ("accuracy alone", replace(GOOD, performance=None), ()),
    ("just long enough", windows(seconds=10.0), ()),
    ("short", windows(seconds=9.9999), ("shortest window 9.999 s (minimum 10 s): window 3",)),
    (
        "all short",
        replace(
            GOOD,
            performance=Performance(windows=tuple(replace(w, seconds=9.0) for w in WINDOWS)),
        ),
        ("shortest window 9.000 s (minimum 10 s): windows 1, 2, 3, 4, 5",),
    ),
    ("just enough iterations", windows(iterations=10), ()),
    (
        "two short",
        replace(
            GOOD,
            performance=Performance(
                windows=(replace(WINDOWS[0], seconds=9.5), WINDOWS[1], replace(WINDOWS[2], seconds=9.25), *WINDOWS[3:])
            ),
        ),
        ("shortest window 9.250 s (minimum 10 s): windows 1, 3",),
    ),
    ("few iterations", windows(iterations=9), ("shortest window 9 iterations (minimum 10): window 3",)),
    (
        "few and fewer iterations",
        replace(
            GOOD,
            performance=Performance(
                windows=(*WINDOWS[:3], replace(WINDOWS[3], iterations=9), replace(WINDOWS[4], iterations=8))
            ),
        ),
        ("shortest window 8 iterations (minimum 10): windows 4, 5",),
    ),
    ("four windows", replace(GOOD, performance=Performance(windows=WINDOWS[:4])), ("4 windows (5 required)",)),
    (
        "four windows, an input twice",
        replace(GOOD, performance=Performance(windows=(*WINDOWS[:3], WINDOWS[0]))),
        ("4 windows (5 required)",),
    ),
    ("an input twice", windows(sample=FILES[0]), ("windows on 4 different inputs (5 required)",)),
    (
        "six windows, an input twice",
        replace(GOOD, performance=Performance(windows=(*WINDOWS, WINDOWS[0]))),
        ("6 windows (5 required)", "windows on 5 different inputs (5 required)"),
    ),
    ("target met", accuracy(metric=90.0), ()),
    ("target met as printed", accuracy(metric=89.96), ()),
    ("target missed", accuracy(metric=89.94), ("top1 89.94 (closed division target 90)",)),
    ("target missed, open", replace(accuracy(metric=12.0), division="open"), ()),
    ("target missed, division unknown", replace(accuracy(metric=12.0), division=""), ()),
    ("auc met as printed", accuracy(AD, metric=0.8451), ()),
    ("auc missed", accuracy(AD, metric=0.8449), ("auc 0.8449 (closed division target 0.85)",)),
    (
        "no figure",
        accuracy(AD, metric=None),
        ("auc cannot be computed from the answers (closed division target 0.85)",),
    ),
    ("cut short", accuracy(answered=FILES[:998]), ("2 of the 1000 listed files were not answered",)),
    (
        "other names",
        accuracy(answered=(*FILES[:999], "x.bin")),
        ("1 of the 1000 listed files were not answered", "1 answered files are not in the list, such as x.bin"),
    ),
    (
        "two other names",
        accuracy(answered=(*FILES, "y.bin", "x.bin")),
        ("2 answered files are not in the list, such as x.bin",),
    ),
    ("twice", accuracy(answered=(*FILES, FILES[3])), ("1 files were answered more than once, such as 3.bin",)),
    (
        "three times",
        accuracy(answered=("a.bin", "a.bin", "b.bin", "a.bin"), listed=("a.bin", "b.bin")),
        ("2 files were answered more than once, such as a.bin",),
    ),
    ("order", accuracy(answered=FILES[::-1]), ("files were not answered in the order of the list: 999.bin for 0.bin",)),
    (
        "order, a later file first",
        accuracy(answered=(FILES[0], FILES[1], FILES[3], FILES[2], *FILES[4:])),
        ("files were not answered in the order of the list: 3.bin for 2.bin",),
    ),
    (
        "order, an earlier name first",
        accuracy(answered=("x.bin", "z.bin", "y.bin"), listed=("x.bin", "y.bin", "z.bin")),
        ("files were not answered in the order of the list: z.bin for y.bin",),
    ),
    (
        "order, the first in the alphabet first",
        accuracy(answered=("a.bin", "b.bin"), listed=("b.bin", "a.bin")),
        ("files were not answered in the order of the list: a.bin for b.bin",),
    ),
    (
        "own list of generated files",
        replace(accuracy(official=False), data="synthetic"),
        ("not rankable: synthetic data",),
    ),
    ("own list of unknown origin", replace(accuracy(official=False), data="made"), ("not rankable: made data",)),
    ("own list", accuracy(official=False), ("the 1000 files are not a complete official list of kws01",)),
    ("other firmware", replace(GOOD, model_id="vww01"), ("the firmware is for 'vww01', task kws needs 'kws01'",)),
    (
        "firmware of an earlier name",
        replace(GOOD, model_id="ad01"),
        ("the firmware is for 'ad01', task kws needs 'kws01'",),
    ),
    ("synthetic", replace(GOOD, data="synthetic"), ("not rankable: synthetic data",)),
    ("data of unknown origin", replace(GOOD, data="made"), ("not rankable: made data",)),
    ("refused", replace(GOOD, refusals=("busy",)), ("the device answered e-[busy]",)),
]


@pytest.mark.parametrize(("result", "texts"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_rules(result: Result, texts: tuple[str, ...]) -> None:
    assert tuple(violation.text for violation in violations(result)) == texts


def test_every_rule_is_broken_by_a_case() -> None:
    for rule in RULES:
        assert any(violations(result, [rule]) for _, result, _ in CASES), rule.id
    assert [rule.id for rule in RULES] == list(RuleId)


def test_a_violation_is_data() -> None:
    (violation,) = violations(windows(seconds=9.5))
    assert violation.to_json() == {
        "rule": "windows of 10 s",
        "got": 9.5,
        "needed": 10.0,
        "where": "window 3",
        "text": "shortest window 9.500 s (minimum 10 s): window 3",
    }


def test_summary_has_the_number_of_violations_and_the_reason_for_no_rank() -> None:
    assert rules_text(violations(GOOD)) == "valid: no rule violations"
    broken = replace(windows(seconds=9.5), data="synthetic", model_id="vww01")
    assert rules_text(violations(broken)).splitlines() == [
        "not rankable: synthetic data",
        "2 rule violations: shortest window 9.500 s (minimum 10 s): window 3; "
        "the firmware is for 'vww01', task kws needs 'kws01'",
    ]


@pytest.mark.parametrize(
    ("result", "values"),
    [
        (replace(GOOD, performance=Performance(windows=WINDOWS[:4])), (RuleId.FIVE_WINDOWS, 4, 5, "")),
        (windows(seconds=9.5), (RuleId.WINDOW_LENGTH, 9.5, 10.0, "window 3")),
        (windows(iterations=9), (RuleId.WINDOW_ITERATIONS, 9, 10, "window 3")),
        (windows(sample=FILES[0]), (RuleId.FIVE_INPUTS, 4, 5, "")),
        (accuracy(metric=89.0), (RuleId.QUALITY_TARGET, 89.0, 90.0, "top1")),
        (accuracy(answered=FILES[:998]), (RuleId.ALL_FILES, 998, 1000, "")),
        (accuracy(answered=(*FILES, *"zyxwvutsrqponmlkjihg")), (RuleId.LISTED_FILES, 20, 0, "g")),
        (accuracy(answered=(*FILES, FILES[3], FILES[2])), (RuleId.FILES_ONCE, 2, 0, FILES[2])),
        (accuracy(answered=FILES[::-1]), (RuleId.FILES_IN_ORDER, FILES[-1], FILES[0], "")),
        (accuracy(official=False), (RuleId.OFFICIAL_LIST, 1000, "kws01", "")),
        (replace(GOOD, model_id="vww01"), (RuleId.MODEL_ID, "vww01", "kws01", "kws")),
        (replace(GOOD, data="made"), (RuleId.REAL_DATA, "made", "real", "")),
        (replace(GOOD, refusals=("busy",)), (RuleId.NO_ERROR_LINES, "busy", "", "")),
    ],
    ids=lambda value: str(value[0].value) if isinstance(value, tuple) else "",
)
def test_a_violation_has_what_was_found_and_what_is_needed(result: Result, values: tuple[object, ...]) -> None:
    (found,) = violations(result)
    assert (found.rule, found.got, found.needed, found.where) == values
