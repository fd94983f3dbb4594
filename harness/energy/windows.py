# SPDX-License-Identifier: Apache-2.0
"""From a trace and its timestamps to the energy of one inference: the arithmetic of both official runners.

**EEMBC**: timestamps are times; the first stands alone, then come start and end of each run of inferences. A sample
belongs to a window when its time lies in it, ends included. The power printed is the sum times the rate over the number
of samples.

**MLCommons**: an event of the timestamp pin is the number of samples that had come; the last two of each trial are its
window, ``samples[start:stop]``, in joules.

Both divide the sum by the inferences of the window and take the median of five windows. One lost edge would turn every
window that follows into a pause between two, so no number of edges but the right one is accepted: EEMBC's runner took
what came, and one published result is 30 % too low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlperf_tiny.errors import TraceRefused
from mlperf_tiny.harness.energy.trace import Samples, Trace

MLCOMMONS_RATE_HZ = 1000.0
"""Of the samples in an MLCommons ``results.json``."""


@dataclass(frozen=True, kw_only=True)
class EnergyWindow:
    """The energy of one run of inferences."""

    iterations: int
    """Inferences in it."""
    seconds: float
    """From its first timestamp to its last."""
    samples: int
    """Samples that belong to it."""
    energy_uj: float
    """Their sum in microjoules."""
    power_uw: float
    """Mean power in microwatts: the mean of the samples times their rate."""

    @property
    def uj_per_inference(self) -> float:
        """Energy of one inference in microjoules."""
        return self.energy_uj / self.iterations

    @property
    def throughput_per_s(self) -> float:
        """Inferences per second."""
        return self.iterations / self.seconds


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One entry of an MLCommons ``results.json``: one input, loaded and run."""

    samples_j: Samples
    """Energy of each sample period in joules, shape (samples,)."""
    events: tuple[tuple[int, int], ...]
    """(number of the event, samples that had come), for each edge of the timestamp pin."""
    iterations: int
    """Inferences of its window."""


def eembc_windows(
    trace: Trace, stamps_s: Sequence[float], iterations: Sequence[int], where: str
) -> tuple[EnergyWindow, ...]:
    """Return the windows of a trace by EEMBC's arithmetic.

    Args:
        trace: The samples.
        stamps_s: Edges of the timestamp pin, seconds of the trace, in order.
        iterations: Inferences of each run, in order; each above 0.
        where: The trace's path, for messages.

    Raises:
        TraceRefused: Edges are missing or too many, a window has no length, or the trace ends before a window does.
    """
    wanted = 1 + 2 * len(iterations)
    if len(stamps_s) != wanted:
        raise TraceRefused(where, _count_text(len(stamps_s), wanted, len(iterations)))
    windows = []
    for number, count in enumerate(iterations, start=1):
        start_s, end_s = stamps_s[2 * number - 1], stamps_s[2 * number]
        inside = trace.between(start_s, end_s)
        _check_window(where, number, end_s - start_s, len(inside))
        if end_s > trace.times_s[-1] + 1.0 / trace.rate_hz:
            raise TraceRefused(
                where, f"window {number} ends at {end_s:.3f} s, the samples at {trace.times_s[-1]:.3f} s"
            )
        total_uj = float(inside.sum())
        windows.append(
            EnergyWindow(
                iterations=count,
                seconds=end_s - start_s,
                samples=len(inside),
                energy_uj=total_uj,
                power_uw=total_uj * trace.rate_hz / len(inside),
            )
        )
    return tuple(windows)


def mlcommons_windows(trials: Sequence[Trial], where: str) -> tuple[EnergyWindow, ...]:
    """Return the windows of trials by MLCommons' arithmetic.

    Args:
        trials: One for each input, in order.
        where: The file's path, for messages.

    Raises:
        TraceRefused: Events are not numbered one after the other, a trial has fewer than two, or a window has no
            length or ends outside its samples.
    """
    windows = []
    before: int | None = None
    for number, trial in enumerate(trials, start=1):
        for event, _ in trial.events:
            if before is not None and event != before + 1:
                raise TraceRefused(where, f"event {event} of trial {number} follows event {before}: one was lost")
            before = event
        if len(trial.events) < 2:
            raise TraceRefused(where, f"trial {number} has {len(trial.events)} timestamps, wanted 2 or more")
        windows.append(event_window(trial, number, where))
    return tuple(windows)


def event_window(trial: Trial, number: int = 1, where: str = "the trial") -> EnergyWindow:
    """Return the window between the last two events of one trial.

    Args:
        trial: The trial; it has two events or more.
        number: Its number, for messages.
        where: The file's path, for messages.

    Raises:
        TraceRefused: The window has no length, or ends outside the samples.
    """
    (_, start), (_, stop) = trial.events[-2:]
    if not 0 <= start <= stop <= len(trial.samples_j):
        raise TraceRefused(
            where, f"the window of trial {number} is samples {start} to {stop} of {len(trial.samples_j)}"
        )
    _check_window(where, number, float(stop - start), stop - start)
    total_uj = 1e6 * float(trial.samples_j[start:stop].sum())
    seconds = (stop - start) / MLCOMMONS_RATE_HZ
    return EnergyWindow(
        iterations=trial.iterations,
        seconds=seconds,
        samples=stop - start,
        energy_uj=total_uj,
        power_uw=total_uj / seconds,
    )


def median_uj(windows: Sequence[EnergyWindow]) -> float:
    """Return the score of an energy run: the median of the windows' energies of one inference, in microjoules."""
    return float(np.median([window.uj_per_inference for window in windows]))


def mean_power_uw(windows: Sequence[EnergyWindow]) -> float:
    """Return the mean power over all windows in microwatts, each weighted by its length."""
    return float(np.average([w.power_uw for w in windows], weights=[w.seconds for w in windows]))


def _check_window(where: str, number: int, length: float, samples: int) -> None:
    if length <= 0 or samples == 0:
        raise TraceRefused(where, f"window {number} has no length: two timestamps lie on each other")


def _count_text(got: int, wanted: int, windows: int) -> str:
    shape = f"one before the runs, then start and end of each of {windows}"
    if got < wanted:
        lost = f"{wanted - got} of them {'was' if wanted - got == 1 else 'were'} lost"
        after = "and the windows after it would lie over the pauses between the runs"
        return f"{got} timestamps, wanted {wanted} ({shape}): {lost}, {after}"
    return f"{got} timestamps, wanted {wanted} ({shape}): the pin had {got - wanted} edges more"
