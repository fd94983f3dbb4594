# SPDX-License-Identifier: Apache-2.0
"""One guest function as LLVM IR: its blocks, the edges between them, where it can be entered and how it is left."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.runners.emulator.timing.decode.operation import InsnKind
from mlperf_tiny.runners.emulator.timing.decode.thumb import branches_to_itself, is_wide
from mlperf_tiny.runners.emulator.timing.levels import CostModel
from mlperf_tiny.runners.emulator.translate.charging.charges import charge_functions
from mlperf_tiny.runners.emulator.translate.charging.edges import (
    fetch_is_static,
    line_bits,
    write_count,
    write_fetch,
    write_limits,
    write_prediction,
)
from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestBlock, GuestFunction, find_blocks
from mlperf_tiny.runners.emulator.translate.guest.code import Untranslatable
from mlperf_tiny.runners.emulator.translate.guest.costs import EdgeCost, Setting, edge_cost, may_vary
from mlperf_tiny.runners.emulator.translate.instructions.branches import write_end
from mlperf_tiny.runners.emulator.translate.instructions.narrow import write_narrow
from mlperf_tiny.runners.emulator.translate.instructions.wide import write_wide

# More than a branch, a missing line or an access can ever cost beside what the edge does.
_MOST_CYCLES = 64
UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Translation:
    """The text of a function, and what its user must know of it."""

    text: str
    """A module with one public function, called ``translated``."""
    blocks: tuple[tuple[int, int, int], ...]
    """(address, size in bytes, what a wrong prediction of its branch costs, or UNKNOWN) of each."""
    edges: tuple[EdgeCost, ...]
    """Those that are counted in the function, in the order of their counters."""
    translated: tuple[bool, ...]
    """Whether each block is in the text; it can be entered at each that is, by its number."""
    instructions: int
    """The most that are run between two looks at the limits."""
    cycles: int
    """The most that pass between them."""


class _Writer:
    """Writes one function."""

    def __init__(
        self, function: GuestFunction, roots: tuple[int, ...], setting: Setting, model: CostModel, is_quick: bool
    ) -> None:
        self._setting, self._model, self._is_quick = setting, model, is_quick
        found = find_blocks(function, roots)
        self._blocks = {address: found[address] for address in sorted(found)}
        self._numbers = {address: number for number, address in enumerate(self._blocks)}
        self._m = Guest(setting.keeps_q, setting.ram, setting.flash, setting.memories is not None)
        self._bodies: dict[int, list[str]] = {}
        self._wanted: dict[str, tuple[GuestBlock, int]] = {}
        self._edges: list[EdgeCost] = []
        self._mispredicts: dict[int, set[int]] = {}

    def write(self) -> Translation:
        for block in self._blocks.values():
            self._write_body(block)
        static = self._costs()
        lines = [line for body in self._bodies.values() for line in body]
        lines += self._write_edges(static) + self._write_exits()
        charges = charge_functions(self._m.charged, self._setting, not self._is_quick)
        return Translation(
            text="\n".join([*charges, *self._head(), *lines, "}", *_METADATA]),
            blocks=tuple((one.address, len(one.code), self._mispredict(one)) for one in self._blocks.values()),
            edges=tuple(self._edges),
            translated=tuple(address in self._bodies for address in self._blocks),
            instructions=sum(len(block.instructions) for block in self._blocks.values()),
            cycles=self._most_cycles(),
        )

    # Blocks.

    def _write_body(self, block: GuestBlock) -> None:
        """Write a block twice: what its accesses reach is known the second time."""
        if branches_to_itself(block.code):
            return  # the engine's hook sees that nothing can end it
        m = self._m
        m.block_label = str(self._numbers[block.address])
        wanted: dict[str, tuple[GuestBlock, int]] = {}

        def edge(target: int, taken: bool) -> str:
            label = f"edge{self._numbers[block.address]}_{int(taken)}"
            wanted[label] = block, target
            return label

        reaches = None
        try:
            for _ in range(2):
                m.lines = []
                m.begin_block(reaches)
                m.label(f"block{m.block_label}")
                self._write_instructions(block)
                write_end(m, block, edge)
                reaches = m.reaches
        except Untranslatable:
            return
        self._bodies[block.address] = m.lines
        self._wanted.update(wanted)

    def _write_instructions(self, block: GuestBlock) -> None:
        m, it_state = self._m, 0
        for one in block.instructions:
            operation = one.operation
            m.instruction, m.it_state = one.address, it_state
            if operation.kind is InsnKind.IF_THEN:
                it_state = operation.it_bits
                continue
            it_state = it_state & 0xE0 | it_state << 1 & 0x1F if it_state & 7 else 0
            if operation.branch is not None:
                continue
            begun = m.begin_conditional(m.condition(operation.condition)) if operation.condition is not None else None
            if is_wide(one.first):
                write_wide(m, one.first, one.second)
            else:
                write_narrow(m, one.first)
            if begun:
                m.end_conditional(begun)
        if it_state & 0xF:
            raise Untranslatable("the block ends within an IT block")

    # Edges.

    def _costs(self) -> dict[str, EdgeCost]:
        """The cost of each edge to a block that is translated, by its label."""
        costs = {}
        for label, (before, target) in self._wanted.items():
            if target not in self._bodies:
                continue
            block = self._blocks[target]
            numbers = self._numbers[before.address], self._numbers[target]
            costs[label] = edge_cost(self._model, before, block, numbers)
            self._mispredicts.setdefault(target, set()).add(costs[label].cost.terminator.mispredict_cycles)
        return costs

    def _mispredict(self, block: GuestBlock) -> int:
        """What a wrong prediction of a block's branch costs, where that does not depend on how it is reached."""
        values = self._mispredicts.get(block.address, set())
        if not self._setting.predicts_branches:
            return 0
        if may_vary(block):
            return UNKNOWN
        if not values:
            return edge_cost(self._model, block, block, (0, 0)).cost.terminator.mispredict_cycles
        return next(iter(values))

    def _write_edges(self, static: dict[str, EdgeCost]) -> list[str]:
        m = self._m
        m.lines = []
        self._edges = list(static.values())
        slots = {label: slot for slot, label in enumerate(static)}
        for label, (before, target) in self._wanted.items():
            m.label(label)
            m.block_label = str(self._numbers[before.address])
            if label not in static:
                m.set_context("pc", str(target))
                m.set_context("kind", "0")
                m.put(f"br label %leave{m.block_label}")
                continue
            if target <= before.address:
                write_limits(m, target)
            self._write_edge(before, self._blocks[target], static[label], slots[label])
            m.put(f"br label %block{self._numbers[target]}")
        return m.lines

    def _write_edge(self, before: GuestBlock, block: GuestBlock, edge: EdgeCost, slot: int) -> None:
        m = self._m
        write_count(m, edge, slot)
        if self._setting.predicts_branches:
            mispredict: int | str = self._mispredict(before)
            if mispredict == UNKNOWN:
                mispredict = self._known_mispredict(edge.before)
            write_prediction(m, before, edge, block.address, mispredict)
            if self._mispredict(block) == UNKNOWN:
                self._note_mispredict(edge)
        write_fetch(m, self._setting, before, block)

    def _known_mispredict(self, number: int) -> str:
        """The address of the word of ``BlockCosts.mispredict_cycles``; the counters are followed by these addresses."""
        at = self._m.op(f"getelementptr i8, ptr %counts, i64 {8 * (len(self._edges) + number)}")
        return self._m.op(f"load ptr, ptr {at}")

    def _note_mispredict(self, edge: EdgeCost) -> None:
        """The first edge that leads to a block decides what a wrong prediction of its branch costs."""
        m = self._m
        at = self._known_mispredict(edge.block)
        number = m.fresh("")
        known = m.compare("ne", m.op(f"load i64, ptr {at}"), "0", "i64")
        m.put(f"br i1 {known}, label %known{number}, label %first{number}, !prof !0")
        m.label(f"first{number}")
        m.put(f"store i64 {edge.cost.terminator.mispredict_cycles + 1}, ptr {at}")
        m.put(f"br label %known{number}")
        m.label(f"known{number}")

    # Ways in and out.

    def _head(self) -> list[str]:
        cases = (f"i64 {self._numbers[address]}, label %block{self._numbers[address]}" for address in self._bodies)
        return [
            f"define void @translated({_ARGUMENTS}) nounwind {{",
            "start:",
            f"  switch i64 %entry, label %nowhere [ {' '.join(cases)} ]",
            "nowhere:",
            "  unreachable",
        ]

    def _write_exits(self) -> list[str]:
        m = self._m
        m.lines = []
        for address in self._bodies:
            number, block = self._numbers[address], self._blocks[address]
            m.label(f"leave{number}")
            m.set_context("last_block", str(number))
            m.set_context("next_address", str(block.end), "i64")
            memories = self._setting.memories
            if memories is not None and fetch_is_static(self._setting, block.address):
                bits = line_bits(memories, block.address)
                m.set_context("fetched_line", str((block.end - 1 >> bits) << bits), "i64")
            m.put("ret void")
        return m.lines

    def _most_cycles(self) -> int:
        at_most: dict[int, int] = {}
        for edge in self._edges:
            at_most[edge.block] = max(at_most.get(edge.block, 0), edge.cost.cycles)
        total = 0
        for number, block in enumerate(self._blocks.values()):
            words = sum(one.operation.memory.words for one in block.instructions if one.operation.memory)
            waits = words + len(block.code) // 8 + 2 if self._setting.memories is not None else 0
            total += at_most.get(number, 0) + _MOST_CYCLES * (1 + waits)
        return total


_ARGUMENTS = "ptr noalias %ctx, ptr noalias %s, ptr noalias %ram, ptr noalias %flash, ptr noalias %counts, i64 %entry"
_METADATA = ('!0 = !{!"branch_weights", i32 2000, i32 1}', '!1 = !{!"branch_weights", i32 1, i32 2000}')


def translate(
    function: GuestFunction, roots: tuple[int, ...], setting: Setting, model: CostModel, is_quick: bool
) -> Translation:
    """Translate what direct jumps and returns of calls lead to in a function.

    Args:
        function: The function.
        roots: Where to begin.
        setting: What is the same for all functions of a board.
        model: The level's costs.
        is_quick: Whether the time to compile it matters more than its speed.
    """
    return _Writer(function, roots, setting, model, is_quick).write()
