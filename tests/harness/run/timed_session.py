# SPDX-License-Identifier: Apache-2.0
"""A session that only takes time: no device, no wire."""

from __future__ import annotations

from collections.abc import Callable

from mlperf_tiny.harness.run.bench import Bench
from mlperf_tiny.harness.wire.inference import Inference
from mlperf_tiny.harness.wire.session import Timeouts
from mlperf_tiny.models.data.formats.dataset import Sample
from mlperf_tiny.progress import Progress
from mlperf_tiny.runners.transports.transport import DeviceInfo


class TimedSession:
    """A session whose device takes ``elapsed_us(count)``; host seconds pass ten times as fast."""

    def __init__(self, elapsed_us: Callable[[int], int], timing: str = "hardware") -> None:
        self.elapsed_us, self.now_s = elapsed_us, 100.0
        self.timeouts = Timeouts(infer_s=30.0)
        self.asked: list[tuple[int, int]] = []
        self.limits_s: list[float | None] = []
        self.loaded: list[bytes] = []
        self.events: list[tuple[str, dict[str, object]]] = []
        self.steps: list[Progress] = []
        self.transport = self
        self.device_info = DeviceInfo(timing=timing)

    def load(self, data: bytes) -> None:
        self.loaded.append(data)

    def infer(self, count: int, warmup: int, timeout_s: float | None = None) -> Inference:
        self.asked.append((count, warmup))
        self.limits_s.append(timeout_s)
        assert len(self.asked) < 100, "it does not end"
        elapsed_us = self.elapsed_us(count)
        self.now_s += 10e-6 * elapsed_us
        return Inference(count, elapsed_us, False, (0.0,))

    def bench(self, counters: Callable[[], dict[str, int]] | None = None) -> Bench:
        def event(kind: str, **values: object) -> None:
            self.events.append((kind, values))

        return Bench(self, event, self.steps.append, lambda: self.now_s, counters)  # type: ignore[arg-type]


SAMPLE = Sample(name="a.bin", label=0, load=lambda: b"input")
