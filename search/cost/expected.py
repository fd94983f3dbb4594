# SPDX-License-Identifier: Apache-2.0
"""The layers of a search space whose decisions have probabilities: expected widths, and blocks that are there in part.

For a width decided by probabilities p over options w the layer has the expected width sum(p * w), as in FBNetV2's
channel masks (arXiv 2004.05565, section 3.1), on which the MicroNets paper builds its decision nodes (section 5.1). The
layers of a block with a branch around it have the probability of the block as their gate, and what comes out has the
mixture of its own width and its input's; an addition has the expectation of the wider of the two. Decisions of
different blocks are independent, so sums over layers (operations, parameters) are their exact expectations, with the
square of a width where it is both of a layer's ends; the largest layer (memory) is exact where every decision is
certain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlperf_tiny.models.arch.blocks import AveragePool, Block, Bottleneck, Broadcast, strides_of
from mlperf_tiny.models.arch.layers import INPUT, Layer, expand
from mlperf_tiny.search.cost.cost import GatedLayer, plain_layers
from mlperf_tiny.search.cost.numbers import Value
from mlperf_tiny.search.space.choice import Choice, OpenBlock, TimesInput
from mlperf_tiny.search.space.space import SearchSpace

Probabilities = Mapping[str, Sequence[Value]]
"""For each decision the probability of each option: numbers, or a tensor of one dimension."""


Widths = dict[int, Value]
"""The channel counts that a map may have, with their probabilities."""


def expected_layers(space: SearchSpace, probabilities: Probabilities) -> tuple[GatedLayer, ...]:
    """Return the layers of a space under probabilities of its decisions.

    Args:
        space: Blocks in which widths, and whether they are there, are to be decided.
        probabilities: For each decision of the space; (not there, there) for ``keep``.

    Raises:
        TypeError: The space decides something else than widths and depth.
    """
    height, width, channels = space.input_shape
    size: tuple[int, ...] = (height, width)
    widths: Widths = {channels: 1.0}
    layers: list[GatedLayer] = []
    for number, part in enumerate(space.parts):
        if not isinstance(part, (OpenBlock, Block)) or space.sides is not None:
            raise TypeError(f"space {space.name} decides more than widths and depth; it has no expected layers")
        shape = (*size, _mean(widths))
        block, filters = _expected_block(str(number), part, probabilities)
        inside = list(plain_layers(expand(shape, (_without_add(block),))))
        out = filters or widths
        if isinstance(block, Bottleneck) and block.residual:
            out = _wider(widths, out)
            inside = _with_add(inside, shape, _mean(out))
        if isinstance(block, Broadcast):
            inside = [_of_one_width(row, out) for row in inside]
        if isinstance(part, OpenBlock) and part.skip:
            keep = probabilities[f"{number}.keep"][1]
            around = _around(shape, block)
            inside = [replace(row, gate=keep) for row in inside] + [replace(row, gate=1 - keep) for row in around]
            out = _mixed(widths, out, keep)
        layers += inside
        size, widths = inside[-1].layer.out_shape[:-1], out
    return tuple(layers)


def _of_one_width(row: GatedLayer, widths: Widths) -> GatedLayer:
    """The 1x1 convolution along time of a Broadcast has one width for input and output, whose square is expected.

    Its input gets as many channels as make the product of both ends the expectation of the square.
    """
    layer = row.layer
    if layer.kind != "conv" or layer.inputs == (INPUT,):
        return row
    square = sum(chance * width * width for width, chance in widths.items())
    in_shape: tuple[Any, ...] = (*layer.in_shape[:-1], square / _mean(widths))
    return replace(row, layer=replace(layer, in_shape=in_shape))


def _mean(widths: Widths) -> Value:
    return sum(chance * width for width, chance in widths.items())


def _wider(first: Widths, second: Widths) -> Widths:
    """The wider of two independent widths."""
    found: Widths = {}
    for one, chance in first.items():
        for other, also in second.items():
            found[max(one, other)] = found.get(max(one, other), 0.0) + chance * also
    return found


def _mixed(around: Widths, inside: Widths, keep: Value) -> Widths:
    """The width after a block that is there with a probability."""
    found = {width: keep * chance for width, chance in inside.items()}
    for width, chance in around.items():
        found[width] = found.get(width, 0.0) + (1 - keep) * chance
    return found


def _expected_block(prefix: str, part: Block | OpenBlock, probabilities: Probabilities) -> tuple[Any, Widths]:
    """A block whose widths are the expected ones, and the widths that its output may have; {}: those of its input."""
    if not isinstance(part, OpenBlock):
        filters = getattr(part, "filters", None)
        return part, {} if filters is None else {filters: 1.0}
    values: dict[str, Any] = {}
    out: Widths = {}
    for name, value in part.fields:
        values[name] = value
        if value is None or name not in ("filters", "expansion"):
            if isinstance(value, (Choice, TimesInput)):
                raise TypeError(f"{prefix}.{name} decides no width; it has no expected value")
            continue
        if isinstance(value, Choice):
            chances = probabilities[f"{prefix}.{name}"]
            widths = {option: chances[place] for place, option in enumerate(value.options)}
            values[name] = _mean(widths)
        else:
            widths = {value: 1.0}
        out = widths if name == "filters" else out
    return part.kind(**values), out


def _without_add(block: Block) -> Block:
    return replace(block, residual=False) if isinstance(block, Bottleneck) else block


def _with_add(inside: list[GatedLayer], shape: tuple[Any, ...], width: Value) -> list[GatedLayer]:
    """The layers of a block and the addition of its input, which is kept meanwhile.

    Which of the two is the narrower one, and padded, is not known of expected widths: the padding is left out.
    """
    entry = shape[0] * shape[1] * shape[2]
    held = [inside[0], *(replace(row, held=entry) for row in inside[1:])]
    wide = (*inside[-1].layer.out_shape[:-1], width)
    return [*held, GatedLayer(layer=Layer(kind="add", inputs=(-1, len(held) - 1), in_shape=wide, out_shape=wide))]


def _around(shape: tuple[Any, ...], block: Block) -> list[GatedLayer]:
    """What is run where a block is left out."""
    stride = strides_of(block)
    return [] if stride == (1, 1) else list(plain_layers(expand(shape, (AveragePool(stride),))))
