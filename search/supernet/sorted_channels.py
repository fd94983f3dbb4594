# SPDX-License-Identifier: Apache-2.0
"""Sorts the channels of a supernet by importance, so that narrow networks get the important ones.

The importance of a channel is the sum of the magnitudes of the weights that read it (Once-for-all, arXiv 1908.09791,
section 3.2; MCUNet trains its supernet that way). Sorting moves channels, with all weights that write or read them; the
largest network computes the same before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.models.arch.layers import INPUT
from mlperf_tiny.search.supernet.nodes import Node
from mlperf_tiny.search.supernet.supernet import Supernet


@dataclass(eq=False)
class _Group:
    """Channels that must stay in one order: branches around blocks tie maps together."""

    width: int
    sorts: bool = True
    writes: list[tuple[Any, int]] = field(default_factory=list)
    reads: list[tuple[Any, int]] = field(default_factory=list)


def sort_channels(supernet: Supernet) -> None:
    """Move the channels of all layers whose width is decided, in place: the most important come first."""
    for group in _groups(supernet):
        if not group.sorts or not group.reads:
            continue
        order = np.argsort(-_importance(group), kind="stable")
        for variable, axis in [*group.writes, *group.reads]:
            variable.assign(np.take(np.asarray(variable), order, axis=axis))


def _importance(group: _Group) -> NDArray[np.floating[Any]]:
    total = np.zeros(group.width)
    for variable, axis in group.reads:
        values = np.abs(np.asarray(variable))
        total += values.sum(axis=tuple(n for n in range(values.ndim) if n != axis))
    return total


def _groups(supernet: Supernet) -> Sequence[_Group]:
    nodes = supernet.nodes
    current = _Group(nodes[0].in_channels, sorts=False)  # the input's channels stay
    found = [current]
    for node in nodes:
        current = _node(supernet, node, current, found)
    current.sorts = False  # and so do the classes
    return found


def _node(supernet: Supernet, node: Node, entry: _Group, found: list[_Group]) -> _Group:
    groups = {INPUT: entry}
    group = entry
    for place, row in enumerate(node.layers):
        own = supernet.variables_of(row)
        group = groups[row.layer.inputs[0]]
        if row.layer.kind == "add":
            other = groups[row.layer.inputs[1]]
            group = group if other is group else _tied(group, other, found)
        elif row.layer.kind == "conv":
            group.reads.append((own["kernel"], 2))
            group = _Group(row.layer.out_shape[-1], sorts=bool(row.decision) or row.same)
            found.append(group)
            group.writes.append((own["kernel"], 3))
        elif row.layer.kind == "depthwise":
            group.writes.append((own["kernel"], 2))
        if own:
            group.writes += [(own[name], 0) for name in ("gain", "offset") if name in own]
        groups[place] = group
    tied = bool(node.keep or node.residual or (node.depth and node.place))
    return _tied(entry, group, found) if tied and group is not entry else group


def _tied(entry: _Group, out: _Group, found: list[_Group]) -> _Group:
    """One group of two; channels of maps of different widths stay in their order."""
    found.remove(out)
    entry.sorts = entry.sorts and out.sorts and entry.width == out.width
    entry.writes += out.writes
    entry.reads += out.reads
    entry.width = max(entry.width, out.width)
    return entry
