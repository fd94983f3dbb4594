# SPDX-License-Identifier: Apache-2.0
"""The checks of a published result as rows: those of ``harness.record.rules``, and those that need more than one run.

Each row looks at the evidence and the recomputed metrics and returns sentences of one kind. Rules of MLPerf Tiny are
violations, metrics that differ are deviations, files without which a metric cannot be checked are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlperf_tiny.harness.record.rules import RULES, Accuracy, Performance, Result
from mlperf_tiny.harness.record.rules import violations as violations_of
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.models.tasks import Task
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.results.review.checks import evidence_checks, notes, violations
from mlperf_tiny.results.review.checks.case import Case

Check = Callable[[Case], Sequence[str]]


@dataclass(frozen=True)
class ReviewRule:
    """One check."""

    name: str
    """Named in every finding."""
    kind: Kind
    """What its findings mean for the verdict."""
    check: Check
    """Returns one sentence for each thing found."""


# Rules of a single run, which also apply to runs of this program.
TIMED = (RuleId.FIVE_WINDOWS, RuleId.WINDOW_LENGTH, RuleId.WINDOW_ITERATIONS, RuleId.FIVE_INPUTS)
ANSWERED = (
    RuleId.QUALITY_TARGET,
    RuleId.ALL_FILES,
    RuleId.LISTED_FILES,
    RuleId.FILES_ONCE,
    RuleId.FILES_IN_ORDER,
    RuleId.OFFICIAL_LIST,
)


def _harness(rules: Sequence[RuleId], build: Callable[[Case, Task], Result | None], prefix: str) -> Check:
    rows = [rule for rule in RULES if rule.id in rules]

    def check(case: Case) -> list[str]:
        result = build(case, case.task) if case.task else None
        return [f"{prefix}{violation.text}" for violation in violations_of(result, rows)] if result else []

    return check


def _result(case: Case, task: Task) -> Result:
    return Result(task=task, division=case.evidence.found.division or "closed", model_id=task.model_id, data="real")


def _performance(case: Case, task: Task) -> Result | None:
    windows = case.recomputed.windows
    return replace(_result(case, task), performance=Performance(windows=windows)) if windows else None


def _energy(case: Case, task: Task) -> Result | None:
    windows = case.recomputed.energy.windows if case.recomputed.energy else ()
    return replace(_result(case, task), performance=Performance(windows=windows)) if windows else None


def _accuracy(case: Case, task: Task) -> Result | None:
    info, labels = case.recomputed.accuracy, case.evidence.labels
    if info is None or labels is None:
        return None
    accuracy = Accuracy(
        metric=info.metric,
        answered=info.answered,
        listed=tuple(row.file for row in labels.listed),
        official=labels.official,
    )
    return replace(_result(case, task), accuracy=accuracy)


REVIEW_RULES: tuple[ReviewRule, ...] = (
    ReviewRule("performance windows", Kind.VIOLATION, _harness(TIMED, _performance, "performance run: ")),
    ReviewRule("energy windows", Kind.VIOLATION, _harness(TIMED, _energy, "energy run: ")),
    ReviewRule("energy over the inferences", Kind.VIOLATION, violations.energy_intervals),
    ReviewRule("accuracy set and target", Kind.VIOLATION, _harness(ANSWERED, _accuracy, "")),
    ReviewRule("official file list", Kind.VIOLATION, violations.foreign_files),
    ReviewRule("quality target as claimed", Kind.VIOLATION, violations.claimed_quality),
    ReviewRule("wake word limits", Kind.VIOLATION, violations.wake_word_limits),
    ReviewRule("fifty wake words", Kind.VIOLATION, violations.fifty_wake_words),
    ReviewRule("no error lines", Kind.VIOLATION, violations.error_lines),
    ReviewRule("model id equals folder", Kind.VIOLATION, violations.model_ids),
    ReviewRule("one firmware", Kind.VIOLATION, violations.same_firmware),
    ReviewRule("energy run at the same speed", Kind.VIOLATION, violations.energy_rate),
    ReviewRule("performance inputs", Kind.VIOLATION, violations.performance_inputs),
    ReviewRule("system description", Kind.VIOLATION, violations.system_fits),
    ReviewRule("runner permitted", Kind.VIOLATION, violations.runner_permitted),
    ReviewRule("metrics", Kind.DEVIATION, evidence_checks.metrics_agree),
    ReviewRule("windows as claimed", Kind.DEVIATION, evidence_checks.windows_agree),
    ReviewRule("script and log", Kind.DEVIATION, evidence_checks.script_and_log),
    ReviewRule("log is whole", Kind.MISSING, evidence_checks.cut_short),
    ReviewRule("required files", Kind.MISSING, evidence_checks.missing_files),
    ReviewRule("required files", Kind.MISSING, evidence_checks.no_description),
    ReviewRule("readable files", Kind.MISSING, evidence_checks.unreadable_files),
    ReviewRule("same N in both runs", Kind.NOTE, notes.same_iterations),
    ReviewRule("supply voltage", Kind.NOTE, notes.supply_voltage),
    ReviewRule("documented wake word window", Kind.NOTE, violations.documented_window),
    ReviewRule("EEMBC_RUNNER", Kind.NOTE, notes.no_marker),
    ReviewRule("system description", Kind.NOTE, notes.system_notes),
    ReviewRule("reading", Kind.NOTE, notes.reading),
)


def findings_of(case: Case) -> tuple[Finding, ...]:
    """Return all findings on one result, in the order of the rules."""
    return tuple(Finding(rule.kind, rule.name, text) for rule in REVIEW_RULES for text in rule.check(case))
