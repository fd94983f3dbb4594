# SPDX-License-Identifier: Apache-2.0
"""The callbacks Unicorn calls millions of times a second, compiled by Numba and installed by address.

The block hook adds a block's instructions and cycles before the block runs; its cost after the block before it is
looked up in the shared table, and computed in Python once, when the two first run in this order. Register
accesses go to the console UART and the free-running counters here, and to Python for everything else.

The core is stopped only from the block hook: a stop at any other place would leave a block half counted, and a stop
inside a register write would repeat the write on resumption.
"""

# Numba gives these functions other types than their annotations, which are for readers.
# mypy: disable-error-code="call-arg, arg-type, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types
from unicorn import UC_MEM_WRITE

from mlperf_tiny.runners.emulator.native.branches import mispredicted
from mlperf_tiny.runners.emulator.native.c_calls import call_2, call_3, store_byte
from mlperf_tiny.runners.emulator.native.engine import end_it_state, stop
from mlperf_tiny.runners.emulator.native.jit_cache import callback, compiled
from mlperf_tiny.runners.emulator.native.memory import access, fetch
from mlperf_tiny.runners.emulator.native.state import (
    BLOCK_BITS,
    CONDITIONAL,
    COUNTER_ROWS,
    EDGE_BITS,
    EDGE_ROWS,
    LAYOUT,
    SPREAD,
    TRANSLATED,
    Record,
)
from mlperf_tiny.runners.emulator.native.uart import read_data, read_status, write_data

PERIPHERAL_BASE, PERIPHERAL_BYTES = 0x4000_0000, 0x2000_0000
PRIVATE_BASE, PRIVATE_BYTES = 0xE000_0000, 0x0010_0000


@compiled
def first_row(before: int, rest: int) -> int:
    """Return the row of ``edges`` where an edge is looked for first.

    What the block before adds to it was computed with that block's cost: each block waits here for the one before it.

    Args:
        before: See ``state.block_before``.
        rest: See ``state.edge_rest``.
    """
    return before + (rest * SPREAD >> (63 - EDGE_BITS)) & (EDGE_ROWS - 1)


@compiled
def find_row(s: Record, before: int, rest: int) -> int:
    """Return the row of ``edges`` that holds an edge, or the free one where it belongs. The table is never full.

    Args:
        s: The shared state.
        before: See ``state.block_before``.
        rest: See ``state.edge_rest``.
    """
    key = before & BLOCK_BITS | rest
    row = first_row(before, rest)
    while True:
        held = s.edges[row].key
        if held == key or held == 0:
            return row
        row = (row + 1) & (EDGE_ROWS - 1)


@compiled
def read_counter(s: Record, index: int) -> int:
    """Return the present value of a free-running counter.

    Args:
        s: The shared state.
        index: Row of ``counters``.
    """
    counter = s.counters[index]
    elapsed = s.core.cycles - counter.since
    count = counter.base + elapsed * counter.numerator // counter.denominator
    return count % counter.modulus


@compiled
def rest_of_key(s: Record, start: int, size: int) -> int:
    """Return the key of the edge to a block but for the block before.

    Args:
        s: The shared state.
        start: Address of its first byte.
        size: In bytes.
    """
    taken = s.core.next_address != start
    return taken << 43 | start << 11 | size


@compiled
def is_due(s: Record) -> bool:
    """Whether the core must stop here; ``s`` is the shared state."""
    return s.core.instructions >= s.core.stop_at or s.core.cycles >= s.core.interrupt_at


@compiled
def is_special(s: Record, row: int) -> bool:
    """Whether a translation has begun the block that is announced, or one may take it over.

    Args:
        s: The shared state.
        row: Of the edge to the block.
    """
    return s.core.is_counted | (s.edges[row].marks & TRANSLATED) != 0


