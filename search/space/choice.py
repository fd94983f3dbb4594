# SPDX-License-Identifier: Apache-2.0
"""What a search may decide in a network: a field of a block, whether a block is there, how many blocks a stage has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlperf_tiny.models.arch.blocks import Block


@dataclass(frozen=True)
class Choice:
    """A value to be decided."""

    options: tuple[Any, ...]
    """The values it may have, from the cheapest to the most expensive; at least one."""

    def __post_init__(self) -> None:
        if not self.options or len(set(self.options)) != len(self.options):
            raise ValueError(f"a choice needs options that differ, got {self.options!r}")


@dataclass(frozen=True)
class TimesInput:
    """A width that is a multiple of the channels that come in, such as the expansion of a bottleneck."""

    factor: Any
    """A number, or a ``Choice`` of numbers."""


@dataclass(frozen=True)
class OpenBlock:
    """A block with choices in it."""

    kind: type[Block]
    """Its class."""
    fields: tuple[tuple[str, Any], ...]
    """Values of the class's fields; each a value, a ``Choice``, or ``TimesInput``."""
    skip: bool = False
    """Whether a search may leave it out. One with a stride is then replaced by an average pool of that size."""


@dataclass(frozen=True)
class Stage:
    """Blocks of which the first few are used."""

    blocks: tuple[Block | OpenBlock, ...]
    """At least as many as the largest depth."""
    depth: Choice
    """How many of them are used."""


Part = Block | OpenBlock | Stage


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One value that makes a network of a space, with the values it may have."""

    name: str
    """Such as ``3.filters``, ``3.keep`` or ``stage 2.depth``: number of the part, and what is decided of it."""
    options: tuple[Any, ...]
    """Of its ``Choice``; (False, True) for whether a block is there."""

    @property
    def is_width(self) -> bool:
        """Whether it decides channels: their number, or a multiple of those that come in."""
        return self.name.endswith((".filters", ".expansion"))

    @property
    def is_keep(self) -> bool:
        """Whether it decides if a block is there."""
        return self.name.endswith(".keep")


def open_block(kind: type[Block], *, skip: bool = False, **fields: Any) -> OpenBlock:
    """Return a block with choices in it.

    Args:
        kind: Class of the block.
        skip: Whether a search may leave it out.
        fields: Values of its fields, some of them a ``Choice`` or ``TimesInput``.
    """
    return OpenBlock(kind, tuple(fields.items()), skip)


def width_choice(width: int, *, step: float = 0.1, multiple: int = 4, down: bool = False) -> Choice:
    """Return the widths of a layer of a backbone: shares of it, rounded to a multiple.

    The MicroNets paper searches 10 % to 100 % in steps of 10 %, and keeps channels divisible by four because CMSIS-NN
    is faster with them (sections 5.1 and 3.2). How it rounds is not printed. Rounding to the nearest multiple, halves
    up, gives all widths of its keyword and machine networks but 72 and 196; rounding down gives those of VWW-2 and
    VWW-4 but 14.

    Args:
        width: Channels of the backbone's layer.
        step: Difference between two shares.
        multiple: What widths are rounded to; no width is smaller.
        down: Round down instead of to the nearest.

    Examples:
        >>> width_choice(276).options
        (28, 56, 84, 112, 140, 164, 192, 220, 248, 276)
        >>> width_choice(384, down=True).options
        (36, 76, 112, 152, 192, 228, 268, 304, 344, 384)
    """
    shares = round(1 / step)
    half = 0 if down else multiple / 2
    widths = {max(multiple, int((width * n / shares + half) // multiple) * multiple) for n in range(1, shares + 1)}
    return Choice(tuple(sorted(widths)))


def decisions_of(number: int, part: Part) -> Sequence[Decision]:
    """Return what is to be decided of one part of a network, in order of its fields.

    Args:
        number: Its index among the parts, which names begin with.
        part: The part.
    """
    if isinstance(part, Stage):
        inner = [row for place, block in enumerate(part.blocks) for row in _of_block(f"{number}.{place}", block)]
        return [Decision(name=f"{number}.depth", options=part.depth.options), *inner]
    return _of_block(str(number), part)


def _of_block(prefix: str, block: Block | OpenBlock) -> Sequence[Decision]:
    if not isinstance(block, OpenBlock):
        return []
    rows = [Decision(name=f"{prefix}.keep", options=(False, True))] if block.skip else []
    for name, value in block.fields:
        inner = value.factor if isinstance(value, TimesInput) else value
        if isinstance(inner, Choice):
            rows.append(Decision(name=f"{prefix}.{name}", options=inner.options))
    return rows
