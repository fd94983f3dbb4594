# SPDX-License-Identifier: Apache-2.0
"""Two boards that run the same image, one with translations at once and one without; and what must be equal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.core import engine_callbacks
from mlperf_tiny.runners.emulator.native.state import LAYOUT
from mlperf_tiny.runners.emulator.translate import translator
from mlperf_tiny.runners.emulator.translate.compiler import Loader
from mlperf_tiny.runners.emulator.translate.units import Unit
from mlperf_tiny.runners.emulator.translate.worker import Order

# Of the state: where native code and the engine's hooks may differ, for what runs is divided between them.
_OWN = ("edges", "core", "callback", "rx", "tx")
_SHARED_CORE = ("instructions", "cycles", "idle_cycles", "next_address", "register_reads")


def _at_once(make: Callable[[], Unit], loader: Loader) -> Order:
    order = Order(make, loader)
    order.run()
    assert not order.error, order.error
    return order


def translate_at_once(monkeypatch: pytest.MonkeyPatch, hot_instructions: int = 2_000) -> None:
    """Every function that has run a little is translated as soon as the core stops, and before it goes on."""
    monkeypatch.setattr(translator, "BETWEEN_LOOKS", 0)
    monkeypatch.setattr(translator, "LOOK_INSTRUCTIONS", 0)
    monkeypatch.setattr(translator, "HOT_INSTRUCTIONS", hot_instructions)
    monkeypatch.setattr(translator, "make_in_background", _at_once)
    # Slices end by counts alone, so that both boards stop at the same places.
    monkeypatch.setattr(engine_callbacks, "SLICE_S", 1e9)
    monkeypatch.setattr(engine_callbacks, "SHORTEST_SLICE_S", 1e9)


def both(device: str, elf: bytes, level: str) -> tuple[EmulatedBoard, EmulatedBoard]:
    """A board without translations, and one with them."""
    plain = EmulatedBoard(find_board(device), elf, level, translate=False)
    return plain, EmulatedBoard(find_board(device), elf, level, translate=True)


def assert_equal(plain: EmulatedBoard, translated: EmulatedBoard) -> None:
    """All counts, the shared state with caches and predictions, all memories, and the registers are equal."""
    assert plain.counts == translated.counts
    executions = [{key: n for key, n in one.block_executions().items() if n} for one in (plain, translated)]
    assert executions[0] == executions[1]
    first, second = plain._state.array[0], translated._state.array[0]
    names = LAYOUT.names or ()
    assert [name for name in names if name not in _OWN and first[name].tobytes() != second[name].tobytes()] == []
    assert [first["core"][name] for name in _SHARED_CORE] == [second["core"][name] for name in _SHARED_CORE]
    for name, memory in plain._memories.items():
        assert bytes(memory.bytes) == bytes(translated._memories[name].bytes), name
    assert plain._faults.registers() == translated._faults.registers()
