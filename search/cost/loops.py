# SPDX-License-Identifier: Apache-2.0
"""How often each part of the loops of a layer runs, in the kernels of the compiled engine (``firmware/engine/dsp``).

A convolution gathers the values under four output pixels, and computes four pixels of two filters at a time; pixels
that are left over come one by one. A depthwise convolution takes four channels at a time, line by line. Spatial sizes
are whole numbers, channel counts may be expected widths of a search; sums of these counts, each times the cycles that
one takes, are the latency of a layer (``mlperf_tiny.search.cost.latency``).

How a layer rounds depends on its weights: the shorter way is taken where it is exact for all of its channels. Without
an activation it is not, as TFLite rounds negative halves in the other direction. With one, the wider the sums of a
channel, the less often it is, so the chance of the longer way grows with the number of weights:
1 - exp(-weights / ``ROUNDING_WEIGHTS``), fitted to random networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from mlperf_tiny.firmware.boards import BOARDS
from mlperf_tiny.models.arch.layers import Layer
from mlperf_tiny.search.cost.numbers import Value, decay, exceeds, excess, multiple_above

Counts = dict[str, Value]
"""Name of a part of a loop to how often it runs."""

ROUNDING_WEIGHTS = 47_000
"""Among layers of so many weights whose activation leaves no negative result, a share of 1 - 1/e rounds in the longer
way."""
UNROLLED = 16
"""Pairs of values in one turn of the innermost loop (``DOT_UNROLL`` of ``dsp/dot_asm.h``)."""
PACKED_ABOVE, PACKED_BELOW = 8, 1000
"""Two filters share a word where there are more pairs than the first, and fewer values than about the second."""
SPECIAL_RUNS = (3, 4, 9)
"""Lengths of runs that are gathered without a loop: those of usual first layers."""
LINE_BYTES, KEPT_LINES = 32, 16
"""Of a data cache: bytes of a line, and lines that other data than the columns keep."""


@dataclass(frozen=True, kw_only=True)
class Memories:
    """What of a core's memories the time of a layer depends on."""

    cache_bytes: int = 0
    """Data cache; 0: none."""
    near_bytes: int = 0
    """RAM that is read without the cache in no time, at the start of RAM; 0: none."""


def memories_of(device: object) -> Memories:
    """Return the memories of a board; those of a core without a cache for an unknown one."""
    for board in BOARDS:
        if board.device == device and board.memory_system and board.memory_system.data_cache:
            ram = board.memory("ram").base
            near = sum(size for base, size in board.memory_system.tightly_coupled if base == ram)
            return Memories(cache_bytes=board.memory_system.data_cache.size_bytes, near_bytes=near)
    return Memories()


def loop_counts(layer: Layer, memories: Memories) -> Counts:
    """Return how often the parts of a layer's loops run.

    Args:
        layer: The layer; its channel counts may be tensors.
        memories: Of the core.
    """
    return _COUNTS.get(layer.kind, _moving)(layer, memories)


def pairs_of(layer: Layer) -> Value:
    """Return how many pairs of values an output of a convolution or a fully-connected layer is the sum over."""
    run = layer.kernel[1] * layer.in_shape[-1]
    return layer.kernel[0] * multiple_above(run, 2) / 2


