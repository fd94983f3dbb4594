# SPDX-License-Identifier: Apache-2.0
"""The benchmark's rules as rows: each looks at plain values of one result and returns its violations.

The rules are those of MLPerf Tiny (MLPerfTiny_Rules.adoc) as the official runners enforce them. They take values, not
runs, so that results of other people can be checked as well. To add a rule, add its name to ``RuleId`` with its text,
and its check to ``RULES``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mlperf_tiny.harness.record.violation import RuleId, Violation
from mlperf_tiny.models.tasks import Metric, Task

WINDOW_S = 10.0
WINDOW_ITERATIONS = 10
WINDOWS = 5

PRINTED_DECIMALS = {Metric.TOP1: 1, Metric.AUC: 2}
"""Targets are compared with the metric as it is printed: an AUC of 0.846 is printed as 0.85 and passes."""


@dataclass(frozen=True)
class TimedWindow:
    """One timed window."""

    sample: str
    """Input file."""
    iterations: int
    """Inferences in it."""
    seconds: float
    """Device seconds."""


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What the performance rules look at."""

    windows: tuple[TimedWindow, ...]
    """In the order in which they ran."""


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """What the accuracy rules look at."""

    metric: float | None
    """Top-1 in percent or AUC, by the task; None when it cannot be computed."""
    answered: tuple[str, ...]
    """Files that were answered, in that order."""
    listed: tuple[str, ...]
    """Files of the list."""
    official: bool
    """Whether that is a list of the benchmark."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One result, of this program or of another. A part that was not run is None."""

    task: Task
    """The task."""
    division: str
    """``closed`` or ``open``."""
    model_id: str
    """What the firmware is for."""
    data: str
    """``real`` or ``synthetic``."""
    performance: Performance | None = None
    """Of the performance run."""
    accuracy: Accuracy | None = None
    """Of the accuracy run."""
    refusals: tuple[str, ...] = ()
    """Texts of ``e-[...]`` lines that came while the result was made."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule."""

    id: RuleId
    """Its name."""
    check: Callable[[Result], Iterable[Violation]]
    """Returns one violation for each breach; none when the rule is kept or does not apply."""


def _windows_of(result: Result) -> tuple[TimedWindow, ...]:
    return result.performance.windows if result.performance else ()


def _five_windows(result: Result) -> Iterable[Violation]:
    if result.performance is not None and len(result.performance.windows) != WINDOWS:
        yield Violation(rule=RuleId.FIVE_WINDOWS, got=len(result.performance.windows), needed=WINDOWS)


def _window_length(result: Result) -> Iterable[Violation]:
    windows = enumerate(_windows_of(result), start=1)
    short = {number: window.seconds for number, window in windows if window.seconds < WINDOW_S}
    if short:
        got = min(short.values())
        yield Violation(rule=RuleId.WINDOW_LENGTH, got=got, needed=WINDOW_S, where=_numbered(short))


def _window_iterations(result: Result) -> Iterable[Violation]:
    windows = enumerate(_windows_of(result), start=1)
    few = {number: window.iterations for number, window in windows if window.iterations < WINDOW_ITERATIONS}
    if few:
        got = min(few.values())
        yield Violation(rule=RuleId.WINDOW_ITERATIONS, got=got, needed=WINDOW_ITERATIONS, where=_numbered(few))


def _numbered(windows: Collection[int]) -> str:
    """``window 3``, ``windows 1, 3``."""
    return f"window{'s' if len(windows) > 1 else ''} {', '.join(map(str, windows))}"


def _five_inputs(result: Result) -> Iterable[Violation]:
    windows = _windows_of(result)
    inputs = len({window.sample for window in windows})
    if len(windows) >= WINDOWS and inputs != len(windows):
        yield Violation(rule=RuleId.FIVE_INPUTS, got=inputs, needed=WINDOWS)


