# SPDX-License-Identifier: Apache-2.0
"""The layout that compiled code and Python share."""

from __future__ import annotations

import ctypes

from mlperf_tiny.runners.emulator.native.state import (
    BLOCK_BITS,
    BTAC,
    CACHE_LINE_BYTES,
    EDGE,
    EDGE_ROWS,
    LAYOUT,
    MAX_BLOCKS,
    NEVER,
    REGION,
    State,
    block_before,
    edge_rest,
    number_before,
)


def test_a_row_of_the_table_of_edges_is_one_cache_line() -> None:
    assert EDGE.itemsize == REGION.itemsize == 2 * BTAC.itemsize == CACHE_LINE_BYTES
    assert LAYOUT.fields is not None and LAYOUT.fields["edges"][1] == 0
    assert State().address % CACHE_LINE_BYTES == 0


def test_every_word_of_64_bits_is_aligned() -> None:
    assert LAYOUT.fields is not None
    assert [name for name, (_, offset, *_) in LAYOUT.fields.items() if offset % 8] == []


def test_python_sees_what_compiled_code_sees() -> None:
    state = State()
    assert LAYOUT.names is not None
    for name in LAYOUT.names:
        assert ctypes.addressof(getattr(state, name)) == state.address + LAYOUT.fields[name][1], name  # type: ignore[index]
    state.uart.frame = 7
    state.counters[2].modulus = 9
    assert (state.array["uart"]["frame"][0], state.array["counters"]["modulus"][0, 2]) == (7, 9)
    assert state.array["core"]["interrupt_at"][0] == NEVER


def test_a_group_is_reset_alone() -> None:
    state = State()
    state.uart.overrun = state.console.lost = state.core.cycles = 5
    state.array["uart"] = 0
    assert (state.uart.overrun, state.console.lost, state.core.cycles) == (0, 5, 5)


def test_an_edge_is_named_by_both_its_blocks() -> None:
    for number in (0, 1, 2, 1_000, MAX_BLOCKS - 1):
        before = block_before(number)
        assert (number_before(before), before & ~BLOCK_BITS < EDGE_ROWS) == (number, True)
        assert 0 <= before < 1 << 63
    largest = edge_rest(True, 0xFFFF_FFFF, 2047)
    assert largest & BLOCK_BITS == 0
    assert len({edge_rest(taken, at, size) for taken in (False, True) for at in (0, 2) for size in (2, 4)}) == 8
