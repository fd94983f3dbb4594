# SPDX-License-Identifier: Apache-2.0
"""A search space with fewer options: those that no network within some limits can have are left out before a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import Block
from mlperf_tiny.search.space.choice import Choice, OpenBlock, Part, Stage, TimesInput
from mlperf_tiny.search.space.space import SearchSpace

Options = Mapping[str, tuple[Any, ...]]
"""For some decisions the options that are left."""


def restrict(space: SearchSpace, options: Options) -> SearchSpace:
    """Return a space whose decisions have only some of their options; names of decisions stay.

    Whether a block is there is not restricted.

    Args:
        space: The space.
        options: For each decision to be restricted, those of its options that are left, in their order.

    Raises:
        ValueError: No option is left of a decision.
    """
    parts = tuple(_part(str(number), part, options) for number, part in enumerate(space.parts))
    sides = space.sides
    if sides is not None and "input.side" in options:
        sides = Choice(options["input.side"])
    return replace(space, parts=parts, sides=sides)


def _part(prefix: str, part: Part, options: Options) -> Part:
    if isinstance(part, Stage):
        blocks = tuple(_block(f"{prefix}.{place}", block, options) for place, block in enumerate(part.blocks))
        return Stage(blocks, Choice(options.get(f"{prefix}.depth", part.depth.options)))
    return _block(prefix, part, options)


def _block(prefix: str, block: Block | OpenBlock, options: Options) -> Block | OpenBlock:
    if not isinstance(block, OpenBlock):
        return block
    fields = tuple((name, _value(f"{prefix}.{name}", value, options)) for name, value in block.fields)
    return OpenBlock(block.kind, fields, block.skip)


def _value(name: str, value: Any, options: Options) -> Any:
    if name not in options:
        return value
    choice = Choice(options[name])
    return TimesInput(choice) if isinstance(value, TimesInput) else choice


def finer(space: SearchSpace, multiple: int = 4) -> SearchSpace:
    """Return a space in which each width may be any multiple between its least and its largest option.

    Args:
        space: The space.
        multiple: What widths are multiples of.
    """
    options: dict[str, tuple[Any, ...]] = {}
    for row in space.decisions:
        if row.is_width and all(isinstance(width, int) for width in row.options):
            low, high = row.options[0], row.options[-1]
            options[row.name] = tuple(sorted({*range(-(-low // multiple) * multiple, high + 1, multiple), low, high}))
    return restrict(space, options)


def feasible(space: SearchSpace, fits: Callable[[Arch], bool]) -> SearchSpace:
    """Return the space without the options that even the smallest network that has them does not fit with.

    Args:
        space: The space.
        fits: Whether a network is within the limits. Where each cost grows with each option, as widths and depths do,
            no network within the limits is lost.
    """
    smallest = dict(space.smallest())
    left = {}
    for row in space.decisions:
        if row.is_keep:
            continue
        used = smallest
        kept = tuple(option for option in row.options if fits(space.derive(_with_block(used, row.name, option))))
        if kept and kept != row.options:
            left[row.name] = kept
    return restrict(space, left) if left else space


def _with_block(decisions: dict[str, Any], name: str, option: Any) -> dict[str, Any]:
    """Decisions with one option, and with the block it is of: a width of a block that is left out costs nothing."""
    keep = f"{name.rpartition('.')[0]}.keep"
    return {**decisions, name: option, **({keep: True} if keep in decisions else {})}
