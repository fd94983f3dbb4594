# SPDX-License-Identifier: Apache-2.0
"""A device whose every printed character costs instructions and cycles, as on a board with a serial port."""

from __future__ import annotations

from tests.fakes.data_sets import one_hot
from tests.fakes.device import FakeDevice


class PrintingDevice(FakeDevice):
    """An emulated device with counters; ``latency_us`` is device time of one inference."""

    CLOCK_HZ = 216_000_000
    CYCLES_PER_CHARACTER = 18_750
    """Of waiting at 115200 baud."""

    def __init__(self, latency_us: int) -> None:
        super().__init__(infer=one_hot, latency_us=latency_us, timing="emulated", instructions_per_inference=0)
        self.cycles_per_inference = latency_us * self.CLOCK_HZ // 1_000_000
        self._cycles = 0
        self.counters = lambda: {"instructions": self._cycles // 3, "cycles": self._cycles}

    def _run(self, count: int, warmup: int) -> list[str]:
        lines = super()._run(count, warmup)
        self._cycles += (count + warmup) * self.cycles_per_inference
        self._cycles += self.CYCLES_PER_CHARACTER * sum(len(line) + 2 for line in lines)
        return lines
