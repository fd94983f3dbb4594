# SPDX-License-Identifier: Apache-2.0
"""Runs native translations of guest functions in turn with the engine, compiled.

The block hook stops the core where a block has been counted and a translation of it exists. The translation goes on
from the start of that block; each time it leaves a function, the next block is counted here as the hook would do it,
and either its translation goes on or the engine. A translation that cannot finish a block leaves the rest of it to the
engine, which does not count it again.
"""

# Numba gives these functions other types than their annotations, which are for readers.
# mypy: disable-error-code="call-arg, arg-type, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types
from unicorn.arm_const import UC_ARM_REG_CPSR, UC_ARM_REG_PC, UC_ARM_REG_XPSR

from mlperf_tiny.runners.emulator.native.branches import mispredicted
from mlperf_tiny.runners.emulator.native.c_calls import as_pointer, call_3, call_4, call_6
from mlperf_tiny.runners.emulator.native.callbacks import count, place_of_edge
from mlperf_tiny.runners.emulator.native.engine import IT_STATE, core_register, is_thumb, start_core
from mlperf_tiny.runners.emulator.native.jit_cache import callback, compiled
from mlperf_tiny.runners.emulator.native.memory import access, fetch, sort_places
from mlperf_tiny.runners.emulator.native.state import LAYOUT, Record

_WORD, _HALF = np.int64, np.uint32

# r0 to r14 and APSR are read and written in one call each.
BATCH = 16
# Functions below, by the fields of the context that hold their addresses.
CALLED = ("charge_access", "charge_fetch", "charge_branch", "sort_accelerator")
# How often a missing translation is counted at most.
MOST_MISSED = 1 << 20
# How a translation left its function.
TRANSFER, REST_OF_BLOCK = 0, 1

ENTRY = np.dtype(
    [
        ("code", _WORD),  # address of the function
        ("counts", _WORD),  # of its edges
        ("numbers", _WORD),  # what core.before becomes after each of its blocks
        ("index", _WORD),  # which of its entries
        ("size_bytes", _WORD),  # of the block
        ("instructions", _WORD),  # the function runs at most so many between two looks at the limits
        ("cycles", _WORD),
        ("visits", _WORD),  # how often the core was stopped to go on here
        ("gained", _WORD),  # instructions run until the engine went on
    ],
    align=True,
)

CONTEXT = np.dtype(
    [
        ("registers", _HALF, (15,)),
        ("apsr", _HALF),
        ("n", _HALF),  # its sign is N
        ("z", _HALF),  # Z: it is 0
        ("c", _HALF),
        ("v", _HALF),
        ("q", _HALF),
        ("ge", _HALF),
        ("it", _HALF),  # IT state at the instruction that a rest of a block starts with
        ("pc", _HALF),  # where to go on
        ("last_block", _HALF),  # the block that ran last, by its number in the function
        ("kind", _HALF),  # TRANSFER, REST_OF_BLOCK
        ("next_address", _WORD),  # where that block falls through to
        ("fetched_line", _WORD),  # what memory.fetched_line becomes; -1: unchanged
        ("stop_at", _WORD),  # look at the limits again at so many instructions or cycles
        ("interrupt_at", _WORD),
        ("charge_access", _WORD),  # addresses of the functions below
        ("charge_fetch", _WORD),
        ("charge_branch", _WORD),
        ("sort_accelerator", _WORD),
        ("ram", _WORD),  # where memories lie in the host
        ("flash", _WORD),
        ("read_batch", _WORD),  # addresses of the engine's functions for several registers
        ("write_batch", _WORD),
        ("ids", np.int32, (BATCH,)),  # of the registers
        ("pointers", _WORD, (BATCH,)),  # to their values above
        ("first", _WORD),  # addresses that may have an entry
        ("end", _WORD),
        ("entries", _WORD),  # address of the rows of ENTRY
        ("rows", _WORD),  # how many
        ("places", _WORD),  # address of their places, see find_entry
        ("native_instructions", _WORD),  # what has been done here, for reports
        ("transfers", _WORD),
        ("hand_overs", _WORD),
    ],
    align=True,
)

_GE_BITS = 0x000F_0000


@callback(types.void(types.voidptr, types.int64, types.int64, types.int64))
def charge_access(user: Any, address: int, size: int, is_write: int) -> None:
    """Charge a load or store that is no plain hit.

    Args:
        user: Pointer to the shared state.
        address: Of the first byte.
        size: In bytes.
        is_write: 1 for a store.
    """
    access(carray(user, (1,), LAYOUT)[0], address, size, is_write == 1)


