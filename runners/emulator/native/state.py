# SPDX-License-Identifier: Apache-2.0
"""The block of memory that the native hooks and Python share: one structured dtype, ``LAYOUT``.

One record holds everything the compiled callbacks touch, so that they need a single pointer and no allocation. All
offsets follow from the dtype, and compiled code and Python use the same names: ``s.core.cycles`` of the record ``s``
that compiled functions take, ``state.core.cycles`` of a ``State`` in Python. A group is reset as a whole:
``state.array["uart"] = 0``. All times are in core clock cycles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_WORD = np.int64


def _group(*fields: str | tuple[str, Any] | tuple[str, Any, tuple[int, ...]]) -> np.dtype[np.void]:
    """A dtype of 64-bit words, in order; a field given as a tuple has a type of its own."""
    return np.dtype([field if isinstance(field, tuple) else (field, _WORD) for field in fields], align=True)


# Open-addressed table of edges: a block, and the one that ran before it. One row is one cache line.
EDGE_BITS = 15
EDGE_ROWS = 1 << EDGE_BITS
EDGE = _group(
    "key",  # the number of the block before, see block_before, and edge_rest; 0: free
    "instructions",
    "cycles",
    "executions",
    "before",  # what core.before becomes once the block has run
    "ends_in_branch",  # 1: the block before ends in a branch that can be mispredicted
    "mispredict_cycles",  # what it costs to mispredict that branch
    "marks",  # CONDITIONAL, TRANSLATED
)
# Marks of an edge: the block may hold an IT instruction; there is a translation that starts with it.
CONDITIONAL, TRANSLATED = 1, 2

# Branch target address cache.
BTAC_ROWS = 64
BTAC = _group(
    "branch",  # the address after the branch; 0: free
    "target",
    "counter",  # 0 to 3; predicted as taken from 2 on
    "unused",
)

# Ranges of addresses that are reached in one way, in the order in which they are looked up.
REGION_ROWS = 8
NO_WAIT, CACHED, ACCELERATED = 0, 1, 2
REGION = _group(
    "first",
    "end",  # 0: an unused row
    "path",  # NO_WAIT, CACHED, ACCELERATED
    "is_flash",
    "line_read",  # cycles a line costs, read as data or as instructions
    "line_fetch",
    "single_read",  # and a single access past caches that are off
    "single_fetch",
)

CORE = _group(
    "instructions",  # executed since power-on
    "cycles",  # elapsed since power-on, waiting included
    "idle_cycles",  # the part of cycles that was skipped because the core only polled
    "stop_at",  # the block hook stops the core when instructions has reached this
    "interrupt_at",  # the block hook stops the core when cycles has reached this
    "stopped",  # 1: the hook refused the last block, which will be announced again
    "idle",  # 1: the firmware waits for input, and nothing is under way
    "next_address",  # where the last block falls through to
    "before",  # which block ran last, see block_before; 0: unknown, or costs do not depend on it
    "edges",  # rows in use in the table
    "predicts_branches",  # 1: branches are predicted, and mispredicted ones cost cycles
    "watches_memory",  # 1: instruction fetches and data accesses go through the memory system
    "register_reads",  # since power-on
    "is_conditional",  # whether the block now running has conditional instructions, see callbacks.on_access
    "is_counted",  # 1: the block hook has already counted the block that is announced next
    "entered",  # the block before which the core was stopped to go on with its translation; 0: none
    "costs_by_edge",  # 1: costs depend on the block before
    "may_enter",  # 1: translations are for what the firmware has set up, and may be entered
    "look_at",  # translations are looked at, in Python, once instructions has reached this
    "code_in_ram",  # 1: code in RAM has been executed
    "inexact_pc",  # address of the engine's flag, see exact_pc; 0: the engine keeps the program counter exact
    "error",  # the engine's number for what ended the last slice; 0: none
    "silence_limit",  # ends a firmware that neither sends nor waits for input for so many instructions
    "stack_limit",  # the lowest address the stack may reach; 0: not known
    "stack_guard",  # address, in this process, of the bytes there that must not change; 0: none
    "stack_reached",  # 1: the stack has been lower, or was when the core stopped
    ("register", _WORD, (1,)),  # an array, so that its address can be passed on
)

CALLBACK = _group(
    "translations",  # what runs the core where there are translations, see running.run_translated; 0: the engine
    "context",  # its second argument
    "engine",  # its handle
    "start",  # address of uc_emu_start
    "stop",  # of uc_emu_stop
    "read_cpu_register",  # of uc_reg_read and uc_reg_write
    "write_cpu_register",
    "state",  # address of this record
    "other_block",  # of the compiled callback for a block that is new, or before which the core must stop
    "cost_block",  # address of the Python callback that computes the cost of a block seen for the first time
    "read",  # addresses of the Python callbacks for register accesses that no native model answers
    "write",
    "bad_fetch",  # address of the Python callback for a jump to where no code can be
)

RAM_PATTERN = b"\xa5"
"""RAM comes up with this in it: silicon's comes up with anything, and a firmware that counts on zeros fails there."""
STACK_GUARD_BYTES = 32
"""Above the lowest address the stack may reach; where they have been written, it has been reached."""

