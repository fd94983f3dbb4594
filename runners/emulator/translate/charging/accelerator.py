# SPDX-License-Identifier: Apache-2.0
"""The flash accelerator in translations: it holds the lines used last, by place, and a place for each line it holds."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import ACCELERATOR_BITS, MAX_ACCELERATOR_LINES, REGION
from mlperf_tiny.runners.emulator.translate.guest.code import OFFSETS, Code, add_to, offset_of, state_word
from mlperf_tiny.runners.emulator.translate.guest.costs import Memories, Reach

_INSTRUCTIONS, _DATA = "instruction_accelerator", "data_accelerator"
_REPLACED = "ptr %s, ptr %ctx, i64 %line, i64 %uses"
_MISSING = f"{_REPLACED}, i64 %cost"
_FETCHED = "ptr %s, ptr %ctx, i64 %first, i64 %last, i64 %previous, i64 %cost"


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
    cost = _cost(memories, region, "line_read")
    code.put(f"call preserve_mostcc void @missing_line(ptr %s, ptr %ctx, i64 {line}, i64 {uses}, i64 {cost})")
    code.put(f"br label %noted{number}")
    code.label(f"held{number}")
    note_use(code, group, place, uses)
    code.put(f"br label %noted{number}")
    code.label(f"noted{number}")


def accelerator_functions(memories: Memories) -> list[str]:
    """The text of what is called where a line is missing: ``memory.accelerator_has`` and ``fetch``, for this setting.

    Args:
        memories: The memory system.
    """
    lines: list[str] = []
    for group, held in {_data_group(memories), _instruction_group(memories)}:
        if held > 0:
            lines += _replace_function(group, held)
    if memories.data_lines:
        lines += _missing_line_function(_data_group(memories)[0])
    return [*lines, *_fetch_lines_function()] if memories.instruction_lines > 0 else lines


def _replace_function(group: str, lines: int) -> list[str]:
    """A line takes the place of the one used least recently: ``memory.oldest_place`` and what follows it."""
    code = Code()
    code.lines.append(f"define internal void @replace_in_{group}({_REPLACED}) nounwind noinline {{")
    used, next_at = (state_word(code, offset_of(group, field)) for field in ("used", "next"))
    code.put("br label %look")
    code.label("look")
    following = code.op(f"load i64, ptr {next_at}")
    at_end = code.compare("eq", following, str(lines), "i64")
    code.put(f"br i1 {at_end}, label %sort, label %take")
    code.label("sort")
    pointer = code.op(f"getelementptr i8, ptr %ctx, i64 {OFFSETS['sort_accelerator']}")
    function = code.op(f"load ptr, ptr {pointer}")
    code.put(f"call void {function}(ptr %s, i64 {int(group == _DATA)})")
    code.put("br label %take")
    code.label("take")
    number = code.op(f"phi i64 [ {following}, %look ], [ 0, %sort ]")
    code.put(f"store i64 {code.binary('add', number, '1', 'i64')}, ptr {next_at}")
    queue = state_word(code, offset_of(group, "queue"))
    entry = code.op(f"load i64, ptr {code.op(f'getelementptr i64, ptr {queue}, i64 {number}')}")
    place = code.binary("and", entry, str(MAX_ACCELERATOR_LINES - 1), "i64")
    use_at = code.op(f"getelementptr i64, ptr {used}, i64 {place}")
    same = code.compare(
        "eq", code.op(f"load i64, ptr {use_at}"), code.binary("lshr", entry, str(ACCELERATOR_BITS), "i64"), "i64"
    )
    code.put(f"br i1 {same}, label %found, label %look")
    code.label("found")
    code.put(f"store i64 %uses, ptr {use_at}")
    _hold(code, group, place)
    code.put("ret void")
    return [*code.lines, "}"]


def _hold(code: Code, group: str, place: str) -> None:
    """A place has ``%line`` from now on, and not what it had."""
    at = code.op(f"getelementptr i64, ptr {state_word(code, offset_of(group, 'held'))}, i64 {place}")
    former = code.op(f"load i64, ptr {at}")
    places = state_word(code, offset_of(group, "place"))
    code.put(f"store i64 {code.binary('add', '%line', '1', 'i64')}, ptr {at}")
    code.put(f"br i1 {code.compare('ne', former, '0', 'i64')}, label %drop, label %free")
    code.label("drop")
    before = code.op(f"getelementptr i8, ptr {places}, i64 {code.binary('sub', former, '1', 'i64')}")
    code.put(f"store i8 0, ptr {before}")
    code.put("br label %free")
    code.label("free")
    number = code.convert("trunc", code.binary("add", place, "1", "i64"), "i8", "i64")
    code.put(f"store i8 {number}, ptr {code.op(f'getelementptr i8, ptr {places}, i64 %line')}")


def _missing_line_function(group: str) -> list[str]:
    """A line is read as data and is not held."""
    code = Code()
    code.lines.append(f"define internal preserve_mostcc void @missing_line({_MISSING}) nounwind noinline {{")
    code.put(f"call void @replace_in_{group}(ptr %s, ptr %ctx, i64 %line, i64 %uses)")
    cycles = code.op(f"load i64, ptr {code.op('getelementptr i8, ptr %s, i64 %cost')}")
    for field, amount in (("data_misses", "1"), ("data_cycles", cycles)):
        add_to(code, offset_of("losses", field), amount)
    add_to(code, offset_of("core", "cycles"), cycles)
    code.put("ret void")
    return [*code.lines, "}"]


def _fetch_lines_function() -> list[str]:
    """Lines are fetched as instructions, and not all of them are held."""
    code, group = Code(), _INSTRUCTIONS
    code.lines.append(f"define internal void @fetch_lines({_FETCHED}) nounwind noinline {{")
    code.label("start")
    ahead = code.compare(
        "ne", code.op(f"load i64, ptr {state_word(code, offset_of('memory', 'prefetch'))}"), "0", "i64"
    )
    line_cycles = code.op(f"load i64, ptr {code.op('getelementptr i8, ptr %s, i64 %cost')}")
    number = state_word(code, offset_of("memory", "uses"))
    places = state_word(code, offset_of(group, "place"))
    code.put("br label %next")
    code.label("next")
    code.put("%line = phi i64 [ %first, %start ], [ %following, %done ]")
    code.put("%former = phi i64 [ %previous, %start ], [ %line, %done ]")
    uses = code.binary("add", code.op(f"load i64, ptr {number}"), "1", "i64")
    code.put(f"store i64 {uses}, ptr {number}")
    place = code.op(f"load i8, ptr {code.op(f'getelementptr i8, ptr {places}, i64 %line')}")
    code.put("%following = add i64 %line, 1")
    code.put(f"br i1 {code.compare('ne', place, '0', 'i8')}, label %held, label %missing")
    code.label("held")
    note_use(code, group, place, uses)
    code.put("br label %done")
    code.label("missing")
    code.put(f"call void @replace_in_{group}(ptr %s, ptr %ctx, i64 %line, i64 {uses})")
    follows = code.compare("eq", code.binary("add", "%former", "1", "i64"), "%line", "i64")
    code.put(f"br i1 {code.binary('and', follows, ahead, 'i1')}, label %done, label %late")
    code.label("late")
    for losses, amount in (("fetch_misses", "1"), ("fetch_cycles", line_cycles)):
        add_to(code, offset_of("losses", losses), amount)
    add_to(code, offset_of("core", "cycles"), line_cycles)
    code.put("br label %done")
    code.label("done")
    code.put(f"br i1 {code.compare('eq', '%line', '%last', 'i64')}, label %out, label %next")
    code.label("out")
    code.put("ret void")
    return [*code.lines, "}"]


def fetch_lines(code: Code, memories: Memories, region: Reach, previous: int, lines: list[int]) -> None:
    """Fetch lines of the flash of which one at least is missing.

    Args:
        code: Where the text goes.
        memories: The memory system.
        region: What holds them.
        previous: The line that was fetched last.
        lines: Those that are, one after the other.
    """
    start = region.first >> memories.accelerator_line_bits
    numbers = f"i64 {lines[0] - start}, i64 {lines[-1] - start}, i64 {previous - start}"
    code.put(f"call void @fetch_lines(ptr %s, ptr %ctx, {numbers}, i64 {_cost(memories, region, 'line_fetch')}) cold")


def _cost(memories: Memories, region: Reach, field: str) -> int:
    """Where the state has what a line of a region costs."""
    row = offset_of("regions") + REGION.itemsize * memories.regions.index(region)
    return row + int(REGION.fields[field][1])  # type: ignore[index]


def _instruction_group(memories: Memories) -> tuple[str, int]:
    return _INSTRUCTIONS, memories.instruction_lines


def _data_group(memories: Memories) -> tuple[str, int]:
    """The accelerator for data in the state, and how many lines it holds."""
    if memories.data_lines < 0:
        return _instruction_group(memories)
    return _DATA, memories.data_lines
