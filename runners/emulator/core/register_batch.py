# SPDX-License-Identifier: Apache-2.0
"""Several registers of the core at once, through the engine's C interface: a tenth of the time of its Python one."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from unicorn import Uc

from mlperf_tiny.runners.emulator.native.bindings import read_batch, write_batch


class RegisterBatch:
    """The same registers of one engine, read and written again and again."""

    def __init__(self, uc: Uc, registers: Sequence[int]) -> None:
        """Lay out the arrays that the engine takes.

        Args:
            uc: The engine.
            registers: Its numbers of registers of at most 32 bits.
        """
        count = len(registers)
        self._uc, self._count = uc, count
        self._numbers = (ctypes.c_int * count)(*registers)
        self._values = (ctypes.c_uint64 * count)()
        first = ctypes.addressof(self._values)
        self._places = (ctypes.c_void_p * count)(*(first + 8 * index for index in range(count)))

    def read(self) -> list[int]:
        """Return the values, in order."""
        read_batch(self._uc, self._numbers, self._places, self._count)
        return list(self._values)

    def write(self, values: list[int]) -> None:
        """Write all of them.

        Args:
            values: In order.
        """
        self._values[:] = [*values]
        write_batch(self._uc, self._numbers, self._places, self._count)
