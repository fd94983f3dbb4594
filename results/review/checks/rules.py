# SPDX-License-Identifier: Apache-2.0
"""The checks of a published result as rows: those of ``harness.record.rules``, and those that need more than one run.

Each row looks at the evidence and the recomputed figures and returns sentences; its kind says what they mean. Rules of
MLPerf Tiny are breaches; figures that differ are deviations; files without which nothing can be said are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlperf_tiny.harness.record.rules import RULES, Accuracy, Performance, Result, violations
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.models.tasks import Task
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.results.review.checks import breaches, evidence_checks, notes
from mlperf_tiny.results.review.checks.figures import Recomputed
from mlperf_tiny.results.review.evidence.evidence import Evidence

Check = Callable[[Evidence, Recomputed], Sequence[str]]


@dataclass(frozen=True)
class ReviewRule:
    """``check`` returns one sentence for each thing found."""

    name: str
    kind: Kind
    check: Check


# Rules of a single run that our own results are held to as well.
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
    rules: Sequence[RuleId], build: Callable[[Evidence, Recomputed, Task], Result | None], prefix: str
) -> Check:
    rows = [rule for rule in RULES if rule.id in rules]

    def check(evidence: Evidence, figures: Recomputed) -> list[str]:
        task = evidence.benchmark.task if evidence.benchmark else None
        result = build(evidence, figures, task) if task else None
        return [f"{prefix}{violation.text}" for violation in violations(result, rows)] if result else []

    return check


def _result(evidence: Evidence, task: Task) -> Result:
    return Result(task=task, division=evidence.found.division or "closed", model_id=task.model_id, data="real")


def _performance(evidence: Evidence, figures: Recomputed, task: Task) -> Result | None:
    if not figures.windows:
        return None
    return replace(_result(evidence, task), performance=Performance(windows=figures.windows))


def _energy(evidence: Evidence, figures: Recomputed, task: Task) -> Result | None:
    if figures.energy is None or not figures.energy.windows:
        return None
    return replace(_result(evidence, task), performance=Performance(windows=figures.energy.windows))


def _accuracy(evidence: Evidence, figures: Recomputed, task: Task) -> Result | None:
    facts, labels = figures.accuracy, evidence.labels
    if facts is None or labels is None:
        return None
    accuracy = Accuracy(
        metric=facts.metric,
        answered=facts.answered,
        listed=tuple(row.file for row in labels.listed),
        official=labels.official,
    )
    return replace(_result(evidence, task), accuracy=accuracy)


REVIEW_RULES: tuple[ReviewRule, ...] = (
    ReviewRule("performance windows", Kind.BREACH, _harness(TIMED, _performance, "performance run: ")),
    ReviewRule("energy windows", Kind.BREACH, _harness(TIMED, _energy, "energy run: ")),
    ReviewRule("energy over the inferences", Kind.BREACH, breaches.energy_intervals),
    ReviewRule("accuracy set and target", Kind.BREACH, _harness(ANSWERED, _accuracy, "")),
    ReviewRule("official file list", Kind.BREACH, breaches.foreign_files),
    ReviewRule("quality target as claimed", Kind.BREACH, breaches.claimed_quality),
    ReviewRule("wake word limits", Kind.BREACH, breaches.wake_word_limits),
    ReviewRule("fifty wake words", Kind.BREACH, breaches.fifty_wake_words),
    ReviewRule("no error lines", Kind.BREACH, breaches.error_lines),
    ReviewRule("model id equals folder", Kind.BREACH, breaches.model_ids),
    ReviewRule("one firmware", Kind.BREACH, breaches.same_firmware),
    ReviewRule("energy run at the same speed", Kind.BREACH, breaches.energy_rate),
    ReviewRule("performance inputs", Kind.BREACH, breaches.performance_inputs),
    ReviewRule("system description", Kind.BREACH, breaches.system_fits),
    ReviewRule("runner permitted", Kind.BREACH, breaches.runner_permitted),
    ReviewRule("figures", Kind.DEVIATION, evidence_checks.figures_agree),
    ReviewRule("windows as claimed", Kind.DEVIATION, evidence_checks.windows_agree),
    ReviewRule("script and log", Kind.DEVIATION, evidence_checks.script_and_log),
    ReviewRule("log is whole", Kind.MISSING, evidence_checks.cut_short),
    ReviewRule("required files", Kind.MISSING, evidence_checks.missing_files),
    ReviewRule("required files", Kind.MISSING, evidence_checks.no_description),
    ReviewRule("readable files", Kind.MISSING, evidence_checks.unreadable_files),
    ReviewRule("same N in both runs", Kind.NOTE, notes.same_iterations),
    ReviewRule("supply voltage", Kind.NOTE, notes.supply_voltage),
    ReviewRule("documented wake word window", Kind.NOTE, breaches.documented_window),
    ReviewRule("EEMBC_RUNNER", Kind.NOTE, notes.no_marker),
    ReviewRule("system description", Kind.NOTE, notes.system_notes),
    ReviewRule("reading", Kind.NOTE, notes.reading),
)


def findings_of(evidence: Evidence, figures: Recomputed) -> tuple[Finding, ...]:
    """Return all findings on one result, in the order of the rules."""
    return tuple(Finding(rule.kind, rule.name, text) for rule in REVIEW_RULES for text in rule.check(evidence, figures))
