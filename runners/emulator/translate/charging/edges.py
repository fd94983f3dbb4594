# SPDX-License-Identifier: Apache-2.0
"""The work on one edge within a function: exactly what the block hook does for the block that it leads to."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import (
    ACCELERATED,
    BTAC,
    BTAC_ROWS,
    CACHED,
    MAX_ACCELERATOR_LINES,
)
from mlperf_tiny.runners.emulator.timing.decode.core_model import BranchKind
from mlperf_tiny.runners.emulator.translate.charging.accelerator import fetch_lines, note_use
from mlperf_tiny.runners.emulator.translate.charging.charges import cache_hit
from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestBlock
from mlperf_tiny.runners.emulator.translate.guest.code import add_to, offset_of, state_word
from mlperf_tiny.runners.emulator.translate.guest.costs import EdgeCost, Memories, Setting
from mlperf_tiny.runners.emulator.translate.guest.running import TRANSFER

_SURE = 3  # the counter of a branch that is taken again and again


def write_limits(m: Guest, target: int) -> None:
    """Leave the function before a block where a stop or an interrupt may be due.

    Args:
        m: The code.
        target: Address of the block.
    """
    number = m.fresh("")
    at_limit = "false"
    for count, limit in (("instructions", "stop_at"), ("cycles", "interrupt_at")):
        value = m.op(f"load i64, ptr {state_word(m, offset_of('core', count))}")
        most = m.op(f"load i64, ptr {m.context(limit)}")
        at_limit = m.binary("or", at_limit, m.compare("sge", value, most, "i64"), "i1")
    m.put(f"br i1 {at_limit}, label %limit{number}, label %on{number}, !prof !1")
    m.label(f"limit{number}")
    m.set_context("pc", str(target))
    m.set_context("kind", str(TRANSFER))
    m.put(f"br label %leave{m.block_label}")
    m.label(f"on{number}")


def write_count(m: Guest, edge: EdgeCost, slot: int) -> None:
    """Count the block that an edge leads to.

    Args:
        m: The code.
        edge: The edge.
        slot: Where its executions are counted.
    """
    add_to(m, offset_of("core", "instructions"), edge.cost.instructions)
    add_to(m, offset_of("core", "cycles"), edge.cost.cycles)
    at = m.op(f"getelementptr i8, ptr %counts, i64 {8 * slot}")
    m.put(f"store i64 {m.binary('add', m.op(f'load i64, ptr {at}'), '1', 'i64')}, ptr {at}")


def write_prediction(m: Guest, before: GuestBlock, edge: EdgeCost, target: int, mispredict: int | str) -> None:
    """Follow the branch prediction.

    Args:
        m: The code.
        before: The block that ends in the branch.
        edge: The edge.
        target: Where it leads.
        mispredict: What it costs to mispredict it, or the address of the word that has it.
    """
    if before.last.operation.branch in (None, BranchKind.FALL_THROUGH):
        return
    branch = before.end
    row = offset_of("btac") + BTAC.itemsize * (branch >> 1 & (BTAC_ROWS - 1))
    fields = {name: row + BTAC.fields[name][1] for name in ("branch", "target", "counter")}  # type: ignore[index]
    held = {name: m.op(f"load i64, ptr {state_word(m, at)}") for name, at in fields.items()}
    known = m.compare("eq", held["branch"], str(branch), "i64")
    number = m.fresh("")
    if edge.taken:
        same = m.compare("eq", held["target"], str(target), "i64")
        sure = m.compare("eq", held["counter"], str(_SURE), "i64")
        plain = m.binary("and", m.binary("and", known, same, "i1"), sure, "i1")
        m.put(f"br i1 {plain}, label %right{number}, label %learn{number}, !prof !0")
    else:
        counts = m.binary("and", known, m.compare("ne", held["counter"], "0", "i64"), "i1")
        m.put(f"br i1 {counts}, label %learn{number}, label %right{number}, !prof !1")
    m.label(f"learn{number}")
    cost = str(mispredict)
    if isinstance(mispredict, str):
        cost = m.binary("sub", m.op(f"load i64, ptr {mispredict}"), "1", "i64")
    arguments = f"i64 {branch}, i64 {int(edge.taken)}, i64 {target}, i64 {cost}"
    m.put(f"call void {_function(m, 'charge_branch')}(ptr %s, {arguments}) cold")
    m.put(f"br label %right{number}")
    m.label(f"right{number}")


def _function(m: Guest, field: str) -> str:
    return m.op(f"load ptr, ptr {m.context(field)}")


def fetch_is_static(setting: Setting, address: int) -> bool:
    """Whether it is known which line was fetched last: code behind a cache or an accelerator that is on.

    Args:
        setting: What is the same for all functions.
        address: Of the code.
    """
    memories = setting.memories
    region = memories.region_of(address) if memories else None
    if memories is None or region is None:
        return False
    if region.path == CACHED:
        return memories.instruction_cache is not None
    return region.path == ACCELERATED and 0 < memories.instruction_lines <= MAX_ACCELERATOR_LINES


def line_bits(memories: Memories, address: int) -> int:
    """Of the lines in which code is fetched.

    Args:
        memories: The memory system.
        address: Of the code.
    """
    region = memories.region_of(address)
    if region is not None and region.path == CACHED and memories.instruction_cache is not None:
        return memories.instruction_cache.line_bits
    return memories.accelerator_line_bits


def write_fetch(m: Guest, setting: Setting, before: GuestBlock, block: GuestBlock) -> None:
    """Charge the instruction fetch of a block.

    Args:
        m: The code.
        setting: What is the same for all functions.
        before: The block that ran before.
        block: The block.
    """
    memories = setting.memories
    if memories is None:
        return
    taken = before.end != block.address
    number = m.fresh("")
    if not fetch_is_static(setting, block.address):
        _call_fetch(m, block, taken)
        return
    bits = line_bits(memories, block.address)
    previous = before.end - 1 >> bits
    lines = [line for line in range(block.address >> bits, (block.end - 1 >> bits) + 1) if line != previous]
    # Only the first can be the one before: later lines differ from the one before them.
    if block.address >> bits != previous:
        lines = list(range(block.address >> bits, (block.end - 1 >> bits) + 1))
    if not lines:
        return
    hit = _all_there(m, memories, block.address, lines)
    m.put(f"br i1 {hit}, label %there{number}, label %missing{number}, !prof !0")
    m.label(f"missing{number}")
    region = memories.region_of(block.address)
    if region is not None and region.path == ACCELERATED:
        fetch_lines(m, memories, region, previous, lines)
    else:
        m.put(f"store i64 {previous << bits}, ptr {state_word(m, offset_of('memory', 'fetched_line'))}")
        _call_fetch(m, block, taken)
    m.put(f"br label %fetched{number}")
    m.label(f"there{number}")
    _note_uses(m, memories, block.address, lines)
    m.put(f"br label %fetched{number}")
    m.label(f"fetched{number}")


def _call_fetch(m: Guest, block: GuestBlock, taken: bool) -> None:
    arguments = f"i64 {block.address}, i64 {block.end - 1}, i64 {int(taken)}"
    m.put(f"call void {_function(m, 'charge_fetch')}(ptr %s, {arguments}) cold")


def _all_there(m: Guest, memories: Memories, address: int, lines: list[int]) -> str:
    region = memories.region_of(address)
    assert region is not None
    found = "true"
    for line in lines:
        if region.path == CACHED:
            assert memories.instruction_cache is not None
            there = cache_hit(m, "instruction_cache", memories.instruction_cache, str(line))
        else:
            there = m.compare("ne", _place_of(m, memories, region.first, line), "0", "i8")
        found = m.binary("and", found, there, "i1")
    return found


def _place_of(m: Guest, memories: Memories, first: int, line: int) -> str:
    """The place of a line in the flash accelerator + 1, an ``i8``; 0: it is not held."""
    number = line - (first >> memories.accelerator_line_bits)
    return m.op(f"load i8, ptr {state_word(m, offset_of('instruction_accelerator', 'place') + number)}")


def _note_uses(m: Guest, memories: Memories, address: int, lines: list[int]) -> None:
    """A flash accelerator keeps the order in which its lines were used."""
    region = memories.region_of(address)
    assert region is not None
    if region.path != ACCELERATED:
        return
    at = state_word(m, offset_of("memory", "uses"))
    uses = m.op(f"load i64, ptr {at}")
    for line in lines:
        uses = m.binary("add", uses, "1", "i64")
        note_use(m, "instruction_accelerator", _place_of(m, memories, region.first, line), uses)
    m.put(f"store i64 {uses}, ptr {at}")
