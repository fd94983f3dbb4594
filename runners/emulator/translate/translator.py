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
from dataclasses import replace
from functools import cache, partial
from typing import Any

from unicorn import Uc
from unicorn.arm_const import UC_ARM_REG_XPSR

from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.core.block_costs import BlockCosts
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage
from mlperf_tiny.runners.emulator.memory.memory import MappedMemory
from mlperf_tiny.runners.emulator.native.engine import IT_STATE
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.timing.levels import Level
from mlperf_tiny.runners.emulator.translate.call_targets import functions_in
from mlperf_tiny.runners.emulator.translate.compiler import Loader
from mlperf_tiny.runners.emulator.translate.guest.access import Place
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction, may_begin_in_it
from mlperf_tiny.runners.emulator.translate.guest.costs import Setting, memories_of
from mlperf_tiny.runners.emulator.translate.status import reads_status
from mlperf_tiny.runners.emulator.translate.tables import Tables
from mlperf_tiny.runners.emulator.translate.units import Unit, make_unit
from mlperf_tiny.runners.emulator.translate.wanted import Wanted
from mlperf_tiny.runners.emulator.translate.worker import make_in_background

# So many instructions pass before anything here is looked at again; a few slices of a console line do without.
BETWEEN_LOOKS = 100_000
# The engine's work is looked through each time it has run so many instructions.
LOOK_INSTRUCTIONS, MOST_LOOK_INSTRUCTIONS = 1_000_000, 64_000_000
# After so many instructions it is looked which units are worth to be made again.
BETWEEN_IMPROVEMENTS = 20_000_000
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
        self._loader = Loader()
        self._wanted: dict[tuple[int, int], Wanted] = {}
        self._pending: list[Wanted] = []
        self._has_more = False  # something hot waits for a unit of the same function
        self._improved_at = 0
        self._looked_at = state.core.look_at = 0
        self._look_every = LOOK_INSTRUCTIONS
        self._dropped_at = 0
        self._functions = [one for one in image.functions or functions_in(image.segments) if one[1]]
        self._starts = [address for address, _, _ in self._functions]
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
        if self._pending and not self._uc.reg_read(UC_ARM_REG_XPSR) & IT_STATE:
            self._take_finished()
        if core.instructions - self._improved_at >= BETWEEN_IMPROVEMENTS:
            self._improved_at = core.instructions
            self._improve()
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
        while self._pending:
            for wanted in self._pending:
                wanted.order.done.wait()
            self._take_finished()

    def close(self) -> None:
        """Release the code of all translations; nothing can run any more."""
        self._tables.clear()
        self._wanted.clear()
        self._pending.clear()
        self._loader = Loader()

    def _want_hot(self) -> bool:
        """Have translated what is hot and is not; whether there was anything."""
        wanted = len(self._wanted)
        self.want(address for address, count in self._costs.hot().items() if count >= HOT_INSTRUCTIONS)
        return len(self._wanted) > wanted or self._has_more

    def _follow_setting(self) -> None:
        """Translations are made for one setting; the firmware has changed it, or may have."""
        setting = self._present_setting()
        if setting != self._setting:
            self._setting = setting
            self._wanted.clear()
            self._pending.clear()
            self._has_more = False
            self._tables.clear()
        self._state.core.may_enter = 1

    def _take_finished(self) -> None:
        for wanted in [one for one in self._pending if one.order.done.is_set()]:
            self._pending.remove(wanted)
            unit, address = wanted.order.unit, wanted.order.address
            if unit is None or not address:
                self.refused.append(wanted.order.error)
                _say_once(wanted.order.error)
            elif cuts := self._other_cuts(unit):
                self._cut_again(wanted, cuts)
            else:
                wanted.executions = self._tables.add(unit, address, replaces=not unit.is_quick)
        if self._has_more and not self._pending:
            self._has_more = False
            self._want_hot()

    def _other_cuts(self, unit: Unit) -> dict[int, int]:
        """Addresses of blocks of a unit that the engine ends elsewhere, with their sizes there."""
        engine: Any = self._uc  # its type stubs do not know the call
        cuts = {}
        for (address, size, _), is_translated in zip(unit.blocks, unit.translated, strict=True):
            if is_translated and size > _SURELY_WHOLE_BYTES:
                size_there = engine.ctl_request_cache(address)[2]
                if size_there != size:
                    cuts[address] = size_there
        return cuts

    def _cut_again(self, wanted: Wanted, cuts: dict[int, int]) -> None:
        """Have a unit made with its blocks cut as the engine cuts them; one that still differs is not used."""
        known = dict(wanted.function.cuts)
        if known.keys().isdisjoint(cuts):
            function = replace(wanted.function, cuts=tuple(sorted({**known, **cuts}.items())))
            self._order(function, wanted.root, True)

    def _improve(self) -> None:
        """Have made again, with more effort, what has been run much."""
        for wanted in [one for one in self._wanted.values() if one.is_worth_more()]:
            self._order(wanted.function, wanted.root, False)

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
        for address in sorted(addresses):
            found = self._function_at(address)
            if found is None or self._tables.holds(address):
                continue
            start, size, name = found
            # First what the function's start leads to; what is still not there then is reached by computed jumps.
            root = start if (start, start) not in self._wanted else address
            if (start, root) in self._wanted or name == self._excluded:
                continue
            if any(one.function.address == start for one in self._pending):
                self._has_more = True  # it may be in that
                continue
            if root != start and (may_begin_in_it(root) or not self._wanted[start, start].order.unit):
                continue
            function = self._wanted[start, start].function if root != start else self._function(name, start, size)
            self._order(function, root, True)

    def _function(self, name: str, start: int, size: int) -> GuestFunction:
        return GuestFunction(name=name, address=start, code=self._flash.load(start, size))

    def _order(self, function: GuestFunction, root: int, is_quick: bool) -> None:
        assert self._setting is not None
        make = partial(make_unit, function, (root,), self._setting, self._level.cost_model, is_quick)
        wanted = Wanted(function=function, root=root, order=make_in_background(make, self._loader))
        self._wanted[function.address, root] = wanted
        self._pending.append(wanted)

    def _function_at(self, address: int) -> tuple[int, int, str] | None:
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start, size, name = self._functions[index]
        inside = address < start + size and self._flash.holds(start, size)
        return (start, size, name) if inside else None
