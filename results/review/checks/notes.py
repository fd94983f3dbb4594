# SPDX-License-Identifier: Apache-2.0
"""What a reader should know of a result although no verdict hangs on it; in sentences."""

from __future__ import annotations

from mlperf_tiny.harness.record.rules import WINDOWS
from mlperf_tiny.results.mlperf.system import NEEDED_KEYS
from mlperf_tiny.results.review.checks.metrics import Recomputed
from mlperf_tiny.results.review.evidence.evidence import Evidence
from mlperf_tiny.terminal import numbers


def same_iterations(evidence: Evidence, recomputed: Recomputed) -> list[str]:
    """N and warm-ups of performance and energy run: no rule asks for it, but they should be alike."""
    performance = {(w.iterations) for w in recomputed.windows}
    energy = {(w.iterations) for w in recomputed.energy.windows} if recomputed.energy else set()
    runs = [evidence.runs.get(mode) for mode in ("performance", "energy")]
    warm = [{i.warmups for i in run.inferences} for run in runs if run]
    found = []
    if len(performance) > 1:
        found.append(f"the performance windows differ in N: {numbers(performance)}")
    if performance and energy and performance != energy:
        found.append(f"N is {numbers(performance)} in the performance run and {numbers(energy)} in the energy run")
    elif len(warm) == 2 and warm[0] and warm[1] and warm[0] != warm[1]:
        found.append(f"warm-ups are {numbers(warm[0])} in the performance run and {numbers(warm[1])} in the energy run")
    return found


def supply_voltage(evidence: Evidence, recomputed: Recomputed) -> list[str]:
    """The energy run's supply against what the hardware notes speak of."""
    run = evidence.runs.get("energy")
    if run is None or not run.voltages_mv:
        return []
    if len(set(run.voltages_mv[-WINDOWS:])) > 1:
        return [f"the energy run's supply changed: {numbers(run.voltages_mv)} mV"]
    noted = evidence.system.voltages_mv() if evidence.system else ()
    supply = run.voltages_mv[-1]
    if noted and supply not in noted:
        return [f"the energy run's supply was {supply} mV, the system's hardware notes speak of {numbers(noted)} mV"]
    return []


def no_marker(evidence: Evidence, recomputed: Recomputed) -> list[str]:
    """The empty file that rounds from v1.3 on want beside results of the EEMBC runner."""
    if evidence.found.round < "v1.3" or evidence.runner != "EEMBC" or evidence.found.marker:
        return []
    return ["the result was made with the EEMBC runner and its folder lacks the file EEMBC_RUNNER"]


def system_notes(evidence: Evidence, recomputed: Recomputed) -> list[str]:
    """What is odd about the system description."""
    system = evidence.system
    if system is None:
        return []
    notes = []
    if not system.named_as_folder:
        notes.append(f"{system.path} is taken as the description; the rules want systems/{evidence.found.system}.json")
    lacking = [key for key in NEEDED_KEYS if key not in system.values]
    if lacking:
        notes.append(f"{system.path} lacks {', '.join(lacking)}")
    if system.duplicates:
        notes.append(f"{system.path} holds {len(system.duplicates)} keys twice, the last of each counts: "
                     + ", ".join(sorted(set(system.duplicates))))  # fmt: skip
    return notes


def reading(evidence: Evidence, recomputed: Recomputed) -> list[str]:
    """How the result was read: names that were guessed, the label list that was followed."""
    notes = list(evidence.found.notes)
    if evidence.labels is not None:
        notes.append(f"the accuracy run follows {evidence.labels.title}")
    return notes
