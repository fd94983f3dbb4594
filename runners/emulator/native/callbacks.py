# SPDX-License-Identifier: Apache-2.0
"""The callbacks Unicorn calls millions of times a second, compiled by Numba and installed by address.

The block hook adds a block's instructions and cycles before the block runs; its price behind the block before it is
looked up in the shared table and worked out in Python once, when the two are first seen in this order. Register
accesses go to the console UART and the free-running counters here, and to Python for everything else.

The core is stopped only from the block hook: a stop at any other place would leave a block half counted, and a stop
inside a register write would repeat the write on resumption.
"""

# Numba gives these functions other types than their annotations, which say what they mean.
# mypy: disable-error-code="call-arg, arg-type, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic
from unicorn import UC_MEM_WRITE
from unicorn.arm_const import UC_ARM_REG_XPSR

from mlperf_tiny.runners.emulator.native.branches import mispredicted
from mlperf_tiny.runners.emulator.native.jit_cache import callback, compiled
from mlperf_tiny.runners.emulator.native.memory import access, fetch
from mlperf_tiny.runners.emulator.native.state import (
    ACCESSES,
    BEFORE,
    COUNTER_ADDRESS,
    COUNTER_BASE,
    COUNTER_DENOMINATOR,
    COUNTER_MODULUS,
    COUNTER_NUMERATOR,
    COUNTER_ROWS,
    COUNTER_SINCE,
    COUNTER_WORDS,
    COUNTERS,
    CYCLES,
    INEXACT_PC,
    INSTRUCTIONS,
    INTERRUPT_AT,
    IS_CONDITIONAL,
    MISPREDICT_CYCLES,
    MISPREDICTS,
    MISS_FN,
    NEXT_ADDRESS,
    PREDICTS,
    READ_FN,
    REGISTER_READ_FN,
    REGISTER_WRITE_FN,
    ROW_BEFORE,
    ROW_BRANCH,
    ROW_CYCLES,
    ROW_EXECUTIONS,
    ROW_INSTRUCTIONS,
    ROW_IS_CONDITIONAL,
    ROW_KEY,
    ROW_MISPREDICT,
    ROW_WORDS,
    STOP_AT,
    STOP_FN,
    STOPPED,
    TABLE,
    TABLE_BITS,
    TABLE_ROWS,
    UART_POLL_ARMED,
    UART_RX_ADDRESS,
    UART_STATUS_ADDRESS,
    UART_TX_ADDRESS,
    WATCHES_MEMORY,
    WORDS,
    WRITE_FN,
    XPSR,
    State,
)
from mlperf_tiny.runners.emulator.native.uart import read_data, read_status, write_data

PERIPHERAL_BASE, PERIPHERAL_BYTES = 0x4000_0000, 0x2000_0000
PRIVATE_BASE, PRIVATE_BYTES = 0xE000_0000, 0x0010_0000

IT_STATE = 0x0600_FC00  # of XPSR

# 2**63 over the golden ratio, odd: the high bits of a product with it depend on all bits of the key.
SPREAD = 0x4F1B_BCDC_BFA5_3E0B

_I64 = ir.IntType(64)


def _call_address(builder: Any, result: Any, address: Any, arguments: list[Any]) -> Any:
    function = ir.FunctionType(result, [_I64] * len(arguments))
    return builder.call(builder.inttoptr(address, function.as_pointer()), arguments)


