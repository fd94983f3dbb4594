# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from mlperf_tiny.harness.record.rules import RULES, Accuracy, Performance, Result, Window, violations
from mlperf_tiny.models.tasks import find_task

FILES = tuple(f"{number}.bin" for number in range(1000))
WINDOWS = tuple(Window(FILES[number], 100, 10.2) for number in range(5))
GOOD = Result(
    task=find_task("kws"),
    division="closed",
    model_id="kws01",
    data="real",
    performance=Performance(WINDOWS),
    accuracy=Accuracy(90.2, FILES, FILES, official=True),
)
AD = replace(GOOD, task=find_task("ad"), model_id="ad01")


def windows(**change: object) -> Result:
    """GOOD with its third window changed."""
    return replace(GOOD, performance=Performance((*WINDOWS[:2], replace(WINDOWS[2], **change), *WINDOWS[3:])))


def accuracy(result: Result = GOOD, **change: object) -> Result:
    """``result`` with its accuracy changed."""
    assert GOOD.accuracy is not None
    return replace(result, accuracy=replace(GOOD.accuracy, **change))


CASES: list[tuple[str, Result, tuple[str, ...]]] = [
    ("kept", GOOD, ()),
    ("performance alone", replace(GOOD, accuracy=None), ()),
    ("accuracy alone", replace(GOOD, performance=None), ()),
    ("just long enough", windows(seconds=10.0), ()),
    ("short", windows(seconds=9.9999), ("window 3 ran 9.999 s, needs 10 s",)),
    (
        "all short",
        replace(GOOD, performance=Performance(tuple(replace(w, seconds=9.0 + n / 10) for n, w in enumerate(WINDOWS)))),
        ("of windows 1, 2, 3, 4, 5 the least ran 9.000 s, needs 10 s",),
    ),
    ("just enough iterations", windows(iterations=10), ()),
    ("few iterations", windows(iterations=9), ("window 3 ran 9 iterations, needs 10",)),
    ("four windows", replace(GOOD, performance=Performance(WINDOWS[:4])), ("4 performance windows were run, needs 5",)),
    ("an input twice", windows(sample=FILES[0]), ("the 5 windows used 4 different inputs, needs 5",)),
    ("target met", accuracy(metric=90.0), ()),
    ("target met as printed", accuracy(metric=89.96), ()),
    ("target missed", accuracy(metric=89.94), ("top1 is 89.9 (exactly 89.94), the closed division needs 90",)),
    ("target missed, open", replace(accuracy(metric=12.0), division="open"), ()),
    ("auc met as printed", accuracy(AD, metric=0.8451), ()),
    ("auc missed", accuracy(AD, metric=0.8449), ("auc is 0.84 (exactly 0.8449), the closed division needs 0.85",)),
    ("no figure", accuracy(AD, metric=None), ("auc cannot be computed from the answers, needs 0.85",)),
    ("cut short", accuracy(answered=FILES[:998]), ("2 of the 1000 listed files were not answered",)),
    (
        "other names",
        accuracy(answered=(*FILES[:999], "x.bin")),
        ("1 of the 1000 listed files were not answered", "1 answered files are not in the list, x.bin for one"),
    ),
    ("twice", accuracy(answered=(*FILES, FILES[3])), ("1 files were answered more than once",)),
    ("order", accuracy(answered=FILES[::-1]), ("the files were not answered in the order of the list",)),
    ("own list", accuracy(official=False), ("the 1000 files are not a complete official list of kws01",)),
    ("other firmware", replace(GOOD, model_id="vww01"), ("the device's firmware says 'vww01', task kws is 'kws01'",)),
    ("synthetic", replace(GOOD, data="synthetic"), ("the data is synthetic, only the benchmark's own counts",)),
    ("refused", replace(GOOD, refusals=("busy",)), ("the device answered e-[busy]",)),
]


@pytest.mark.parametrize(("result", "broken"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_rules(result: Result, broken: tuple[str, ...]) -> None:
    assert violations(result) == broken


def test_every_rule_is_seen_broken() -> None:
    for rule in RULES:
        assert any(rule.check(result) for _, result, _ in CASES), rule.name
