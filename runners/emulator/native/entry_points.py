# SPDX-License-Identifier: Apache-2.0
"""The compiled functions that Python calls: each takes the ``State`` where the compiled one takes its record.

Compiled functions pass the record on, which costs nothing. From Python a record would cost more than the call, so the
entries take an array of one. They are written out because Numba keeps no compiled closures between processes.
"""

from __future__ import annotations

from typing import Any

from mlperf_tiny.runners.emulator.native import branches, callbacks, engine, memory, uart
from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import State

_Array = Any


@compiled
def _advance(array: _Array) -> Any:
    return uart.advance(array[0])


@compiled
def _status(array: _Array) -> Any:
    return uart.status(array[0])


@compiled
def _start_line(array: _Array) -> Any:
    return uart.start_line(array[0])


@compiled
def _next_event(array: _Array) -> Any:
    return uart.next_event(array[0])


@compiled
def _wait(array: _Array) -> Any:
    return uart.wait(array[0])


@compiled
def _look_at_stack(array: _Array) -> Any:
    return engine.look_at_stack(array[0])


@compiled
def _wake(array: _Array) -> Any:
    return engine.wake(array[0])


@compiled
def _read_status(array: _Array) -> Any:
    return uart.read_status(array[0])


@compiled
def _read_data(array: _Array) -> Any:
    return uart.read_data(array[0])


@compiled
def _write_data(array: _Array, value: int) -> Any:
    return uart.write_data(array[0], value)


@compiled
def _mispredicted(array: _Array, branch: int, taken: bool, target: int) -> Any:
    return branches.mispredicted(array[0], branch, taken, target)


@compiled
def _fetch(array: _Array, first: int, last: int, taken: bool) -> Any:
    return memory.fetch(array[0], first, last, taken)


@compiled
def _access(array: _Array, address: int, size: int, is_write: bool) -> Any:
    return memory.access(array[0], address, size, is_write)


@compiled
def _unaligned_cycles(array: _Array, address: int, size: int, is_write: bool) -> Any:
    return memory.unaligned_cycles(array[0], address, size, is_write)


@compiled
def _find_row(array: _Array, before: int, rest: int) -> Any:
    return callbacks.find_row(array[0], before, rest)


@compiled
def _read_counter(array: _Array, index: int) -> Any:
    return callbacks.read_counter(array[0], index)


@compiled
def _read_register(array: _Array, address: int, size: int) -> Any:
    return callbacks.read_register(array[0], address, size)


def advance(state: State) -> None:
    """See ``uart.advance``."""
    _advance(state.array)


def status(state: State) -> int:
    """See ``uart.status``."""
    return int(_status(state.array))


def start_line(state: State) -> None:
    """See ``uart.start_line``."""
    _start_line(state.array)


def next_event(state: State) -> int:
    """See ``uart.next_event``."""
    return int(_next_event(state.array))


def wait(state: State) -> None:
    """See ``uart.wait``."""
    _wait(state.array)


def look_at_stack(state: State) -> None:
    """See ``engine.look_at_stack``."""
    _look_at_stack(state.array)


def wake(state: State) -> None:
    """See ``engine.wake``."""
    _wake(state.array)


def read_status(state: State) -> int:
    """See ``uart.read_status``."""
    return int(_read_status(state.array))


def read_data(state: State) -> int:
    """See ``uart.read_data``."""
    return int(_read_data(state.array))


def write_data(state: State, value: int) -> None:
    """See ``uart.write_data``.

    Args:
        state: The shared state.
        value: The low 8 bits are sent.
    """
    _write_data(state.array, value)


def mispredicted(state: State, branch: int, taken: bool, target: int) -> bool:
    """See ``branches.mispredicted``.

    Args:
        state: The shared state.
        branch: The address after the branch.
        taken: Whether it was taken.
        target: Where it went.
    """
    return bool(_mispredicted(state.array, branch, taken, target))


def fetch(state: State, first: int, last: int, taken: bool) -> None:
    """See ``memory.fetch``.

    Args:
        state: The shared state.
        first: Address of the block's first byte.
        last: Address of its last byte.
        taken: Whether it was reached by a taken branch.
    """
    _fetch(state.array, first, last, taken)


def access(state: State, address: int, size: int, is_write: bool) -> None:
    """See ``memory.access``.

    Args:
        state: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
        is_write: A store, not a load.
    """
    _access(state.array, address, size, is_write)


def unaligned_cycles(state: State, address: int, size: int, is_write: bool) -> int:
    """See ``memory.unaligned_cycles``.

    Args:
        state: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
        is_write: A store, not a load.
    """
    return int(_unaligned_cycles(state.array, address, size, is_write))


def find_row(state: State, before: int, rest: int) -> int:
    """See ``callbacks.find_row``.

    Args:
        state: The shared state.
        before: See ``state.block_before``.
        rest: See ``state.edge_rest``.
    """
    return int(_find_row(state.array, before, rest))


def read_counter(state: State, index: int) -> int:
    """See ``callbacks.read_counter``.

    Args:
        state: The shared state.
        index: Row of ``counters``.
    """
    return int(_read_counter(state.array, index))


def read_register(state: State, address: int, size: int) -> int:
    """See ``callbacks.read_register``.

    Args:
        state: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
    """
    return int(_read_register(state.array, address, size))
