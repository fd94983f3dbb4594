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
from unicorn.arm_const import UC_ARM_REG_XPSR

from mlperf_tiny.runners.emulator.native.branches import mispredicted
from mlperf_tiny.runners.emulator.native.c_calls import call_1, call_2, call_3, store_byte
from mlperf_tiny.runners.emulator.native.jit_cache import callback, compiled
from mlperf_tiny.runners.emulator.native.memory import access, fetch
from mlperf_tiny.runners.emulator.native.state import COUNTER_ROWS, EDGE_BITS, EDGE_ROWS, LAYOUT, Record
from mlperf_tiny.runners.emulator.native.uart import read_data, read_status, write_data

PERIPHERAL_BASE, PERIPHERAL_BYTES = 0x4000_0000, 0x2000_0000
PRIVATE_BASE, PRIVATE_BYTES = 0xE000_0000, 0x0010_0000

IT_STATE = 0x0600_FC00  # of XPSR

# 2**63 over the golden ratio, odd: the high bits of a product with it depend on all bits of the key.
SPREAD = 0x4F1B_BCDC_BFA5_3E0B


@compiled
def find_row(s: Record, key: int) -> int:
    """Return the row of ``edges`` that holds a key, or the free one where it belongs. The table is never full.

    Args:
        s: The shared state.
        key: See ``state.edge_key``.
    """
    row = (key * SPREAD >> (63 - EDGE_BITS)) & (EDGE_ROWS - 1)
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
def stop(s: Record, uc: int) -> None:
    """Stop the core before the block that is announced.

    Args:
        s: The shared state.
        uc: The engine's handle.
    """
    s.core.stopped = 1
    if s.core.inexact_pc:
        store_byte(s.core.inexact_pc, 0)
    call_1(s.callback.stop, uc)


@callback(types.void(types.intp, types.uint64, types.uint32, types.voidptr))
def on_block(uc: int, address: int, size: int, user: Any) -> None:
    """A block is about to run: add its cost, or stop the core before it.

    Args:
        uc: The engine's handle.
        address: Of the first byte.
        size: In bytes.
        user: Pointer to the shared state.
    """
    s = carray(user, (1,), LAYOUT)[0]
    if s.core.instructions >= s.core.stop_at or s.core.cycles >= s.core.interrupt_at:
        stop(s, uc)
        return
    start = np.int64(address)
    taken = s.core.next_address != start
    key = (s.core.before | taken) << 43 | start << 11 | np.int64(size)
    edge = s.edges[find_row(s, key)]
    if edge.key == 0:
        if call_2(s.callback.cost_block, start, np.int64(size)):
            # Python refuses the block (an endless loop, or an error of its own).
            s.core.stop_at = 0
            stop(s, uc)
            return
        edge = s.edges[find_row(s, key)]
    s.core.instructions += edge.instructions
    s.core.cycles += edge.cycles
    edge.executions += 1
    if edge.ends_in_branch and s.core.predicts_branches and mispredicted(s, s.core.next_address, taken, start):
        s.losses.mispredicts += 1
        s.losses.mispredict_cycles += edge.mispredict_cycles
        s.core.cycles += edge.mispredict_cycles
    if s.core.watches_memory:
        if s.core.inexact_pc:
            store_byte(s.core.inexact_pc, 1)
        else:
            s.core.is_conditional = edge.may_be_conditional
        fetch(s, start, start + np.int64(size) - 1, taken)
    s.core.next_address = start + np.int64(size)
    s.core.before = edge.before


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
        # For an exact program counter the engine (2.1.4) restores the instruction's IT state too, and does not take it
        # back: the block after this one would start under this one's condition. The rest of this block does not look
        # at it any more.
        xpsr = s.core.xpsr.ctypes.data
        call_3(s.callback.read_cpu_register, uc, UC_ARM_REG_XPSR, xpsr)
        if s.core.xpsr[0] & IT_STATE:
            s.core.xpsr[0] &= ~IT_STATE
            call_3(s.callback.write_cpu_register, uc, UC_ARM_REG_XPSR, xpsr)


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
