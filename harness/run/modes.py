# SPDX-License-Identifier: Apache-2.0
"""What a run does with a device: performance and accuracy, each a short script over a session.

They are the same for a board, an emulated board and a process. Before each ``infer`` a ``mark`` event has its
purpose; the record is computed from the marks and the raw lines between them, never from anything kept here. What an
interrupted run has already measured is passed in as ``done`` and not measured again.

==============  ============================================================================
``mark`` mode   its values
==============  ============================================================================
``trial``       how long is one inference? ``sample``
``count``       instructions of one inference, on devices that count them. ``sample``
``window``      a timed window: ``attempt``, ``window`` (0..4), ``sample``
``accuracy``    one inference: ``sample``, ``index``, ``label``, ``window``, ``windows``
==============  ============================================================================

``sample`` is the file's name, ``index`` its place in the list.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mlperf_tiny.errors import DataError, UsageError
from mlperf_tiny.harness.record.measured import Measured
from mlperf_tiny.harness.record.rules import WINDOW_S, WINDOWS
from mlperf_tiny.harness.run.bench import WARMUP, Bench
from mlperf_tiny.harness.run.calibration import calibrate, counted_inferences, window_iterations
from mlperf_tiny.harness.wire.events import Calibration
from mlperf_tiny.harness.wire.inference import COUNTER_WRAP_US
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.progress import Progress

MAX_WINDOW_US = 0.9 * COUNTER_WRAP_US
"""A window in which a 32-bit counter might wrap twice cannot be measured."""

ATTEMPTS = 3
HOST_SLACK = 4.0
"""A window may take this many times the host seconds that the trial predicts before the device counts as silent."""


def performance(bench: Bench, samples: Sequence[Sample], done: Measured, iterations: int | None = None) -> None:
    """Run five timed windows, one on each sample.

    Args:
        bench: The device.
        samples: Inputs of one inference each.
        done: What is measured already.
        iterations: Per window; None: chosen by a trial so that a window lasts 10 s of device time and has 10
            iterations. When one is too short, more are chosen and all windows run again, twice at most.

    Raises:
        DataError: when there are no samples.
        UsageError: for more iterations than the device's counter can time.
    """
    if not samples:
        raise DataError("there are no inputs for a performance run; give a data folder that has some.")
    calibration = done.calibration
    if calibration is None or (iterations and calibration.iterations != iterations):
        calibration = calibrate(bench, samples[0], iterations)
        bench.event("choice", **msgspec.structs.asdict(calibration))
    window_us = calibration.iterations * calibration.latency_us
    if window_us >= MAX_WINDOW_US:
        raise UsageError(
            f"{calibration.iterations:,} iterations would take {window_us / 1e6:,.0f} s a window, more than the "
            f"{MAX_WINDOW_US / 1e6:,.0f} s a device's microsecond counter can time. Give fewer --iterations."
        )
    if bench.counters and len({timed.inference.count for timed in done.counted if timed.counted}) < 2:
        _count_instructions(bench, samples[0], calibration.latency_us)
    while True:
        last_try = iterations is not None or calibration.attempt == ATTEMPTS
        shortest_us = _windows(bench, samples, calibration, done, keep_short=last_try)
        if last_try or shortest_us >= WINDOW_S * 1e6:
            return
        latency_us = shortest_us / calibration.iterations
        calibration = Calibration(
            attempt=calibration.attempt + 1,
            iterations=window_iterations(bench, latency_us),
            latency_us=latency_us,
            host_s=calibration.host_s,
        )
        bench.event("choice", **msgspec.structs.asdict(calibration))


def accuracy(bench: Bench, dataset: Dataset, samples: Sequence[Sample], done: Measured) -> None:
    """Run one inference on every window of every sample, in order.

    Args:
        bench: The device.
        dataset: Splits a sample into windows.
        samples: Whole files.
        done: What is measured already.

    Raises:
        DataError: for a file shorter than one input.
    """
    for index, sample in enumerate(samples):
        bench.progress(Progress("accuracy", index, len(samples), sample.name))
        answered = done.answers.get(index, {})
        if answered and len(answered) == done.windows_of.get(index):
            continue
        inputs = dataset.windows(sample.load())
        if not inputs:
            raise DataError(f"{sample.name} is shorter than one input of {dataset.window_bytes} bytes.")
        for window, data in enumerate(inputs):
            if window in answered:
                continue
            bench.session.load(data)
            bench.event(
                "mark",
                mode="accuracy",
                sample=sample.name,
                index=index,
                label=sample.label,
                window=window,
                windows=len(inputs),
            )
            bench.session.infer(1, 0)
    bench.progress(Progress("accuracy", len(samples), len(samples), "done"))


def _count_instructions(bench: Bench, sample: Sample, latency_us: float) -> None:
    """Run two lengths of ``infer``: what they differ by is the cost of the inferences alone, without printing."""
    bench.session.load(sample.load())
    for count in (1, counted_inferences(latency_us)):
        bench.event("mark", mode="count", sample=sample.name)
        bench.infer(count, 0)


def _windows(
    bench: Bench, samples: Sequence[Sample], calibration: Calibration, done: Measured, keep_short: bool
) -> int:
    """Run the windows of one attempt that are not done; return the device microseconds of the shortest.

    Without ``keep_short`` a window that is too short ends the attempt: it will be run again with the others.
    """
    before = done.attempts.get(calibration.attempt, {})
    limit_s = bench.session.timeouts.infer_s + HOST_SLACK * calibration.host_s * (calibration.iterations + WARMUP)
    window_s = calibration.iterations * calibration.latency_us / 1e6
    text = f"{calibration.iterations:,} iterations, about {window_s:.1f} s of device time"
    elapsed_us: list[int] = []
    for window, sample in enumerate(samples[:WINDOWS]):
        bench.progress(Progress("performance", window, WINDOWS, text))
        if window in before:
            elapsed_us.append(before[window].inference.elapsed_us)
        else:
            bench.session.load(sample.load())
            bench.event("mark", mode="window", attempt=calibration.attempt, window=window, sample=sample.name)
            elapsed_us.append(bench.infer(calibration.iterations, WARMUP, limit_s).elapsed_us)
        if elapsed_us[-1] < WINDOW_S * 1e6 and not keep_short:
            bench.progress(Progress("performance", window, WINDOWS, f"too short ({elapsed_us[-1] / 1e6:.2f} s), again"))
            return elapsed_us[-1]
    bench.progress(Progress("performance", WINDOWS, WINDOWS, "done"))
    return min(elapsed_us)
