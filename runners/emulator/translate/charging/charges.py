# SPDX-License-Identifier: Apache-2.0
"""Functions that charge accesses at the level ``full``: plain hits here, all else by the memory system's own code."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import ACCELERATED, CACHED, NO_WAIT
from mlperf_tiny.runners.emulator.translate.guest.access import FLASH_BITS, charge_name
from mlperf_tiny.runners.emulator.translate.guest.code import OFFSETS, Code, is_constant, offset_of, state_word
from mlperf_tiny.runners.emulator.translate.guest.costs import CacheShape, Memories, Reach, Setting

_PARAMETERS = "i32 %a, ptr %s, ptr %ctx) nounwind"


def cache_hit(code: Code, group: str, shape: CacheShape, line: str) -> str:
    """Whether a line is in a level 1 cache, as an ``i1``.

    Args:
        code: Where the text goes.
        group: The cache's in the state.
        shape: The cache.
        line: The line's number, an ``i64``.
    """
    place = code.binary("and", line, str(shape.set_mask), "i64")
    place = code.binary("mul", place, str(8 * shape.ways), "i64")
    base = code.op(f"getelementptr i8, ptr %s, i64 {place}")
    base = code.op(f"getelementptr i8, ptr {base}, i64 {offset_of(group, 'tags')}")
    wanted = code.binary("add", line, "1", "i64")
    if not is_constant(line):
        return _is_among(code, wanted, base, shape.ways)
    found = ""
    for way in range(shape.ways):
        at = code.op(f"getelementptr i8, ptr {base}, i64 {8 * way}") if way else base
        same = code.compare("eq", code.op(f"load i64, ptr {at}"), wanted, "i64")
        found = code.binary("or", found, same, "i1") if found else same
    return found


def _is_among(code: Code, wanted: str, base: str, count: int) -> str:
    """Whether a value is one of some words, all compared at once."""
    kind = f"<{count} x i64>"
    one = code.op(f"insertelement {kind} poison, i64 {wanted}, i64 0")
    all_of_it = code.op(f"shufflevector {kind} {one}, {kind} poison, <{count} x i32> zeroinitializer")
    same = code.op(f"icmp eq {kind} {all_of_it}, {code.op(f'load {kind}, ptr {base}, align 8')}")
    bits = code.op(f"bitcast <{count} x i1> {same} to i{count}")
    return code.compare("ne", bits, "0", f"i{count}")


def _accelerator_hit(code: Code, group: str, line: str, words: int) -> None:
    """Go to ``slow`` unless the accelerator holds a line; note its uses."""
    place = code.binary("mul", line, "8", "i64")
    base = code.op(f"getelementptr i8, ptr %s, i64 {place}")
    at = code.op(f"getelementptr i8, ptr {base}, i64 {offset_of(group, 'used')}")
    held = code.compare("ne", code.op(f"load i64, ptr {at}"), "0", "i64")
    number = code.fresh("")
    code.put(f"br i1 {held}, label %held{number}, label %slow, !prof !0")
    code.label(f"held{number}")
    uses = state_word(code, offset_of("memory", "uses"))
    count = code.binary("add", code.op(f"load i64, ptr {uses}"), str(words), "i64")
    code.put(f"store i64 {count}, ptr {uses}")
    code.put(f"store i64 {count}, ptr {at}")


def charge_function(kind: str, size_bytes: int, words: int, setting: Setting, is_inline: bool) -> str:
    """The text of the function that charges one kind of access: to several words only where one line holds them.

    It returns the bytes that are still to be counted, see ``Guest.charge``.

    Args:
        kind: ``r`` or ``w``.
        size_bytes: 1, 2 or 4: of a word.
        words: How many.
        setting: What is the same for all functions.
        is_inline: Whether it becomes part of its callers, which is faster and takes longer to compile.
    """
    code = Code()
    memories = setting.memories
    assert memories is not None
    inlining = "alwaysinline" if is_inline else "noinline"
    code.lines.append(f"define internal i64 @{charge_name(kind, size_bytes, words)}({_PARAMETERS} {inlining} {{")
    if size_bytes > 1:
        odd = code.binary("and", "%a", str(size_bytes - 1))
        code.put(f"br i1 {code.compare('eq', odd, '0')}, label %aligned, label %slow, !prof !0")
        code.label("aligned")
    places = (setting.ram,) if kind == "w" else (setting.ram, setting.flash)
    wanted = [region for region in memories.regions if any(place.holds(region.first) for place in places)]
    # What lies at the same addresses as another is found by the memory system.
    for region in sorted(wanted, key=lambda region: (region.is_flash, region.path != NO_WAIT, -region.first)):
        number = code.fresh("")
        offset = code.binary("sub", "%a", str(region.first))
        inside = code.compare("ult", offset, str(region.end - region.first - size_bytes * (words - 1)))
        code.put(f"br i1 {inside}, label %in{number}, label %out{number}")
        code.label(f"in{number}")
        _charge_in(code, region, memories, (size_bytes, words))
        code.label(f"out{number}")
    code.put("br label %slow")
    code.label("slow")
    # In a function of its own that saves the registers it needs: this one is inlined.
    name = charge_name(kind, size_bytes, words)
    code.put(f"call preserve_mostcc void @slow_{name}(i32 %a, ptr %s, ptr %ctx)")
    code.put("ret i64 0")
    code.lines.append("}")
    return "\n".join([*_slow(kind, size_bytes, words), *code.lines])


def _slow(kind: str, size_bytes: int, words: int) -> list[str]:
    """The function for all but plain hits: word by word, by the memory system's own code."""
    code = Code()
    name = charge_name(kind, size_bytes, words)
    code.lines.append(f"define internal preserve_mostcc void @slow_{name}({_PARAMETERS} noinline cold {{")
    pointer = code.op(f"getelementptr i8, ptr %ctx, i64 {OFFSETS['charge_access']}")
    function = code.op(f"load ptr, ptr {pointer}")
    for index in range(words):
        word = code.binary("add", "%a", str(size_bytes * index)) if index else "%a"
        address = code.convert("zext", word, "i64")
        code.put(f"call void {function}(ptr %s, i64 {address}, i64 {size_bytes}, i64 {int(kind == 'w')})")
    code.put("ret void")
    code.lines.append("}")
    return code.lines


