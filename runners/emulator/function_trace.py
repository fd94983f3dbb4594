# SPDX-License-Identifier: Apache-2.0
"""The blocks that one function of the firmware ran, with the board's counts before each.

A call from within the function lies between two entries: that of the block that makes it and that of the block it
returns to. Differences of neighbouring entries therefore add up exactly, and each is whole blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from unicorn import UC_HOOK_BLOCK, Uc

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage
from mlperf_tiny.runners.emulator.native.counts import Counts


@dataclass(frozen=True, kw_only=True)
class TraceEntry:
    """A block that was about to run."""

    address: int
    """Of the block."""
    counts: Counts
    """The board's totals, without this block."""


class FunctionTrace:
    """The entries so far, in order; ``counts`` reads the board's totals."""

    def __init__(self, counts: Callable[[], Counts]) -> None:
        self._counts = counts
        self._seen: list[TraceEntry] = []
        self.first_address = self.size_bytes = 0

    def __iter__(self) -> Iterator[TraceEntry]:
        return iter(self._seen)

    def watch(self, uc: Uc, image: ElfImage, function: str) -> None:
        """Trace a function from now on; must be called before the hook that counts is installed.

        Args:
            uc: The engine.
            image: The image that the core runs.
            function: Symbol of the function.

        Raises:
            UsageError: when the image has no function of that name and a size.
        """
        found = [(address, size) for address, size, name in image.functions if name == function and size]
        if not found:
            raise UsageError(f"{image.name} has no function {function!r} to watch. Was it built with its symbols?")
        self.first_address, self.size_bytes = found[0]
        last = self.first_address + self.size_bytes - 1
        uc.hook_add(UC_HOOK_BLOCK, self._on_block, begin=self.first_address, end=last)

    def _on_block(self, uc: Uc, address: int, size: int, data: object) -> None:
        entry = TraceEntry(address=address, counts=self._counts())
        # A block before which the core was stopped is announced again.
        if self._seen and self._seen[-1].counts.instructions == entry.counts.instructions:
            self._seen[-1] = entry
        else:
            self._seen.append(entry)
