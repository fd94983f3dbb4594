# SPDX-License-Identifier: Apache-2.0
"""Checks of the benchmark's rules over several runs, or over what is claimed: one function a rule.

Each returns one sentence for each violation.
"""

from __future__ import annotations

from collections import Counter

from mlperf_tiny.harness.record.rules import PRINTED_DECIMALS, WINDOWS
from mlperf_tiny.models.tasks import Metric
from mlperf_tiny.models.tasks.sww import WAKE_WORD_ERROR_LIMIT, WAKE_WORDS
from mlperf_tiny.results.mlperf.layout import DIVISIONS
from mlperf_tiny.results.mlperf.submitter import is_person
from mlperf_tiny.results.mlperf.system import STATUSES, same_name
from mlperf_tiny.results.review.checks.case import Case
from mlperf_tiny.results.review.evidence.runner_log import number
from mlperf_tiny.terminal import numbers

ENERGY_RATE_TOLERANCE = 0.05
"""Runs of one device differ by some percent; a window cut at the wrong stamps by more."""


def claimed_quality(case: Case) -> list[str]:
    """Compare the claim itself with the target, where the answers are not published."""
    task = case.task
    claims = case.evidence.claims.get("accuracy")
    if task is None or claims is None or case.evidence.found.division != "closed":
        return []
    if case.recomputed.accuracy is not None and case.recomputed.accuracy.metric is not None:
        return []
    printed = claims.metrics.get("top1" if task.metric is Metric.TOP1 else "auc")
    value = number(printed) if printed else None
    if value is None or round(value, PRINTED_DECIMALS[task.metric]) >= task.target:
        return []
    return [f"{task.metric.value} is claimed to be {printed}, the closed division needs {task.target:g}"]


def foreign_files(case: Case) -> list[str]:
    """Check that an official list names the answered files."""
    run = case.evidence.runs.get("accuracy")
    if case.evidence.labels is not None or not case.evidence.official or run is None or not run.inferences:
        return []
    return [
        f"none of the {len(run.inferences)} answered files is in an official list, {run.inferences[0].file} for one"
    ]


def error_lines(case: Case) -> list[str]:
    """Return the error messages in any text or log of the result, with path and count."""
    found: list[str] = []
    for mode in case.evidence.found.files:
        claims, run = case.evidence.claims.get(mode), case.evidence.runs.get(mode)
        sources = {claims.source: claims.errors} if claims else {}
        if run is not None and run.errors:
            sources.setdefault(case.evidence.path(mode, "log"), run.errors)
        for source, errors in sources.items():
            found += [f"{source} holds {count} x e-[{text}]" for text, count in Counter(errors).items()]
    return found


def model_ids(case: Case) -> list[str]:
    """Compare the firmware's model id with the folder, for every run."""
    if case.evidence.benchmark is None:
        return []
    wanted = case.evidence.benchmark.model_id
    return [
        f"the {mode} run's firmware has model id {run.model_id!r}, the folder is that of {wanted!r}"
        for mode, run in case.evidence.runs.items()
        if run.model_id and run.model_id != wanted
    ]


def same_firmware(case: Case) -> list[str]:
    """Check that all runs have one profile string."""
    profiles = {mode: run.profile for mode, run in case.evidence.runs.items() if run.profile}
    if len(set(profiles.values())) < 2:
        return []
    return ["the runs name different firmware: " + ", ".join(f"{mode} {text!r}" for mode, text in profiles.items())]


def energy_intervals(case: Case) -> list[str]:
    """Check that the energy windows lie over the inferences."""
    run, stamps, energy_info = case.evidence.runs.get("energy"), case.evidence.stamps, case.recomputed.energy
    if run is None or stamps is None or energy_info is None or run.finished is False:
        return []  # of a log that is cut short the number of inferences is not known
    found = []
    wanted = 2 * len(run.inferences) + 1
    if len(stamps) != wanted:
        found.append(
            f"the trace has {len(stamps)} timestamps, {len(run.inferences)} inferences make {wanted}"
            + (f"; one of inference {numbers(energy_info.lost)} is lost" if energy_info.lost else "")
        )
    as_cut, right = case.recomputed.metric("energy as cut"), case.recomputed.metric("energy")
    if as_cut and right and as_cut.recomputed and right.recomputed:
        percent = 100 * (as_cut.recomputed / right.recomputed - 1)
        found.append(
            f"the energy windows do not lie over the inferences: {as_cut.recomputed:.3f} uJ/inf. was measured between "
            f"them, {right.recomputed:.3f} over them ({percent:+.0f} %)"
        )
    return found