def depthwise_scratch_bytes(layer: Layer) -> int:
    """Return what a depthwise convolution keeps of its input lines and filters, for four channels."""
    outer, inner = _axes(_first_part(layer))
    filters = 10 if (outer.taps, inner.taps) == (3, 3) and inner.stride <= 2 else outer.taps * (inner.taps // 2 + 1) * 2
    return 4 * 4 * (inner.words * outer.taps + filters)


def _pixels(layer: Layer) -> int:
    return prod(layer.out_shape[:-1])


def _rounding(layer: Layer) -> Value:
    """Chance that a layer rounds in the longer way."""
    return 1.0 if layer.relu == "none" else 1.0 - decay(layer.weights / ROUNDING_WEIGHTS)


def _convolution(layer: Layer, memories: Memories) -> Counts:
    pixels, pointwise = _pixels(layer), layer.kernel == (1, 1) and layer.stride == (1, 1)
    tiles, single = divmod(pixels, 4)
    if pointwise and single == 3 and tiles:  # one pixel a second time
        tiles, single = tiles + 1, 0
    run, pairs = layer.kernel[1] * layer.in_shape[-1], pairs_of(layer)
    two_filters = layer.out_shape[-1] / 2
    packed = exceeds(pairs, PACKED_ABOVE) * (1.0 - exceeds(prod(layer.kernel) * layer.in_shape[-1], PACKED_BELOW))
    turns = multiple_above(pairs - 1, UNROLLED) / UNROLLED
    done = tiles * two_filters
    counts = {
        "layer": 1.0,
        "tiles": tiles,
        "tile filters": done,
        "tile products packed": done * (pairs - 1) * packed,
        "tile products unpacked": done * (pairs - 1) * (1.0 - packed),
        "tile splits": done * packed,
        "tile turns": done * turns,
        "tile second turn": done * exceeds(turns, 1) * (1.0 - exceeds(turns, 2)),
        "tile third turn": done * exceeds(turns, 2),
        "tile rounding": done * _rounding(layer),
        "single filters": single * two_filters,
        "single products": single * two_filters * pairs,
        "outputs": pixels * layer.out_shape[-1],
    }
    gathered = _gathered_pixels(layer) if pointwise else _gathered_windows(layer, run)
    return counts | gathered | (_misses(layer, memories, pairs, tiles) if memories.cache_bytes else {})


def _misses(layer: Layer, memories: Memories, pairs: Value, tiles: int) -> Counts:
    """What a data cache reads again: weights for each four pixels, and columns for each two filters."""
    weights = layer.out_shape[-1] * (2 * pairs + 12)
    columns = 16 * pairs
    done = tiles * layer.out_shape[-1] / 2
    held = memories.cache_bytes - KEPT_LINES * LINE_BYTES
    needed = prod(layer.in_shape) + prod(layer.out_shape) + columns
    far = exceeds(needed, memories.near_bytes - 2048)
    return {
        "lines of weights": tiles * excess(weights, memories.cache_bytes) / LINE_BYTES,
        "all lines of weights": tiles * weights * exceeds(weights, memories.cache_bytes) / LINE_BYTES,
        "lines of columns": far * done * excess(columns, held) / LINE_BYTES,
        "all lines of columns": far * done * columns * exceeds(columns, memories.cache_bytes) / LINE_BYTES,
        "far filters": far * done,
        "far products": far * done * pairs,
        "far inputs": far * prod(layer.in_shape),
    }


def _gathered_pixels(layer: Layer) -> Counts:
    pixels = _pixels(layer)
    whole = multiple_above(layer.in_shape[-1], 4)
    return {"gathered words": pixels * whole / 4, "gathered rests": pixels * (whole - layer.in_shape[-1])}


def _gathered_windows(layer: Layer, run: Value) -> Counts:
    """Runs of values under a window: inside the input, over its left or right edge, above or below it."""
    (rows, _), (_, edges) = (_inside(layer, axis) for axis in (0, 1))
    height, width = layer.out_shape[0], layer.out_shape[1]
    special = run in SPECIAL_RUNS if isinstance(run, int) else False
    inside, over = rows * (width - edges), rows * edges
    outside = (height * layer.kernel[0] - rows) * width
    return {
        "windows": height * width,
        "runs": 0 if special else inside,
        "short runs": inside + over if special else 0,
        "runs over an edge": over,
        "bytes over an edge": over * run,
        "words of runs": (inside + over) * run / 4,
        "runs outside": outside,
        "words outside": outside * run / 2,
    }


def _inside(layer: Layer, axis: int) -> tuple[int, int]:
    """Over all outputs along an axis: taps of the filter inside the input, and outputs some of whose taps are not."""
    size, out = layer.in_shape[axis], layer.out_shape[axis]
    taps, stride, before = layer.kernel[axis], layer.stride[axis], _padding(layer, axis)
    counts = [
        sum(0 <= start + tap < size for tap in range(taps)) for start in range(-before, out * stride - before, stride)
    ]
    return sum(counts), sum(count < taps for count in counts)


def _padding(layer: Layer, axis: int) -> int:
    if layer.padding != "same":
        return 0
    span = (layer.kernel[axis] - 1) * layer.dilation[axis] + 1
    return max(0, (layer.out_shape[axis] - 1) * layer.stride[axis] + span - layer.in_shape[axis]) // 2


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One axis of a depthwise convolution, as ``firmware/codegen/operators/convolution/depthwise_dsp.py`` has it."""

    size: int
    out: int
    taps: int
    stride: int
    pad: int

    @property
    def words(self) -> int:
        """Words of a line of two values each that its last two outputs read, were it the inner axis."""
        return (self.out - 1) // 2 * self.stride + self.stride // 2 + self.taps // 2 + 1

    @property
    def whole_words(self) -> int:
        """Words of a line with both values inside."""
        first = (self.pad + 1) // 2
        return max(0, min((self.size + self.pad) // 2, self.words) - first)

    @property
    def lines(self) -> tuple[int, int]:
        """Lines that are read, were it the outer axis: inside the input, and outside."""
        read = {y * self.stride + tap - self.pad for y in range(self.out) for tap in range(self.taps)}
        inside = sum(0 <= line < self.size for line in read)
        return inside, len(read) - inside


def _effort(outer: _Axis, inner: _Axis) -> float:
    """What the generator chooses the inner axis by."""
    loop = 3 + 1.5 * outer.taps * (inner.taps // 2 + 1)
    lines = min(outer.size + 2 * outer.pad, outer.out * outer.stride + outer.taps)
    return outer.out * (40 + 2 * loop * -(-inner.out // 2)) + lines * (30 + 4 * inner.words)


def runs_by_parts(layer: Layer) -> bool:
    """Return whether a dilated depthwise convolution runs as several ones that are not; else in the portable kernel."""
    paddings = [_padding(layer, axis) % layer.dilation[axis] for axis in (0, 1)]
    return layer.stride == (1, 1) and not any(paddings)


def _first_part(layer: Layer) -> Layer:
    """A depthwise convolution without a dilation; of one with a dilation the first of those that it runs as."""
    down, across = layer.dilation
    in_shape, out_shape = (
        (-(-height // down), -(-width // across), channels)
        for height, width, channels in (layer.in_shape, layer.out_shape)
    )
    return replace(layer, in_shape=in_shape, out_shape=out_shape, dilation=(1, 1))


def _axes(layer: Layer) -> tuple[_Axis, _Axis]:
    """The outer and the inner axis."""
    rows, columns = (
        _Axis(
            size=layer.in_shape[axis],
            out=layer.out_shape[axis],
            taps=layer.kernel[axis],
            stride=layer.stride[axis],
            pad=_padding(layer, axis),
        )
        for axis in (0, 1)
    )
    return (columns, rows) if _effort(columns, rows) < _effort(rows, columns) else (rows, columns)


def _depthwise(layer: Layer, memories: Memories) -> Counts:
    if layer.dilation != (1, 1):
        parts = prod(min(step, size) for step, size in zip(layer.dilation, layer.out_shape, strict=False))
        counts = {name: parts * count for name, count in _depthwise(_first_part(layer), memories).items()}
        return counts | {"layer": 1.0}
    outer, inner = _axes(layer)
    channels = layer.out_shape[-1]
    groups = multiple_above(channels, 4) / 4
    inside, outside = outer.lines
    counts = {
        "layer": 1.0,
        "channels": channels,
        "groups": groups,
        "group lines": groups * outer.out,
        "lines": groups * inside,
        "whole words": groups * inside * inner.whole_words,
        "edge words": groups * inside * (inner.words - inner.whole_words),
        "empty lines": groups * outside,
        "empty words": groups * outside * inner.words,
        "channel lines": channels * outer.out,
        "output pairs": channels * outer.out * (inner.out // 2),
        "odd outputs": channels * outer.out * (inner.out % 2),
        "rounding": channels * _pixels(layer) * _rounding(layer),
    }
    if not memories.cache_bytes:
        return counts
    far = exceeds(prod(layer.in_shape), memories.near_bytes - 4096)
    return counts | {"far lines": far * groups * inside, "far values": far * channels * prod(layer.in_shape[:-1])}


def _moving(layer: Layer, memories: Memories) -> Counts:
    """Of pools, paddings and additions: outputs, and inputs, four channels at a time."""
    out, into = (multiple_above(shape[-1], 4) / 4 for shape in (layer.out_shape, layer.in_shape))
    pixels = _pixels(layer)
    return {
        "layer": 1.0,
        "pixels": pixels,
        "outputs": pixels * layer.out_shape[-1],
        "words": pixels * out,
        "rows of windows": pixels * layer.kernel[0] * out,
        "words in": prod(layer.in_shape[:-1]) * into,
    }


def _dense(layer: Layer, memories: Memories) -> Counts:
    outputs = layer.out_shape[-1]
    return {"layer": 1.0, "outputs": outputs, "inputs": layer.in_shape[-1], "products": layer.in_shape[-1] * outputs}


_COUNTS: dict[str, Callable[[Layer, Memories], Counts]] = {
    "conv": _convolution,
    "depthwise": _depthwise,
    "dense": _dense,
}
