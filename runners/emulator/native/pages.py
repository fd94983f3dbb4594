# SPDX-License-Identifier: Apache-2.0
"""What the core may do on each page, compiled: the engine's translation buffer is filled from here.

The buffer is small, so that two pages of a loop can push each other out: where the firmware keeps what it received on
the page whose place the console UART's takes, each byte that comes costs a fill.
"""

# Numba gives these functions other types than their annotations, which are for readers.
# mypy: disable-error-code="call-arg, arg-type, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types
from unicorn import UC_MEM_FETCH, UC_PROT_ALL, UC_PROT_READ, UC_PROT_WRITE

from mlperf_tiny.runners.emulator.native.c_calls import call_1
from mlperf_tiny.runners.emulator.native.engine import end_it_state
from mlperf_tiny.runners.emulator.native.jit_cache import callback
from mlperf_tiny.runners.emulator.native.state import LAYOUT, PAGE_BITS, RAM_PAGES, RAM_RANGES

# Architecture (DDI 0403, B3.1): no code in the peripheral, device and system regions.
PERIPHERALS, PERIPHERALS_END, DEVICES = 0x4000_0000, 0x6000_0000, 0xA000_0000

_ENTRY = np.dtype([("address", np.uint64), ("permissions", np.int32)], align=True)  # uc_tlb_entry


@callback(types.uint8(types.intp, types.uint64, types.int32, types.voidptr, types.voidptr))
def on_page(uc: int, page: int, access: int, entry: Any, user: Any) -> int:
    """The engine wants to know what may be done on a page.

    Left alone, the engine (2.1.4) takes its long path for every store to memory that could hold code, to notice code
    that is overwritten; that is a fifth of its time. Here RAM may only be read and written until the core first fetches
    from a page of it. From then on that page is like flash, and stores to it take the long path.

    Args:
        uc: The engine's handle.
        page: Its first address.
        access: Unicorn's kind of access.
        entry: Pointer to the answer.
        user: Pointer to the shared state.

    Returns:
        1; 0 where no code can be and some was wanted.
    """
    s = carray(user, (1,), LAYOUT)[0]
    answer = carray(entry, (1,), _ENTRY)[0]
    first = np.int64(page)
    answer.address = page
    answer.permissions = UC_PROT_ALL
    if PERIPHERALS <= first < PERIPHERALS_END or first >= DEVICES:
        if access == UC_MEM_FETCH:
            call_1(s.callback.bad_fetch, uc)
            return 0
        answer.permissions = UC_PROT_READ | UC_PROT_WRITE
    else:
        for row in range(RAM_RANGES):
            ram = s.ram[row]
            if ram.first <= first < ram.end:
                number = ram.page + (first - ram.first >> PAGE_BITS)
                if number >= RAM_PAGES:  # of a board with more memory than any chip has: as if it could hold code
                    continue
                if access == UC_MEM_FETCH:
                    s.with_code[number] = 1
                    # Translations do not look whether they write to code.
                    s.core.code_in_ram = 1
                    s.core.may_enter = 0
                elif not s.with_code[number]:
                    answer.permissions = UC_PROT_READ | UC_PROT_WRITE
    if access != UC_MEM_FETCH:
        end_it_state(s)
    return 1