def _quality_target(result: Result) -> Iterable[Violation]:
    accuracy, task = result.accuracy, result.task
    if accuracy is None or result.division != "closed":
        return
    metric = accuracy.metric
    if metric is None or float(f"{metric:.{PRINTED_DECIMALS[task.metric]}f}") < task.target:
        yield Violation(rule=RuleId.QUALITY_TARGET, got=metric, needed=task.target, where=task.metric.value)


def _all_files(result: Result) -> Iterable[Violation]:
    accuracy = result.accuracy
    if accuracy is not None and (missing := len(set(accuracy.listed) - set(accuracy.answered))):
        yield Violation(rule=RuleId.ALL_FILES, got=len(accuracy.listed) - missing, needed=len(accuracy.listed))


def _listed_files(result: Result) -> Iterable[Violation]:
    accuracy = result.accuracy
    if accuracy is not None and (foreign := sorted(set(accuracy.answered) - set(accuracy.listed))):
        yield Violation(rule=RuleId.LISTED_FILES, got=len(foreign), needed=0, where=foreign[0])


def _files_once(result: Result) -> Iterable[Violation]:
    accuracy = result.accuracy
    if accuracy is not None and (twice := [file for file, n in Counter(accuracy.answered).items() if n > 1]):
        got = len(accuracy.answered) - len(set(accuracy.answered))
        yield Violation(rule=RuleId.FILES_ONCE, got=got, needed=0, where=twice[0])


def _files_in_order(result: Result) -> Iterable[Violation]:
    accuracy = result.accuracy
    if accuracy is None or sorted(accuracy.answered) != sorted(accuracy.listed):
        return  # other rules are broken then
    for got, needed in zip(accuracy.answered, accuracy.listed, strict=True):
        if got != needed:
            yield Violation(rule=RuleId.FILES_IN_ORDER, got=got, needed=needed)
            return


def _official_list(result: Result) -> Iterable[Violation]:
    accuracy = result.accuracy
    if accuracy is not None and not accuracy.official and result.data == "real":
        yield Violation(rule=RuleId.OFFICIAL_LIST, got=len(accuracy.listed), needed=result.task.model_id)


def _model_id(result: Result) -> Iterable[Violation]:
    needed = result.task.model_id
    if result.model_id != needed:
        yield Violation(rule=RuleId.MODEL_ID, got=result.model_id, needed=needed, where=result.task.name)


def _real_data(result: Result) -> Iterable[Violation]:
    if result.data != "real":
        yield Violation(rule=RuleId.REAL_DATA, got=result.data, needed="real")


def _no_error_lines(result: Result) -> Iterable[Violation]:
    for text in result.refusals:
        yield Violation(rule=RuleId.NO_ERROR_LINES, got=text, needed="")


RULES: tuple[Rule, ...] = (
    Rule(id=RuleId.FIVE_WINDOWS, check=_five_windows),
    Rule(id=RuleId.WINDOW_LENGTH, check=_window_length),
    Rule(id=RuleId.WINDOW_ITERATIONS, check=_window_iterations),
    Rule(id=RuleId.FIVE_INPUTS, check=_five_inputs),
    Rule(id=RuleId.QUALITY_TARGET, check=_quality_target),
    Rule(id=RuleId.ALL_FILES, check=_all_files),
    Rule(id=RuleId.LISTED_FILES, check=_listed_files),
    Rule(id=RuleId.FILES_ONCE, check=_files_once),
    Rule(id=RuleId.FILES_IN_ORDER, check=_files_in_order),
    Rule(id=RuleId.OFFICIAL_LIST, check=_official_list),
    Rule(id=RuleId.MODEL_ID, check=_model_id),
    Rule(id=RuleId.REAL_DATA, check=_real_data),
    Rule(id=RuleId.NO_ERROR_LINES, check=_no_error_lines),
)


def violations(result: Result, rules: Sequence[Rule] = RULES) -> tuple[Violation, ...]:
    """Return the violations of a result, in the order of the rules.

    Args:
        result: The result.
        rules: The rules to check.
    """
    return tuple(violation for rule in rules for violation in rule.check(result))
