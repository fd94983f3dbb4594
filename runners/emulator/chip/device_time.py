# SPDX-License-Identifier: Apache-2.0
"""Device time from core cycles, through changes of the core clock, without drift."""

from __future__ import annotations

FEMTOSECONDS = 10**15


class DeviceTime:
    """Whole femtoseconds; each change of clock rounds once, by less than one femtosecond.

    Examples:
        >>> time = DeviceTime(16_000_000)
        >>> time.change_clock(cycles=16_000, hz=216_000_000)
        >>> time.at(cycles=16_000 + 216_000) / FEMTOSECONDS
        0.002
    """

    def __init__(self, hz: int) -> None:
        self.hz = hz
        self._since_cycles = 0
        self._base_fs = 0

    def at(self, cycles: int) -> int:
        """Femtoseconds since power-on at ``cycles``, a count not before the last change of clock."""
        return self._base_fs + (cycles - self._since_cycles) * FEMTOSECONDS // self.hz

    def change_clock(self, cycles: int, hz: int) -> None:
        """Continue with another core clock.

        Args:
            cycles: The count at which it changes.
            hz: The new clock.
        """
        self._base_fs, self._since_cycles, self.hz = self.at(cycles), cycles, hz