@compiled
def count(s: Record, row: int, start: int, size: int) -> None:
    """Add the cost of a block that is about to run.

    Args:
        s: The shared state.
        row: Of the edge to it.
        start: Address of its first byte.
        size: In bytes.
    """
    edge = s.edges[row]
    s.core.instructions += edge.instructions
    s.core.cycles += edge.cycles
    edge.executions += 1
    taken = s.core.next_address != start
    if edge.ends_in_branch and mispredicted(s, s.core.next_address, taken, start):
        s.losses.mispredicts += 1
        s.losses.mispredict_cycles += edge.mispredict_cycles
        s.core.cycles += edge.mispredict_cycles
    s.core.next_address = start + size
    s.core.before = edge.before


@compiled
def count_watched(s: Record, row: int, start: int, size: int) -> None:
    """Add the cost of a block that is about to run, where memory is watched: also what fetching it costs.

    Args:
        s: The shared state.
        row: Of the edge to it.
        start: Address of its first byte.
        size: In bytes.
    """
    taken = s.core.next_address != start
    count(s, row, start, size)
    mark_watched(s, s.edges[row].marks & CONDITIONAL)
    fetch(s, start, start + size - 1, taken)


@compiled
def mark_watched(s: Record, is_conditional: int) -> None:
    """Make ready for the accesses of a block that is about to run, where memory is watched.

    Args:
        s: The shared state.
        is_conditional: Whether the block may hold an IT instruction.
    """
    if s.core.inexact_pc:
        store_byte(s.core.inexact_pc, 1)
    else:
        s.core.is_conditional = is_conditional


@compiled
def place_of_edge(s: Record, start: int, size: int) -> int:
    """The row of the edge to a block, which is costed where it is new; -1 where Python refuses the block.

    Args:
        s: The shared state.
        start: Address of the block.
        size: In bytes.
    """
    rest = rest_of_key(s, start, size)
    row = find_row(s, s.core.before, rest)
    if s.edges[row].key == 0:
        if call_2(s.callback.cost_block, start, size):
            # An endless loop, or an error of its own.
            s.core.stop_at = 0
            return -1
        row = find_row(s, s.core.before, rest)
    return row


@callback(types.int64(types.int64, types.int64, types.voidptr))
def on_other_block(start: int, size: int, user: Any) -> int:
    """A block is about to run that is new, not at the first place in the table, translated, or at which to stop.

    It is apart from the block hooks so that they have little to save and to restore.

    Args:
        start: Address of its first byte.
        size: In bytes.
        user: Pointer to the shared state.

    Returns:
        0.
    """
    s = carray(user, (1,), LAYOUT)[0]
    if s.core.is_counted:
        # The rest of a block that a translation has begun.
        s.core.is_counted = 0
        if s.core.watches_memory:
            mark_watched(s, 1)
        return 0
    if is_due(s):
        stop(s)
        return 0
    row = place_of_edge(s, start, size)
    if row < 0:
        stop(s)
        return 0
    if s.core.watches_memory:
        count_watched(s, row, start, size)
    else:
        count(s, row, start, size)
    if s.edges[row].marks & TRANSLATED and s.core.may_enter:
        s.core.entered = start
        stop(s)
    return 0


_BLOCK = types.void(types.intp, types.uint64, types.uint32, types.voidptr)


@callback(_BLOCK)
def on_block(uc: int, address: int, size: int, user: Any) -> None:
    """A block is about to run: add its cost, or stop the core before it.

    Args:
        uc: The engine's handle.
        address: Of the first byte.
        size: In bytes.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    rest = rest_of_key(s, np.int64(address), np.int64(size))
    row = first_row(s.core.before, rest)
    if s.edges[row].key != s.core.before & BLOCK_BITS | rest or is_due(s) or is_special(s, row):
        call_3(s.callback.other_block, np.int64(address), np.int64(size), s.callback.state)
    else:
        count(s, row, np.int64(address), np.int64(size))


@callback(_BLOCK)
def on_watched_block(uc: int, address: int, size: int, user: Any) -> None:
    """A block is about to run where memory is watched: see ``on_block``.

    Args:
        uc: The engine's handle.
        address: Of the first byte.
        size: In bytes.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    rest = rest_of_key(s, np.int64(address), np.int64(size))
    row = first_row(s.core.before, rest)
    if s.edges[row].key != s.core.before & BLOCK_BITS | rest or is_due(s) or is_special(s, row):
        call_3(s.callback.other_block, np.int64(address), np.int64(size), s.callback.state)
    else:
        count_watched(s, row, np.int64(address), np.int64(size))


