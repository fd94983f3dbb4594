# SPDX-License-Identifier: Apache-2.0
"""The instruction queue of the Cortex-M7: four words of eight bytes, one fetched a cycle, again after each jump."""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.timing.cores.cortex_m7 import CortexM7
from mlperf_tiny.runners.emulator.timing.cores.fetch_queue import FetchQueue
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block

NOP, NOP_W, BRANCH, BRANCH_W, DIVIDE = "00bf", "aff30080", "fee7", "fff7febf", "b1fbf2f0"


def arrivals(*places: tuple[int, int], issued_after: int = 0) -> list[int]:
    """When instructions are in the queue: address and bytes of each, issued so many cycles after they arrive."""
    queue, found = FetchQueue(), []
    for address, size_bytes in places:
        found.append(queue.arrival(address, size_bytes))
        queue.issued(found[-1] + issued_after)
    return found


def test_a_word_a_cycle() -> None:
    assert arrivals((0, 4), (4, 4), (8, 2), (10, 4), (14, 4), (18, 2)) == [0, 0, 1, 1, 2, 2]
    assert arrivals((6, 2), (8, 4)) == [0, 1]
    assert arrivals((6, 4)) == [1]  # in two words
    assert arrivals((4, 4), (100, 2)) == arrivals((100, 2), (4, 4)) == [0, 1]


def test_a_word_is_fetched_when_there_is_room() -> None:
    """The fifth word takes the place of the first, from the cycle after that one's last instruction was issued."""
    words = [(8 * number, 4) for number in range(7)]
    assert arrivals(*words) == [0, 1, 2, 3, 4, 5, 6]
    assert arrivals(*words, issued_after=10) == [0, 1, 2, 3, 11, 12, 13]
    assert arrivals(*words, issued_after=11) == [0, 1, 2, 3, 12, 13, 14]
    assert arrivals((0, 4), (4, 4), *words[1:], issued_after=3) == [0, 0, 1, 2, 3, 4, 5, 6]
    assert arrivals((0, 4), (4, 4), *words[1:], issued_after=4) == [0, 0, 1, 2, 3, 5, 6, 7]


def test_the_last_instruction_of_a_word_leaves_room() -> None:
    queue = FetchQueue()
    for number in range(4):
        for half in (0, 4):
            assert queue.arrival(8 * number + half, 4) == number
            queue.issued(20 if half else 5)
    assert queue.arrival(32, 4) == 21


def test_after_a_jump_a_word_is_fetched_again() -> None:
    queue = FetchQueue()
    queue.jump()  # nothing has been fetched
    assert queue.arrival(0, 2) == 0
    queue.issued(0)
    assert queue.arrival(2, 2) == 0
    queue.jump()
    assert queue.arrival(0, 2) == 1
    assert queue.arrival(4, 2) == 1
    queue.jump()
    queue.jump()
    assert queue.arrival(4, 4) == 2


def test_room_after_a_jump_is_that_of_the_words_before() -> None:
    queue = FetchQueue()
    for number in range(4):
        queue.arrival(8 * number, 4)
        queue.issued(10 + number)
    queue.jump()
    assert queue.arrival(800, 4) == 11
    queue.issued(14)
    queue.jump()
    assert queue.arrival(800, 4) == 12


@pytest.mark.parametrize(
    ("blocks", "cycles"),
    [
        # The branch in cycle 0; its target in the same word is fetched again; the branch after it is in the next word.
        (((0x18, BRANCH), (0x1E, NOP + BRANCH)), 3),
        # The divide until cycle 6, two no-operations in 7, from then on two instructions a cycle. Fetched are 28 30 38
        # 40 28, and 30 again when its first place is free, after cycle 8: 30 and 38 once more are there in 10 and 11,
        # so that the instruction across both is issued in 11, and the last branch in 12.
        (
            (
                (0x2C, DIVIDE + NOP + NOP + BRANCH_W),
                (0x3E, NOP + BRANCH),
                (0x2E, NOP_W + BRANCH_W),
                (0x36, NOP_W + NOP + BRANCH),
            ),
            13,
        ),
    ],
)
def test_the_pipeline_tells_the_queue_of_jumps_and_of_what_it_issues(
    blocks: tuple[tuple[int, str], ...], cycles: int
) -> None:
    run = [
        (Block(0x0800_0000 + address, bytes.fromhex(code)), number > 0) for number, (address, code) in enumerate(blocks)
    ]
    assert CortexM7().cycles_of_run(run) == cycles