def energy_rate(case: Case) -> list[str]:
    """Compare the throughput of the energy run with that of the performance run."""
    performance = case.recomputed.metric("throughput")
    energy = case.recomputed.metric("energy throughput")
    claims = case.evidence.claims.get("energy")
    fallback = number(claims.metrics.get("throughput", "")) if claims else None
    fast = performance.recomputed if performance else None
    slow = energy.recomputed if energy and energy.recomputed else fallback
    if not fast or not slow or abs(slow / fast - 1) <= ENERGY_RATE_TOLERANCE:
        return []
    return [
        f"the energy run made {slow:.3f} inf./s, the performance run {fast:.3f} ({100 * (slow / fast - 1):+.1f} %, "
        f"at most {100 * ENERGY_RATE_TOLERANCE:g} % is taken as the same device at work)"
    ]


def performance_inputs(case: Case) -> list[str]:
    """Compare the inputs of the performance run with the first five of the official lists."""
    run = case.evidence.runs.get("performance")
    if run is None or not case.evidence.official or len(run.inferences) != WINDOWS:
        return []
    used = [i.file for i in run.inferences]
    firsts = {labels.title: [row.file for row in labels.listed[:WINDOWS]] for labels in case.evidence.official}
    if used in firsts.values():
        return []
    title, first = max(firsts.items(), key=lambda row: sum(a == b for a, b in zip(used, row[1], strict=False)))
    place = next(n for n, (a, b) in enumerate(zip([*used, ""], [*first, ""], strict=False)) if a != b)
    return [
        f"the performance inputs are not the first {WINDOWS} of an official list: input {place + 1} is {used[place]}, "
        f"in {title} it is {first[place] if place < len(first) else 'none'}"
    ]


def wake_word_limits(case: Case) -> list[str]:
    """Check claimed misses and false alarms, in the closed division."""
    if case.evidence.found.division != "closed":
        return []
    return [
        text
        for mode, claims in case.evidence.claims.items()
        if claims.wake_words
        for text in over_limit(f"the {mode} run", claims.wake_words[1], claims.wake_words[2])
    ]


def over_limit(what: str, misses: int, alarms: int) -> list[str]:
    """Return a sentence when there are more errors than a closed result may have.

    Args:
        what: Whose errors they are.
        misses: False negatives.
        alarms: False positives.
    """
    if misses <= WAKE_WORD_ERROR_LIMIT and alarms <= WAKE_WORD_ERROR_LIMIT:
        return []
    errors = f"{misses} false negatives and {alarms} false positives"
    return [f"{what} has {errors}, at most {WAKE_WORD_ERROR_LIMIT} are allowed"]


def fifty_wake_words(case: Case) -> list[str]:
    """Check that claimed hits and misses add up to the words of the wave."""
    return [
        f"the {mode} run counts {claims.wake_words[0] + claims.wake_words[1]} wake words, the wave has {WAKE_WORDS}"
        for mode, claims in case.evidence.claims.items()
        if claims.wake_words and claims.wake_words[0] + claims.wake_words[1] != WAKE_WORDS
    ]


def system_fits(case: Case) -> list[str]:
    """Check submitter, division and status of the system description."""
    system, found = case.evidence.system, case.evidence.found
    if system is None:
        return []
    texts = []
    values = system.values
    submitter, division, status = (values.get(key, "") for key in ("Submitter", "Division", "Status"))
    # A person's name in place of an organisation's is a note.
    if found.submitter and not same_name(submitter, found.submitter) and not is_person(submitter):
        texts.append(f"{system.path} names {submitter!r} as submitter, the folder is that of {found.submitter!r}")
    if found.division in DIVISIONS and division and found.division not in division.lower():
        texts.append(f"{system.path} has division {division!r}, the folder is {found.division!r}")
    if status.lower() not in STATUSES:
        texts.append(f"{system.path} has status {status!r}, wanted one of {', '.join(STATUSES)}")
    return texts


def runner_permitted(case: Case) -> list[str]:
    """Check that the EEMBC runner was used in rounds up to v1.3 only."""
    if case.evidence.found.round < "v1.4" or case.evidence.runner != "EEMBC":
        return []
    return ["the EEMBC runner is not permitted after round v1.3"]
