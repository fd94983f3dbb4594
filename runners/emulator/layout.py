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
TAKEN_CYCLES = 8  # what is added when the next block is another one
IDLE_CYCLES = 9  # the part of CYCLES that was skipped because the core only polled
IDLE = 10  # 1: the firmware waits for input, and nothing is under way
BLOCKS = 11  # blocks in the table
STOPPED = 12  # 1: the hook refused the last block, which will be announced again

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

# Open-addressed table of blocks; one row is one cache line.
TABLE = TX_BUFFER + TX_BYTES
TABLE_BITS = 15
TABLE_ROWS = 1 << TABLE_BITS
ROW_WORDS = 8
ROW_KEY = 0  # address << 11 | size_bytes; 0: free
ROW_INSTRUCTIONS = 1
ROW_CYCLES = 2
ROW_TAKEN_CYCLES = 3
ROW_EXECUTIONS = 4

WORDS = TABLE + TABLE_ROWS * ROW_WORDS

# No stop is due: more instructions than will ever be run.
NEVER = 1 << 62


def new_state() -> State:
    """A zeroed state with its data on a 64-byte boundary, so that a table row is one cache line."""
    raw = np.zeros(WORDS + 8, dtype=np.int64)
    skip = (-raw.ctypes.data // 8) % 8
    return raw[skip : skip + WORDS]


def block_key(address: int, size_bytes: int) -> int:
    """The table key of a block; blocks overlap, so the address alone does not name one."""
    return address << 11 | size_bytes
