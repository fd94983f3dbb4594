# SPDX-License-Identifier: Apache-2.0
"""A search space: a network with choices in it, and the networks that it holds.

A network of a space is a mapping from the names of its decisions to values. ``derive`` makes a plain ``Arch`` of it,
which is trained, quantised and measured like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import AveragePool, Block, strides_of
from mlperf_tiny.models.arch.layers import expand
from mlperf_tiny.search.space.choice import (
    Choice,
    Decision,
    OpenBlock,
    Part,
    Stage,
    TimesInput,
    decisions_of,
)

Decisions = Mapping[str, Any]
"""A network of a space: the value of each decision, by name."""


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """A network with choices in it."""

    name: str
    """What ``micronet-search`` and ``micronet-characterize`` call it."""
    task: str
    """Name of the task its networks are for."""
    input_shape: tuple[int, int, int]
    """Height, width and channels of one input."""
    parts: tuple[Part, ...]
    """Blocks, blocks with choices, and stages, applied in order."""
    pipeline: str = ""
    """As of ``Arch``; ``{side}`` in it stands for the side of the input, where that is decided."""
    sides: Choice | None = None
    """Sides of a square input, in place of the height and width of ``input_shape``."""
    note: str = ""
    """Where it is from, and what of it is ours."""

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions, in the order of the parts."""
        rows = [] if self.sides is None else [Decision(name="input.side", options=self.sides.options)]
        for number, part in enumerate(self.parts):
            rows += decisions_of(number, part)
        return tuple(rows)

    @property
    def size(self) -> int:
        """How many combinations of decisions there are; some give the same network."""
        return prod(len(row.options) for row in self.decisions)

    def smallest(self) -> Decisions:
        """Return the first option of each decision: the narrowest widths, and no block that can be left out."""
        return {row.name: row.options[0] for row in self.decisions}

    def narrowest(self) -> Decisions:
        """Return the first option of each decision, with all blocks."""
        return {row.name: row.options[-1 if row.is_keep else 0] for row in self.decisions}

    def largest(self) -> Decisions:
        """Return the last option of each decision."""
        return {row.name: row.options[-1] for row in self.decisions}

    def sample(self, random: np.random.Generator, widest: float = 1.0) -> Decisions:
        """Return one network, each decision uniform among its options.

        Args:
            random: Where the choices are drawn from.
            widest: Share of the options that are drawn from, from the cheapest, where there are more than two of a
                decision; at least one.
        """
        return {row.name: row.options[int(random.integers(_drawn(row, widest)))] for row in self.decisions}

    def all(self) -> Iterator[Decisions]:
        """Yield every network; for spaces that are small."""
        names = [row.name for row in self.decisions]
        for values in product(*(row.options for row in self.decisions)):
            yield dict(zip(names, values, strict=True))

    def check(self, decisions: Decisions) -> None:
        """Raise UsageError for a value that is missing, unknown, or no option."""
        known = {row.name: row for row in self.decisions}
        for name in decisions:
            if name not in known:
                raise UsageError(f"space {self.name} has no decision {name!r}; it has {', '.join(known)}.")
        for row in known.values():
            if row.name not in decisions:
                raise UsageError(f"decision {row.name!r} of space {self.name} is missing.")
            if decisions[row.name] not in row.options:
                options = ", ".join(map(str, row.options))
                raise UsageError(
                    f"{decisions[row.name]!r} is no option of {row.name!r} of space {self.name}: {options}."
                )

    def derive(self, decisions: Decisions, name: str = "") -> Arch:
        """Return a network of the space as a plain row.

        Args:
            decisions: A value for each decision.
            name: What the network is called; "" for the name of the space.

        Raises:
            UsageError: A value is missing, unknown, or no option.
        """
        self.check(decisions)
        shape = self.input_shape
        if self.sides is not None:
            shape = (decisions["input.side"], decisions["input.side"], shape[2])
        blocks: list[Block] = []
        for number, part in enumerate(self.parts):
            for prefix, block in _used(str(number), part, decisions):
                blocks += _decided(prefix, block, decisions, (shape, blocks))
        pipeline = self.pipeline.format(side=shape[0])
        return Arch(name=name or self.name, input_shape=shape, blocks=tuple(blocks), pipeline=pipeline, note=self.note)


def _drawn(row: Decision, widest: float) -> int:
    """How many options of a decision are drawn from; whether a block is there is drawn in any case."""
    count = len(row.options)
    return count if count <= 2 else max(1, int(widest * count + 1e-9))


def _used(prefix: str, part: Part, decisions: Decisions) -> list[tuple[str, Block | OpenBlock]]:
    """The blocks of a part that are used, with what the names of their decisions begin with."""
    if not isinstance(part, Stage):
        return [(prefix, part)]
    return [(f"{prefix}.{place}", block) for place, block in enumerate(part.blocks[: decisions[f"{prefix}.depth"]])]


def _decided(
    prefix: str, block: Block | OpenBlock, decisions: Decisions, before: tuple[tuple[int, int, int], list[Block]]
) -> list[Block]:
    """A block without choices; in place of one that is left out, a pool for its stride, or nothing."""
    if not isinstance(block, OpenBlock):
        return [block]
    values: dict[str, Any] = {}
    for name, value in block.fields:
        inner = value.factor if isinstance(value, TimesInput) else value
        decided = decisions[f"{prefix}.{name}"] if isinstance(inner, Choice) else inner
        values[name] = round(decided * _channels(*before)) if isinstance(value, TimesInput) else decided
    made = block.kind(**values)
    if block.skip and not decisions[f"{prefix}.keep"]:
        stride = strides_of(made)
        return [] if stride == (1, 1) else [AveragePool(stride)]
    return [made]


def _channels(shape: tuple[int, int, int], blocks: list[Block]) -> int:
    """Channels that come out of blocks."""
    return int(expand(shape, blocks)[-1].out_shape[-1]) if blocks else shape[2]
