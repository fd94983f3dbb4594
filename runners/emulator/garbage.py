# SPDX-License-Identifier: Apache-2.0
"""Boards that nothing refers to any more, in time.

A board's parts refer to each other, so that only Python's garbage collector frees them. It counts objects: of a board
it sees a few hundred, not the 10 MB of host memory behind them, and in a process with many objects of other libraries
it looks so seldom that a hundred boards may wait.
"""

from __future__ import annotations

import gc
import weakref

# So many boards may wait, or be in use.
FEW = 8


class Alive:
    """What has been made and not been freed yet."""

    def __init__(self) -> None:
        self._made: weakref.WeakSet[object] = weakref.WeakSet()
        self._most = FEW

    def add(self, made: object) -> None:
        """Note what is about to be made; where there is much already, free what is not used any more."""
        if len(self._made) >= self._most:
            gc.collect()
            # What is really in use is not looked through again and again.
            self._most = max(FEW, 2 * len(self._made))
        self._made.add(made)


BOARDS = Alive()
