# SPDX-License-Identifier: Apache-2.0
"""Where things lie in the block of 64-bit words that the native hooks and Python share.

One ``numpy.int64`` array holds everything the compiled callbacks touch, so that they need a single pointer and no
allocation. Numba sees these names as compile-time constants. All times are in core clock cycles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

State = npt.NDArray[np.int64]

# Counting, and how to leave the emulator.
INSTRUCTIONS = 0  # executed since power-on
CYCLES = 1  # elapsed since power-on, waiting included
STOP_AT = 2  # the block hook stops the core when INSTRUCTIONS has reached this
STOP_FN = 3  # address of uc_emu_stop
MISS_FN = 4  # address of the Python callback that prices a block seen for the first time
READ_FN = 5  # address of the Python callback for register reads that no native model answers
WRITE_FN = 6
NEXT_ADDRESS = 7  # where the last block falls through to
BEFORE = 8  # twice the number of the last block; 0: unknown, or prices do not depend on it
IDLE_CYCLES = 9  # the part of CYCLES that was skipped because the core only polled
IDLE = 10  # 1: the firmware waits for input, and nothing is under way
EDGES = 11  # rows in use in the table
STOPPED = 12  # 1: the hook refused the last block, which will be announced again
PREDICTS = 13  # 1: branches are predicted, and wrong guesses cost
WATCHES_MEMORY = 14  # 1: instruction fetches and data accesses go through the memory system

# Interrupts.
INTERRUPT_AT = 48  # the block hook stops the core when CYCLES has reached this
ACCESSES = 49  # register reads since power-on

# The console UART. Addresses are 0 while its clock gate is closed, so that accesses reach the Python model.
UART_KIND = 16  # 1: SR/DR (F4), 2: ISR/TDR/RDR (F7)
UART_STATUS_ADDRESS = 17
UART_RX_ADDRESS = 18
UART_TX_ADDRESS = 19
UART_TX_ON = 20
UART_RX_ON = 21
UART_KEEP_NEWEST = 22  # CR3.OVRDIS: an unread byte is replaced, no overrun
UART_FRAME = 23  # cycles of one 10-bit frame
UART_RX_DATA = 24
UART_RX_FULL = 25  # RXNE
UART_OVERRUN = 26
UART_OVERRUN_SEEN = 27  # F4: status read since the overrun
UART_TX_END = 28  # when the shift register will be empty
UART_TX_HELD = 29  # a byte waits in the data register
UART_RX_ARRIVAL = 30  # when the byte on the wire will have come; 0: the line is quiet
UART_RX_HEAD = 31  # bytes delivered
UART_RX_TAIL = 32  # bytes the host has queued
UART_TX_COUNT = 33  # bytes in the transmit buffer
UART_POLL_ARMED = 34  # 1: the last register access was a status read
UART_POLL_VALUE = 35
UART_POLL_INSTRUCTIONS = 36
UART_POLLS = 37  # status reads since data last moved
UART_LOST = 38  # bytes lost to overruns
UART_STATUS_BITS = 39  # bits of the status register that only the control registers change
UART_POLL_REPEATS = 40  # equal status reads in a row, with no other register access between
# The last waiting loops seen, first for a full transmitter, then for anything else: where their block ends, and the
# status they wait on.
UART_LOOP_PLACES = 42
UART_LOOP_VALUES = 44

# Free-running counters that a read brings up to date: TIM2.CNT, TIM5.CNT, DWT.CYCCNT.
COUNTERS = 64
COUNTER_WORDS = 8
COUNTER_ROWS = 3
COUNTER_ADDRESS = 0
COUNTER_SINCE = 1  # cycles at which it stood at COUNTER_BASE
COUNTER_BASE = 2
COUNTER_NUMERATOR = 3  # counts per COUNTER_DENOMINATOR cycles; 0 while stopped
COUNTER_DENOMINATOR = 4
COUNTER_MODULUS = 5

RX_BUFFER = 128
RX_BYTES = 1 << 16  # one byte a word
TX_BUFFER = RX_BUFFER + RX_BYTES
TX_BYTES = 1 << 16

# What branches and memory have cost, where they are modelled; the cycles are part of CYCLES.
MISPREDICTS = 96
MISPREDICT_CYCLES = 97
FETCH_MISSES = 98
FETCH_CYCLES = 99
DATA_MISSES = 100
DATA_CYCLES = 101
UNALIGNED = 102
UNALIGNED_CYCLES = 103
FLASH_READ_BYTES = 104
RAM_READ_BYTES = 105
RAM_WRITTEN_BYTES = 106

# The memory system: what its registers and the board row say. Lines are counted in units of their own size.
FETCHED_LINE = 107  # the line of the last instruction fetch: its address; -1: none
RANDOM = 108  # of the caches' replacement
USES = 109  # lookups in the flash accelerator, for its least-recently-used order
CORE_KIND = 110  # 1: Cortex-M4, 2: Cortex-M7
PREFETCH = 111  # 1: the flash accelerator reads the next line ahead
ART_LINE_BITS = 112
INSTRUCTION_CACHE = 113  # four words each: on, log2 of the line, sets - 1, ways
DATA_CACHE = 117
INSTRUCTION_ART = 121  # lines it holds; 0: off
DATA_ART = 122  # the same for data; -1: shares the lines of the instructions
# See native.on_access: whether the block now running has conditional instructions, and how their state is cleared.
IS_CONDITIONAL = 123
INEXACT_PC = 127  # address of the engine's flag, see exact_pc; 0: the engine keeps the program counter exact
XPSR = 124
REGISTER_READ_FN = 125  # addresses of uc_reg_read and uc_reg_write
REGISTER_WRITE_FN = 126
CACHE_ON, CACHE_LINE_BITS, CACHE_SET_MASK, CACHE_WAYS = range(4)

# Open-addressed table of edges: a block, and the one that ran before it. One row is one cache line.
TABLE = TX_BUFFER + TX_BYTES
TABLE_BITS = 15
TABLE_ROWS = 1 << TABLE_BITS
ROW_WORDS = 8
ROW_KEY = 0  # see edge_key; 0: free
ROW_INSTRUCTIONS = 1
ROW_CYCLES = 2
ROW_EXECUTIONS = 3
ROW_BEFORE = 4  # what BEFORE becomes once the block has run
ROW_BRANCH = 5  # how the block before ends: 0 nothing to predict, 1 direct, 2 target in a register
ROW_MISPREDICT = 6  # what it costs to guess that wrong
ROW_IS_CONDITIONAL = 7  # 1: the block may hold an IT instruction

# Branch target address cache.
BTAC = TABLE + TABLE_ROWS * ROW_WORDS
BTAC_ROWS = 64
BTAC_WORDS = 4
BTAC_BRANCH = 0  # the address behind the branch; 0: free
BTAC_TARGET = 1
BTAC_COUNTER = 2  # 0 to 3; taken is guessed from 2 on

# Ranges of addresses that are reached in one way, in the order in which they are looked up.
REGIONS = BTAC + BTAC_ROWS * BTAC_WORDS
REGION_ROWS = 8
REGION_WORDS = 8
REGION_FIRST = 0
REGION_END = 1  # 0: an unused row
REGION_PATH = 2  # NO_WAIT, CACHED, ACCELERATED
REGION_IS_FLASH = 3
REGION_LINE_READ = 4  # cycles a line costs, read as data or as instructions
REGION_LINE_FETCH = 5
REGION_SINGLE_READ = 6  # and a single access past caches that are off
REGION_SINGLE_FETCH = 7
NO_WAIT, CACHED, ACCELERATED = 0, 1, 2

# Tags of the level 1 caches, by set and way: line number + 1, 0: invalid.
MOST_CACHE_LINES = 512
INSTRUCTION_TAGS = REGIONS + REGION_ROWS * REGION_WORDS
DATA_TAGS = INSTRUCTION_TAGS + MOST_CACHE_LINES

# The flash accelerator: for each line of the flash when it was last used (0: not held), and the lines held.
MOST_FLASH_LINES = 1 << 18
MOST_ART_LINES = 128
INSTRUCTION_ART_USED = DATA_TAGS + MOST_CACHE_LINES
DATA_ART_USED = INSTRUCTION_ART_USED + MOST_FLASH_LINES
INSTRUCTION_ART_LINES = DATA_ART_USED + MOST_FLASH_LINES
DATA_ART_LINES = INSTRUCTION_ART_LINES + MOST_ART_LINES

WORDS = DATA_ART_LINES + MOST_ART_LINES

# No stop is due: more instructions than will ever be run.
NEVER = 1 << 62


def new_state() -> State:
    """A zeroed state with its data on a 64-byte boundary, so that a table row is one cache line."""
    raw = np.zeros(WORDS + 8, dtype=np.int64)
    skip = (-raw.ctypes.data // 8) % 8
    state = raw[skip : skip + WORDS]
    state[INTERRUPT_AT] = NEVER
    return state


# Block numbers that fit into a key.
MAX_BLOCKS = 1 << 19


def edge_key(before: int, address: int, size_bytes: int) -> int:
    """The table key of a block behind ``before``, twice a block number and 1 if that was left by a branch.

    Blocks overlap, so the address alone does not name one.
    """
    return before << 43 | address << 11 | size_bytes
