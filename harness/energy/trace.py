# SPDX-License-Identifier: Apache-2.0
"""The two files of an energy trace as EEMBC's runner writes them.

``trace1-energy.bin`` is the byte 0xF1, the sample rate in Hz as little-endian float32, then float32 samples in
microjoules for each sample period. ``trace1-timestamps.json`` lists the edges of the timestamp pin in seconds.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mlperf_tiny.errors import DataError

TRACE_FILE = "trace1-energy.bin"
STAMPS_FILE = "trace1-timestamps.json"

MARK = 0xF1
HEADER_BYTES = 5
MAX_TRACE_BYTES = 64 << 20
MAX_STAMPS = 10_000
MIN_RATE_HZ, MAX_RATE_HZ = 1.0, 1e7

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """An energy trace."""

    samples_uj: Samples
    """Energy of each sample period in microjoules, shape (samples,)."""
    rate_hz: float
    """Samples per second."""

    @cached_property
    def times_s(self) -> Samples:
        """Time of each sample from the start of the trace, shape (samples,).

        Summed up period by period, as EEMBC's runner does: the rounding of the sum decides which samples at the edge
        of a window belong to it.
        """
        steps = np.full(len(self.samples_uj), 1.0 / self.rate_hz)
        steps[:1] = 0.0
        return np.cumsum(steps)

    def between(self, start_s: float, end_s: float) -> Samples:
        """Return the samples whose time lies between two times, ends included.

        Args:
            start_s: Seconds from the start of the trace.
            end_s: The same.
        """
        first = np.searchsorted(self.times_s, start_s, "left")
        after = np.searchsorted(self.times_s, end_s, "right")
        return self.samples_uj[first:after]

    def window_uj(self, window: tuple[float, float]) -> float:
        """Return the energy between two times in microjoules, ends included."""
        return float(self.between(*window).sum())


def parse_trace(content: bytes, where: str) -> Trace:
    """Read the file of samples.

    Args:
        content: The file.
        where: Its path, for messages.

    Raises:
        DataError: It is not a trace, or holds samples that are not finite.
    """
    if len(content) < HEADER_BYTES + 4 or content[0] != MARK or (len(content) - HEADER_BYTES) % 4:
        raise DataError(
            f"{where} is not an energy trace: wanted 0xF1, a rate and 4-byte samples, got {len(content)} bytes."
        )
    (rate_hz,) = struct.unpack_from("<f", content, 1)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise DataError(f"{where} is not an energy trace: its rate is {rate_hz} Hz, wanted 1 to 10,000,000.")
    samples = np.frombuffer(content, "<f4", offset=HEADER_BYTES).astype(np.float64)
    if not np.isfinite(samples).all():
        raise DataError(f"{where} holds samples that are not finite numbers.")
    return Trace(samples, rate_hz)


def trace_bytes(trace: Trace) -> bytes:
    """Return the file of samples; each loses what float32 does not hold."""
    return bytes([MARK]) + struct.pack("<f", trace.rate_hz) + trace.samples_uj.astype("<f4").tobytes()


def parse_stamps(value: Any, where: str) -> tuple[float, ...]:
    """Read the parsed list of timestamps.

    Args:
        value: The parsed JSON.
        where: Its path, for messages.

    Raises:
        DataError: It is not a list of finite numbers in rising order.
    """
    plain = isinstance(value, list) and all(isinstance(t, int | float) and not isinstance(t, bool) for t in value)
    if not plain or len(value) > MAX_STAMPS or not all(abs(t) <= 1e9 for t in value) or sorted(value) != value:
        raise DataError(f"{where} is not a list of times in rising order.")
    return tuple(float(t) for t in value)


def stamps_bytes(stamps_s: Sequence[float]) -> bytes:
    """Return the file of timestamps, in whole milliseconds as EEMBC's runner has them."""
    return json.dumps([round(stamp, 3) for stamp in stamps_s]).encode()
