# SPDX-License-Identifier: Apache-2.0
"""What the core may do on each page: the engine's translation buffer is filled from here.

Left alone, the engine (2.1.4) takes its long path for every store to memory that could hold code, to notice code that
is overwritten; that is a fifth of its time. Here RAM may only be read and written until the core first fetches from a
page of it. From then on that page is like flash, and stores to it take the long path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import unicorn.arm_const as arm
from unicorn import (
    UC_HOOK_TLB_FILL,
    UC_MEM_FETCH,
    UC_PROT_ALL,
    UC_PROT_READ,
    UC_PROT_WRITE,
    UC_TLB_VIRTUAL,
    Uc,
)

from mlperf_tiny.runners.emulator.memory.memory import MappedMemory

# Architecture (DDI 0403, B3.1): no code in the peripheral, device and system regions.
_NEVER_CODE = ((0x4000_0000, 0x6000_0000), (0xA000_0000, 0x1_0000_0000))
_IT_STATE = 0x0600_FC00  # of xPSR


class Pages:
    """Installs itself in ``uc``; ``on_bad_fetch`` is called when the core jumps to where no code can be."""

    def __init__(self, uc: Uc, memories: Iterable[MappedMemory], on_bad_fetch: Callable[[], None]) -> None:
        self._uc, self._on_bad_fetch = uc, on_bad_fetch
        self._ram = tuple((memory.base, memory.base + memory.size_bytes) for memory in memories if memory.writable)
        self._with_code: set[int] = set()
        engine: Any = uc  # its type stubs do not know the call
        engine.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
        uc.hook_add(UC_HOOK_TLB_FILL, self._fill)

    def _fill(self, uc: Uc, page: int, access: int, entry: Any, data: object) -> bool:
        entry.paddr = page
        if any(first <= page < end for first, end in _NEVER_CODE):
            if access == UC_MEM_FETCH:
                self._on_bad_fetch()
                return False
            entry.perms = UC_PROT_READ | UC_PROT_WRITE
        elif access == UC_MEM_FETCH:
            self._with_code.add(page)
            entry.perms = UC_PROT_ALL
        else:
            is_data = page not in self._with_code and any(first <= page < end for first, end in self._ram)
            entry.perms = UC_PROT_READ | UC_PROT_WRITE if is_data else UC_PROT_ALL
        if access != UC_MEM_FETCH:
            self._clear_it_state()
        return True

    def _clear_it_state(self) -> None:
        # For this hook the engine restores the IT state of the instruction that accesses memory, and does not take it
        # back: the next block would start under that condition. The rest of this block does not look at it any more.
        xpsr = self._uc.reg_read(arm.UC_ARM_REG_XPSR)
        if xpsr & _IT_STATE:
            self._uc.reg_write(arm.UC_ARM_REG_XPSR, xpsr & ~_IT_STATE)
