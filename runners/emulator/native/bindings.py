# SPDX-License-Identifier: Apache-2.0
"""Unicorn's C interface for what its Python one does too slowly: compiled hooks, installed by address."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Protocol

import unicorn.unicorn_py3.unicorn as loaded
from unicorn import UC_HOOK_BLOCK, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, Uc, UcError

from mlperf_tiny.runners.emulator.native import callbacks as native
from mlperf_tiny.runners.emulator.native.engine import run_core
from mlperf_tiny.runners.emulator.native.state import State

_POINTER, _U64, _I64 = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int64
_CostCallback = ctypes.CFUNCTYPE(_I64, _I64, _I64)
_BadFetchCallback = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER)
_ReadCallback = ctypes.CFUNCTYPE(_I64, _I64, _I64)
_WriteCallback = ctypes.CFUNCTYPE(_I64, _I64, _I64, _I64)
_RunCore = ctypes.CFUNCTYPE(_I64, _POINTER, _I64)

_REGISTERS = (
    (native.PERIPHERAL_BASE, native.PERIPHERAL_BYTES, native.on_peripheral_read, native.on_peripheral_write),
    (native.PRIVATE_BASE, native.PRIVATE_BYTES, native.on_private_read, native.on_private_write),
)
"""Ranges of addresses that hold registers, and what is called for accesses there."""


@cache
def _library() -> Any:
    """The same shared library the Python package uses, with prototypes of our own."""
    library = ctypes.CDLL(loaded.uclib._name)
    library.uc_hook_add.argtypes = [_POINTER, _POINTER, ctypes.c_int, _POINTER, _POINTER, _U64, _U64]
    library.uc_mmio_map.argtypes = [_POINTER, _U64, ctypes.c_size_t, _POINTER, _POINTER, _POINTER, _POINTER]
    library.uc_reg_read_batch.argtypes = [_POINTER, _POINTER, _POINTER, ctypes.c_int]
    library.uc_reg_write_batch.argtypes = [_POINTER, _POINTER, _POINTER, ctypes.c_int]
    library.uc_strerror.argtypes = [ctypes.c_int]
    library.uc_strerror.restype = ctypes.c_char_p
    return library


def _check(status: int) -> None:
    if status:
        raise UcError(status)


def read_batch(uc: Any, registers: Any, places: Any, count: int) -> None:
    """Read registers of the core.

    Args:
        uc: The engine.
        registers: Array of its numbers of them.
        places: Array of addresses that get the values.
        count: How many.
    """
    _check(_library().uc_reg_read_batch(uc._uch, registers, places, count))


def write_batch(uc: Any, registers: Any, places: Any, count: int) -> None:
    """Write registers of the core.

    Args:
        uc: The engine.
        registers: Array of its numbers of them.
        places: Array of addresses that hold the values.
        count: How many.
    """
    _check(_library().uc_reg_write_batch(uc._uch, registers, places, count))


def error_text(status: int) -> str:
    """Unicorn's text of one of its error numbers."""
    return str(_library().uc_strerror(status).decode())


def address_of(name: str) -> int:
    """The address of a function of the engine."""
    return ctypes.cast(getattr(_library(), name), _POINTER).value or 0


def release(uc: Any) -> None:
    """Free what an engine holds, now and not once Python finds that it is not used; it cannot be used any more."""
    uc._Uc__finalizer()
    vars(uc).clear()


def hook(uc: Uc, state: State, kinds: int, function: int, last: int | None = None) -> None:
    """Have the engine call a compiled function.

    Args:
        uc: The engine.
        state: The shared state, which the function is given.
        kinds: Unicorn's numbers of the occasions.
        function: Its address.
        last: The last address at which it is called; None: everywhere.
    """
    # begin > end: every address
    begin, end = (1, 0) if last is None else (0, last)
    handle = ctypes.c_size_t()
    _check(_library().uc_hook_add(uc._uch, ctypes.byref(handle), kinds, function, state.address, begin, end))


class PythonCallbacks(Protocol):
    """What the compiled hooks call in Python."""

    def cost_block(self, address: int, size_bytes: int) -> int:
        """Cost a block that is seen for the first time on this edge.

        Args:
            address: Of the block.
            size_bytes: Of the block.

        Returns:
            1 to refuse it.
        """

    def read_register(self, address: int, size_bytes: int) -> int:
        """Answer a read of a register that no native model answers.

        Args:
            address: Of the register.
            size_bytes: 1, 2 or 4.
        """

    def write_register(self, address: int, size_bytes: int, value: int) -> int:
        """Carry out a write of a register that no native model takes.

        Args:
            address: Of the register.
            size_bytes: 1, 2 or 4.
            value: What is written.
        """

    def bad_fetch(self, engine: int) -> int:
        """The core jumps to where no code can be; ``engine`` is a handle."""


class NativeCore:
    """The compiled hooks of one core, installed."""

    def __init__(self, uc: Uc, state: State, callbacks: PythonCallbacks, count_blocks: bool) -> None:
        """Install the hooks.

        Loads and stores are watched where ``state`` has ``watches_memory``; each then takes the engine's long path.

        Args:
            uc: The engine.
            state: The shared state.
            callbacks: What the hooks call in Python.
            count_blocks: False: nothing is counted and nothing can stop the core, for benchmarks only.
        """
        library = _library()
        # Kept, so that they live as long as the engine runs.
        self._called: dict[str, Any] = {
            "cost_block": _CostCallback(callbacks.cost_block),
            "read": _ReadCallback(callbacks.read_register),
            "write": _WriteCallback(callbacks.write_register),
            "bad_fetch": _BadFetchCallback(callbacks.bad_fetch),
            "start": library.uc_emu_start,
            "stop": library.uc_emu_stop,
            "read_cpu_register": library.uc_reg_read,
            "write_cpu_register": library.uc_reg_write,
        }
        for name, function in self._called.items():
            setattr(state.callback, name, ctypes.cast(function, _POINTER).value or 0)
        state.callback.engine = uc._uch.value
        state.callback.state = state.address
        state.callback.other_block = native.on_other_block.address
        # No address ends a run, the hooks do; for one that did the engine would look up its page after each run.
        uc.ctl_exits_enabled(True)
        uc.ctl_set_exits([])
        if count_blocks:
            on_block = native.on_watched_block if state.core.watches_memory else native.on_block
            hook(uc, state, UC_HOOK_BLOCK, on_block.address)
            if state.core.watches_memory:
                accesses = UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE
                hook(uc, state, accesses, native.on_access.address, native.PERIPHERAL_BASE - 1)
        user = state.address
        for base, size, read, write in _REGISTERS:
            _check(library.uc_mmio_map(uc._uch, base, size, read.address, user, write.address, user))
        self.run: Callable[[int], int] = partial(_RunCore(run_core.address), state.address)
        """Lets the core run until a hook stops it, at the latest after so many instructions; see ``run_core``."""
