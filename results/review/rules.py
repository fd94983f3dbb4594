# SPDX-License-Identifier: Apache-2.0
"""The checks of a published result as rows: those of ``harness.rules``, and those that need more than one run.

Each row looks at the evidence and the recomputed figures and returns sentences; its kind says what they mean. Rules of
MLPerf Tiny are breaches; figures that differ are deviations; files without which nothing can be said are missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.rules import PRINTED_DECIMALS, RULES, WINDOWS, Accuracy, Performance, Result
from models.tasks import Metric, Task
from results.review.benchmarks import WAKE_WORD_LIMIT, WAKE_WORDS
from results.review.claims import agrees
from results.review.evidence import Evidence
from results.review.figures import Recomputed
from results.review.findings import Finding, Kind
from results.review.layout import DIVISIONS
from results.review.run import number
from results.review.system import NEEDED_KEYS, STATUSES, same_name
from results.review.wakewords import DOCUMENTED_GRACE_S

ENERGY_RATE_TOLERANCE = 0.05
"""Runs of one device differ by some percent; a window cut at the wrong stamps by more."""

Check = Callable[[Evidence, Recomputed], Sequence[str]]


@dataclass(frozen=True)
class ReviewRule:
    """``check`` returns one sentence for each thing found."""

    name: str
    kind: Kind
    check: Check


# Rules of a single run that our own results are held to as well, by their names in harness.rules.
_TIMED = ("five windows", "windows of 10 s", "windows of 10 iterations", "five inputs")
_ANSWERED = ("quality target", "complete accuracy set, in order", "official file list")


# Our own runs have performance windows only; here both runs do, and the prefix says which is meant.
_OWN_WORDS, _WORDS = " performance windows were run", " windows were run"


def _harness(names: Sequence[str], build: Callable[[Evidence, Recomputed, Task], Result | None], prefix: str) -> Check:
    rows = [rule for rule in RULES if rule.name in names]

    def check(evidence: Evidence, figures: Recomputed) -> list[str]:
        task = evidence.benchmark.task if evidence.benchmark else None
        result = build(evidence, figures, task) if task else None
        return (
            [f"{prefix}{text}".replace(_OWN_WORDS, _WORDS) for rule in rows for text in rule.check(result)]
            if result
            else []
        )

    return check


def _result(evidence: Evidence, task: Task) -> Result:
    return Result(task, evidence.found.division or "closed", task.model_id, "real", None, None)


def _performance(evidence: Evidence, figures: Recomputed, task: Task) -> Result | None:
    if not figures.windows:
        return None
    return replace(_result(evidence, task), performance=Performance(figures.windows))


def _energy(evidence: Evidence, figures: Recomputed, task: Task) -> Result | None:
    if figures.energy is None or not figures.energy.windows:
        return None
    return replace(_result(evidence, task), performance=Performance(figures.energy.windows))


def _accuracy(evidence: Evidence, figures: Recomputed, task: Task) -> Result | None:
    facts, labels = figures.accuracy, evidence.labels
    if facts is None or labels is None:
        return None
    accuracy = Accuracy(facts.metric, facts.answered, tuple(row.file for row in labels.listed), labels.official)
    return replace(_result(evidence, task), accuracy=accuracy)


def _claimed_quality(evidence: Evidence, figures: Recomputed) -> list[str]:
    """The claim itself against the target, where the answers are not at hand."""
    task = evidence.benchmark.task if evidence.benchmark else None
    claims = evidence.claims.get("accuracy")
    if task is None or claims is None or evidence.found.division != "closed":
        return []
    if figures.accuracy is not None and figures.accuracy.metric is not None:
        return []
    printed = claims.figures.get("top1" if task.metric is Metric.TOP1 else "auc")
    value = number(printed) if printed else None
    if value is None or round(value, PRINTED_DECIMALS[task.metric]) >= task.target:
        return []
    return [f"{task.metric.value} is claimed to be {printed}, the closed division needs {task.target:g}"]


def _foreign_files(evidence: Evidence, figures: Recomputed) -> list[str]:
    run = evidence.runs.get("accuracy")
    if evidence.labels is not None or not evidence.official or run is None or not run.inferences:
        return []
    return [
        f"none of the {len(run.inferences)} answered files is in an official list, {run.inferences[0].file} for one"
    ]


def _error_lines(evidence: Evidence, figures: Recomputed) -> list[str]:
    found: list[str] = []
    for mode in evidence.found.files:
        claims, run = evidence.claims.get(mode), evidence.runs.get(mode)
        sources = {claims.source: claims.errors} if claims else {}
        if run is not None and run.errors:
            sources.setdefault(evidence.path(mode, "log"), run.errors)
        for source, errors in sources.items():
            found += [f"{source} holds {count} x e-[{text}]" for text, count in Counter(errors).items()]
    return found


def _model_ids(evidence: Evidence, figures: Recomputed) -> list[str]:
    if evidence.benchmark is None:
        return []
    wanted = evidence.benchmark.model_id
    return [
        f"the {mode} run's firmware says it is {run.model_id!r}, the folder is that of {wanted!r}"
        for mode, run in evidence.runs.items()
        if run.model_id and run.model_id != wanted
    ]


def _same_firmware(evidence: Evidence, figures: Recomputed) -> list[str]:
    said = {mode: run.profile for mode, run in evidence.runs.items() if run.profile}
    if len(set(said.values())) < 2:
        return []
    return ["the runs name different firmware: " + ", ".join(f"{mode} {text!r}" for mode, text in said.items())]


def _same_iterations(evidence: Evidence, figures: Recomputed) -> list[str]:
    performance = {(w.iterations) for w in figures.windows}
    energy = {(w.iterations) for w in figures.energy.windows} if figures.energy else set()
    runs = [evidence.runs.get(mode) for mode in ("performance", "energy")]
    warm = [{i.warmups for i in run.inferences} for run in runs if run]
    found = []
    if len(performance) > 1:
        found.append(f"the performance windows differ in N: {_numbers(performance)}")
    if performance and energy and performance != energy:
        found.append(f"N is {_numbers(performance)} in the performance run and {_numbers(energy)} in the energy run")
    elif len(warm) == 2 and warm[0] and warm[1] and warm[0] != warm[1]:
        found.append(
            f"warm-ups are {_numbers(warm[0])} in the performance run and {_numbers(warm[1])} in the energy run"
        )
    return found


def _voltage(evidence: Evidence, figures: Recomputed) -> list[str]:
    run = evidence.runs.get("energy")
    if run is None or not run.voltages_mv:
        return []
    if len(set(run.voltages_mv[-WINDOWS:])) > 1:
        return [f"the energy run's supply changed: {_numbers(run.voltages_mv)} mV"]
    noted = evidence.system.voltages_mv() if evidence.system else ()
    supply = run.voltages_mv[-1]
    if noted and supply not in noted:
        return [f"the energy run's supply was {supply} mV, the system's hardware notes speak of {_numbers(noted)} mV"]
    return []


def _intervals(evidence: Evidence, figures: Recomputed) -> list[str]:
    """Whether the energy windows lie over the inferences."""
    run, stamps, facts = evidence.runs.get("energy"), evidence.stamps, figures.energy
    if run is None or stamps is None or facts is None:
        return []
    found = []
    wanted = 2 * len(run.inferences) + 1
    if len(stamps) != wanted:
        found.append(
            f"the trace has {len(stamps)} timestamps, {len(run.inferences)} inferences make {wanted}"
            + (f"; one of inference {_numbers(facts.lost)} is lost" if facts.lost else "")
        )
    as_cut, right = figures.figure("energy as cut"), figures.figure("energy")
    if as_cut and right and as_cut.recomputed and right.recomputed:
        percent = 100 * (as_cut.recomputed / right.recomputed - 1)
        found.append(
            f"the energy windows do not lie over the inferences: {as_cut.recomputed:.3f} uJ/inf. was measured between "
            f"them, {right.recomputed:.3f} over them ({percent:+.0f} %)"
        )
    return found


def _energy_rate(evidence: Evidence, figures: Recomputed) -> list[str]:
    performance = figures.figure("throughput")
    energy = figures.figure("energy throughput")
    claims = evidence.claims.get("energy")
    fallback = number(claims.figures.get("throughput", "")) if claims else None
    fast = performance.recomputed if performance else None
    slow = energy.recomputed if energy and energy.recomputed else fallback
    if not fast or not slow or abs(slow / fast - 1) <= ENERGY_RATE_TOLERANCE:
        return []
    return [
        f"the energy run made {slow:.3f} inf./s, the performance run {fast:.3f} ({100 * (slow / fast - 1):+.1f} %, "
        f"at most {100 * ENERGY_RATE_TOLERANCE:g} % is taken as the same device at work)"
    ]


def _performance_inputs(evidence: Evidence, figures: Recomputed) -> list[str]:
    run = evidence.runs.get("performance")
    if run is None or not evidence.official or len(run.inferences) != WINDOWS:
        return []
    used = [i.file for i in run.inferences]
    firsts = {labels.title: [row.file for row in labels.listed[:WINDOWS]] for labels in evidence.official}
    if used in firsts.values():
        return []
    title, first = max(firsts.items(), key=lambda row: sum(a == b for a, b in zip(used, row[1], strict=False)))
    place = next(n for n, (a, b) in enumerate(zip([*used, ""], [*first, ""], strict=False)) if a != b)
    return [
        f"the performance inputs are not the first {WINDOWS} of an official list: input {place + 1} is {used[place]}, "
        f"in {title} it is {first[place] if place < len(first) else 'none'}"
    ]


def _wake_word_limits(evidence: Evidence, figures: Recomputed) -> list[str]:
    if evidence.found.division != "closed":
        return []
    return [
        text
        for mode, claims in evidence.claims.items()
        if claims.wake_words
        for text in _over_limit(f"the {mode} run", claims.wake_words[1], claims.wake_words[2])
    ]


def _documented_window(evidence: Evidence, figures: Recomputed) -> list[str]:
    counts = figures.wake_words.get(DOCUMENTED_GRACE_S)
    if counts is None:
        return []
    return _over_limit(
        f"with the documented window of {DOCUMENTED_GRACE_S:g} s it", counts.false_negatives, counts.false_positives
    )


def _over_limit(what: str, misses: int, alarms: int) -> list[str]:
    if misses <= WAKE_WORD_LIMIT and alarms <= WAKE_WORD_LIMIT:
        return []
    return [f"{what} has {misses} false negatives and {alarms} false positives, at most {WAKE_WORD_LIMIT} are allowed"]


def _wake_words(evidence: Evidence, figures: Recomputed) -> list[str]:
    return [
        f"the {mode} run tells of {claims.wake_words[0] + claims.wake_words[1]} wake words, the wave has {WAKE_WORDS}"
        for mode, claims in evidence.claims.items()
        if claims.wake_words and claims.wake_words[0] + claims.wake_words[1] != WAKE_WORDS
    ]


def _cut_short(evidence: Evidence, figures: Recomputed) -> list[str]:
    return [
        f"{evidence.path(mode, 'log')} lacks its beginning or end, it holds {len(run.inferences)} inferences"
        for mode, run in evidence.runs.items()
        if run.finished is False and (run.inferences or run.detections)
    ]


def _scripts(evidence: Evidence, figures: Recomputed) -> list[str]:
    found = []
    for mode, planned in evidence.scripts.items():
        run = evidence.runs.get(mode)
        if run is None or run.runner != "EEMBC" or not run.inferences or not planned:
            continue
        done = tuple((i.file, i.iterations, i.warmups) for i in run.inferences)
        if planned != done:
            first = next((n for n, (a, b) in enumerate(zip(planned, done, strict=False)) if a != b), None)
            where = (
                f"{len(planned)} commands against {len(done)}"
                if first is None
                else f"command {first + 1} is {_command(planned[first])} in one, {_command(done[first])} in the other"
            )
            found.append(f"the {mode} run's script.async and log are not of one run: {where}")
    return found


def _command(command: tuple[str, int, int]) -> str:
    return f"'infer {command[1]} {command[2]}' on {command[0]}"


def _figures_agree(evidence: Evidence, figures: Recomputed) -> list[str]:
    found = []
    for figure in figures.figures:
        if figure.agrees is False and figure.claimed is not None and figure.recomputed is not None:
            claimed = number(figure.claimed) or 0.0
            off = f" ({100 * (claimed / figure.recomputed - 1):+.2g} %)" if figure.recomputed else ""
            decimals = max(3, len(figure.claimed.partition(".")[2]))
            found.append(
                f"{figure.name} is claimed to be {figure.claimed} {figure.unit}".rstrip()
                + f", the raw lines give {figure.recomputed:.{decimals}f}{off}"
            )
    return found


def _windows_agree(evidence: Evidence, figures: Recomputed) -> list[str]:
    run, claims = evidence.runs.get("performance"), evidence.claims.get("performance")
    if run is None or claims is None or not claims.windows:
        return []
    raw = [i for i in run.inferences if i.seconds is not None]
    if not raw:
        return []
    # A text may hold earlier runs as well, a log only the last window of five single runs: the last ones meet.
    count = min(len(raw), len(claims.windows))
    found = []
    for inference, window in zip(raw[-count:], claims.windows[-count:], strict=True):
        seconds, assumed = inference.seconds or 0.0, window.iterations
        if window.seconds is not None and not agrees(window.seconds, seconds):
            found.append(
                f"window {window.number} is claimed to last {window.seconds} s, the stamps give {seconds:.6f} s"
            )
        if assumed is not None and assumed != inference.iterations:
            found.append(f"window {window.number} is claimed to have N = {assumed}, its command {inference.iterations}")
    return found


def _missing(evidence: Evidence, figures: Recomputed) -> list[str]:
    """Files without which a figure cannot be computed anew."""
    found = [text for mode in _needed_modes(evidence) for text in _missing_of(evidence, mode)]
    for figure in figures.figures:
        if figure.claimed is not None and figure.recomputed is None:
            reason = _reason(evidence, figures, figure.name)
            found.append(f"{figure.name} {figure.claimed} {figure.unit}".rstrip() + f" cannot be recomputed: {reason}")
    task = evidence.benchmark.task if evidence.benchmark else None
    needed = ("throughput", "AUC" if task.metric is Metric.AUC else "top-1") if task else ()
    for figure in figures.figures:
        if figure.name in needed and figure.claimed is None:
            found.append(f"no {figure.name} is claimed anywhere in the result")
    if evidence.benchmark is None:
        found.append("neither the folders nor the logs tell which benchmark this is")
    return found


def _needed_modes(evidence: Evidence) -> tuple[str, ...]:
    if evidence.benchmark is not None and evidence.benchmark.task is None:
        return ("energy",) if "energy" in evidence.found.files else ("performance",)
    return ("performance", "accuracy", *(("energy",) if "energy" in evidence.found.files else ()))


def _missing_of(evidence: Evidence, mode: str) -> list[str]:
    kinds = evidence.found.files.get(mode)
    if kinds is None:
        return [f"there is no {mode} folder"]
    wanted = ["log"]
    if "text" not in kinds and not (evidence.claims.get(mode) and evidence.claims[mode].figures):
        wanted.append("text")
    if evidence.runner == "EEMBC":
        wanted.append("script")
        wanted += ["trace", "stamps"] if mode == "energy" else []
    return [f"{evidence.path(mode, kind)} is missing" for kind in wanted if kind not in kinds]


def _reason(evidence: Evidence, figures: Recomputed, name: str) -> str:
    mode = next((m for m in ("energy", "performance") if name.startswith(m)), "")
    mode = mode or {"throughput": "performance", "power": "energy"}.get(name, "accuracy")
    run = evidence.runs.get(mode)
    if run is None:
        return f"there is no usable log of the {mode} run"
    if mode == "accuracy" and run.finished is False:
        return f"its log is cut short, it holds {len(run.inferences)} inferences"
    if mode == "accuracy":
        return "no label list names its files; name the data folder with --data" if run.inferences else "no answers"
    if evidence.benchmark is not None and evidence.benchmark.task is None:
        if name == "power":
            return "no samples are published"
        if run.detections and evidence.words is None:
            return "no list of the wake words; name the data folder with --data"
        return "the log tells no detections or frames"
    if mode == "energy":
        return "no energy trace is published"
    timed = sum(i.seconds is not None for i in run.inferences)
    return f"the log holds {timed} timed windows" + (f", the text {len(figures.windows)}" if timed else "")


def _system(evidence: Evidence, figures: Recomputed) -> list[str]:
    system, found = evidence.system, evidence.found
    if system is None:
        return []
    breaches = []
    values = system.values
    submitter, division, status = (values.get(key, "") for key in ("Submitter", "Division", "Status"))
    if found.submitter and not same_name(submitter, found.submitter):
        breaches.append(f"{system.path} names {submitter!r} as submitter, the folder is that of {found.submitter!r}")
    if found.division in DIVISIONS and division and found.division not in division.lower():
        breaches.append(f"{system.path} says division {division!r}, the folder is {found.division!r}")
    if status.lower() not in STATUSES:
        breaches.append(f"{system.path} has status {status!r}, wanted one of {', '.join(STATUSES)}")
    return breaches


def _no_system(evidence: Evidence, figures: Recomputed) -> list[str]:
    if evidence.system_path is not None:
        return []
    return [f"systems/{evidence.found.system}.json is not in the tree, nor a file that could stand for it"]


def _system_notes(evidence: Evidence, figures: Recomputed) -> list[str]:
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


def _marker(evidence: Evidence, figures: Recomputed) -> list[str]:
    if evidence.found.round < "v1.3" or evidence.runner != "EEMBC" or evidence.found.marker:
        return []
    return ["the result was made with the EEMBC runner and its folder lacks the file EEMBC_RUNNER"]


def _runner(evidence: Evidence, figures: Recomputed) -> list[str]:
    if evidence.found.round < "v1.4" or evidence.runner != "EEMBC":
        return []
    return ["the EEMBC runner is not permitted after round v1.3"]


def _problems(evidence: Evidence, figures: Recomputed) -> list[str]:
    return [*evidence.problems, *(text for run in evidence.runs.values() for text in run.problems)]


def _notes(evidence: Evidence, figures: Recomputed) -> list[str]:
    notes = list(evidence.found.notes)
    if evidence.labels is not None:
        notes.append(f"the accuracy run follows {evidence.labels.title}")
    return notes


def _numbers(values: Sequence[float] | set[int]) -> str:
    return ", ".join(f"{value:g}" for value in sorted(set(values)))


REVIEW_RULES: tuple[ReviewRule, ...] = (
    ReviewRule("performance windows", Kind.BREACH, _harness(_TIMED, _performance, "performance run: ")),
    ReviewRule("energy windows", Kind.BREACH, _harness(_TIMED, _energy, "energy run: ")),
    ReviewRule("energy over the inferences", Kind.BREACH, _intervals),
    ReviewRule("accuracy set and target", Kind.BREACH, _harness(_ANSWERED, _accuracy, "")),
    ReviewRule("official file list", Kind.BREACH, _foreign_files),
    ReviewRule("quality target as claimed", Kind.BREACH, _claimed_quality),
    ReviewRule("wake word limits", Kind.BREACH, _wake_word_limits),
    ReviewRule("fifty wake words", Kind.BREACH, _wake_words),
    ReviewRule("no error lines", Kind.BREACH, _error_lines),
    ReviewRule("model id equals folder", Kind.BREACH, _model_ids),
    ReviewRule("one firmware", Kind.BREACH, _same_firmware),
    ReviewRule("energy run at the same speed", Kind.BREACH, _energy_rate),
    ReviewRule("performance inputs", Kind.BREACH, _performance_inputs),
    ReviewRule("system description", Kind.BREACH, _system),
    ReviewRule("runner permitted", Kind.BREACH, _runner),
    ReviewRule("figures", Kind.DEVIATION, _figures_agree),
    ReviewRule("windows as claimed", Kind.DEVIATION, _windows_agree),
    ReviewRule("script and log", Kind.DEVIATION, _scripts),
    ReviewRule("log is whole", Kind.MISSING, _cut_short),
    ReviewRule("required files", Kind.MISSING, _missing),
    ReviewRule("required files", Kind.MISSING, _no_system),
    ReviewRule("readable files", Kind.MISSING, _problems),
    ReviewRule("same N in both runs", Kind.NOTE, _same_iterations),
    ReviewRule("supply voltage", Kind.NOTE, _voltage),
    ReviewRule("documented wake word window", Kind.NOTE, _documented_window),
    ReviewRule("EEMBC_RUNNER", Kind.NOTE, _marker),
    ReviewRule("system description", Kind.NOTE, _system_notes),
    ReviewRule("reading", Kind.NOTE, _notes),
)


def findings_of(evidence: Evidence, figures: Recomputed) -> tuple[Finding, ...]:
    """Return all findings on one result, in the order of the rules."""
    return tuple(Finding(rule.kind, rule.name, text) for rule in REVIEW_RULES for text in rule.check(evidence, figures))
