# SPDX-License-Identifier: Apache-2.0
"""A recorded run beside its reproduction: one row a figure, with the difference and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import PerformanceMetrics, RunRecord
from mlperf_tiny.harness.wire.transcript import Transcript
from mlperf_tiny.results.reproduce.rebuilt_image import RebuiltImage
from mlperf_tiny.results.reproduce.rerun import Rerun
from mlperf_tiny.results.reproduce.tolerance import Tolerance

SAME, WITHIN, DIFFERS, NOT_COMPARED = "same", "within tolerance", "differs", "not compared"


@dataclass(frozen=True)
class Difference:
    """One row of the table; all values are text."""

    name: str
    """What is compared: ``latency``."""
    recorded: str
    """Its recorded value."""
    reproduced: str
    """Its value today."""
    difference: str
    """How they differ, ``none`` for equal values."""
    verdict: str
    """SAME, WITHIN, DIFFERS or NOT_COMPARED."""


def image_difference(rebuilt: RebuiltImage) -> Difference:
    """Return the row of the two images' hashes.

    Another image is no fault by itself: its cause is named, and the figures decide.
    """
    was, now = rebuilt.recorded.elf_sha256[:16], rebuilt.image.info.elf_sha256[:16]
    if rebuilt.same_file:
        return Difference("image", was, now, "none, bit for bit", SAME)
    if rebuilt.same:
        return Difference("image", was, now, "none in flash, other ELF file", SAME)
    return Difference("image", was, now, rebuilt.differences[0], DIFFERS)


def run_differences(
    recorded: RunRecord, transcript: Transcript, rerun: Rerun, allowed: Tolerance
) -> Iterator[Difference]:
    """Compare everything that two runs have in common.

    Args:
        recorded: The recorded run.
        transcript: Its transcript.
        rerun: Its reproduction.
        allowed: How far times may be off.
    """
    was, now = measure(transcript), measure(rerun.transcript)
    yield from _counts(recorded, rerun.record, allowed)
    yield from _windows(recorded, rerun.record, allowed)
    yield from _answers(was, now)
    yield from _accuracy(recorded, rerun.record)


def _counts(recorded: RunRecord, again: RunRecord, allowed: Tolerance) -> Iterator[Difference]:
    counts = [
        ("instructions", recorded.instructions_per_inference, again.instructions_per_inference),
        ("cycles", recorded.cycles_per_inference, again.cycles_per_inference),
    ]
    for name, was, now in counts:
        if was is None or now is None:
            continue
        if was == now:
            verdict = SAME
        elif allowed.instructions and (name == "instructions" or allowed.window_us == 0.0):
            verdict = DIFFERS
        else:
            verdict = NOT_COMPARED
        yield Difference(name, f"{was:,.1f}", f"{now:,.1f}", _percent(was, now), verdict)


def _windows(recorded: RunRecord, again: RunRecord, allowed: Tolerance) -> Iterator[Difference]:
    was, now = recorded.performance, again.performance
    if was is None or now is None:
        return
    verdict = SAME
    if allowed.window_us is not None:
        row = _window_times(was, now, allowed.window_us)
        verdict = row.verdict
        yield row
    percent = abs(now.latency_ms / was.latency_ms - 1) * 100
    if was.latency_ms == now.latency_ms:
        verdict = SAME
    elif allowed.percent is not None:
        verdict = WITHIN if percent <= allowed.percent else DIFFERS
    elif allowed.window_us is None:  # where windows are compared, they decide
        verdict = NOT_COMPARED
    before, after = (f"{part.latency_ms:.6f} ms" for part in (was, now))
    yield Difference("latency", before, after, _percent(was.latency_ms, now.latency_ms), verdict)


def _window_times(was: PerformanceMetrics, now: PerformanceMetrics, window_us: float) -> Difference:
    pairs = list(zip(was.windows, now.windows, strict=False))
    off_us = [abs(a.elapsed_us - b.elapsed_us) for a, b in pairs]
    like = len(was.windows) == len(now.windows) and all(
        (a.sample, a.iterations) == (b.sample, b.iterations) for a, b in pairs
    )
    worst_us = max(off_us, default=0)
    verdict = DIFFERS if not like or worst_us > window_us else SAME if worst_us == 0 else WITHIN
    difference = "none" if like and worst_us == 0 else f"{worst_us:,} us at most" if like else "other inputs or N"
    return Difference("windows", _span(was), _span(now), difference, verdict)


def _span(performance: PerformanceMetrics) -> str:
    seconds = sorted(window.elapsed_us / 1e6 for window in performance.windows)
    return f"{len(seconds)}, {seconds[0]:.6f} to {seconds[-1]:.6f} s"


def _answers(was: Measured, now: Measured) -> Iterator[Difference]:
    """Every reproduced answer against the recorded one, to the last digit."""
    if not now.answers or not was.answers:
        return
    recorded = {(was.names[i], w): row for i, windows in was.answers.items() for w, row in windows.items()}
    again = {(now.names[i], w): row for i, windows in now.answers.items() for w, row in windows.items()}
    # An unfinished run has fewer than its reproduction, a quick look has fewer than the recorded run.
    common = [key for key in again if key in recorded or was.ended]
    unequal = [key for key in common if recorded.get(key) != again[key]]
    first = next(iter(unequal), None)
    equal = len(common) - len(unequal)
    difference = "none" if first is None else f"{len(unequal)} differ, {first[0]} for one"
    verdict = SAME if first is None else DIFFERS
    yield Difference("answers", f"{len(recorded):,}", f"{len(again):,}, {equal:,} equal", difference, verdict)


def _accuracy(recorded: RunRecord, again: RunRecord) -> Iterator[Difference]:
    was, now = recorded.accuracy, again.accuracy
    if was is None or now is None or was.samples != now.samples:
        return
    metrics = [("top-1", was.top1_percent, now.top1_percent, "%"), ("AUC", was.auc, now.auc, "")]
    for name, before, after, unit in metrics:
        if before is not None and after is not None:
            texts = [f"{value:.4f} {unit}".rstrip() for value in (before, after)]
            yield Difference(name, texts[0], texts[1], _percent(before, after), SAME if before == after else DIFFERS)


def _percent(was: float, now: float) -> str:
    return "none" if was == now else f"{100 * (now / was - 1):+.4g} %" if was else "all of it"
