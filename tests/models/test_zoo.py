# SPDX-License-Identifier: Apache-2.0
"""Operation and parameter counts of the networks, and their layers against the published files."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.blocks import (
    Bottleneck,
    Broadcast,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    GlobalPool,
    Residual,
    TimeChannelSeparable,
)
from mlperf_tiny.models.arch.layers import INPUT, Layer
from mlperf_tiny.models.arch.zoo import ARCHS, find_arch
from mlperf_tiny.models.catalog.catalog import available_locally, find_model
from mlperf_tiny.models.features.pipelines import find_pipeline
from tests.fakes.tflite_operators import OPERATORS

# Multiply-accumulates, and weights with biases. Of the published files they were counted from the file's tensors, of
# the others by hand.
COUNTS = {
    "ad-autoencoder": (264_192, 265_864),
    "ad-autoencoder-wide": (2_236_416, 2_241_160),
    "micronet-kws-s": (8_326_752, 60_240),
    "micronet-kws-m": (15_556_352, 111_984),
    "micronet-kws-l": (65_714_076, 500_328),
    "micronet-ad-s": (18_740_192, 195_976),
    "micronet-ad-m": (62_346_720, 376_172),
    "micronet-ad-l": (64_494_656, 362_312),
    "micronet-vww-2": (3_143_416, 89_302),
    "micronet-vww-3": (22_565_040, 266_829),
    "micronet-vww-4": (18_828_800, 233_948),
    "dscnn-s": (3_591_168, 22_604),
    "dscnn-m": (18_939_264, 135_032),
    "dscnn-l": (54_575_412, 410_700),
    "mobilenetv2-kws-s": (8_126_144, 45_004),
    "mobilenetv2-kws-m": (29_953_408, 163_724),
    "mobilenetv2-kws-l": (140_151_296, 827_532),
    "bcresnet-1": (723_196, 7_292),
    "bcresnet-1-logmel": (2_477_596, 7_492),
    "sparknet-16": (396_304, 4_540),
    "sparknet-32": (1_066_944, 11_340),
    "mlperf-kws": (2_656_768, 22_604),
    "mlperf-vww": (7_489_664, 210_850),
    "mlperf-ic": (12_501_632, 77_706),
    "mlperf-sww": (826_368, 46_883),
    "hello-edge-dscnn-s": (2_656_768, 22_604),
    "hello-edge-dscnn-m": (9_816_384, 135_032),
}

# Operations (two for each multiply-accumulate) in millions as Table 4 prints them. Its keyword networks are counted
# with maps of 24.5 x 5 after the layer of stride 2, where there are 25 x 5.
PAPER_MOPS = {
    "micronet-kws-s": 16.4,
    "micronet-kws-m": 30.6,
    "micronet-kws-l": 129,
    "micronet-ad-s": 37.5,
    "micronet-ad-m": 124.7,
    "micronet-ad-l": 129,
    "micronet-vww-3": 45.2,
    "micronet-vww-4": 37.7,
    "dscnn-s": 7.1,
    "dscnn-m": 37.3,
    "dscnn-l": 107.2,
    "mobilenetv2-kws-s": 16.1,
    "mobilenetv2-kws-m": 59.26,
    "mobilenetv2-kws-l": 276.8,
    "ad-autoencoder": 0.52,
    "ad-autoencoder-wide": 4.47,
}

PUBLISHED = {
    "ad-autoencoder": "mlperf-ad",
    "hello-edge-dscnn-s": "dscnn-s",
    "hello-edge-dscnn-m": "dscnn-m",
    **{name: name for name in COUNTS if name.startswith(("micronet-", "mlperf-"))},
}


@pytest.mark.parametrize("arch", ARCHS, ids=lambda arch: arch.name)
def test_macs_and_parameters_are_the_published_ones(arch: Arch) -> None:
    assert (arch.macs, arch.parameters) == COUNTS[arch.name]
    assert find_arch(arch.name) is arch
    if arch.pipeline:
        assert find_pipeline(arch.pipeline).shape == arch.input_shape


@pytest.mark.parametrize("name", PAPER_MOPS)
def test_operations_equal_the_paper(name: str) -> None:
    def paper_macs(layer: Layer) -> float:
        return layer.macs * (24.5 / 25 if layer.out_shape[:2] == (25, 5) else 1.0)

    mops = 2 * sum(paper_macs(layer) for layer in find_arch(name).layers) / 1e6
    assert mops == pytest.approx(PAPER_MOPS[name], rel=0.007, abs=0.009)


# Parameters and multiply-accumulates as the papers print them: arXiv 2406.06634 and 2106.04140.
PAPER_COUNTS = {
    "sparknet-16": (4_636, 454_500),
    "sparknet-32": (11_500, 1_200_000),
    "bcresnet-1-logmel": (9_232, None),
}


@pytest.mark.parametrize("name", PAPER_COUNTS)
def test_counts_with_norms_equal_those_of_later_papers(name: str) -> None:
    layers = find_arch(name).layers
    normed = [layer for layer in layers if layer.batch_norm]
    # A norm has two parameters for each channel; a sub-spectral one, after convolutions along frequency, for each of
    # five bands. Convolutions with one have no bias, nor have those within blocks.
    sub_bands = [5 if layer.kind == "depthwise" and layer.kernel == (1, 3) else 1 for layer in normed]
    norms = sum(2 * bands * layer.out_shape[-1] for bands, layer in zip(sub_bands, normed, strict=True))
    gate_bias = 32 if name.startswith("sparknet") else 0
    parameters, macs = PAPER_COUNTS[name]
    assert sum(layer.weights for layer in layers) + norms + gate_bias + 12 == parameters
    if macs:
        in_norms = 4 * sum(prod(layer.out_shape) for layer in normed)
        assert find_arch(name).macs + in_norms == pytest.approx(macs, rel=0.03)


def test_a_separable_convolution_along_time_adds_its_input_through_a_convolution() -> None:
    blocks = (TimeChannelSeparable(6, 11, residual=False), TimeChannelSeparable(6, 5))
    layers = Arch(name="x", input_shape=(20, 1, 4), blocks=blocks).layers
    assert [(layer.kind, layer.kernel, layer.inputs, layer.relu, layer.batch_norm) for layer in layers] == [
        ("depthwise", (11, 1), (INPUT,), "none", False),
        ("conv", (1, 1), (0,), "relu", True),
        ("depthwise", (5, 1), (1,), "none", False),
        ("conv", (1, 1), (2,), "none", True),
        ("conv", (1, 1), (1,), "none", True),
        ("add", (1, 1), (3, 4), "relu", False),
    ]


def test_names_are_unique() -> None:
    assert len({arch.name for arch in ARCHS}) == len(ARCHS) == len(COUNTS)


def test_unknown_network_lists_known_names() -> None:
    with pytest.raises(UsageError, match=r"'vgg'; choose one of .*ad-autoencoder"):
        find_arch("vgg")


def of_layer(layer: Layer) -> tuple[object, ...]:
    filters = {
        "conv": (layer.out_shape[-1], *layer.kernel, layer.in_shape[-1]),
        "depthwise": (1, *layer.kernel, layer.out_shape[-1]),
        "dense": (layer.out_shape[-1], layer.in_shape[-1]),
    }.get(layer.kind)
    window = (*layer.stride, padding(layer.padding.upper(), layer.kernel)) if len(filters or ()) == 4 else None
    return OPERATORS[layer.kind], layer.in_shape, layer.out_shape, filters, window, layer.relu


def of_operator(graph: Graph, op: Operator) -> tuple[object, ...]:
    weighted = op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    filters = graph.tensors[op.inputs[1]].shape if weighted else None
    window = None
    if filters and len(filters) == 4:
        window = (op.options["stride_h"], op.options["stride_w"], padding(str(op.options["padding"]), filters[1:3]))
    activation = str(op.options.get("activation", "NONE")).lower()
    shapes = [graph.tensors[index].shape[1:] for index in (op.inputs[0], op.outputs[0])]
    return op.kind, *shapes, filters, window, activation


def padding(kind: str, kernel: tuple[int, ...]) -> str:
    return "either" if tuple(kernel) == (1, 1) else kind


@pytest.mark.parametrize("name", PUBLISHED)
def test_layers_equal_the_published_file(name: str, data_dir: Path) -> None:
    official = PUBLISHED[name]
    if not available_locally(official, data_dir=data_dir):
        pytest.skip("the model is not in the data folder")
    graph = read_tflite(find_model(official, data_dir=data_dir).load(), official)
    operators = list(graph.operators)
    if operators[0].kind == "RESHAPE":  # the 490 values of a flat input become a map
        operators = operators[1:]
    arch = find_arch(name)
    for number, (layer, op) in enumerate(zip(arch.layers, operators, strict=True)):
        assert of_layer(layer) == of_operator(graph, op), f"layer {number}"
    made = {op.outputs[0]: number for number, op in enumerate(operators)}
    for layer, op in zip(arch.layers, operators, strict=True):
        read = {made.get(index, INPUT) for index in op.inputs[: len(layer.inputs)]}
        assert set(layer.inputs) == read, f"the inputs of {layer}"


def test_bottleneck_pads_the_narrower_map() -> None:
    def kinds(entry: int, out: int) -> list[str]:
        blocks = (Conv(entry), Bottleneck(8, out, residual=True))
        return [layer.kind for layer in Arch(name="x", input_shape=(6, 6, 1), blocks=blocks).layers]

    assert kinds(4, 4) == ["conv", "conv", "depthwise", "conv", "add"]
    for entry, out in ((4, 6), (6, 4)):
        layers = Arch(name="x", input_shape=(6, 6, 1), blocks=(Conv(entry), Bottleneck(8, out, residual=True))).layers
        assert [layer.kind for layer in layers[-2:]] == ["pad", "add"]
        assert layers[-2].inputs == ((0,) if entry < out else (3,)) and layers[-1].out_shape == (6, 6, 6)


def test_broadcast_adds_its_input_where_the_map_keeps_its_shape() -> None:
    for block, out, adds in (
        (Broadcast(4, dilation=2), (9, 6, 4), [6, 1]),
        (Broadcast(4, stride=2), (9, 3, 4), [3]),
        (Broadcast(6), (9, 6, 6), [6]),
        (Broadcast(None), (9, 6, 4), [6, 1]),
        (Broadcast(None, stride=2), (9, 3, 4), [3]),
        (Broadcast(4, transition=True), (9, 6, 4), [6]),
    ):
        layers = Arch(name="x", input_shape=(9, 6, 4), blocks=(block,)).layers
        assert [layer.repeats for layer in layers if layer.kind == "add"] == adds
        assert [layer.relu for layer in layers if layer.kind == "add"] == ["none", "relu"][-len(adds) :]
        assert layers[-1].out_shape == out and (INPUT in layers[-1].inputs) == (len(adds) == 2)
        assert [layer.out_shape for layer in layers if layer.kind == "pool"] == [(9, 1, out[-1])]
        assert max(layer.dilation for layer in layers) == (block.dilation, 1)


@pytest.mark.parametrize(
    ("shape", "blocks", "wanted"),
    [
        ((8, 8, 1), (Dense(4),), "put a Flatten before it"),
        ((640,), (Conv(4),), "needs height, width, channels"),
        ((4, 4, 1), (Conv(2, (5, 5), padding="valid"),), "larger than the 4"),
        ((8, 8, 1), (Conv(4), Bottleneck(8, 4, (2, 2), residual=True)), "cannot be added"),
        ((8, 8, 1), (Depthwise(stride=(2, 2), dilation=(2, 2)),), "needs stride"),
        ((8, 8, 1), (Depthwise(dilation=(4, 1), padding="valid"),), "kernel of 9 is larger than the 8"),
        ((8,), (Broadcast(4),), "needs time, frequency, channels"),
    ],
)
def test_expand_refuses_blocks_that_do_not_fit(shape: tuple[int, ...], blocks: tuple, wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        _ = Arch(name="x", input_shape=shape, blocks=blocks).layers


def test_shapes_of_odd_sized_maps() -> None:
    layers = Arch(
        name="x",
        input_shape=(49, 10, 1),
        blocks=(Conv(3, (10, 4), stride=(2, 2)), Residual(5, (2, 2)), GlobalPool(), Flatten()),
    ).layers
    assert [layer.out_shape for layer in layers] == [
        (25, 5, 3), (13, 3, 5), (13, 3, 5), (13, 3, 5), (13, 3, 5), (1, 1, 5), (5,)
    ]  # fmt: skip
    assert layers[3].inputs == (0,) and layers[4].inputs == (3, 2) and layers[5].kernel == (13, 3)
