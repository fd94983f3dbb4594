# SPDX-License-Identifier: Apache-2.0
"""What compiled code asks of the engine: to run, to stop, and for registers of the core."""

# Numba gives these functions other types than their annotations, which are for readers.
# mypy: disable-error-code="call-arg, arg-type, return-value"

from __future__ import annotations

from typing import Any

from numba import carray, types
from unicorn.arm_const import UC_ARM_REG_CPSR, UC_ARM_REG_PC, UC_ARM_REG_SP, UC_ARM_REG_XPSR

from mlperf_tiny.runners.emulator.native.c_calls import call_1, call_2, call_3, call_5, load_word, store_byte
from mlperf_tiny.runners.emulator.native.jit_cache import callback, compiled
from mlperf_tiny.runners.emulator.native.state import LAYOUT, NEVER, RAM_PATTERN, STACK_GUARD_BYTES, Record
from mlperf_tiny.runners.emulator.native.uart import start_line

FAILED, ENDED, AMISS = 1, 2, 4
"""What ``run_core`` returns: the engine has an error; the core has ended its slice by itself; stack or silence."""

IT_STATE = 0x0600_FC00  # of XPSR
THUMB_STATE = 1 << 5  # of CPSR
UNTOUCHED = int.from_bytes(RAM_PATTERN * 8, "little", signed=True)


@compiled
def core_register(s: Record, register: int) -> int:
    """Return a register of the core.

    Args:
        s: The shared state.
        register: The engine's number of it.
    """
    s.core.register[0] = 0
    call_3(s.callback.read_cpu_register, s.callback.engine, register, s.core.register.ctypes.data)
    return s.core.register[0]


@compiled
def stop(s: Record) -> None:
    """Stop the core before the block that is announced; ``s`` is the shared state."""
    s.core.stopped = 1
    if s.core.inexact_pc:
        store_byte(s.core.inexact_pc, 0)
    call_1(s.callback.stop, s.callback.engine)


@compiled
def end_it_state(s: Record) -> None:
    """Take back what the engine (2.1.4) does for a hook in the middle of a block; ``s`` is the shared state.

    There it restores the IT state of the instruction that accesses memory, and leaves it: the block after this one
    would start under this one's condition. The rest of this block does not look at it any more.
    """
    xpsr = core_register(s, UC_ARM_REG_XPSR)
    if xpsr & IT_STATE:
        s.core.register[0] = xpsr & ~IT_STATE
        call_3(s.callback.write_cpu_register, s.callback.engine, UC_ARM_REG_XPSR, s.core.register.ctypes.data)


@compiled
def look_at_stack(s: Record) -> None:
    """Note whether the stack has reached its limit; ``s`` is the shared state."""
    reached = s.core.stack_limit != 0 and core_register(s, UC_ARM_REG_SP) < s.core.stack_limit
    if s.core.stack_guard:
        for at in range(0, STACK_GUARD_BYTES, 8):
            reached = reached or load_word(s.core.stack_guard + at) != UNTOUCHED
    s.core.stack_reached = reached


@compiled
def wake(s: Record) -> None:
    """The core goes on: where it waited for input, what the host has sent since starts to arrive.

    Args:
        s: The shared state.
    """
    if s.core.idle:
        s.core.idle = 0
        start_line(s)


@compiled
def is_thumb(s: Record) -> bool:
    """Whether the last jump was to an odd address; ``s`` is the shared state."""
    return core_register(s, UC_ARM_REG_CPSR) & THUMB_STATE != 0


@compiled
def start_core(s: Record, address: int) -> int:
    """Let the core run until a hook stops it; returns the engine's number for what ended that, 0: a stop.

    Args:
        s: The shared state.
        address: Where it starts.
    """
    # Where the core stopped before a block in Arm state, which it has not, it is to fail there.
    return call_5(s.callback.start, s.callback.engine, address | int(is_thumb(s)), 0, 0, 0)


@callback(types.int64(types.voidptr, types.int64))
def run_core(user: Any, instructions: int) -> int:
    """Let the core run on from where it stands until a hook stops it, then look at what has become of it.

    Args:
        user: Pointer to the shared state.
        instructions: The core stops at the first block after so many.

    Returns:
        0 when it has been stopped by the block hook and nothing is amiss; else a sum of ``FAILED``, ``ENDED``,
        ``AMISS``.
    """
    s = carray(user, (1,), LAYOUT)[0]
    wake(s)
    s.core.stopped = 0
    s.core.stop_at = min(s.core.instructions + instructions, NEVER)
    if s.callback.translations:
        s.core.error = call_2(s.callback.translations, s.callback.state, s.callback.context)
    else:
        s.core.error = start_core(s, core_register(s, UC_ARM_REG_PC))
    look_at_stack(s)
    if s.uart.tx_count:
        s.console.last_output_at = s.core.instructions
    silent = s.core.instructions - s.console.last_output_at
    amiss = s.core.stack_reached or (silent > s.core.silence_limit and not s.core.idle)
    return (FAILED if s.core.error else 0) + (0 if s.core.stopped else ENDED) + (AMISS if amiss else 0)