def _charge_in(code: Code, region: Reach, memories: Memories, sizes: tuple[int, int]) -> None:
    """The access lies in a region: a plain hit is counted and done."""
    size_bytes, words = sizes[0] * sizes[1], sizes[1]
    wide = code.convert("zext", "%a", "i64")
    if region.path == CACHED and memories.data_cache is not None:
        _in_one_line(code, memories.data_cache.line_bits, sizes)
        line = code.binary("lshr", wide, str(memories.data_cache.line_bits), "i64")
        hit = cache_hit(code, "data_cache", memories.data_cache, line)
        number = code.fresh("")
        code.put(f"br i1 {hit}, label %hit{number}, label %slow, !prof !0")
        code.label(f"hit{number}")
    elif region.path == ACCELERATED and memories.data_lines:
        _in_one_line(code, memories.accelerator_line_bits, sizes)
        line = code.binary("sub", wide, str(region.first), "i64")
        line = code.binary("lshr", line, str(memories.accelerator_line_bits), "i64")
        group = "instruction_accelerator" if memories.data_lines < 0 else "data_accelerator"
        _accelerator_hit(code, group, line, words)
    elif region.path != NO_WAIT:
        code.put("br label %slow")
        return
    code.put(f"ret i64 {size_bytes << FLASH_BITS if region.is_flash else size_bytes}")


def _in_one_line(code: Code, line_bits: int, sizes: tuple[int, int]) -> None:
    """Go to ``slow`` unless one line holds all words."""
    line_bytes, (word_bytes, words) = 1 << line_bits, sizes
    if words == 1:
        return
    within = code.compare("ule", code.binary("and", "%a", str(line_bytes - 1)), str(line_bytes - word_bytes * words))
    number = code.fresh("")
    code.put(f"br i1 {within}, label %one{number}, label %slow, !prof !0")
    code.label(f"one{number}")
