# SPDX-License-Identifier: Apache-2.0
"""The flash accelerator in translations: it holds the lines used last, by place, and a place for each line it holds."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import ACCELERATOR_BITS, MAX_ACCELERATOR_LINES, REGION
from mlperf_tiny.runners.emulator.translate.guest.code import Code, add_to, offset_of, state_word
from mlperf_tiny.runners.emulator.translate.guest.costs import Memories, Reach

_MISSING = "ptr %s, i64 %line, i64 %uses, i64 %cost"


def note_use(code: Code, group: str, place: str, uses: str) -> None:
    """Note when a line of the flash accelerator was used.

    Args:
        code: Where the text goes.
        group: The accelerator's in the state.
        place: The line's place + 1, an ``i8``.
        uses: When.
    """
    at = code.op(f"getelementptr i64, ptr %s, i64 {code.convert('zext', place, 'i64', 'i8')}")
    at = code.op(f"getelementptr i8, ptr {at}, i64 {offset_of(group, 'used') - 8}")
    code.put(f"store i64 {uses}, ptr {at}")


def look_up(code: Code, region: Reach, memories: Memories, words: int) -> None:
    """Look the line at ``%a`` up in the accelerator, and note its uses; it is there afterwards.

    Args:
        code: Where the text goes.
        region: What holds the address.
        memories: The memory system.
        words: How many of the line's are read.
    """
    line = code.binary("sub", code.convert("zext", "%a", "i64"), str(region.first), "i64")
    line = code.binary("lshr", line, str(memories.accelerator_line_bits), "i64")
    group, _ = _data_group(memories)
    base = code.op(f"getelementptr i8, ptr %s, i64 {line}")
    at = code.op(f"getelementptr i8, ptr {base}, i64 {offset_of(group, 'place')}")
    place = code.op(f"load i8, ptr {at}")
    at = state_word(code, offset_of("memory", "uses"))
    uses = code.binary("add", code.op(f"load i64, ptr {at}"), str(words), "i64")
    code.put(f"store i64 {uses}, ptr {at}")
    number = code.fresh("")
    held = code.compare("ne", place, "0", "i8")
    code.put(f"br i1 {held}, label %held{number}, label %missing{number}, !prof !0")
    code.label(f"missing{number}")
    row = offset_of("regions") + REGION.itemsize * memories.regions.index(region)
    cost = row + REGION.fields["line_read"][1]  # type: ignore[index]
    code.put(f"call preserve_mostcc void @missing_line(ptr %s, i64 {line}, i64 {uses}, i64 {cost})")
    code.put(f"br label %noted{number}")
    code.label(f"held{number}")
    note_use(code, group, place, uses)
    code.put(f"br label %noted{number}")
    code.label(f"noted{number}")


def missing_line_function(memories: Memories) -> list[str]:
    """The text of the function that reads a line of the flash as data: see ``memory.accelerator_has``.

    Args:
        memories: The memory system, with an accelerator for data.
    """
    group, lines = _data_group(memories)
    code, kind = Code(), f"<{lines} x i64>"
    code.lines.append(f"declare i64 @llvm.vector.reduce.smin.v{lines}i64({kind})")
    code.lines.append(f"define internal preserve_mostcc void @missing_line({_MISSING}) nounwind noinline {{")
    used = state_word(code, offset_of(group, "used"))
    uses = code.op(f"load {kind}, ptr {used}, align 8")
    bits = ", ".join([f"i64 {ACCELERATOR_BITS}"] * lines)
    numbers = ", ".join(f"i64 {place}" for place in range(lines))
    numbered = code.op(f"or {kind} {code.op(f'shl {kind} {uses}, <{bits}>')}, <{numbers}>")
    oldest = code.op(f"call i64 @llvm.vector.reduce.smin.v{lines}i64({kind} {numbered})")
    place = code.binary("and", oldest, str(MAX_ACCELERATOR_LINES - 1), "i64")
    code.put(f"store i64 %uses, ptr {code.op(f'getelementptr i64, ptr {used}, i64 {place}')}")
    _replace(code, group, place)
    cycles = code.op(f"load i64, ptr {code.op('getelementptr i8, ptr %s, i64 %cost')}")
    for field, amount in (("data_misses", "1"), ("data_cycles", cycles)):
        add_to(code, offset_of("losses", field), amount)
    add_to(code, offset_of("core", "cycles"), cycles)
    code.put("ret void")
    return [*code.lines, "}"]


def _replace(code: Code, group: str, place: str) -> None:
    """A place has ``%line`` from now on, and not what it had."""
    at = code.op(f"getelementptr i64, ptr {state_word(code, offset_of(group, 'held'))}, i64 {place}")
    former = code.op(f"load i64, ptr {at}")
    places = state_word(code, offset_of(group, "place"))
    code.put(f"br i1 {code.compare('ne', former, '0', 'i64')}, label %drop, label %free")
    code.label("drop")
    before = code.op(f"getelementptr i8, ptr {places}, i64 {code.binary('sub', former, '1', 'i64')}")
    code.put(f"store i8 0, ptr {before}")
    code.put("br label %free")
    code.label("free")
    code.put(f"store i64 {code.binary('add', '%line', '1', 'i64')}, ptr {at}")
    number = code.convert("trunc", code.binary("add", place, "1", "i64"), "i8", "i64")
    code.put(f"store i8 {number}, ptr {code.op(f'getelementptr i8, ptr {places}, i64 %line')}")


def _data_group(memories: Memories) -> tuple[str, int]:
    """The accelerator for data in the state, and how many lines it holds."""
    if memories.data_lines < 0:
        return "instruction_accelerator", memories.instruction_lines
    return "data_accelerator", memories.data_lines
