# SPDX-License-Identifier: Apache-2.0
"""A switch that the engine has no call for: whether memory hooks are called with an exact program counter.

For each watched load and store the engine (2.1.4) computes which instruction of the block it is at, by reading through
the block's translation from its start. That takes three quarters of the time of a run that watches memory, for a result
that is not needed here. The engine skips it while a flag of its own is set, which writing the program counter also
sets. Where that flag lies is found by trying, on a core made for that: no layout is assumed. Where it is not found the
engine works as before, only slower.

Whoever stops the core while the flag is set must clear it first, or the core stands at the start of the block.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import unicorn.arm_const as arm
from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_HOOK_MEM_READ, UC_MODE_THUMB, Uc, UcError

_BASE, _END, _LOAD = 0x1000, 0x100E, 0x1004
_CODE = bytes.fromhex("00bf 00bf 0868 00bf 00bf 00bf 00bf")  # nop; nop; ldr r0, [r1]; nop ...


@cache
def flag_offset() -> int | None:
    """Where the flag lies from the start of the engine's own structure; None when it cannot be found."""
    if not sys.platform.startswith("linux"):
        return None
    core = _new_core()
    before = _inside(core)
    core.reg_write(arm.UC_ARM_REG_PC, _BASE | 1)
    after = _inside(core)
    changed = [place for place, (was, now) in enumerate(zip(before, after, strict=True)) if (was, now) == (0, 1)]
    found = [place for place in changed if _hides_the_pc(place)]
    return found[0] if len(found) == 1 else None


def flag_address(uc: Uc) -> int:
    """The address of the flag, one byte, of this core; 0 when it cannot be found."""
    offset = flag_offset()
    return 0 if offset is None else _structure(uc) + offset


def clear(address: int) -> None:
    """Clear the flag at ``address``, unless that is 0."""
    if address:
        ctypes.c_ubyte.from_address(address).value = 0


def _new_core() -> Uc:
    core = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
    core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
    engine: Any = core  # its type stubs do not know the call
    engine.ctl_set_tcg_buffer_size(1 << 20)
    core.mem_map(_BASE, 0x1000)
    core.mem_write(_BASE, _CODE)
    core.reg_write(arm.UC_ARM_REG_R1, _BASE + 0x100)
    core.emu_start(_BASE | 1, _END)
    return core


def _structure(uc: Uc) -> int:
    handle: Any = uc
    return int(handle._uch.value)


def _inside(uc: Uc) -> bytes:
    """The bytes of the engine's structure, as far as they were allocated."""
    libc: Any = ctypes.CDLL(None)
    libc.malloc_usable_size.argtypes, libc.malloc_usable_size.restype = [ctypes.c_void_p], ctypes.c_size_t
    start = _structure(uc)
    return ctypes.string_at(start, libc.malloc_usable_size(start))


def _hides_the_pc(place: int) -> bool:
    """Whether setting the byte makes the load's hook see the start of its block, and changes nothing else."""
    core = _new_core()
    seen: list[int] = []
    flag = ctypes.c_ubyte.from_address(_structure(core) + place)

    def on_block(uc: Uc, address: int, size: int, data: object) -> None:
        flag.value = 1

    def on_read(uc: Uc, access: int, address: int, size: int, value: int, data: object) -> None:
        seen.append(uc.reg_read(arm.UC_ARM_REG_PC))

    try:
        core.hook_add(UC_HOOK_MEM_READ, on_read)
        core.emu_start(_BASE | 1, _END)
        core.hook_add(UC_HOOK_BLOCK, on_block)
        core.emu_start(_BASE | 1, _END)
    except UcError:
        return False
    return seen == [_LOAD, _BASE] and core.reg_read(arm.UC_ARM_REG_PC) == _END
