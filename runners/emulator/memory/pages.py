# SPDX-License-Identifier: Apache-2.0
"""Has the engine ask what the core may do on each page; ``native/pages.py`` answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unicorn import UC_HOOK_TLB_FILL, UC_TLB_VIRTUAL, Uc

from mlperf_tiny.runners.emulator.memory.memory import MappedMemory
from mlperf_tiny.runners.emulator.native import bindings
from mlperf_tiny.runners.emulator.native.pages import on_page
from mlperf_tiny.runners.emulator.native.state import PAGE_BITS, State


def ask_for_pages(uc: Uc, state: State, memories: Iterable[MappedMemory]) -> None:
    """Install the answer.

    Args:
        uc: The engine.
        state: Of its board; told where memory can be written.
        memories: All that is mapped.
    """
    page = 0
    for row, memory in zip(state.ram, (memory for memory in memories if memory.writable), strict=False):
        row.first, row.end, row.page = memory.base, memory.base + memory.size_bytes, page
        page += -(-memory.size_bytes >> PAGE_BITS)
    engine: Any = uc  # its type stubs do not know the call
    engine.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
    bindings.hook(uc, state, UC_HOOK_TLB_FILL, on_page.address)
