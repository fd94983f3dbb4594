# SPDX-License-Identifier: Apache-2.0
"""The reply to one ``infer``: how long the window lasted on the device, and the last output."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import Refused, UnexpectedReply
from mlperf_tiny.harness.wire import protocol
from mlperf_tiny.harness.wire.grammar import raise_surplus, text_of
from mlperf_tiny.harness.wire.protocol import ErrorLine, InferStart, Lap, Results, decode_line

COUNTER_WRAP_US = 2**32
"""The device's microsecond counter has 32 bits on most devices."""

MAX_ELAPSED_US = 2**40
"""No window lasts so long (12 days): laps further apart are no times."""

_ENERGY_BUILD = (
    "; firmware built for energy pulses a pin instead and uses 9600 baud: flash the same built for performance, "
    "EE_CFG_ENERGY_MODE 0"
)


@dataclass(frozen=True)
class Inference:
    """Reply to one ``infer``."""

    count: int
    """Timed inferences."""
    elapsed_us: int
    """Device microseconds from the first to the last lap."""
    wrapped: bool
    """Whether the 32-bit counter passed its end inside the window, so that 2^32 was added."""
    results: tuple[float, ...]
    """The last output."""


def window_us(laps: tuple[int, int]) -> tuple[int, bool]:
    """Return device microseconds between two laps, and whether the 32-bit counter wrapped (2^32 is added once).

    Examples:
        >>> window_us((2**32 - 10, 5))
        (15, True)
    """
    elapsed = laps[1] - laps[0]
    return (elapsed, False) if elapsed >= 0 else (elapsed + COUNTER_WRAP_US, True)


def read_inference(count: int, warmup: int, lines: list[str], values: int | None = None) -> Inference:
    """Decode the reply lines of ``infer``.

    Args:
        count: Timed inferences that were asked for.
        warmup: Untimed inferences before them.
        lines: Of the reply, without ``m-ready``.
        values: Numbers of a result; None when it is not known.

    Raises:
        Refused: for an error line.
        SurplusReply: for more than two laps or more than one result.
        UnexpectedReply: when laps or results are missing, when the device timed another number of inferences, when
            the counter ran backwards by more than a wrap explains or too far, or for another number of values.
    """
    command = protocol.infer_command(count, warmup)
    raise_refusal(command, lines)
    raise_surplus(command, lines)
    replies = [decode_line(line) for line in lines]
    raw = text_of(lines)
    for reply in replies:
        if isinstance(reply, InferStart) and reply.count != count:
            raise UnexpectedReply(command, f"'m-infer-start-{count}'", raw)
    laps = [reply.device_us for reply in replies if isinstance(reply, Lap)]
    results = [reply.values for reply in replies if isinstance(reply, Results)]
    if len(laps) != 2:
        raise UnexpectedReply(command, f"two 'm-lap-us-' lines ({len(laps)} came{'' if laps else _ENERGY_BUILD})", raw)
    if not results:
        raise UnexpectedReply(command, "a readable 'm-results-[...]' line", raw)
    if values is not None and len(results[0]) != values:
        wanted = f"a result of {values} value{'s' if values > 1 else ''} ({len(results[0])} came: another model?)"
        raise UnexpectedReply(command, wanted, raw)
    elapsed_us, wrapped = window_us((laps[0], laps[1]))
    if not 0 <= elapsed_us < MAX_ELAPSED_US:
        raise UnexpectedReply(command, "laps of a counter that runs forward, less than 12 days apart", raw)
    return Inference(count, elapsed_us, wrapped, results[0])


def raise_refusal(command: str, lines: list[str]) -> None:
    """Raise Refused for the first error line.

    Args:
        command: What was sent.
        lines: Of the reply.
    """
    for line in lines:
        reply = decode_line(line)
        if isinstance(reply, ErrorLine):
            raise Refused(command, reply.text)
