# SPDX-License-Identifier: Apache-2.0
"""Functions that charge accesses at the level ``full``: plain hits here, all else by the memory system's own code."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import ACCELERATED, CACHED, NO_WAIT
from mlperf_tiny.runners.emulator.translate.charging.accelerator import accelerator_functions, look_up
from mlperf_tiny.runners.emulator.translate.guest.access import FLASH_BITS, charge_name
from mlperf_tiny.runners.emulator.translate.guest.code import OFFSETS, Code, is_constant, offset_of
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


def charge_functions(kinds: set[tuple[str, int, int]], setting: Setting, is_inline: bool) -> list[str]:
    """The text of the functions that charge accesses, and of what they call.

    Args:
        kinds: ``r`` or ``w``, bytes of a word, how many words.
        setting: What is the same for all functions.
        is_inline: Whether they become part of their callers, which is faster and takes longer to compile.
    """
    memories = setting.memories
    if memories is None:
        return []
    inlining = "alwaysinline" if is_inline else "noinline"
    lines = accelerator_functions(memories)
    for access in sorted(kinds | {(kind, size_bytes, 1) for kind, size_bytes, _ in kinds}):
        lines += _charge_function(access, setting, memories, inlining)
    return lines


def _charge_function(access: tuple[str, int, int], setting: Setting, memories: Memories, inlining: str) -> list[str]:
    """The text of the function that charges one kind of access: to several words only where one line holds them.

    It returns the bytes that are still to be counted, see ``Guest.charge``.
    """
    code, (kind, size_bytes, words) = Code(), access
    code.lines.append(f"define internal i64 @{charge_name(*access)}({_PARAMETERS} {inlining} {{")
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
    count = code.op(f"call preserve_mostcc i64 @slow_{charge_name(*access)}(i32 %a, ptr %s, ptr %ctx)")
    code.put(f"ret i64 {count}")
    return [*_slow(*access), *code.lines, "}"]


def _slow(kind: str, size_bytes: int, words: int) -> list[str]:
    """The function for all but plain hits: several words one by one, one by the memory system's own code."""
    code = Code()
    name = charge_name(kind, size_bytes, words)
    code.lines.append(f"define internal preserve_mostcc i64 @slow_{name}({_PARAMETERS} noinline cold {{")
    if words > 1:
        _word_by_word(code, kind, size_bytes, words)
        return code.lines
    pointer = code.op(f"getelementptr i8, ptr %ctx, i64 {OFFSETS['charge_access']}")
    function = code.op(f"load ptr, ptr {pointer}")
    address = code.convert("zext", "%a", "i64")
    code.put(f"call void {function}(ptr %s, i64 {address}, i64 {size_bytes}, i64 {int(kind == 'w')})")
    code.put("ret i64 0")
    code.lines.append("}")
    return code.lines


def _word_by_word(code: Code, kind: str, size_bytes: int, words: int) -> None:
    code.label("start")
    code.put("br label %word")
    code.label("word")
    code.put("%address = phi i32 [ %a, %start ], [ %next, %word ]")
    code.put("%sum = phi i64 [ 0, %start ], [ %total, %word ]")
    code.put(f"%count = call i64 @{charge_name(kind, size_bytes, 1)}(i32 %address, ptr %s, ptr %ctx)")
    code.put("%total = add i64 %sum, %count")
    code.put(f"%next = add i32 %address, {size_bytes}")
    code.put(f"%end = add i32 %a, {size_bytes * words}")
    code.put("%done = icmp eq i32 %next, %end")
    code.put("br i1 %done, label %out, label %word")
    code.label("out")
    code.put("ret i64 %total")
    code.lines.append("}")


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
        look_up(code, region, memories, words)
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
