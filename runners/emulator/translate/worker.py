# SPDX-License-Identifier: Apache-2.0
"""Makes units in the background while the engine runs; one thread for all boards of a process, while there is work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mlperf_tiny.runners.emulator.translate.compiler import Loader
from mlperf_tiny.runners.emulator.translate.units import Unit


@dataclass
class Order:
    """A unit that is wanted; ``done`` once ``unit`` or ``error`` is there."""

    make: Callable[[], Unit]
    """Makes it."""
    loader: Loader
    """Takes it into this process."""
    unit: Unit | None = None
    """What was made."""
    address: int = 0
    """Where its function is in this process."""
    error: str = ""
    """Why there is none."""
    done: threading.Event = field(default_factory=threading.Event)
    """Set at the end."""

    def run(self) -> None:
        """Make it now."""
        try:
            self.unit = self.make()
            self.address = self.loader.load(self.unit.name, self.unit.content)
        except Exception as error:  # a thread has no caller: it is told as a warning, and the engine runs the function
            self.error = f"{type(error).__name__}: {error}"
        self.done.set()


class _Worker:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Order] = deque()
        self._running = False

    def add(self, order: Order) -> None:
        with self._lock:
            self._orders.append(order)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="translations").start()

    def _run(self) -> None:
        while True:
            with self._lock:
                # The program ends: what is still wanted is not.
                if not self._orders or not threading.main_thread().is_alive():
                    self._orders.clear()
                    self._running = False
                    return
                order = self._orders.popleft()
            order.run()


_WORKER = _Worker()


def make_in_background(make: Callable[[], Unit], loader: Loader) -> Order:
    """Let a unit be made; the order says when it is there.

    Args:
        make: Makes it.
        loader: Takes it into this process.
    """
    order = Order(make, loader)
    _WORKER.add(order)
    return order
