# SPDX-License-Identifier: Apache-2.0
"""Gives every activation and scratch an offset in one arena, so that buffers alive at the same time do not overlap.

This is dynamic storage allocation with everything known beforehand: items have a size and a span of steps, and the
arena should be as low as possible. No arena can be smaller than the bytes alive at the worst step (``peak_bytes``).

1. First fit: items in some order, each at the lowest free offset. "Largest first" is what TFLite Micro's greedy
   planner does; four orders are tried.
2. Two ends: in a chain of layers each step has one input and one output. Taking the bottom and the top of an arena of
   ``peak_bytes`` in turn, with the scratch between them, always fits.
3. Squeaky wheel: an item that exceeds ``peak_bytes`` moves forward in the order and everything is placed again, a
   bounded number of times.

The search stops as soon as ``peak_bytes`` is reached. It counts work, not time: the same plan gives the same offsets.
"""

from __future__ import annotations

import random
from bisect import insort
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlperf_tiny.firmware.codegen.ir.plan import Plan

ALIGNMENT_BYTES = 8  # doubleword loads and stores
SEARCH_COMPARISONS = 4_000_000  # about a third of a second
UPHILL = 0.2  # how often the search goes on from a worse order, so as not to get stuck


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where everything lies, in bytes from the start of the arena."""

    offsets: Mapping[int, int]
    """Tensor of each of the plan's buffers to its offset."""
    scratch_offsets: Mapping[int, int]
    """Number of each step that has scratch to its offset."""
    arena_bytes: int
    peak_bytes: int
    """Bytes alive at ``peak_step``; no placement of these buffers needs less."""
    peak_step: int
    """The step at which the most bytes are alive."""


@dataclass(frozen=True)
class _Item:
    """Something that needs ``size`` bytes from step ``first`` to step ``last``, both inclusive."""

    number: int
    size: int
    first: int
    last: int
    tensors: tuple[int, ...]  # empty for the scratch of step ``first``


# Item number -> offset.
_Offsets = dict[int, int]


def place(plan: Plan, alignment_bytes: int = ALIGNMENT_BYTES) -> Placement:
    """Place a plan's buffers and scratch; pure.

    The output of a step shares the bytes of its ``in_place`` input where the two are equally long, nothing reads the
    input later, and the arena does not grow by it.

    Args:
        plan: The kernel calls and their buffers.
        alignment_bytes: Every offset is a multiple of this.
    """
    shared = _items(plan, alignment_bytes, in_place=True)
    unshared = _items(plan, alignment_bytes, in_place=False)
    best_items, best, arena = shared, *_search(shared)
    if len(unshared) != len(shared) and arena > _peak(shared)[0]:
        other, other_arena = _search(unshared)
        if other_arena < arena:
            best_items, best, arena = unshared, other, other_arena
    peak_bytes, peak_step = _peak(best_items)
    return Placement(
        offsets={tensor: best[item.number] for item in best_items for tensor in item.tensors},
        scratch_offsets={item.first: best[item.number] for item in best_items if not item.tensors},
        arena_bytes=arena,
        peak_bytes=peak_bytes,
        peak_step=peak_step,
    )


