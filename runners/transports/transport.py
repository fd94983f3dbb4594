# SPDX-License-Identifier: Apache-2.0
"""The byte pipe to a device, and what a device may offer beside it.

A ``Transport`` has exactly three methods. What only some transports offer (an emulated device's counters, a replay's
clock) is a protocol of its own: callers ask with ``isinstance``. Flashing, power and recording are other objects.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """What is known of a device before anything is sent to it."""

    timing: str
    """Whose time a device microsecond is: ``"hardware"``, ``"emulated"`` or ``"host"`` (a process of this machine)."""
    timing_level: str = ""
    """How closely an emulated core's time is modelled (``instructions``, ``pipeline``, ``full``); "" for others."""
    timing_model: str = ""
    """The level and the versions of the models it uses, of this core alone; "" for devices that are not emulated."""
    timing_generation: int | None = None
    """Results of one generation of a core's timing model are ranked together; None for devices not emulated."""
    just_started: bool = False
    """The device boots because it was opened, so its boot lines must come. False: it may have booted long ago."""


class Transport(Protocol):
    """A byte pipe to one device."""

    url: str
    """Names the device in messages and records."""

    @property
    def device_info(self) -> DeviceInfo:
        """What is known of the device."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of ``data``; raises DeviceGone when the other end has closed."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, at least one byte, waiting at most ``timeout_s`` host seconds; b"" when nothing came.

        An emulated device that waits for input with nothing left to send returns b"" at once: silence is then final.
        Raises DeviceGone on end of stream and DeviceCrashed when an emulated core faults.
        """
        ...

    def close(self) -> None:
        """Release the port or process; safe to call twice."""


@runtime_checkable
class CountingTransport(Transport, Protocol):
    """A transport whose device counts what it executes: an emulated board."""

    def counters(self) -> dict[str, int]:
        """Counters since power-on by name; ``instructions`` and ``cycles`` of an emulated board."""
        ...


@runtime_checkable
class ApproximateTransport(Transport, Protocol):
    """A transport whose device may lack what its firmware uses: an emulated board with an image of others."""

    def unmodelled(self) -> dict[str, int]:
        """What the firmware did that the device does not have, and how often."""
        ...


@runtime_checkable
class ClockedTransport(Transport, Protocol):
    """A transport that brings its own clock, because waiting for its device takes no real time: a replay."""

    def clock(self) -> float:
        """Host seconds, monotonic."""
        ...


def clock_of(transport: Transport) -> Callable[[], float]:
    """The clock that waiting for ``transport`` is measured with: its own where it has one, else ``time.monotonic``."""
    return transport.clock if isinstance(transport, ClockedTransport) else time.monotonic


def counters_of(transport: Transport) -> Callable[[], dict[str, int]] | None:
    """A function that reads the device's counters; None for a device that has none."""
    return transport.counters if isinstance(transport, CountingTransport) else None


def unmodelled_of(transport: Transport) -> dict[str, int]:
    """What the firmware did that its device does not have, and how often; empty where that is not counted."""
    return transport.unmodelled() if isinstance(transport, ApproximateTransport) else {}