@callback(types.void(types.voidptr, types.int64, types.int64, types.int64))
def charge_fetch(user: Any, first: int, last: int, taken: int) -> None:
    """Charge the instruction fetch of a block whose lines are not all there.

    Args:
        user: Pointer to the shared state.
        first: Address of its first byte.
        last: Address of its last byte.
        taken: 1 where it was reached by a taken branch.
    """
    fetch(carray(user, (1,), LAYOUT)[0], first, last, taken == 1)


@callback(types.void(types.voidptr, types.int64))
def sort_accelerator(user: Any, is_data: int) -> None:
    """Sort the places of a flash accelerator by their use.

    Args:
        user: Pointer to the shared state.
        is_data: 1: the one for data.
    """
    s = carray(user, (1,), LAYOUT)[0]
    if is_data == 1:
        sort_places(s.data_accelerator)
    else:
        sort_places(s.instruction_accelerator)


@callback(types.void(types.voidptr, types.int64, types.int64, types.int64, types.int64))
def charge_branch(user: Any, branch: int, taken: int, target: int, cycles: int) -> None:
    """Update the prediction of a branch that is not plainly as predicted.

    Args:
        user: Pointer to the shared state.
        branch: The address after the branch.
        taken: 1 where it was taken.
        target: Where it went.
        cycles: What it costs to mispredict it.
    """
    s = carray(user, (1,), LAYOUT)[0]
    if mispredicted(s, branch, taken == 1, target):
        s.losses.mispredicts += 1
        s.losses.mispredict_cycles += cycles
        s.core.cycles += cycles


@compiled
def take_registers(s: Record, c: Record) -> None:
    """Read the core's registers.

    Args:
        s: The shared state.
        c: The context.
    """
    call_4(c.read_batch, s.callback.engine, c.ids.ctypes.data, c.pointers.ctypes.data, BATCH)
    apsr = np.int64(c.apsr)
    c.n = apsr & 0x8000_0000
    c.z = (apsr >> 30 & 1) ^ 1
    c.c = apsr >> 29 & 1
    c.v = apsr >> 28 & 1
    c.q = apsr >> 27 & 1
    c.ge = apsr >> 16 & 15


@compiled
def set_register(s: Record, register: int, value: int) -> None:
    """Write one register of the core.

    Args:
        s: The shared state.
        register: The engine's number of it.
        value: Its new value.
    """
    s.core.register[0] = value
    call_3(s.callback.write_cpu_register, s.callback.engine, register, s.core.register.ctypes.data)


@compiled
def give_registers(s: Record, c: Record, it_state: int) -> None:
    """Write the core's registers.

    Args:
        s: The shared state.
        c: The context.
        it_state: 8 bits; 0 at the start of a block.
    """
    apsr = np.int64(c.n) & 0x8000_0000
    if c.z == 0:
        apsr |= 1 << 30
    apsr |= np.int64(c.c) << 29 | np.int64(c.v) << 28 | np.int64(c.q) << 27
    ge = np.int64(c.ge)
    changes_ge = ge != np.int64(c.apsr) >> 16 & 15
    c.apsr = apsr
    call_4(c.write_batch, s.callback.engine, c.ids.ctypes.data, c.pointers.ctypes.data, BATCH)
    if changes_ge:
        # The engine (2.1.4) takes GE from what is written to CPSR only.
        set_register(s, UC_ARM_REG_CPSR, core_register(s, UC_ARM_REG_CPSR) & ~_GE_BITS | ge << 16)
    if it_state:
        xpsr = core_register(s, UC_ARM_REG_XPSR) & ~IT_STATE
        set_register(s, UC_ARM_REG_XPSR, xpsr | (it_state & 3) << 25 | (it_state >> 2 & 0x3F) << 10)


@compiled
def count_block(s: Record, start: int, size: int) -> bool:
    """Count a block as the hook of the engine does; False where Python refuses it.

    Args:
        s: The shared state.
        start: Address of the block.
        size: In bytes.
    """
    row = place_of_edge(s, start, size)
    if row < 0:
        return False
    taken = s.core.next_address != start
    count(s, row, start, size)
    if s.core.watches_memory:
        fetch(s, start, start + size - 1, taken)
    return True