@callback(types.void(types.intp, types.int32, types.uint64, types.int32, types.int64, types.voidptr))
def on_access(uc: int, kind: int, address: int, size: int, value: int, user: Any) -> None:
    """A load or store below the peripherals is about to happen, where memory is watched.

    Args:
        uc: The engine's handle.
        kind: Unicorn's kind of access.
        address: Of the first byte.
        size: In bytes.
        value: What is stored.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    access(s, np.int64(address), np.int64(size), kind == UC_MEM_WRITE)
    if s.core.is_conditional:
        end_it_state(s)


@compiled
def read_register(s: Record, address: int, size: int) -> int:
    """Answer a read of a register: here the console's and the counters', in Python all others.

    Args:
        s: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
    """
    s.core.register_reads += 1
    if address == s.uart.status_address:
        return read_status(s)
    if address == s.uart.rx_address:
        return read_data(s)
    s.uart.poll_armed = 0
    if size == 4:
        for index in range(COUNTER_ROWS):
            if address == s.counters[index].address:
                return read_counter(s, index)
    return call_2(s.callback.read, address, size)


@compiled
def write_register(s: Record, address: int, size: int, value: int) -> None:
    """Carry out a write of a register: here the console's data, in Python all others.

    Args:
        s: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
        value: What is written.
    """
    if address == s.uart.tx_address:
        write_data(s, value)
        return
    s.uart.poll_armed = 0
    call_3(s.callback.write, address, size, value)


_READ = types.uint64(types.intp, types.uint64, types.uint32, types.voidptr)
_WRITE = types.void(types.intp, types.uint64, types.uint32, types.uint64, types.voidptr)


@callback(_READ)
def on_peripheral_read(uc: int, offset: int, size: int, user: Any) -> int:
    """A read between 0x40000000 and 0x5FFFFFFF.

    Args:
        uc: The engine's handle.
        offset: From the start of the region.
        size: 1, 2 or 4 bytes.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    return np.uint64(read_register(s, np.int64(offset) + PERIPHERAL_BASE, np.int64(size)))


@callback(_WRITE)
def on_peripheral_write(uc: int, offset: int, size: int, value: int, user: Any) -> None:
    """A write between 0x40000000 and 0x5FFFFFFF.

    Args:
        uc: The engine's handle.
        offset: From the start of the region.
        size: 1, 2 or 4 bytes.
        value: What is written.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    write_register(s, np.int64(offset) + PERIPHERAL_BASE, np.int64(size), np.int64(value))


@callback(_READ)
def on_private_read(uc: int, offset: int, size: int, user: Any) -> int:
    """A read on the private peripheral bus.

    Args:
        uc: The engine's handle.
        offset: From the start of the region.
        size: 1, 2 or 4 bytes.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    return np.uint64(read_register(s, np.int64(offset) + PRIVATE_BASE, np.int64(size)))


@callback(_WRITE)
def on_private_write(uc: int, offset: int, size: int, value: int, user: Any) -> None:
    """A write on the private peripheral bus.

    Args:
        uc: The engine's handle.
        offset: From the start of the region.
        size: 1, 2 or 4 bytes.
        value: What is written.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    write_register(s, np.int64(offset) + PRIVATE_BASE, np.int64(size), np.int64(value))