@intrinsic
def call_1(typing_context: Any, address: Any, a: Any) -> Any:
    """Call the C function at ``address`` with one pointer-sized argument; its int result is dropped."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _call_address(builder, ir.IntType(32), args[0], [args[1]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def call_2(typing_context: Any, address: Any, a: Any, b: Any) -> Any:
    """Call ``int64_t f(int64_t, int64_t)`` at ``address``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call_address(builder, _I64, args[0], [args[1], args[2]])

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def call_3(typing_context: Any, address: Any, a: Any, b: Any, c: Any) -> Any:
    """Call ``int64_t f(int64_t, int64_t, int64_t)`` at ``address``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call_address(builder, _I64, args[0], [args[1], args[2], args[3]])

    return types.int64(types.int64, types.int64, types.int64, types.int64), generate


@intrinsic
def store_byte(typing_context: Any, address: Any, value: Any) -> Any:
    """Write the low byte of ``value`` to ``address``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8)
        builder.store(builder.trunc(args[1], byte), builder.inttoptr(args[0], byte.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@compiled
def find_row(s: State, key: int) -> int:
    """Index of the row that holds ``key``, or of the free one where it belongs. The table is never full."""
    place = (key * SPREAD >> (63 - TABLE_BITS)) & (TABLE_ROWS - 1)
    while True:
        row = TABLE + place * ROW_WORDS
        if s[row + ROW_KEY] == key or s[row + ROW_KEY] == 0:
            return row
        place = (place + 1) & (TABLE_ROWS - 1)


@compiled
def read_counter(s: State, row: int) -> int:
    """The present value of a free-running counter."""
    elapsed = s[CYCLES] - s[row + COUNTER_SINCE]
    count = s[row + COUNTER_BASE] + elapsed * s[row + COUNTER_NUMERATOR] // s[row + COUNTER_DENOMINATOR]
    return count % s[row + COUNTER_MODULUS]


@compiled
def stop(s: State, uc: int) -> None:
    """Stop the core in front of the block that is announced."""
    s[STOPPED] = 1
    if s[INEXACT_PC]:
        store_byte(s[INEXACT_PC], 0)
    call_1(s[STOP_FN], uc)


@callback(types.void(types.intp, types.uint64, types.uint32, types.voidptr))
def on_block(uc: int, address: int, size: int, user: Any) -> None:
    s = carray(user, (WORDS,), np.int64)
    if s[INSTRUCTIONS] >= s[STOP_AT] or s[CYCLES] >= s[INTERRUPT_AT]:
        stop(s, uc)
        return
    start = np.int64(address)
    taken = s[NEXT_ADDRESS] != start
    key = (s[BEFORE] | taken) << 43 | start << 11 | np.int64(size)
    row = find_row(s, key)
    if s[row + ROW_KEY] == 0:
        if call_2(s[MISS_FN], start, np.int64(size)):
            # Python refuses the block (an endless loop, or an error of its own).
            s[STOP_AT] = 0
            stop(s, uc)
            return
        row = find_row(s, key)
    s[INSTRUCTIONS] += s[row + ROW_INSTRUCTIONS]
    s[CYCLES] += s[row + ROW_CYCLES]
    s[row + ROW_EXECUTIONS] += 1
    if s[row + ROW_BRANCH] and s[PREDICTS] and mispredicted(s, s[NEXT_ADDRESS], taken, start):
        s[MISPREDICTS] += 1
        s[MISPREDICT_CYCLES] += s[row + ROW_MISPREDICT]
        s[CYCLES] += s[row + ROW_MISPREDICT]
    if s[WATCHES_MEMORY]:
        if s[INEXACT_PC]:
            store_byte(s[INEXACT_PC], 1)
        else:
            s[IS_CONDITIONAL] = s[row + ROW_IS_CONDITIONAL]
        fetch(s, start, start + np.int64(size) - 1, taken)
    s[NEXT_ADDRESS] = start + np.int64(size)
    s[BEFORE] = s[row + ROW_BEFORE]


@callback(types.void(types.intp, types.int32, types.uint64, types.int32, types.int64, types.voidptr))
def on_access(uc: int, kind: int, address: int, size: int, value: int, user: Any) -> None:
    s = carray(user, (WORDS,), np.int64)
    access(s, np.int64(address), np.int64(size), kind == UC_MEM_WRITE)
    if s[IS_CONDITIONAL]:
        # For an exact program counter the engine (2.1.4) restores the instruction's IT state too, and does not take it
        # back: the block after this one would start under this one's condition. The rest of this block does not look
        # at it any more.
        xpsr = s.ctypes.data + XPSR * 8
        call_3(s[REGISTER_READ_FN], uc, UC_ARM_REG_XPSR, xpsr)
        if s[XPSR] & IT_STATE:
            s[XPSR] &= ~IT_STATE
            call_3(s[REGISTER_WRITE_FN], uc, UC_ARM_REG_XPSR, xpsr)


@compiled
def read_register(s: State, address: int, size: int) -> int:
    s[ACCESSES] += 1
    if address == s[UART_STATUS_ADDRESS]:
        return read_status(s)
    if address == s[UART_RX_ADDRESS]:
        return read_data(s)
    s[UART_POLL_ARMED] = 0
    if size == 4:
        for index in range(COUNTER_ROWS):
            row = COUNTERS + index * COUNTER_WORDS
            if address == s[row + COUNTER_ADDRESS]:
                return read_counter(s, row)
    return call_2(s[READ_FN], address, size)


@compiled
def write_register(s: State, address: int, size: int, value: int) -> None:
    if address == s[UART_TX_ADDRESS]:
        write_data(s, value)
        return
    s[UART_POLL_ARMED] = 0
    call_3(s[WRITE_FN], address, size, value)


_READ = types.uint64(types.intp, types.uint64, types.uint32, types.voidptr)
_WRITE = types.void(types.intp, types.uint64, types.uint32, types.uint64, types.voidptr)


@callback(_READ)
def on_peripheral_read(uc: int, offset: int, size: int, user: Any) -> int:
    s = carray(user, (WORDS,), np.int64)
    return np.uint64(read_register(s, np.int64(offset) + PERIPHERAL_BASE, np.int64(size)))


@callback(_WRITE)
def on_peripheral_write(uc: int, offset: int, size: int, value: int, user: Any) -> None:
    s = carray(user, (WORDS,), np.int64)
    write_register(s, np.int64(offset) + PERIPHERAL_BASE, np.int64(size), np.int64(value))


@callback(_READ)
def on_private_read(uc: int, offset: int, size: int, user: Any) -> int:
    s = carray(user, (WORDS,), np.int64)
    return np.uint64(read_register(s, np.int64(offset) + PRIVATE_BASE, np.int64(size)))


@callback(_WRITE)
def on_private_write(uc: int, offset: int, size: int, value: int, user: Any) -> None:
    s = carray(user, (WORDS,), np.int64)
    write_register(s, np.int64(offset) + PRIVATE_BASE, np.int64(size), np.int64(value))
