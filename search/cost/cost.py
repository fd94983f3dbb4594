# SPDX-License-Identifier: Apache-2.0
"""Costs of networks: a table from kinds of layers to functions of their shapes, summed or maximised over the network.

The same table gives the cost of a plain network and, differentiable, the expected cost of a searched one: a shape may
hold expected widths. A layer that no row is for costs nothing, or is an error; two rows for one layer are an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlperf_tiny.models.arch.layers import INPUT, Layer
from mlperf_tiny.search.cost.numbers import Value, largest

Unmatched = Literal["zero", "fail"]


@dataclass(frozen=True, kw_only=True)
class GatedLayer:
    """A layer that a network has, or has to a degree."""

    layer: Layer
    """The layer; its channel counts may be tensors."""
    gate: Value = 1.0
    """Probability that the layer is there."""
    held: Value = 0
    """Bytes of int8 activations that are kept beside its own inputs and output, for a later layer."""
    kept: bool = False
    """Whether later layers read all of its inputs, so that its output cannot take the place of one."""


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """What layers of one kind cost."""

    name: str
    """For messages."""
    matches: Callable[[Layer], bool]
    """Whether a layer is of this kind; looks at nothing that may be a tensor (channel counts)."""
    value: Callable[[GatedLayer], Value]
    """Cost of such a layer, were it there."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One cost of a network."""

    name: str
    """Such as ``ops``."""
    unit: str
    """Such as ``bytes``."""
    rows: tuple[CostRow, ...]
    """For each kind of layer."""
    constant: float = 0.0
    """Cost of a network besides its layers."""
    combine: Literal["sum", "max"] = "sum"
    """How the costs of layers make that of the network."""
    unmatched: Unmatched = "zero"
    """What a layer that no row is for costs."""

    def of_layer(self, gated: GatedLayer) -> Value:
        """Return the cost of a layer, times the probability that it is there.

        Raises:
            ValueError: Two rows are for it, or none is and ``unmatched`` is "fail".
        """
        found = [row for row in self.rows if row.matches(gated.layer)]
        if len(found) > 1:
            names = " and ".join(row.name for row in found)
            raise ValueError(f"the rows {names} of cost {self.name} are both for a layer of kind {gated.layer.kind}")
        if not found:
            if self.unmatched == "fail":
                raise ValueError(f"no row of cost {self.name} is for a layer of kind {gated.layer.kind}")
            return 0
        return gated.gate * found[0].value(gated)

    def of_layers(self, layers: Sequence[GatedLayer]) -> Value:
        """Return the cost of a network of at least one layer; Raises: as ``of_layer``."""
        values = [self.of_layer(gated) for gated in layers]
        return self.constant + (largest(values) if self.combine == "max" else sum(values))


def network_cost(cost: Cost, layers: Iterable[Layer]) -> float:
    """Return what a network takes.

    Args:
        cost: What is asked.
        layers: Of the network.
    """
    return float(cost.of_layers(plain_layers(layers)))


def plain_layers(layers: Iterable[Layer]) -> tuple[GatedLayer, ...]:
    """Return the layers of a plain network as a cost takes them.

    What a branch keeps for later is counted by what is held: the input of a residual block during its layers.

    Args:
        layers: Of a network, or of a block, whose input is then held as that of a network.
    """
    rows = tuple(layers)
    last_read = {source: number for number, layer in enumerate(rows) for source in layer.inputs}
    sizes: dict[int, Any] = {number: _elements(layer.out_shape) for number, layer in enumerate(rows)}
    sizes[INPUT] = _elements(rows[0].in_shape) if rows else 0
    found = []
    for number, layer in enumerate(rows):
        held = [
            sizes[source]
            for source, last in last_read.items()
            if source < number and last > number and source not in layer.inputs
        ]
        kept = all(last_read[source] > number for source in layer.inputs)
        found.append(GatedLayer(layer=layer, held=sum(held), kept=kept))
    return tuple(found)


def _elements(shape: Iterable[Any]) -> Value:
    total: Value = 1
    for size in shape:
        total = total * size
    return total