@compiled
def find_entry(c: Record, places: Any, address: int) -> int:
    """The row of the entry at an address; -1: none.

    Args:
        c: The context.
        places: For each half-word from ``c.first`` on: the row of its entry + 1; else 0, and less for each time that
            the engine had to go on there.
        address: Of a block.
    """
    if address < c.first or address >= c.end:
        return -1
    return np.int64(places[(address - c.first) >> 1]) - 1


@compiled
def note_missing(c: Record, places: Any, address: int) -> None:
    """The engine goes on at an address: note it where a translation could have.

    Args:
        c: The context.
        places: See ``find_entry``.
        address: Of a block.
    """
    if c.first <= address < c.end and -MOST_MISSED < places[(address - c.first) >> 1] <= 0:
        places[(address - c.first) >> 1] -= 1


@compiled
def is_near_limit(s: Record, entry: Any) -> bool:
    """Whether a stop or an interrupt may be due before a function looks at the limits again.

    Args:
        s: The shared state.
        entry: Of the function.
    """
    return (
        s.core.instructions + entry.instructions >= s.core.stop_at
        or s.core.cycles + entry.cycles >= s.core.interrupt_at
    )


@compiled
def run_function(s: Record, c: Record, entry: Any) -> None:
    """Run a translated function until it leaves, and note the block that ran last.

    Args:
        s: The shared state.
        c: The context.
        entry: Where it starts.
    """
    c.stop_at = s.core.stop_at - entry.instructions
    c.interrupt_at = s.core.interrupt_at - entry.cycles
    before = s.core.instructions
    c.fetched_line = -1
    call_6(entry.code, c.registers.ctypes.data, s.edges.ctypes.data, c.ram, c.flash, entry.counts, entry.index)
    c.native_instructions += s.core.instructions - before
    c.transfers += 1
    s.core.next_address = c.next_address
    s.core.before = carray(as_pointer(entry.numbers), (1 << 16,), np.int64)[c.last_block]
    if c.fetched_line >= 0:
        s.memory.fetched_line = c.fetched_line


@compiled
def run_on(s: Record, c: Record, entries: Any, places: Any, row: int) -> int:
    """Run translated functions, beginning with a block that has been counted.

    Args:
        s: The shared state.
        c: The context.
        entries: Where translations can start.
        places: See ``find_entry``.
        row: Of ``entries``.

    Returns:
        1: the core is to be stopped before the block at ``c.pc``; 0: the engine goes on there.
    """
    while True:
        run_function(s, c, entries[row])
        if c.kind == REST_OF_BLOCK:
            s.core.is_counted = 1
            return 0
        address = np.int64(c.pc)
        row = find_entry(c, places, address)
        if row < 0:
            note_missing(c, places, address)
            return 0
        if is_near_limit(s, entries[row]):
            return 0
        if not count_block(s, address, entries[row].size_bytes):
            return 1


@callback(types.int64(types.voidptr, types.voidptr))
def run_translated(user: Any, context: Any) -> int:
    """Run until a hook stops the core, with translations where there are any.

    Args:
        user: Pointer to the shared state.
        context: Pointer to the context.

    Returns:
        The engine's number for what ended that; 0: a stop.
    """
    s = carray(user, (1,), LAYOUT)[0]
    c = carray(context, (1,), CONTEXT)[0]
    entries = carray(as_pointer(c.entries), (c.rows,), ENTRY)
    places = carray(as_pointer(c.places), ((c.end - c.first) >> 1,), np.int32)
    address = core_register(s, UC_ARM_REG_PC)
    while True:
        s.core.entered = 0
        error = start_core(s, address)
        if s.core.entered == 0:
            return error
        s.core.stopped = 0
        c.hand_overs += 1
        row = find_entry(c, places, s.core.entered)
        # A block that the engine has cut elsewhere is another one.
        is_other = s.core.next_address - s.core.entered != entries[row].size_bytes or not is_thumb(s)
        if is_other or is_near_limit(s, entries[row]):
            s.core.is_counted = 1
            address = s.core.entered
            continue
        take_registers(s, c)
        before = s.core.instructions
        stops = run_on(s, c, entries, places, row)
        entries[row].visits += 1
        entries[row].gained += s.core.instructions - before
        give_registers(s, c, np.int64(c.it) if s.core.is_counted else 0)
        address = np.int64(c.pc)
        if stops:
            s.core.stopped = 1
            set_register(s, UC_ARM_REG_PC, address | 1)
            return 0
