# SPDX-License-Identifier: Apache-2.0
"""Unicorn's C interface for what its Python one does too slowly: compiled hooks, installed by address."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import unicorn.unicorn_py3.unicorn as loaded
from unicorn import UC_HOOK_BLOCK, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, Uc, UcError

from mlperf_tiny.runners.emulator.native import callbacks as native
from mlperf_tiny.runners.emulator.native.state import State

_POINTER, _U64, _I64 = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int64
_CostCallback = ctypes.CFUNCTYPE(_I64, _I64, _I64)
_ReadCallback = ctypes.CFUNCTYPE(_I64, _I64, _I64)
_WriteCallback = ctypes.CFUNCTYPE(_I64, _I64, _I64, _I64)


@cache
def _library() -> Any:
    """The same shared library the Python package uses, with prototypes of our own."""
    library = ctypes.CDLL(loaded.uclib._name)
    library.uc_hook_add.argtypes = [_POINTER, _POINTER, ctypes.c_int, _POINTER, _POINTER, _U64, _U64]
    library.uc_mmio_map.argtypes = [_POINTER, _U64, ctypes.c_size_t, _POINTER, _POINTER, _POINTER, _POINTER]
    library.uc_emu_start.argtypes = [_POINTER, _U64, _U64, _U64, ctypes.c_size_t]
    library.uc_strerror.argtypes = [ctypes.c_int]
    library.uc_strerror.restype = ctypes.c_char_p
    return library


def _check(status: int) -> None:
    if status:
        raise UcError(status)


def error_text(status: int) -> str:
    """Unicorn's text of one of its error numbers."""
    return str(_library().uc_strerror(status).decode())


def start(uc: Uc, address: int, end: int) -> int:
    """Run until a hook stops the core.

    Args:
        uc: The engine.
        address: Where to start, odd.
        end: An address at which the engine stops.

    Returns:
        Unicorn's error number; 0: none.
    """
    return int(_library().uc_emu_start(uc._uch, address, end, 0, 0))


def install(
    uc: Uc,
    state: State,
    cost_block: Callable[[int, int], int],
    read_register: Callable[[int, int], int],
    write_register: Callable[[int, int, int], int],
    count_blocks: bool,
) -> tuple[object, ...]:
    """Install the compiled hooks.

    Loads and stores are watched where ``state`` has ``watches_memory``; each then takes the engine's long path.

    Args:
        uc: The engine.
        state: The shared state.
        cost_block: (address, size in bytes) of a block seen for the first time on this edge; 1 refuses it.
        read_register: (address, size in bytes) of a register that no native model answers.
        write_register: (address, size in bytes, value).
        count_blocks: False: nothing is counted and nothing can stop the core, for benchmarks only.

    Returns:
        The Python callbacks, which must live as long as ``uc`` runs.
    """
    library = _library()
    callbacks = (_CostCallback(cost_block), _ReadCallback(read_register), _WriteCallback(write_register))
    for name, callback in zip(("cost_block", "read", "write"), callbacks, strict=True):
        setattr(state.callback, name, ctypes.cast(callback, _POINTER).value or 0)
    state.callback.stop = ctypes.cast(library.uc_emu_stop, _POINTER).value or 0
    state.callback.read_cpu_register = ctypes.cast(library.uc_reg_read, _POINTER).value or 0
    state.callback.write_cpu_register = ctypes.cast(library.uc_reg_write, _POINTER).value or 0
    user = state.address
    if count_blocks:
        handle = ctypes.c_size_t()
        # begin > end: every address
        _check(library.uc_hook_add(uc._uch, ctypes.byref(handle), UC_HOOK_BLOCK, native.on_block.address, user, 1, 0))
        if state.core.watches_memory:
            accesses = UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE
            last = native.PERIPHERAL_BASE - 1
            handle = ctypes.c_size_t()
            _check(
                library.uc_hook_add(uc._uch, ctypes.byref(handle), accesses, native.on_access.address, user, 0, last)
            )
    for base, size, read, write in (
        (
            native.PERIPHERAL_BASE,
            native.PERIPHERAL_BYTES,
            native.on_peripheral_read,
            native.on_peripheral_write,
        ),
        (native.PRIVATE_BASE, native.PRIVATE_BYTES, native.on_private_read, native.on_private_write),
    ):
        _check(library.uc_mmio_map(uc._uch, base, size, read.address, user, write.address, user))
    return callbacks