def _items(plan: Plan, alignment_bytes: int, in_place: bool) -> list[_Item]:
    """What must be placed; sizes rounded up, so that every sum of sizes is an aligned offset."""
    buffers = {buffer.tensor: buffer for buffer in plan.buffers}
    # Tensor -> the members of its group, which share one place; a list is shared by its members.
    groups = {tensor: [tensor] for tensor in buffers}
    for number, step in enumerate(plan.steps if in_place else ()):
        source, target = buffers.get(step.in_place) if step.in_place is not None else None, buffers[step.output]
        if (
            source is not None
            and source.tensor not in (target.tensor, plan.output_tensor)  # the caller reads the output after all steps
            and source.size_bytes == target.size_bytes
            and source.last_use == number == target.first_use
        ):
            merged = groups[source.tensor] + groups[target.tensor]
            groups.update((tensor, merged) for tensor in merged)

    def rounded(size_bytes: int) -> int:
        return -(-size_bytes // alignment_bytes) * alignment_bytes

    items: list[_Item] = []
    for tensor, buffer in buffers.items():
        group = groups[tensor]
        if group[0] == tensor:
            first = min(buffers[t].first_use for t in group)
            last = max(buffers[t].last_use for t in group)
            items.append(_Item(len(items), rounded(buffer.size_bytes), first, last, tuple(group)))
    for number, step in enumerate(plan.steps):
        if step.scratch_bytes:
            items.append(_Item(len(items), rounded(step.scratch_bytes), number, number, ()))
    return items


def _peak(items: Sequence[_Item]) -> tuple[int, int]:
    """The bytes alive at the worst step, and that step."""
    change: Counter[int] = Counter()
    for item in items:
        change[item.first] += item.size
        change[item.last + 1] -= item.size
    alive, peak, peak_step = 0, 0, 0
    for step in sorted(change):
        alive += change[step]
        if alive > peak:
            peak, peak_step = alive, step
    return peak, peak_step


def _search(items: Sequence[_Item]) -> tuple[_Offsets, int]:
    """Offsets and the arena they need."""
    target = _peak(items)[0]
    rounds = SEARCH_COMPARISONS // max(1, len(items) ** 2)
    best: _Offsets = {}
    best_arena = 0
    for offsets in _candidates(items, target, rounds):
        arena = _height(items, offsets)
        if not best or arena < best_arena:
            best, best_arena = offsets, arena
        if best_arena <= target:
            break
    return best, best_arena


def _candidates(items: Sequence[_Item], target: int, rounds: int) -> Iterator[_Offsets]:
    """Placements to choose from, the cheapest ideas first; at most about ``rounds`` of them."""
    by_size = sorted(items, key=lambda i: (-i.size, i.number))
    yield _first_fit(by_size)
    if rounds < 8:  # thousands of items: not a model for a microcontroller
        return
    if (two_ends := _two_ends(items, target, longest_first=True)) is not None:
        yield two_ends
    orders = [
        by_size,
        sorted(items, key=lambda i: (-i.size * (i.last - i.first + 1), i.number)),
        sorted(items, key=lambda i: (i.first - i.last, -i.size, i.number)),
        sorted(items, key=lambda i: (i.first, -i.size, i.number)),
    ]
    tried = [(_height(items, offsets), n, offsets) for n, offsets in enumerate(map(_first_fit, orders))]
    yield from (offsets for _, _, offsets in tried)
    height, n, offsets = min(tried, key=lambda t: t[0])
    order = orders[n]
    draw = random.Random(0)
    for _ in range(rounds):
        # Squeaky-wheel blame: of the items that exceed the peak, one of those that end highest.
        ends = sorted(((offsets[i.number] + i.size, i.number) for i in items), reverse=True)
        out = [number for end, number in ends if end > target]
        number = out[draw.randrange(min(2, len(out)))]
        now = next(k for k, item in enumerate(order) if item.number == number)
        to = draw.randrange(now + 1)
        moved = [*order[:to], order[now], *order[to:now], *order[now + 1 :]]
        moved_offsets = _first_fit(moved)
        moved_height = _height(items, moved_offsets)
        yield moved_offsets
        if moved_height <= height or draw.random() < UPHILL:
            order, offsets, height = moved, moved_offsets, moved_height
    # The one that is right for every chain comes last, so that plans that the others solve keep their offsets.
    if (two_ends := _two_ends(items, target, longest_first=False)) is not None:
        yield two_ends


def _height(items: Sequence[_Item], offsets: _Offsets) -> int:
    return max((offsets[item.number] + item.size for item in items), default=0)


def _first_fit(order: Sequence[_Item]) -> _Offsets:
    """Each item at the lowest offset that is free during its whole life."""
    offsets: _Offsets = {}
    placed: list[tuple[int, int, int, int]] = []  # offset, end, first, last, in the order of offsets
    for item in order:
        at = 0
        for offset, end, first, last in placed:
            if first <= item.last and last >= item.first:
                if offset - at >= item.size:
                    break
                at = max(at, end)
        offsets[item.number] = at
        insort(placed, (at, at + item.size, item.first, item.last))
    return offsets


def _two_ends(items: Sequence[_Item], arena: int, longest_first: bool) -> _Offsets | None:
    """Buffers in the order of their birth at the two ends of ``arena`` in turn, then scratch in what is left.

    Of buffers born at one step (the input and the first output) the one that lives longer comes first or last. None
    when it does not come out, which cannot happen where it comes last and every step has two buffers at most.
    """
    offsets: _Offsets = {}
    placed: list[tuple[int, int, int, int]] = []
    bottom = True
    for item in sorted(items, key=lambda i: (not i.tensors, i.first, -i.last if longest_first else i.last, i.number)):
        alive = [p for p in placed if p[2] <= item.last and p[3] >= item.first]
        choices = _gaps(alive, arena, item.size)
        if not choices:
            return None
        at = choices[0] if bottom or not item.tensors else choices[1]
        bottom = not bottom
        offsets[item.number] = at
        insort(placed, (at, at + item.size, item.first, item.last))
    return offsets


def _gaps(alive: Sequence[tuple[int, int, int, int]], arena: int, size: int) -> tuple[int, int] | None:
    """The lowest and the highest offset of ``size`` free bytes between ``alive``, which is in the order of offsets."""
    fits: list[tuple[int, int]] = []
    at = 0
    for offset, end in (*((p[0], p[1]) for p in alive), (arena, arena)):
        if offset - at >= size:
            fits.append((at, offset - size))
        at = max(at, end)
    return (fits[0][0], fits[-1][1]) if fits else None
