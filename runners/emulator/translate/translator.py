# SPDX-License-Identifier: Apache-2.0
"""Decides which functions of a board are translated, and runs the core with the translations that are there.

The functions in which the engine has spent its time are translated in the background, each whole; until then, and for
everything that cannot be translated, the engine runs. It runs all once code in RAM has been executed: translations do
not look whether they write to code.
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

from unicorn import Uc

from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.core.block_costs import BlockCosts
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage
from mlperf_tiny.runners.emulator.memory.memory import MappedMemory
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.timing.levels import Level
from mlperf_tiny.runners.emulator.translate.guest.access import Place
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction, may_begin_in_it
from mlperf_tiny.runners.emulator.translate.guest.costs import Setting, memories_of
from mlperf_tiny.runners.emulator.translate.status import reads_status
from mlperf_tiny.runners.emulator.translate.tables import Tables
from mlperf_tiny.runners.emulator.translate.units import Unit, make_unit
from mlperf_tiny.runners.emulator.translate.worker import Order, make_in_background

# So many instructions pass before anything here is looked at again; a few slices of a console line do without.
BETWEEN_LOOKS = 100_000
# The engine's work is looked through each time it has run so many instructions.
LOOK_INSTRUCTIONS, MOST_LOOK_INSTRUCTIONS = 1_000_000, 64_000_000
# A block of so many bytes has too few instructions to be cut.
_SURELY_WHOLE_BYTES = 40
# After so many hand-overs it is looked whether they were worth it, and what they are for.
HAND_OVERS = 500
# A block is worth a translation once it has run so many.
HOT_INSTRUCTIONS = 50_000


@cache
def _say_once(error: str) -> None:
    warnings.warn(
        f"no native code could be made of a firmware function ({error}); the emulator runs it as before, only slower",
        RuntimeWarning,
        stacklevel=2,
    )


class Translator:
    """The translations of one board."""

    def __init__(
        self,
        uc: Uc,
        state: State,
        board: Board,
        level: Level,
        costs: BlockCosts,
        image: ElfImage,
        memories: dict[str, MappedMemory],
        excluded: str | None,
        bus: Bus,
    ) -> None:
        """Set up; nothing is translated yet.

        Args:
            uc: The engine.
            state: The shared state.
            board: The board.
            level: Its timing level.
            costs: Its blocks.
            image: Names its functions.
            memories: Its memories, by name.
            excluded: A function that is left to the engine.
            bus: Knows whether the firmware has enabled an interrupt, whose frame would hold Q.
        """
        self._uc, self._state, self._level, self._image = uc, state, level, image
        self._costs, self._ram, self._flash = costs, memories["ram"], memories["flash"]
        self._excluded, self._bus = excluded, bus
        state.core.costs_by_edge = level.cost_model.by_edge
        self.keeps_q = reads_status(self._flash.load(self._flash.base, self._flash.size_bytes))
        """Whether Q is kept: else nothing in the image can read it."""
        self._tables = Tables(state, costs, self._ram, self._flash)
        self._setting: Setting | None = None
        self._orders: dict[tuple[int, int], Order] = {}
        self._pending: list[Order] = []
        self._looked_at = state.core.look_at = 0
        self._look_every = LOOK_INSTRUCTIONS
        self._dropped_at = 0
        self._starts = [address for address, size, _ in image.functions if size]
        self._functions = [one for one in image.functions if one[1]]
        self.refused: list[str] = []
        """Why functions could not be compiled."""

    @property
    def native_instructions(self) -> int:
        """How many instructions translations have run."""
        return int(self._tables.context[0]["native_instructions"])

    def update(self) -> None:
        """Before the core runs on: take what has been made, and have made what is worth it."""
        core = self._state.core
        core.look_at = core.instructions + BETWEEN_LOOKS
        if core.code_in_ram:
            if not self._tables.is_empty:
                self._tables.clear()
            return
        if not core.may_enter or (not self.keeps_q and self._bus.enabled_interrupts):
            self._follow_setting()
        if self._pending:
            self._take_finished()
        if self._tables.hand_overs >= self._dropped_at + HAND_OVERS:
            self._dropped_at = self._tables.hand_overs
            self._tables.drop_short_visits()
            self._want_hot()
            self.want(self._tables.missed())
        if core.instructions - self._looked_at >= self._look_every:
            run_by_engine = core.instructions - self.native_instructions
            if run_by_engine - self._looked_at >= self._look_every:
                self._looked_at = run_by_engine
                # Less often while nothing comes of it.
                again = LOOK_INSTRUCTIONS if self._want_hot() else 2 * self._look_every
                self._look_every = min(again, MOST_LOOK_INSTRUCTIONS)

    def finish(self) -> None:
        """Wait until everything that is wanted by now has been made."""
        self.update()
        for order in self._pending:
            order.done.wait()
        self.update()

    def _want_hot(self) -> bool:
        """Have translated what is hot and is not; whether there was anything."""
        wanted = len(self._orders)
        self.want(address for address, count in self._costs.hot().items() if count >= HOT_INSTRUCTIONS)
        return len(self._orders) > wanted

    def _follow_setting(self) -> None:
        """Translations are made for one setting; the firmware has changed it, or may have."""
        setting = self._present_setting()
        if setting != self._setting:
            self._setting = setting
            self._orders.clear()
            self._pending.clear()
            self._tables.clear()
        self._state.core.may_enter = 1

    def _take_finished(self) -> None:
        for order in [order for order in self._pending if order.done.is_set()]:
            self._pending.remove(order)
            if order.unit is not None and order.address:
                if self._is_cut_alike(order.unit):
                    self._tables.add(order.unit, order.address)
            else:
                self.refused.append(order.error)
                _say_once(order.error)

    def _is_cut_alike(self, unit: Unit) -> bool:
        """Whether the engine ends the blocks of a unit where the unit does.

        The engine (2.1.4) also ends a block whose own code for it has become too long, after 29 instructions at least.
        """
        engine: Any = self._uc  # its type stubs do not know the call
        return all(
            engine.ctl_request_cache(address)[2] == size
            for address, size, _ in unit.blocks
            if size > _SURELY_WHOLE_BYTES
        )

    def _present_setting(self) -> Setting:
        level = self._level
        self.keeps_q = self.keeps_q or bool(self._bus.enabled_interrupts)
        return Setting(
            level.model,
            level.cost_model.by_edge,
            level.predicts_branches,
            self.keeps_q,
            Place(base=self._ram.base, size_bytes=self._ram.size_bytes),
            Place(base=self._flash.base, size_bytes=self._flash.size_bytes),
            memories_of(self._state) if level.watches_memory else None,
        )

    def want(self, addresses: Iterable[int]) -> None:
        """Have the functions translated that hold blocks at these addresses."""
        setting, model = self._setting, self._level.cost_model
        assert setting is not None
        for address in sorted(addresses):
            found = self._function_at(address)
            if found is None or self._tables.holds(address):
                continue
            start, size, name = found
            # First what the function's start leads to; what is still not there then is reached by computed jumps.
            root = start if (start, start) not in self._orders else address
            if (start, root) in self._orders or name == self._excluded:
                continue
            if root != start and (may_begin_in_it(root) or not self._orders[start, start].unit):
                continue
            function = GuestFunction(name=name, address=start, code=self._flash.load(start, size))
            make = partial(make_unit, function, (root,), setting, model)
            order = self._orders[start, root] = make_in_background(make)
            self._pending.append(order)

    def _function_at(self, address: int) -> tuple[int, int, str] | None:
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start, size, name = self._functions[index]
        inside = address < start + size and self._flash.holds(start, size)
        return (start, size, name) if inside else None
