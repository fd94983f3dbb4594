# SPDX-License-Identifier: Apache-2.0
"""What a reader should know of a result although no verdict depends on it."""

from __future__ import annotations

from mlperf_tiny.harness.record.rules import WINDOWS
from mlperf_tiny.results.mlperf.submitter import is_person
from mlperf_tiny.results.mlperf.system import NEEDED_KEYS, same_name
from mlperf_tiny.results.review.checks.case import Case
from mlperf_tiny.results.review.checks.violations import over_limit
from mlperf_tiny.results.review.evidence.wakewords import DOCUMENTED_GRACE_S, RUNNER_GRACE_S
from mlperf_tiny.terminal import numbers


def same_iterations(case: Case) -> list[str]:
    """Compare N and warm-ups of performance and energy run: no rule demands it, but they should be equal."""
    performance = {(w.iterations) for w in case.recomputed.windows}
    energy = {(w.iterations) for w in case.recomputed.energy.windows} if case.recomputed.energy else set()
    runs = [case.evidence.runs.get(mode) for mode in ("performance", "energy")]
    warm = [{i.warmups for i in run.inferences} for run in runs if run]
    found = []
    if len(performance) > 1:
        found.append(f"the performance windows differ in N: {numbers(performance)}")
    if performance and energy and performance != energy:
        found.append(f"N is {numbers(performance)} in the performance run and {numbers(energy)} in the energy run")
    elif len(warm) == 2 and warm[0] and warm[1] and warm[0] != warm[1]:
        found.append(f"warm-ups are {numbers(warm[0])} in the performance run and {numbers(warm[1])} in the energy run")
    return found


def supply_voltage(case: Case) -> list[str]:
    """Compare the energy run's supply with the hardware notes."""
    run = case.evidence.runs.get("energy")
    if run is None or not run.voltages_mv:
        return []
    if len(set(run.voltages_mv[-WINDOWS:])) > 1:
        return [f"the energy run's supply changed: {numbers(run.voltages_mv)} mV"]
    noted = case.evidence.system.voltages_mv() if case.evidence.system else ()
    supply = run.voltages_mv[-1]
    if noted and supply not in noted:
        return [f"the energy run's supply was {supply} mV, the system's hardware notes have {numbers(noted)} mV"]
    return []


def wake_word_readings(case: Case) -> list[str]:
    """Return the counts of each run in three ways, and a sentence when the documented one is over the limits."""
    found = []
    for mode, readings in case.recomputed.wake_words.items():
        ways = [
            f"{readings.runner} with the runner's window of {RUNNER_GRACE_S:g} s",
            f"{readings.documented} with the documented one of {DOCUMENTED_GRACE_S:g} s",
        ]
        decisive = readings.documented
        if readings.on_grid is not None and readings.skew is not None:
            decisive = readings.on_grid
            ways.append(
                f"{readings.on_grid} with that and the detections on the frame grid, which removes a clock skew of "
                f"{100 * readings.skew:+.2f} %"
            )
        found.append(f"true positives/false negatives/false positives of the {mode} run: {', '.join(ways)}")
        on_grid = " on the frame grid" if readings.on_grid else ""
        what = f"with the documented window of {DOCUMENTED_GRACE_S:g} s{on_grid} it"
        found += over_limit(what, decisive.false_negatives, decisive.false_positives)
    return found


def no_marker(case: Case) -> list[str]:
    """Check for the empty file that marks results of the EEMBC runner from round v1.3 on."""
    if case.evidence.found.round < "v1.3" or case.evidence.runner != "EEMBC" or case.evidence.found.marker:
        return []
    return ["the result was made with the EEMBC runner and its folder lacks the file EEMBC_RUNNER"]


def system_notes(case: Case) -> list[str]:
    """Return what is unusual about the system description."""
    system = case.evidence.system
    if system is None:
        return []
    notes = []
    if not system.named_as_folder:
        notes.append(
            f"{system.path} is taken as the description; the rules want systems/{case.evidence.found.system}.json"
        )
    lacking = [key for key in NEEDED_KEYS if key not in system.values]
    if lacking:
        notes.append(f"{system.path} lacks {', '.join(lacking)}")
    if system.duplicates:
        notes.append(f"{system.path} holds {len(system.duplicates)} keys twice, the last of each counts: "
                     + ", ".join(sorted(set(system.duplicates))))  # fmt: skip
    return notes


def person_as_submitter(case: Case) -> list[str]:
    """Return the submitter that is a person, by the system description or, where that names none, by the folder."""
    system, folder = case.evidence.system, case.evidence.found.submitter
    stated = system.values.get("Submitter", "") if system else ""
    name = stated or folder
    if not is_person(name):
        return []
    where = system.path if system and stated else "the submitter's folder"
    other = f"; the folder is that of {folder!r}" if folder and not same_name(name, folder) else ""
    return [f"{where} names a person as submitter, {name!r}, where the rules speak of an organisation{other}"]


def reading(case: Case) -> list[str]:
    """Return how the result was read: names that were guessed, the label list that was followed."""
    notes = list(case.evidence.found.notes)
    if case.evidence.labels is not None:
        notes.append(f"the accuracy run follows {case.evidence.labels.title}")
    return notes
