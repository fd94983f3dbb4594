# SPDX-License-Identifier: Apache-2.0
"""Instruction fetch of the Cortex-M7: 64 aligned bits a cycle into a queue of four such words.

Source: Arm Cortex-M7 Technical Reference Manual (DDI 0489), prefetch unit. Fetch runs ahead of issue as far as the
queue allows. A predicted taken branch costs it nothing but the bytes of the word after the branch and before the
target: that is why code of 32-bit instructions is slower when a loop does not start on an 8-byte boundary, and why
16-bit instructions in it make up for that (measured by jnk0le and by RIOT on two M7 parts).
"""

from __future__ import annotations

from dataclasses import dataclass

WORD_BYTES = 8
QUEUE_WORDS = 4


@dataclass
class _Word:
    address: int
    arrives: int
    used: int


class FetchQueue:
    """Words in the order they are fetched; cycles count as the pipe's do. Memory answers at once (perfect I-cache)."""

    def __init__(self) -> None:
        self._words: list[_Word] = []

    def arrival(self, address: int, size_bytes: int) -> int:
        """Return the cycle in which all of the next instruction is in the queue.

        Args:
            address: Of the instruction.
            size_bytes: 2 or 4.
        """
        first, last = address // WORD_BYTES, (address + size_bytes - 1) // WORD_BYTES
        for number in range(first, last + 1):
            if not self._words or self._words[-1].address != number:
                self._fetch(number)
        return self._words[-1].arrives

    def issued(self, cycle: int) -> None:
        """The instruction of the last ``arrival`` has left the queue."""
        self._words[-1].used = cycle

    def jump(self) -> None:
        """The next instruction is a branch target: its bytes are fetched again, even from the same word."""
        if self._words:
            self._words.append(_Word(-1, self._words[-1].arrives, self._words[-1].used))

    def _fetch(self, number: int) -> None:
        words = self._words
        if words and words[-1].address == -1:
            words.pop()
        if not words:
            words.append(_Word(number, 0, 0))
            return
        room_from = words[-QUEUE_WORDS].used + 1 if len(words) >= QUEUE_WORDS else 0
        words.append(_Word(number, max(words[-1].arrives + 1, room_from), words[-1].used))
        del words[:-QUEUE_WORDS]
