# SPDX-License-Identifier: Apache-2.0
"""How many iterations a timed window gets: a trial times one inference, and a window must fill the rules' 10 s."""

from __future__ import annotations

import math

from mlperf_tiny.errors import UnexpectedReply
from mlperf_tiny.harness.record.rules import WINDOW_ITERATIONS, WINDOW_S
from mlperf_tiny.harness.run.bench import WARMUP, Bench
from mlperf_tiny.harness.wire.events import Calibration
from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.progress import Progress

MARGINS = {"hardware": 1.01, "emulated": 1.01, "host": 1.2}
"""Windows are planned this much longer than the rule wants, by kind of time: a process shares its machine."""

TRIAL_US = 250_000
"""Device microseconds after which a trial is long enough: a 1 ms clock then errs by less than half a percent."""

COUNTED = 10
"""Inferences that the longer of two counted lengths has at least more than the shorter one."""

MAX_UNTIMED = 1_000_000
"""Inferences within which any microsecond counter must have moved."""


def iterations_for(latency_us: float, margin: float) -> int:
    """Return the iterations that fill a window.

    Args:
        latency_us: Device microseconds of one inference.
        margin: Length of the window as a multiple of the rules' 10 s.

    Examples:
        >>> iterations_for(20_000.0, 1.01)
        505
    """
    return max(WINDOW_ITERATIONS, math.ceil(WINDOW_S * 1e6 * margin / max(latency_us, 1e-3)))


def window_iterations(bench: Bench, latency_us: float) -> int:
    """Return the iterations that fill a window on this device, with a margin for its kind of time.

    Args:
        bench: The device.
        latency_us: Device microseconds of one inference.
    """
    return iterations_for(latency_us, MARGINS[bench.session.transport.device_info.timing])


def counted_inferences(latency_us: float, window_us: float = TRIAL_US) -> int:
    """Return how many inferences are counted, to be compared with a single one.

    The two print the same but for some digits; this many last so long that the digits are little of it.

    Args:
        latency_us: Device microseconds of one inference.
        window_us: Device microseconds that they last at least.

    Examples:
        >>> counted_inferences(2_000.0), counted_inferences(900_000.0)
        (126, 11)
    """
    return 1 + max(COUNTED, math.ceil(window_us / max(latency_us, 1e-3)))


def calibrate(bench: Bench, sample: Sample, iterations: int | None) -> Calibration:
    """Time one inference: more and more at a time, until the device's clock can measure it.

    Args:
        bench: The device.
        sample: The input.
        iterations: Iterations of a window; None: as many as fill it.
    """
    bench.session.load(sample.load())
    count = 1
    while True:
        bench.progress(Progress("trial", 0, 1, f"timing {count} inference{'s' if count > 1 else ''}"))
        bench.event("mark", mode="trial", sample=sample.name)
        started_s = bench.clock()
        inference = bench.infer(count, WARMUP)
        host_s = (bench.clock() - started_s) / (count + WARMUP)
        if inference.elapsed_us >= TRIAL_US:
            break
        if inference.elapsed_us == 0 and count >= MAX_UNTIMED:
            raise UnexpectedReply(f"infer {count} {WARMUP}", "laps of a counter that moves", "the same lap twice")
        count = min(count * 100, max(count * 2, math.ceil(count * TRIAL_US * 1.2 / max(inference.elapsed_us, 1))))
    latency_us = inference.elapsed_us / count
    return Calibration(
        attempt=1, iterations=iterations or window_iterations(bench, latency_us), latency_us=latency_us, host_s=host_s
    )
