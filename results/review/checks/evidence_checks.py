# SPDX-License-Identifier: Apache-2.0
"""Checks of claims against the raw lines, and of the files without which a claim cannot be checked."""

from __future__ import annotations

from mlperf_tiny.models.tasks import Metric
from mlperf_tiny.results.review.checks.case import Case
from mlperf_tiny.results.review.checks.metrics import Recomputed
from mlperf_tiny.results.review.evidence.claims import agrees
from mlperf_tiny.results.review.evidence.evidence import Evidence, Planned
from mlperf_tiny.results.review.evidence.runner_log import number


def cut_short(case: Case) -> list[str]:
    """Return the logs that lack their beginning or end."""
    return [
        f"{case.evidence.path(mode, 'log')} lacks its beginning or end, it holds {len(run.inferences)} inferences"
        for mode, run in case.evidence.runs.items()
        if run.finished is False and (run.inferences or run.detections)
    ]


def script_and_log(case: Case) -> list[str]:
    """Compare files and iterations of ``script.async`` with those of the log."""
    found = []
    for mode, planned in case.evidence.scripts.items():
        run = case.evidence.runs.get(mode)
        if run is None or run.runner != "EEMBC" or not run.inferences or not planned:
            continue
        done = tuple((i.file, i.iterations, i.warmups) for i in run.inferences)
        if run.finished is False and _is_part(done, planned):
            continue  # cut short, which is a finding of its own
        if planned != done:
            first = next((n for n, (a, b) in enumerate(zip(planned, done, strict=False)) if a != b), None)
            where = (
                f"{len(planned)} commands against {len(done)}"
                if first is None
                else f"command {first + 1} is {_command(planned[first])} in one, {_command(done[first])} in the other"
            )
            found.append(f"the {mode} run's script.async and log are not of one run: {where}")
    return found


def detection_lists(case: Case) -> list[str]:
    """Return where the lists of detections of one run differ."""
    return [text for run in case.evidence.runs.values() for text in run.contradictions]


def _is_part(part: Planned, whole: Planned) -> bool:
    """Whether the commands of ``part`` stand in ``whole`` one after the other."""
    numbers: dict[tuple[str, int, int], int] = {}
    # As texts of one character for each different command: a text is searched in linear time.
    one, other = ("".join(chr(numbers.setdefault(row, len(numbers))) for row in rows) for rows in (part, whole))
    return one in other


def _command(command: tuple[str, int, int]) -> str:
    return f"'infer {command[1]} {command[2]}' on {command[0]}"


def metrics_agree(case: Case) -> list[str]:
    """Compare every claim with its recomputed value, where the log is whole."""
    return [text for mode, text in _differing(case) if not is_cut_short(case, mode)]


def cut_metrics(case: Case) -> list[str]:
    """Return the claims that what is left of a log does not bear out: the rest of it might."""
    return [f"{text}, of a log that is cut short" for mode, text in _differing(case) if is_cut_short(case, mode)]


def is_cut_short(case: Case, mode: str) -> bool:
    """Whether the log of a run lacks its beginning or end.

    Args:
        case: The result.
        mode: ``performance``, ``accuracy`` or ``energy``.
    """
    run = case.evidence.runs.get(mode)
    return run is not None and run.finished is False


def _differing(case: Case) -> list[tuple[str, str]]:
    """The mode of each metric that differs from its claim, and a sentence."""
    found = []
    for metric in case.recomputed.metrics:
        if metric.agrees is False and metric.claimed is not None and metric.recomputed is not None:
            claimed = number(metric.claimed) or 0.0
            off = f" ({100 * (claimed / metric.recomputed - 1):+.2g} %)" if metric.recomputed else ""
            decimals = max(3, len(metric.claimed.partition(".")[2]))
            text = f"{metric.name} is claimed to be {metric.claimed} {metric.unit}".rstrip()
            found.append((_mode_of(metric.name), f"{text}, the raw lines give {metric.recomputed:.{decimals}f}{off}"))
    return found


def windows_agree(case: Case) -> list[str]:
    """Compare claimed length and iterations of the windows with the raw lines."""
    run, claims = case.evidence.runs.get("performance"), case.evidence.claims.get("performance")
    if run is None or claims is None or not claims.windows:
        return []
    raw = [i for i in run.inferences if i.seconds is not None]
    if not raw or (run.finished is False and len(raw) < len(claims.windows)):
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


def missing_files(case: Case) -> list[str]:
    """Return the files without which a metric cannot be recomputed."""
    found = [text for mode in _needed_modes(case.evidence) for text in _missing_of(case.evidence, mode)]
    for metric in case.recomputed.metrics:
        if metric.claimed is not None and metric.recomputed is None:
            reason = _reason(case.evidence, case.recomputed, metric.name)
            found.append(f"{metric.name} {metric.claimed} {metric.unit}".rstrip() + f" cannot be recomputed: {reason}")
    task = case.task
    needed = ("throughput", "AUC" if task.metric is Metric.AUC else "top-1") if task else ()
    for metric in case.recomputed.metrics:
        if metric.name in needed and metric.claimed is None:
            found.append(f"no {metric.name} is claimed anywhere in the result")
    if case.evidence.benchmark is None:
        found.append("neither the folders nor the logs name the benchmark")
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
    if "text" not in kinds and not (evidence.claims.get(mode) and evidence.claims[mode].metrics):
        wanted.append("text")
    if evidence.runner == "EEMBC":
        wanted.append("script")
        wanted += ["trace", "stamps"] if mode == "energy" else []
    return [f"{evidence.path(mode, kind)} is missing" for kind in wanted if kind not in kinds]


def _mode_of(name: str) -> str:
    """The run that a metric is of."""
    mode = next((m for m in ("energy", "performance") if name.startswith(m)), "")
    return mode or {"throughput": "performance", "power": "energy"}.get(name, "accuracy")


def _reason(evidence: Evidence, recomputed: Recomputed, name: str) -> str:
    mode = _mode_of(name)
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
        return "the log holds no detections or frames"
    if mode == "energy":
        return "no energy trace is published"
    timed = sum(i.seconds is not None for i in run.inferences)
    return f"the log holds {timed} timed windows" + (f", the text {len(recomputed.windows)}" if timed else "")


def no_description(case: Case) -> list[str]:
    """Check that there is a system description."""
    if case.evidence.system_path is not None:
        return []
    return [f"systems/{case.evidence.found.system}.json is not in the tree, nor a file with a similar name"]


def unreadable_files(case: Case) -> list[str]:
    """Return the files that cannot be used."""
    return [*case.evidence.problems, *(text for run in case.evidence.runs.values() for text in run.problems)]
