# SPDX-License-Identifier: Apache-2.0
"""How far a reproduced latency may be from the recorded one, and why: by what is equal in the two runs.

The emulator is deterministic: the same image, fed the same commands, takes the same instructions and, by the same
timing model, the same microseconds. Answers may never differ: the arithmetic of a network is integer, and the little
floating point after it is the same on every target.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.runners.emulator.timing.levels import model_of_core

OTHER_IMAGE_PERCENT = 5.0
"""Another compiler or other sources: three earlier releases of the compiler made 1.3 % at most (docs/review.md)."""

OTHER_MODEL_PERCENT = 25.0
"""Another version of the timing model: the most that a version is allowed to be off (docs/timing.md)."""

LAP_DIGITS, BITS_PER_CHARACTER = 10, 10


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far a reproduction may be off; None: it is not compared."""

    window_us: float | None = None
    """Largest difference of a window."""
    percent: float | None = None
    """Largest difference of the latency."""
    instructions: bool
    """Whether the counts of instructions must be equal."""
    why: str
    """The reason, for people."""


def tolerance(recorded: RunRecord, again: RunRecord, same_image: bool) -> Tolerance:
    """Return what applies to a run and its reproduction.

    Args:
        recorded: The recorded run.
        again: Its reproduction.
        same_image: Whether the bytes in flash are equal.
    """
    was, now = recorded.settings, again.settings
    if was.device.timing != "emulated":
        return Tolerance(
            window_us=None,
            percent=None,
            instructions=False,
            why="the time of a computer is not that of another, nor the same twice",
        )
    models = [model_of_core(one.device.timing_model, one.device.cpu) for one in (was, now)]
    if models[0] != models[1]:
        why = f"the timing model was {was.device.timing_model!r}, is {now.device.timing_model!r}"
        return Tolerance(percent=OTHER_MODEL_PERCENT, instructions=same_image, why=why)
    if not same_image:
        return Tolerance(percent=OTHER_IMAGE_PERCENT, instructions=False, why="the image is another one")
    if recorded.resumed or (recorded.performance is not None and recorded.performance.attempts > 1):
        # A window holds the sending of its first stamp, and that has more digits the longer the device has been on.
        baud = was.firmware.baud if was.firmware else 0
        window_us = 1e6 * LAP_DIGITS * BITS_PER_CHARACTER / max(baud, 1)
        why = "the same image and timing model; the run was resumed or tried again, which shifts stamps by some digits"
        return Tolerance(window_us=window_us, instructions=True, why=why)
    return Tolerance(window_us=0.0, instructions=True, why="the same image and timing model give the same microseconds")
