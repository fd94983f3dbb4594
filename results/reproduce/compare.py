# SPDX-License-Identifier: Apache-2.0
"""A recorded run beside the one that was made again: one row a figure, with the difference and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import PerformanceMetrics, RunRecord
from mlperf_tiny.harness.wire.transcript import Transcript
from mlperf_tiny.results.reproduce.image import Rebuilt
from mlperf_tiny.results.reproduce.rerun import Again
from mlperf_tiny.results.reproduce.tolerance import Tolerance, tolerance

SAME, WITHIN, DIFFERS, NOT_COMPARED = "same", "within tolerance", "differs", "not compared"


@dataclass(frozen=True)
class Row:
    """One line of the table; all values as text."""

    name: str
    recorded: str
    reproduced: str
    difference: str
    verdict: str


def image_row(rebuilt: Rebuilt) -> Row:
    """The two images' hashes. Another image is no fault by itself: its cause is said, and the figures decide."""
    was, now = rebuilt.recorded.elf_sha256, rebuilt.image.info.elf_sha256
    if rebuilt.equal:
        return Row("image", was[:16], now[:16], "none, bit for bit", SAME)
    return Row("image", was[:16], now[:16], rebuilt.differences[0], DIFFERS)


def rows(recorded: RunRecord, transcript: Transcript, again: Again) -> tuple[list[Row], Tolerance]:
    """Compare everything the two runs have in common, and return the tolerance that was applied."""
    allowed = tolerance(recorded, again.record)
    was, now = measure(transcript), measure(again.transcript)
    found = [*_timing(recorded, again.record, allowed), *_windows(recorded, again.record, allowed)]
    found += _answers(was, now)
    found += _accuracy(recorded, again.record)
    return found, allowed


def _timing(recorded: RunRecord, again: RunRecord, allowed: Tolerance) -> Iterator[Row]:
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
        yield Row(name, f"{was:,.1f}", f"{now:,.1f}", _percent(was, now), verdict)


def _windows(recorded: RunRecord, again: RunRecord, allowed: Tolerance) -> Iterator[Row]:
    was, now = recorded.performance, again.performance
    if was is None or now is None:
        return
    if allowed.window_us is not None:
        pairs = list(zip(was.windows, now.windows, strict=False))
        off_us = [abs(a.elapsed_us - b.elapsed_us) for a, b in pairs]
        like = len(was.windows) == len(now.windows) and all(
            (a.sample, a.iterations) == (b.sample, b.iterations) for a, b in pairs
        )
        worst_us = max(off_us, default=0)
        verdict = DIFFERS if not like or worst_us > allowed.window_us else SAME if worst_us == 0 else WITHIN
        texts = [_span(part) for part in (was, now)]
        difference = "none" if like and worst_us == 0 else f"{worst_us:,} us at most" if like else "other inputs or N"
        yield Row("windows", texts[0], texts[1], difference, verdict)
    percent = abs(now.latency_ms / was.latency_ms - 1) * 100
    if was.latency_ms == now.latency_ms:
        verdict = SAME
    elif allowed.percent is not None:
        verdict = WITHIN if percent <= allowed.percent else DIFFERS
    else:
        # The windows decide, where they are compared.
        verdict = NOT_COMPARED if allowed.window_us is None else verdict
    before, after = (f"{part.latency_ms:.6f} ms" for part in (was, now))
    yield Row("latency", before, after, _percent(was.latency_ms, now.latency_ms), verdict)


def _span(performance: PerformanceMetrics) -> str:
    seconds = sorted(window.elapsed_us / 1e6 for window in performance.windows)
    return f"{len(seconds)}, {seconds[0]:.6f} to {seconds[-1]:.6f} s"


def _answers(was: Measured, now: Measured) -> Iterator[Row]:
    """Every answer that was given again, against the recorded one to the last digit."""
    if not now.answers or not was.answers:
        return
    recorded = {(was.names[i], w): row for i, windows in was.answers.items() for w, row in windows.items()}
    again = {(now.names[i], w): row for i, windows in now.answers.items() for w, row in windows.items()}
    # An unfinished run has fewer than the one that was made again, a quick look has fewer than the recorded one.
    common = [key for key in again if key in recorded or was.ended]
    unequal = [key for key in common if recorded.get(key) != again[key]]
    first = next(iter(unequal), None)
    equal = len(common) - len(unequal)
    difference = "none" if first is None else f"{len(unequal)} differ, {first[0]} for one"
    verdict = SAME if first is None else DIFFERS
    yield Row("answers", f"{len(recorded):,}", f"{len(again):,}, {equal:,} equal", difference, verdict)


def _accuracy(recorded: RunRecord, again: RunRecord) -> Iterator[Row]:
    was, now = recorded.accuracy, again.accuracy
    if was is None or now is None or was.samples != now.samples:
        return
    figures = [("top-1", was.top1_percent, now.top1_percent, "%"), ("AUC", was.auc, now.auc, "")]
    for name, before, after, unit in figures:
        if before is not None and after is not None:
            texts = [f"{value:.4f} {unit}".rstrip() for value in (before, after)]
            yield Row(name, texts[0], texts[1], _percent(before, after), SAME if before == after else DIFFERS)


def _percent(was: float, now: float) -> str:
    return "none" if was == now else f"{100 * (now / was - 1):+.4g} %" if was else "all of it"