# Memory that can be written, in pages of the engine.
PAGE_BITS = 10
RAM_RANGES = 4
RAM_RANGE = _group(
    "first",
    "end",  # 0: an unused row
    "page",  # number of its first page in with_code
)
RAM_PAGES = 1 << 14

# The console UART. Addresses are 0 while its clock gate is closed, so that accesses reach the Python model.
UART = _group(
    "kind",  # 1: SR/DR (F4), 2: ISR/TDR/RDR (F7)
    "status_address",
    "rx_address",
    "tx_address",
    "tx_on",
    "rx_on",
    "keep_newest",  # CR3.OVRDIS: an unread byte is replaced, no overrun
    "frame",  # cycles of one 10-bit frame
    "rx_data",
    "rx_full",  # RXNE
    "overrun",
    "overrun_seen",  # F4: status read since the overrun
    "tx_end",  # when the shift register will be empty
    "tx_held",  # a byte waits in the data register
    "rx_arrival",  # when the byte on the wire will have come; 0: the line is quiet
    "rx_head",  # bytes delivered
    "rx_tail",  # bytes the host has queued
    "tx_count",  # bytes in the transmit buffer
    "poll_armed",  # 1: the last register access was a status read
    "poll_value",
    "poll_instructions",
    "polls",  # status reads since data last moved
    "poll_repeats",  # equal status reads in a row, with no other register access between
    "status_bits",  # bits of the status register that only the control registers change
    "rx_interrupts",  # 1: a byte that comes is to stop the core, see interrupt_at
)

# What has been seen on the console line; a reset of the chip does not change it.
CONSOLE = _group(
    "lost",  # bytes lost to overruns
    "last_output_at",  # instructions executed when a slice with output ended
    # The last waiting loops seen, first for a full transmitter, then for anything else: where their block ends, and
    # the status they wait on.
    ("loop_places", _WORD, (2,)),
    ("loop_values", _WORD, (2,)),
)
RX_BYTES = TX_BYTES = 1 << 16

# Free-running counters that a read brings up to date: DWT.CYCCNT and the timers.
COUNTER_ROWS = 16
COUNTER = _group(
    "address",
    "since",  # cycles at which it stood at base
    "base",
    "numerator",  # counts per denominator cycles; 0 while stopped
    "denominator",
    "modulus",
)

# What branches and memory have cost, where they are modelled; the cycles are part of core.cycles.
LOSSES = _group(
    "mispredicts",
    "mispredict_cycles",
    "fetch_misses",
    "fetch_cycles",
    "data_misses",
    "data_cycles",
    "unaligned",
    "unaligned_cycles",
    "flash_read_bytes",
    "ram_read_bytes",
    "ram_written_bytes",
)

# The memory system: what follows from its registers and the board row. Lines are counted in units of their own size.
MEMORY = _group(
    "fetched_line",  # the line of the last instruction fetch: its address; -1: none
    "random",  # of the caches' replacement
    "uses",  # lookups in the flash accelerator, for its least-recently-used order
    "prefetch",  # 1: the flash accelerator reads the next line ahead
    "accelerator_line_bits",
    "unaligned_read",  # cycles an unaligned access costs on top; a word at an odd address costs the last one more
    "unaligned_write",
    "unaligned_odd_word",
)
MAX_CACHE_LINES = 512
CACHE = _group(
    "on",
    "line_bits",
    "set_mask",
    "ways",
    ("tags", _WORD, (MAX_CACHE_LINES,)),  # by set and way: line number + 1, 0: invalid
)
MAX_FLASH_LINES = 1 << 18
ACCELERATOR_BITS = 7
MAX_ACCELERATOR_LINES = 1 << ACCELERATOR_BITS
ACCELERATOR = _group(
    "lines",  # how many it holds; 0: off; -1 (data only): shares the lines of the instructions
    "next",  # of the queue
    ("held", _WORD, (MAX_ACCELERATOR_LINES,)),  # the lines it holds: number + 1, 0: a free place
    ("used", _WORD, (MAX_ACCELERATOR_LINES,)),  # when each of them was last used; 0: a free place
    # All places as they were last sorted by their use: use << ACCELERATOR_BITS | place.
    ("queue", _WORD, (MAX_ACCELERATOR_LINES,)),
    ("place", np.uint8, (MAX_FLASH_LINES,)),  # for each line of the flash its place in both + 1; 0: not held
)

