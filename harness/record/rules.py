# SPDX-License-Identifier: Apache-2.0
"""The benchmark's rules as rows: each looks at plain values of one result and says what it breaks, with the numbers.

The rules are those of MLPerf Tiny (MLPerfTiny_Rules.adoc) as the official runners enforce them. They take values, not
runs, so that results of other people can be held to them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from mlperf_tiny.models.tasks import Metric, Task

WINDOW_S = 10.0
WINDOW_ITERATIONS = 10
WINDOWS = 5

PRINTED_DECIMALS = {Metric.TOP1: 1, Metric.AUC: 2}
"""Targets are compared with the figure as it is printed: an AUC of 0.846 is printed as 0.85 and passes."""


@dataclass(frozen=True)
class Window:
    """One timed window: input file, iterations, device seconds."""

    sample: str
    iterations: int
    seconds: float


@dataclass(frozen=True)
class Performance:
    """What the performance rules look at."""

    windows: tuple[Window, ...]


@dataclass(frozen=True)
class Accuracy:
    """What the accuracy rules look at.

    ``metric`` is top-1 in percent or AUC, by the task; None when it cannot be computed. ``answered`` are the files
    that were answered, in the order they were; ``listed`` are those of the list; ``official`` says whether that is a
    list of the benchmark.
    """

    metric: float | None
    answered: tuple[str, ...]
    listed: tuple[str, ...]
    official: bool


@dataclass(frozen=True)
class Result:
    """One result, of this program or of anybody. A part that was not run is None.

    ``division`` is "closed" or "open". ``data`` is "real" or "synthetic". ``refusals`` are the texts of ``e-[...]``
    lines that came while the result was made.
    """

    task: Task
    division: str
    model_id: str
    data: str
    performance: Performance | None
    accuracy: Accuracy | None
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """``check`` returns one sentence for each breach; none when the rule is kept or does not apply."""

    name: str
    check: Callable[[Result], Sequence[str]]


def _windows_count(result: Result) -> list[str]:
    if result.performance is None or len(result.performance.windows) == WINDOWS:
        return []
    return [f"{len(result.performance.windows)} performance windows were run, needs {WINDOWS}"]


def _windows_length(result: Result) -> list[str]:
    windows = result.performance.windows if result.performance else ()
    short = {number: window.seconds for number, window in enumerate(windows, start=1) if window.seconds < WINDOW_S}
    # Cut, not rounded: a window of 9.9996 s must not be said to have run 10.000 s.
    return (
        [f"{_numbered(short)} ran {int(min(short.values()) * 1000) / 1000:.3f} s, needs {WINDOW_S:g} s"]
        if short
        else []
    )


def _windows_iterations(result: Result) -> list[str]:
    windows = result.performance.windows if result.performance else ()
    few = {n: window.iterations for n, window in enumerate(windows, start=1) if window.iterations < WINDOW_ITERATIONS}
    return [f"{_numbered(few)} ran {min(few.values())} iterations, needs {WINDOW_ITERATIONS}"] if few else []


def _numbered(windows: Collection[int]) -> str:
    """``window 3``, or ``windows 1, 3`` of which the least is said."""
    numbers = ", ".join(map(str, windows))
    return f"window {numbers}" if len(windows) == 1 else f"of windows {numbers} the least"


def _different_inputs(result: Result) -> list[str]:
    windows = result.performance.windows if result.performance else ()
    inputs = len({window.sample for window in windows})
    if len(windows) < WINDOWS or inputs == len(windows):
        return []
    return [f"the {len(windows)} windows used {inputs} different inputs, needs {WINDOWS}"]


def _quality(result: Result) -> list[str]:
    accuracy, task = result.accuracy, result.task
    if accuracy is None or result.division != "closed":
        return []
    if accuracy.metric is None:
        return [f"{task.metric.value} cannot be computed from the answers, needs {task.target:g}"]
    decimals = PRINTED_DECIMALS[task.metric]
    printed = f"{accuracy.metric:.{decimals}f}"
    if float(printed) >= task.target:
        return []
    return [
        f"{task.metric.value} is {printed} (exactly {accuracy.metric:.6g}), the closed division needs {task.target:g}"
    ]


def _complete(result: Result) -> list[str]:
    accuracy = result.accuracy
    if accuracy is None:
        return []
    missing = len(set(accuracy.listed) - set(accuracy.answered))
    foreign = sorted(set(accuracy.answered) - set(accuracy.listed))
    broken = []
    if missing:
        broken.append(f"{missing} of the {len(accuracy.listed)} listed files were not answered")
    if foreign:
        broken.append(f"{len(foreign)} answered files are not in the list, {foreign[0]} for one")
    if len(set(accuracy.answered)) < len(accuracy.answered):
        broken.append(f"{len(accuracy.answered) - len(set(accuracy.answered))} files were answered more than once")
    elif not missing and not foreign and accuracy.answered != accuracy.listed:
        broken.append("the files were not answered in the order of the list")
    return broken


def _official_list(result: Result) -> list[str]:
    if result.accuracy is None or result.accuracy.official or result.data != "real":
        return []
    return [f"the {len(result.accuracy.listed)} files are not a complete official list of {result.task.model_id}"]


def _model_id(result: Result) -> list[str]:
    if result.model_id == result.task.model_id:
        return []
    return [f"the device's firmware says {result.model_id!r}, task {result.task.name} is {result.task.model_id!r}"]


def _real_data(result: Result) -> list[str]:
    return [] if result.data == "real" else [f"the data is {result.data}, only the benchmark's own counts"]


def _no_refusals(result: Result) -> list[str]:
    return [f"the device answered e-[{text}]" for text in result.refusals]


RULES: tuple[Rule, ...] = (
    Rule("five windows", _windows_count),
    Rule("windows of 10 s", _windows_length),
    Rule("windows of 10 iterations", _windows_iterations),
    Rule("five inputs", _different_inputs),
    Rule("quality target", _quality),
    Rule("complete accuracy set, in order", _complete),
    Rule("official file list", _official_list),
    Rule("model id equals task", _model_id),
    Rule("real data", _real_data),
    Rule("no error lines", _no_refusals),
)


def violations(result: Result, rules: Sequence[Rule] = RULES) -> tuple[str, ...]:
    """Return what ``result`` breaks, one sentence each, in the order of the rules; () when it breaks nothing."""
    return tuple(text for rule in rules for text in rule.check(result))
