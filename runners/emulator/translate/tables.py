# SPDX-License-Identifier: Apache-2.0
"""What the compiled code that runs translations reads: its context, and where each translated block can be entered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import unicorn.arm_const as arm

from mlperf_tiny.runners.emulator.core.block_costs import BlockCosts, Counters
from mlperf_tiny.runners.emulator.memory.memory import MappedMemory
from mlperf_tiny.runners.emulator.native import bindings
from mlperf_tiny.runners.emulator.native.state import State, block_before
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.translate.function import UNKNOWN
from mlperf_tiny.runners.emulator.translate.guest import running
from mlperf_tiny.runners.emulator.translate.units import Unit

_REGISTERS = (
    *(arm.UC_ARM_REG_R0 + index for index in range(13)),
    arm.UC_ARM_REG_SP,
    arm.UC_ARM_REG_LR,
    arm.UC_ARM_REG_APSR,
)

# Stopping the core and starting it again takes as long as a few hundred instructions.
ENOUGH_VISITS, WORTH_INSTRUCTIONS = 100, 300
# So many of these are worth a translation of where they lead to.
OFTEN_MISSED = 100


class Tables:
    """The tables of one board."""

    def __init__(self, state: State, costs: BlockCosts, ram: MappedMemory, flash: MappedMemory) -> None:
        """Set up without any translation.

        Args:
            state: The shared state of the board.
            costs: Its blocks.
            ram: The memory that translations read and write.
            flash: The memory that they read, and whose code is translated.
        """
        self._state, self._costs, self._flash = state, costs, flash
        self._keep: list[Any] = []
        self.context: npt.NDArray[np.void] = np.zeros(1, running.CONTEXT)
        context = self.context[0]
        context["read_batch"] = bindings.address_of("uc_reg_read_batch")
        context["write_batch"] = bindings.address_of("uc_reg_write_batch")
        for field in running.CALLED:
            context[field] = getattr(running, field).address
        context["ram"], context["flash"] = ram.host_address(ram.base), flash.host_address(flash.base)
        context["ids"] = _REGISTERS
        start = self.context.ctypes.data
        assert running.CONTEXT.fields is not None
        first, last = (start + running.CONTEXT.fields[name][1] for name in ("registers", "apsr"))
        context["pointers"] = [first + 4 * index for index in range(15)] + [last]
        context["first"], context["end"] = flash.base, flash.base + flash.size_bytes
        self.clear()

    def clear(self) -> None:
        """Forget all translations; what they have counted stays."""
        self._entries: npt.NDArray[np.void] = np.zeros(0, running.ENTRY)
        self._addresses: list[int] = []
        self._not_worth: set[int] = set()
        self._places = np.zeros(self._flash.size_bytes // 2, np.int32)
        self._set_rows(self._entries)
        self._costs.mark(set())

    @property
    def is_empty(self) -> bool:
        """Whether there is no translation."""
        return not len(self._entries)

    @property
    def hand_overs(self) -> int:
        """How often the core was stopped so far to go on with a translation."""
        return int(self.context[0]["hand_overs"])

    def holds(self, address: int) -> bool:
        """Whether the block at an address is translated."""
        context = self.context[0]
        return bool(context["first"] <= address < context["end"] and self._places[self._place(address)] > 0)

    def missed(self) -> list[int]:
        """Where translations had to hand over to the engine often, for want of another."""
        return [self._flash.base + 2 * place for place in np.flatnonzero(self._places <= -OFTEN_MISSED).tolist()]

    def _place(self, address: int) -> int:
        return (address - self._flash.base) >> 1

    def add(self, unit: Unit, code: int, replaces: bool = False) -> npt.NDArray[np.int64]:
        """Use a translation from now on.

        Args:
            unit: What it is.
            code: Where its function is in this process.
            replaces: Whether it is entered also where others are.

        Returns:
            How often each of its edges runs, which it counts here.
        """
        numbers = [self._costs.number_of(Block(at, self._flash.load(at, size))) for at, size, _ in unit.blocks]
        words = self._costs.mispredict_cycles
        for number, (_, _, cycles) in zip(numbers, unit.blocks, strict=True):
            if cycles != UNKNOWN and not words[number]:
                words[number] = cycles + 1
        # The counters of the edges, then the addresses of the words above.
        counts = np.zeros(len(unit.targets) + len(numbers), np.int64)
        counts[len(unit.targets) :] = [words.ctypes.data + 8 * number for number in numbers]
        by_edge = self._state.core.costs_by_edge
        before = np.array([block_before(number) if by_edge else 0 for number in numbers], np.int64)
        self._keep += [counts, before]
        if unit.targets:
            blocks = tuple(unit.blocks[number][:2] for number in unit.targets)
            executions = counts[: len(unit.targets)]
            self._costs.count_also(Counters(executions=executions, blocks=blocks, parts=unit.parts))
        rows = self._rows(unit, code, counts, before)
        held = len(self._entries)
        self._addresses += [address for address, _, _ in unit.blocks]
        for index, ((address, _, _), is_translated) in enumerate(zip(unit.blocks, unit.translated, strict=True)):
            place = self._place(address)
            if is_translated and (replaces or self._places[place] <= 0):
                self._places[place] = held + index + 1
        self._set_rows(np.concatenate([self._entries, rows]))
        self._mark()
        return counts[: len(unit.targets)]

    def _rows(
        self, unit: Unit, code: int, counts: npt.NDArray[np.int64], before: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.void]:
        rows: npt.NDArray[np.void] = np.zeros(len(unit.blocks), running.ENTRY)
        rows["code"], rows["counts"], rows["numbers"] = code, counts.ctypes.data, before.ctypes.data
        rows["index"] = np.arange(len(rows))
        rows["size_bytes"] = [size for _, size, _ in unit.blocks]
        rows["instructions"], rows["cycles"] = unit.instructions, unit.cycles
        return rows

    def _mark(self) -> None:
        starts = {self._flash.base + 2 * int(place) for place in np.flatnonzero(self._places > 0)}
        self._costs.mark(starts - self._not_worth)

    def drop_short_visits(self) -> None:
        """Do not stop the core any more for blocks from which translations soon come back to it."""
        visits, gained = self._entries["visits"], self._entries["gained"]
        rows = np.flatnonzero((visits >= ENOUGH_VISITS) & (gained < visits * WORTH_INSTRUCTIONS))
        if len(rows):
            self._not_worth |= {self._addresses[row] for row in rows.tolist()}
            self._mark()
        self._entries["visits"] = self._entries["gained"] = 0

    def _set_rows(self, entries: npt.NDArray[np.void]) -> None:
        self._entries = entries
        context, callback = self.context[0], self._state.callback
        context["entries"], context["rows"] = entries.ctypes.data, len(entries)
        context["places"] = self._places.ctypes.data
        callback.context = self.context.ctypes.data
        callback.translations = running.run_translated.address if len(entries) else 0
