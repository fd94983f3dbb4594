# SPDX-License-Identifier: Apache-2.0
"""The blocks of a search space as a supernet computes them: their layers at the largest widths, and their decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.blocks import Block, Bottleneck, Broadcast, TimeChannelSeparable, strides_of
from mlperf_tiny.models.arch.layers import Layer, expand
from mlperf_tiny.search.space.choice import Choice, OpenBlock, Stage, TimesInput
from mlperf_tiny.search.space.space import SearchSpace

SUPPORTED = ("conv", "depthwise", "pool", "reshape")
"""Kinds of layers that a supernet has."""
ADDING = (Broadcast, TimeChannelSeparable)
"""Blocks whose additions a supernet has too: all their convolutions have the channels of the block's output."""


@dataclass(frozen=True, kw_only=True)
class NodeLayer:
    """A layer of a block at its largest."""

    layer: Layer
    """Its shape; the height and width of its maps are those of a block's first use."""
    name: str
    """What its variables are called."""
    decision: str = ""
    """Name of the decision of its output channels; "": they are not decided."""
    widths: tuple[int, ...] = ()
    """The options of that decision, where they are channels."""
    factors: tuple[Any, ...] = ()
    """Where the channels are a multiple of the block's input: the multiples."""
    same: bool = False
    """Whether the channels are those of the layer's input, however many these are."""
    kernel_decision: str = ""
    """Name of the decision of its kernel; "": it is not decided."""
    kernels: tuple[tuple[int, int], ...] = ()
    """The options of that decision."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A block of a search space."""

    prefix: str
    """Number of its part, and its place in a stage: what names of its decisions begin with."""
    layers: tuple[NodeLayer, ...]
    """Its layers, without the addition of a residual bottleneck."""
    residual: bool = False
    """Whether the block's input is added to the output of these layers."""
    keep: str = ""
    """Name of the decision whether it is there; "": it always is."""
    stride: tuple[int, int] = (1, 1)
    """What a pool in its place has as its size, where it is left out."""
    depth: str = ""
    """Name of the decision of its stage's depth; "": it is in none."""
    place: int = 0
    """Its place in the stage."""
    in_channels: int
    """Most channels of its input."""
    out_channels: int
    """Most channels of its output, the input's included where that can take its place."""


def nodes_of(space: SearchSpace) -> tuple[Node, ...]:
    """Return the blocks of a space, in order.

    Raises:
        UsageError: A block has layers that a supernet does not have, or decides what it cannot share.
    """
    shape: tuple[int, ...] = space.input_shape
    if space.sides is not None:
        side = space.sides.options[-1]
        shape = (side, side, shape[2])
    found = []
    for prefix, block, stage in _blocks(space):
        node, shape = _node(space.name, prefix, block, shape)
        found.append(replace(node, **stage))
    return tuple(found)


def _blocks(space: SearchSpace) -> Iterator[tuple[str, Block | OpenBlock, dict[str, Any]]]:
    for number, part in enumerate(space.parts):
        if isinstance(part, Stage):
            for place, block in enumerate(part.blocks):
                yield f"{number}.{place}", block, {"depth": f"{number}.depth", "place": place}
        else:
            yield str(number), part, {}


def _node(name: str, prefix: str, block: Block | OpenBlock, shape: tuple[int, ...]) -> tuple[Node, tuple[int, ...]]:
    fields = dict(block.fields) if isinstance(block, OpenBlock) else {}
    channels = shape[-1]
    values = {key: _largest(value, channels) for key, value in fields.items()}
    widest: Block = block.kind(**values) if isinstance(block, OpenBlock) else block
    residual = isinstance(widest, Bottleneck) and widest.residual
    plain: Block = replace(widest, residual=False) if isinstance(widest, Bottleneck) else widest
    layers = expand(shape, (plain,))
    supported = (*SUPPORTED, "add") if isinstance(widest, ADDING) else SUPPORTED
    if strange := next((layer.kind for layer in layers if layer.kind not in supported), None):
        raise UsageError(f"block {prefix} of space {name} has a layer of kind {strange}, which no supernet has.")
    if isinstance(widest, Broadcast) and isinstance(fields.get("filters"), Choice) and _keeps_by_chance(widest):
        raise UsageError(
            f"block {prefix} of space {name} would add its input at some widths only; make it a transition."
        )
    skip = isinstance(block, OpenBlock) and block.skip
    out = layers[-1].out_shape
    widest_out = max(out[-1], channels) if (skip or residual) and len(out) == 3 else out[-1]
    node = Node(
        prefix=prefix,
        layers=tuple(
            _node_layer(prefix, place, layer, fields, _field_of(widest, layers, place))
            for place, layer in enumerate(layers)
        ),
        residual=residual,
        keep=f"{prefix}.keep" if skip else "",
        stride=strides_of(widest),
        in_channels=channels,
        out_channels=widest_out,
    )
    return node, (*out[:-1], widest_out)


def _largest(value: Any, channels: int) -> Any:
    if isinstance(value, Choice):
        return value.options[-1]
    if isinstance(value, TimesInput):
        return round(_largest(value.factor, channels) * channels)
    return value


def _keeps_by_chance(block: Broadcast) -> bool:
    return block.stride == 1 and not block.transition


def _field_of(block: Block, layers: tuple[Layer, ...], place: int) -> str:
    """The field of a block that has the channels of one of its layers; "": it has those of its input."""
    if isinstance(block, ADDING):
        return "filters" if layers[place].kind == "conv" else ""
    if place == len(layers) - 1:
        return "filters"
    return "expansion" if place == 0 and layers[0].kind == "conv" else ""


def _node_layer(prefix: str, place: int, layer: Layer, fields: dict[str, Any], field: str) -> NodeLayer:
    """A layer with what is decided of it."""
    decided: dict[str, Any] = {}
    value = fields.get(field)
    if field in fields and value is None:
        decided = {"same": True}
    elif isinstance(value, Choice):
        decided = {"decision": f"{prefix}.{field}", "widths": value.options}
    elif isinstance(value, TimesInput):
        several = isinstance(value.factor, Choice)
        decided = {
            "decision": f"{prefix}.{field}" if several else "",
            "factors": value.factor.options if several else (value.factor,),
        }
    kernel = fields.get("kernel")
    if isinstance(kernel, Choice) and layer.kernel == kernel.options[-1]:
        decided |= {"kernel_decision": f"{prefix}.kernel", "kernels": kernel.options}
    return NodeLayer(layer=layer, name=f"{prefix}_{place}".replace(".", "_"), **decided)
