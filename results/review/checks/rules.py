# SPDX-License-Identifier: Apache-2.0
"""The checks of a published result as rows: those of ``mlperf_tiny.harness.record.rules``, and those over several runs.

Each row looks at the evidence and the recomputed metrics and returns sentences of one kind. Rules of MLPerf Tiny are
violations, metrics that differ are deviations, files without which a metric cannot be checked are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlperf_tiny.harness.record.rules import RULES, WINDOWS, Accuracy, Performance, Result, Rule
from mlperf_tiny.harness.record.rules import violations as violations_of
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.models.tasks import Task
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.results.mlperf.rule_sections import SECTION_OF_RULE_ID
from mlperf_tiny.results.review.checks import evidence_checks, notes, violations
from mlperf_tiny.results.review.checks.case import Case

Check = Callable[[Case], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class ReviewRule:
    """One check."""

    name: str
    """Named in every finding."""
    kind: Kind
    """What its findings mean for the verdict."""
    check: Check
    """Returns one sentence for each thing found."""
    cited: str = ""
    """Section that the finding rests on; "" for that of the name."""


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


def _harness(
    name: str, rules: Sequence[RuleId], build: Callable[[Case, Task], Result | None], prefix: str = ""
) -> list[ReviewRule]:
    """Rules of a single run as rows of one name, each with its own section."""

    def check_of(row: Rule) -> Check:
        def check(case: Case) -> list[str]:
            result = build(case, case.task) if case.task else None
            return [f"{prefix}{violation.text}" for violation in violations_of(result, [row])] if result else []

        return check

    return [
        ReviewRule(name=name, kind=Kind.VIOLATION, check=check_of(row), cited=SECTION_OF_RULE_ID[row.id])
        for row in RULES
        if row.id in rules
    ]


def _result(case: Case, task: Task) -> Result:
    return Result(task=task, division=case.evidence.found.division or "closed", model_id=task.model_id, data="real")


def _timed(case: Case, task: Task) -> Result | None:
    windows = case.recomputed.windows
    if evidence_checks.is_cut_short(case, "performance") and len(windows) < WINDOWS:
        return None  # how many there were is not known
    return replace(_result(case, task), performance=Performance(windows=windows)) if windows else None


def _energy(case: Case, task: Task) -> Result | None:
    windows = case.recomputed.energy.windows if case.recomputed.energy else ()
    if evidence_checks.is_cut_short(case, "energy") and len(windows) < WINDOWS:
        return None
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
    *_harness("performance windows", TIMED, _timed, "performance run: "),
    *_harness("energy windows", TIMED, _energy, "energy run: "),
    ReviewRule(name="energy over the inferences", kind=Kind.VIOLATION, check=violations.energy_intervals),
    *_harness("accuracy set and target", ANSWERED, _accuracy),
    ReviewRule(name="official file list", kind=Kind.VIOLATION, check=violations.foreign_files),
    ReviewRule(name="quality target as claimed", kind=Kind.VIOLATION, check=violations.claimed_quality),
    ReviewRule(name="wake word limits", kind=Kind.VIOLATION, check=violations.wake_word_limits),
    ReviewRule(name="fifty wake words", kind=Kind.VIOLATION, check=violations.fifty_wake_words),
    ReviewRule(name="no error lines", kind=Kind.VIOLATION, check=violations.error_lines),
    ReviewRule(name="model id equals folder", kind=Kind.VIOLATION, check=violations.model_ids),
    ReviewRule(name="one firmware", kind=Kind.VIOLATION, check=violations.same_firmware),
    ReviewRule(name="energy run at the same speed", kind=Kind.VIOLATION, check=violations.energy_rate),
    ReviewRule(name="performance inputs", kind=Kind.VIOLATION, check=violations.performance_inputs),
    ReviewRule(name="system description", kind=Kind.VIOLATION, check=violations.system_fits),
    ReviewRule(name="runner permitted", kind=Kind.VIOLATION, check=violations.runner_permitted),
    ReviewRule(name="metrics", kind=Kind.DEVIATION, check=evidence_checks.metrics_agree),
    ReviewRule(name="windows as claimed", kind=Kind.DEVIATION, check=evidence_checks.windows_agree),
    ReviewRule(name="script and log", kind=Kind.DEVIATION, check=evidence_checks.script_and_log),
    ReviewRule(name="one list of detections", kind=Kind.DEVIATION, check=evidence_checks.detection_lists),
    ReviewRule(name="log is whole", kind=Kind.MISSING, check=evidence_checks.cut_short),
    ReviewRule(name="log is whole", kind=Kind.MISSING, check=evidence_checks.cut_metrics),
    ReviewRule(name="required files", kind=Kind.MISSING, check=evidence_checks.missing_files),
    ReviewRule(name="required files", kind=Kind.MISSING, check=evidence_checks.no_description),
    ReviewRule(name="readable files", kind=Kind.MISSING, check=evidence_checks.unreadable_files),
    ReviewRule(name="same N in both runs", kind=Kind.NOTE, check=notes.same_iterations),
    ReviewRule(name="supply voltage", kind=Kind.NOTE, check=notes.supply_voltage),
    ReviewRule(name="documented wake word window", kind=Kind.NOTE, check=notes.wake_word_readings),
    ReviewRule(name="EEMBC_RUNNER", kind=Kind.NOTE, check=notes.no_marker),
    ReviewRule(name="system description", kind=Kind.NOTE, check=notes.system_notes),
    ReviewRule(name="submitter is an organisation", kind=Kind.NOTE, check=notes.person_as_submitter),
    ReviewRule(name="reading", kind=Kind.NOTE, check=notes.reading),
)


def findings_of(case: Case) -> tuple[Finding, ...]:
    """Return all findings on one result, in the order of the rules."""
    return tuple(Finding(rule.kind, rule.name, text, rule.cited) for rule in REVIEW_RULES for text in rule.check(case))