LAYOUT = np.dtype(
    [
        ("edges", EDGE, (EDGE_ROWS,)),  # first, so that a row is one cache line
        ("btac", BTAC, (BTAC_ROWS,)),
        ("regions", REGION, (REGION_ROWS,)),
        ("core", CORE),
        ("callback", CALLBACK),
        ("uart", UART),
        ("console", CONSOLE),
        ("counters", COUNTER, (COUNTER_ROWS,)),
        ("losses", LOSSES),
        ("ram", RAM_RANGE, (RAM_RANGES,)),
        ("with_code", np.uint8, (RAM_PAGES,)),  # 1: the core has fetched from this page of RAM
        ("memory", MEMORY),
        ("instruction_cache", CACHE),
        ("data_cache", CACHE),
        ("instruction_accelerator", ACCELERATOR),
        ("data_accelerator", ACCELERATOR),
        ("rx", np.uint8, (RX_BYTES,)),
        ("tx", np.uint8, (TX_BYTES,)),
    ],
    align=True,
)

Record = Any
"""A record of dtype ``LAYOUT``, as compiled functions see it."""

_layout: Any = LAYOUT  # numpy's type stubs do not know structures
_Groups: Any = np.ctypeslib.as_ctypes_type(_layout)
CACHE_LINE_BYTES = 64
# No stop is due: more instructions than will ever be run.
NEVER = 1 << 62


class State:
    """The shared memory of one board, as Python sees it: its groups are ctypes structures, whose fields are ints."""

    edges: Any
    btac: Any
    regions: Any
    core: Any
    callback: Any
    uart: Any
    console: Any
    counters: Any
    losses: Any
    ram: Any
    with_code: Any
    memory: Any
    instruction_cache: Any
    data_cache: Any
    instruction_accelerator: Any
    data_accelerator: Any
    rx: Any
    tx: Any

    def __init__(self) -> None:
        """Zeroes, on a 64-byte boundary, so that a row of ``edges`` is one cache line."""
        raw = np.zeros(LAYOUT.itemsize + CACHE_LINE_BYTES, dtype=np.uint8)
        skip = -raw.ctypes.data % CACHE_LINE_BYTES
        self.array: npt.NDArray[np.void] = raw[skip : skip + LAYOUT.itemsize].view(LAYOUT)
        """The record, in an array of one."""
        self.address = int(self.array.ctypes.data)
        """Where the record lies, for C."""
        groups = _Groups.from_buffer(raw, skip)
        for name, _ in _Groups._fields_:
            setattr(self, name, getattr(groups, name))
        self.core.interrupt_at = self.core.look_at = NEVER


# Block numbers that fit into a key.
MAX_BLOCKS = 1 << 19
BLOCK_BITS = (MAX_BLOCKS - 1) << 44
# 2**63 over the golden ratio, odd: the high bits of a product with it depend on all bits of the key.
SPREAD = 0x4F1B_BCDC_BFA5_3E0B


def block_before(number: int) -> int:
    """What ``core.before`` is once a block has run: its number, and in the low bits what it adds to an edge's row."""
    return number << 44 | (number * SPREAD >> (63 - EDGE_BITS)) & (EDGE_ROWS - 1)


def number_before(before: int) -> int:
    """The number of the block before, of ``core.before``."""
    return before >> 44


def edge_rest(taken: bool, address: int, size_bytes: int) -> int:
    """The key of an edge but for the block before. Blocks overlap, so the address alone does not name one.

    Args:
        taken: Whether the block before was left by a branch.
        address: Of the block.
        size_bytes: Of the block, below 2048.

    Returns:
        A number above 0.
    """
    return taken << 43 | address << 11 | size_bytes
