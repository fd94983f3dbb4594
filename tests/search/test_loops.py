# SPDX-License-Identifier: Apache-2.0
"""Counts of loops: compared with a walk through the loops of the C kernels, over random shapes."""

from __future__ import annotations

from collections import Counter
from math import exp

import numpy as np
import pytest

from mlperf_tiny.models.arch.layers import Layer, LayerKind
from mlperf_tiny.models.arch.zoo import find_arch
from mlperf_tiny.search.cost.loops import ROUNDING_WEIGHTS, Memories, loop_counts, memories_of
from mlperf_tiny.search.cost.numbers import decay, exceeds, excess

NO_CACHE = Memories()


def random_layer(kind: LayerKind, random: np.random.Generator) -> Layer:
    kernel = tuple(int(random.integers(1, 6)) for _ in "hw")
    stride = int(random.integers(1, 3))
    padding = str(random.choice(["same", "valid"]))
    size = tuple(int(random.integers(max(kernel), 20)) for _ in "hw")
    channels = int(random.integers(1, 40))
    filters = channels if kind == "depthwise" else int(random.integers(1, 20)) * 2
    same = padding == "same"
    out = tuple(-(-(n if same else n - k + 1) // stride) for n, k in zip(size, kernel, strict=True))
    return Layer(
        kind=kind,
        inputs=(0,),
        in_shape=(*size, channels),
        out_shape=(*out, filters),
        kernel=(kernel[0], kernel[1]),
        stride=(stride, stride),
        padding=padding,
        relu="relu6",
    )


def pads(layer: Layer) -> tuple[int, int]:
    """Rows above and columns left of the input, as TFLite computes them."""
    if layer.padding == "valid":
        return 0, 0
    axes = zip(layer.in_shape, layer.out_shape, layer.kernel, layer.stride, strict=False)
    above, left = (max(0, (out - 1) * stride + taps - size) // 2 for size, out, taps, stride in axes)
    return above, left


def walk_convolution(layer: Layer) -> Counter[str]:
    """As conv2d_s8_dsp.c: tiles of four pixels, and the runs under each pixel."""
    (height, width, channels), (out_h, out_w, filters) = layer.in_shape, layer.out_shape
    (above, left), found = pads(layer), Counter[str]()
    pointwise = layer.kernel == (1, 1) and layer.stride == (1, 1)
    run = layer.kernel[1] * channels
    pairs = layer.kernel[0] * (run // 4 * 2 + (run % 4 + 1) // 2)
    pixels = out_h * out_w
    while pixels > 0:
        four = pixels >= 4 or (pointwise and pixels == 3 and out_h * out_w > 3)
        found["tiles"] += four
        for _ in range(0, filters - 1, 2):
            found["tile filters" if four else "single filters"] += 1
            found["products" if four else "single products"] += pairs - 1 if four else pairs
            found["turns"] += -(-(pairs - 1) // 16) if four else 0
        pixels -= 4 if four else 1
    for y in range(out_h):
        for x in range(out_w):
            found["windows"] += 1
            column = x * layer.stride[1] - left
            over = column < 0 or column + layer.kernel[1] > width
            for tap in range(layer.kernel[0]):
                row = y * layer.stride[0] - above + tap
                inside = 0 <= row < height
                found["runs outside"] += not inside
                found["runs over an edge"] += inside and over
                found["runs in all"] += inside
    return found


def test_convolutions_are_counted_as_their_kernel_runs() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        layer = random_layer("conv", random)
        counts, walked = loop_counts(layer, NO_CACHE), walk_convolution(layer)
        counts["products"] = counts["tile products packed"] + counts["tile products unpacked"]
        names = ["tiles", "tile filters", "single filters", "single products", "products"]
        if layer.kernel != (1, 1) or layer.stride != (1, 1):
            counts["runs in all"] = counts["runs"] + counts["short runs"]
            counts["runs in all"] += 0 if counts["short runs"] else counts["runs over an edge"]
            names += ["windows", "runs outside", "runs over an edge", "runs in all"]
        assert {name: counts[name] for name in names} == {name: walked[name] for name in names}, layer
        assert counts["tile turns"] == walked["turns"]


def walk_depthwise(layer: Layer, swapped: bool) -> Counter[str]:
    """As depthwise_conv2d_s8_dsp.c: its loops over groups, lines and words; ``swapped``: columns are the outer axis."""
    outer, inner = (1, 0) if swapped else (0, 1)
    pad, found = pads(layer), Counter[str]()
    out_size, line_size = layer.out_shape[inner], layer.in_shape[inner]
    stride, taps = layer.stride[inner], layer.kernel[inner]
    words = (out_size - 1) // 2 * stride + stride // 2 + taps // 2 + 1
    for first in range(0, layer.out_shape[-1], 4):
        channels = min(4, layer.out_shape[-1] - first)
        following = 0
        for y in range(layer.out_shape[outer]):
            base = y * layer.stride[outer]
            while following < base + layer.kernel[outer]:
                line = following - pad[outer]
                if following >= base and 0 <= line < layer.in_shape[outer]:
                    found["lines"] += 1
                    for word in range(words):
                        position = 2 * word - pad[inner]
                        whole = position >= 0 and position + 1 < line_size
                        found["whole words" if whole else "edge words"] += 1
                elif following >= base:
                    found["empty lines"] += 1
                    found["empty words"] += words
                following += 1
            found["group lines"] += 1
            found["channel lines"] += channels
            found["output pairs"] += channels * (out_size // 2)
            found["odd outputs"] += channels * (out_size % 2)
    return found


def test_depthwise_convolutions_are_counted_as_their_kernel_runs() -> None:
    random = np.random.default_rng(2)
    axes = set()
    for _ in range(200):
        layer = random_layer("depthwise", random)
        counts = loop_counts(layer, NO_CACHE)
        walks = [walk_depthwise(layer, swapped) for swapped in (False, True)]
        matching = [{name: counts[name] for name in walked} == dict(walked) for walked in walks]
        assert any(matching), layer
        axes.add(matching.index(True))
    assert axes == {0, 1}


@pytest.mark.parametrize("relu, share", [("none", 1.0), ("relu6", 1 - exp(-144 * 30 / ROUNDING_WEIGHTS))])
def test_layers_without_an_activation_round_in_the_longer_way(relu: str, share: float) -> None:
    layer = Layer(kind="conv", inputs=(0,), in_shape=(5, 5, 144), out_shape=(5, 5, 30), relu=relu)
    counts = loop_counts(layer, NO_CACHE)
    assert counts["tile rounding"] == pytest.approx(counts["tile filters"] * share)


def test_misses_are_counted_for_cores_with_a_cache_and_large_layers() -> None:
    cortex_m7 = memories_of("stm32f746")
    assert (cortex_m7, memories_of("stm32f446")) == (Memories(cache_bytes=4096, near_bytes=65536), NO_CACHE)
    assert memories_of("another") == NO_CACHE
    small = Layer(kind="conv", inputs=(0,), in_shape=(8, 8, 16), out_shape=(8, 8, 16))
    large = Layer(kind="conv", inputs=(0,), in_shape=(32, 32, 64), out_shape=(32, 32, 64), kernel=(3, 3))
    names = ["lines of weights", "all lines of weights", "lines of columns", "all lines of columns", "far filters"]
    assert not any(loop_counts(small, cortex_m7)[name] for name in names)
    assert all(loop_counts(large, cortex_m7)[name] for name in names)
    assert not any(name in loop_counts(large, NO_CACHE) for name in names)


@pytest.mark.parametrize("name", ["micronet-kws-s", "micronet-vww-2", "micronet-ad-s", "mlperf-ic", "ad-autoencoder"])
def test_layers_that_compute_have_counts(name: str) -> None:
    for layer in find_arch(name).layers:
        counts = loop_counts(layer, memories_of("stm32f746"))
        assert counts["layer"] == 1.0 and all(value >= 0 for value in counts.values())
        assert counts["outputs" if layer.kind != "depthwise" else "channels"] > 0


def test_arithmetic_of_counts_on_tensors_is_that_on_numbers() -> None:
    tf = pytest.importorskip("tensorflow")
    for value in (3.0, 7.5):
        width = tf.Variable(value)
        with tf.GradientTape(persistent=True) as tape:
            results = excess(width, 4), exceeds(width, 4), decay(width / 10)
        assert [float(row) for row in results] == pytest.approx([max(0, value - 4), float(value > 4), exp(-value / 10)])
        gradients = [tape.gradient(row, width) for row in results]
        assert float(gradients[0]) == float(value > 4) and gradients[1] is None
        assert float(gradients[2]) == pytest.approx(-exp(-value / 10) / 10)
        assert [excess(value, 4), exceeds(value, 4), decay(value / 10)] == pytest.approx([float(r) for r in results])
