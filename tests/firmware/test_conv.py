# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully-connected layers against TFLite's reference kernels, bit for bit, portable and DSP."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from benchmarks.bare_core import BareCore
from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.place import place
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.host_model import build_host_model
from tests.fakes.reference import run_reference

DEVICES = ("stm32f746", "stm32f446")


@dataclass(frozen=True)
class Case:
    """One layer. ``gain`` is the ratio of the scales relative to the one that just fills the output range."""

    name: str
    kind: str = "CONV_2D"
    size: tuple[int, int, int] = (5, 5, 4)
    filters: int = 4  # depth multiplier for a depthwise layer
    filter: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "SAME"
    activation: str = "RELU6"
    in_zero: int = -128
    out_zero: int = -128
    per_channel: bool = True
    bias: bool = True
    gain: float = 1.0
    ratio: float | None = None  # exactly this ratio of the scales, for ties
    dead: tuple[int, ...] = ()  # filters without a weight other than 0
    weights: str = "random"
    kernel: str | None = None  # the kernel that the DSP plan must call

    def __str__(self) -> str:
        return self.name


def conv(name: str, *size: int, **rest: object) -> Case:
    return Case(name, size=size, **rest)  # type: ignore[arg-type]


def depthwise(name: str, *size: int, **rest: object) -> Case:
    return Case(name, "DEPTHWISE_CONV_2D", size=size, filters=1, **rest)  # type: ignore[arg-type]


def dense(name: str, inputs: int, outputs: int, **rest: object) -> Case:
    return Case(name, "FULLY_CONNECTED", size=(1, 1, inputs), filters=outputs, **rest)  # type: ignore[arg-type]


SIGNED = {"activation": "NONE", "out_zero": 5, "in_zero": 3}
CASES = (
    *[conv(f"1x1-{k}-to-{n}", 3, 5, k, filters=n, filter=(1, 1)) for k, n in ((1, 1), (2, 3), (3, 9), (5, 2), (7, 7))],
    *[
        conv(f"1x1-signed-{k}-to-{n}", 4, 4, k, filters=n, filter=(1, 1), **SIGNED)
        for k, n in ((4, 3), (9, 8), (33, 5))
    ],
    *[conv(f"1x1-{h}-pixels", h, 1, 8, filters=6, filter=(1, 1)) for h in (1, 2, 3, 6, 7, 9)],
    conv("1x1-stride-2", 7, 6, 8, filters=5, filter=(1, 1), stride=(2, 2)),
    conv("1x1-long", 2, 3, 130, filters=10, filter=(1, 1), **SIGNED),
    conv("first-kws", 49, 10, 1, filters=8, filter=(10, 4), stride=(2, 2), in_zero=83),
    conv("first-vww", 12, 12, 3, filters=8, stride=(2, 2)),
    conv("first-odd", 9, 7, 1, filters=9, stride=(2, 2), in_zero=-69),
    conv("3x3", 6, 5, 16, filters=7),
    conv("3x3-valid", 6, 5, 5, filters=4, padding="VALID", activation="RELU"),
    conv("3x3-signed", 5, 5, 6, filters=6, **SIGNED),
    conv("5x5-stride-3", 11, 9, 2, filters=3, filter=(5, 5), stride=(3, 3)),
    conv("7x7", 8, 8, 1, filters=2, filter=(7, 7), in_zero=127),
    conv("2x3-dilated", 9, 8, 3, filters=3, filter=(2, 3), dilation=(2, 2)),
    conv("1x3-dilated-rows", 9, 8, 3, filters=3, filter=(3, 1), dilation=(3, 1)),
    conv("filter-larger-than-image", 2, 2, 3, filters=3, filter=(5, 5)),
    conv("per-tensor", 5, 5, 6, per_channel=False),
    conv("no-bias", 5, 5, 6, bias=False, **SIGNED),
    conv("n1-to-1", 5, 5, 6, activation="RELU_N1_TO_1", out_zero=0, in_zero=-5),
    conv("relu-signed-zero", 5, 5, 6, activation="RELU", out_zero=-20, in_zero=0),
    conv("saturates", 5, 5, 6, activation="NONE", gain=30.0, out_zero=0),
    conv("large-ratio", 3, 3, 2, activation="NONE", ratio=3.7, out_zero=0),
    conv("tiny-ratio", 5, 5, 6, activation="NONE", gain=1e-6, out_zero=7),
    conv("nothing-left-of-it", 5, 5, 6, activation="NONE", gain=1e-12, out_zero=7),
    conv("ties", 5, 5, 6, activation="NONE", ratio=0.125, out_zero=0, in_zero=0, per_channel=False),
    conv("dead-filters", 5, 5, 6, filters=5, dead=(1, 4)),
    conv("dead-filters-signed", 5, 5, 6, filters=5, dead=(0, 3), **SIGNED),
    conv("extreme-weights", 4, 4, 16, filters=4, weights="extreme", in_zero=-128, **{"activation": "NONE"}),
    depthwise("dw-3x3", 5, 5, 8, kernel="depthwise_conv2d_s8_dsp"),
    depthwise("dw-3x3-tall", 25, 5, 4, kernel="depthwise_conv2d_s8_dsp"),
    depthwise("dw-3x3-wide", 4, 19, 4),
    *[depthwise(f"dw-3x3-{c}-channels", 6, 7, c, in_zero=20) for c in (1, 2, 3, 5, 6, 9)],
    depthwise("dw-3x3-stride-2", 8, 8, 8, stride=(2, 2), kernel="depthwise_conv2d_s8_dsp"),
    depthwise("dw-3x3-stride-2-odd", 9, 7, 6, stride=(2, 2)),
    depthwise("dw-3x3-stride-2x1", 9, 7, 4, stride=(2, 1)),
    depthwise("dw-3x3-stride-3", 9, 7, 4, stride=(3, 3)),
    depthwise("dw-3x3-stride-4", 13, 13, 4, stride=(4, 4), padding="VALID"),
    depthwise("dw-3x3-signed", 5, 6, 8, kernel="depthwise_conv2d_s8_dsp", **SIGNED),
    depthwise("dw-3x3-signed-stride-2", 7, 7, 5, stride=(2, 2), **SIGNED),
    depthwise("dw-valid", 6, 6, 4, padding="VALID", activation="RELU"),
    depthwise("dw-1x1-image", 1, 1, 5),
    depthwise("dw-2x2-image", 2, 2, 5),
    depthwise("dw-1x1-filter", 5, 4, 6, filter=(1, 1)),
    depthwise("dw-15x1", 15, 1, 8, filter=(15, 1), padding="VALID", **SIGNED),
    depthwise("dw-5x1", 28, 1, 8, filter=(5, 1), padding="VALID", **SIGNED),
    depthwise("dw-5x5", 9, 8, 5, filter=(5, 5), kernel="depthwise_conv2d_s8_dsp"),
    depthwise("dw-5x5-stride-2", 9, 8, 4, filter=(5, 5), stride=(2, 2)),
    depthwise("dw-7x7", 9, 9, 3, filter=(7, 7), in_zero=127),
    depthwise("dw-2x4", 9, 9, 4, filter=(2, 4), stride=(1, 3)),
    depthwise("dw-dilated", 9, 9, 4, dilation=(2, 2), kernel="depthwise_dilated_s8_dsp"),
    depthwise("dw-dilated-3x1", 49, 1, 8, filter=(3, 1), dilation=(8, 1), kernel="depthwise_dilated_s8_dsp"),
    depthwise("dw-dilated-signed", 10, 7, 5, dilation=(3, 2), kernel="depthwise_dilated_s8_dsp", **SIGNED),
    depthwise("dw-dilated-valid", 13, 9, 6, dilation=(4, 3), padding="VALID", kernel="depthwise_dilated_s8_dsp"),
    depthwise("dw-dilated-beyond-the-input", 5, 1, 4, filter=(3, 1), dilation=(8, 1), in_zero=20),
    depthwise("dw-dilated-5x5", 12, 9, 3, filter=(5, 5), dilation=(2, 1), in_zero=127),
    depthwise("dw-dilated-odd-padding", 9, 9, 4, filter=(2, 2), dilation=(2, 2), kernel="depthwise_conv2d_s8"),
    replace(depthwise("dw-multiplier-2", 6, 6, 3), filters=2),
    replace(depthwise("dw-multiplier-3", 6, 6, 2), filters=3),
    depthwise("dw-per-tensor", 5, 5, 4, per_channel=False),
    depthwise("dw-no-bias", 5, 5, 4, bias=False),
    depthwise("dw-n1-to-1", 5, 5, 4, activation="RELU_N1_TO_1", out_zero=0),
    depthwise("dw-large-ratio", 5, 5, 4, activation="NONE", ratio=1.5, out_zero=0),
    depthwise("dw-dead-filters", 5, 5, 6, dead=(2, 5), **SIGNED),
    dense("fc-1-to-1", 1, 1),
    dense("fc-3-to-2", 3, 2, **SIGNED),
    dense("fc-64-to-12", 64, 12, **SIGNED),
    dense("fc-131-to-7", 131, 7, per_channel=False, **SIGNED),
    dense("fc-relu", 20, 8, per_channel=False, activation="RELU"),
    dense("fc-no-bias", 20, 8, bias=False),
    dense("fc-ties", 20, 8, per_channel=False, ratio=0.5, activation="NONE", out_zero=0, in_zero=0),
    dense("fc-large-ratio", 4, 8, ratio=3.0, activation="NONE", out_zero=0),
    dense("fc-dead", 20, 5, dead=(0, 4), **SIGNED),
)


def seed_of(case: Case) -> int:
    return int.from_bytes(case.name.encode(), "little") % 2**32


def model_of(case: Case, *, write_no_bias: bool = False) -> bytes:
    """A one-layer model whose outputs spread over their range.

    Without ``write_no_bias`` a case without bias has one of zeros: LiteRT wants it for CONV_2D.
    """
    random = np.random.default_rng(seed_of(case))
    height, width, channels = case.size
    depthwise = case.kind == "DEPTHWISE_CONV_2D"
    filters = channels * case.filters if depthwise else case.filters
    shape: tuple[int, ...] = (filters, *case.filter, channels)
    if case.kind == "FULLY_CONNECTED":
        shape = (filters, channels)
    elif depthwise:
        shape = (1, *case.filter, filters)
    axis = 3 if depthwise else 0
    taps = int(np.prod(shape)) // filters

    weights = random.integers(-127, 128, shape)
    if case.weights == "extreme":
        weights = np.where(np.arange(weights.size).reshape(shape) % 2, 127, -128)
    np.moveaxis(weights, axis, 0)[list(case.dead)] = 0
    in_scale = 0.05
    ratio = case.ratio or case.gain / (73 * np.sqrt(taps) * 1.5)
    spread = random.uniform(0.3, 1.0, filters) if case.per_channel else np.ones(filters)
    if case.ratio:
        spread = np.ones(filters)
    # 6 / 255 fills the range of RELU6; powers of two where the ratio must be exact.
    in_scale, out_scale = (1.0, 1.0) if case.ratio else (in_scale, 6 / 255)
    scales = (ratio * out_scale / in_scale * spread).astype(np.float32)
    reach = 1 / ratio * 60 if ratio > 1e-7 else 1e6
    bias = random.integers(-int(reach) - 1, int(reach) + 2, filters).clip(-(10**6), 10**6)

    b = Builder()
    x = b.tensor((1, channels) if case.kind == "FULLY_CONNECTED" else (1, *case.size), scale=in_scale,
                 zero_point=case.in_zero)  # fmt: skip
    w_scale = scales if case.per_channel else scales[:1]
    w = b.tensor(shape, scale=w_scale, data=weights, axis=axis)
    inputs = [x, w]
    bias *= case.bias
    if case.bias or not write_no_bias:
        inputs.append(b.tensor((filters,), "int32", scale=np.float32(in_scale) * w_scale, data=bias))
    options: dict[str, object] = {"activation": case.activation}
    out_shape: tuple[int, ...] = (1, filters)
    if case.kind == "FULLY_CONNECTED":
        options |= {"keep_num_dims": False, "weights_format": "DEFAULT"}
    else:
        reach_h, reach_w = [(f - 1) * d + 1 for f, d in zip(case.filter, case.dilation, strict=True)]
        lost = (0, 0) if case.padding == "SAME" else (reach_h - 1, reach_w - 1)
        out_shape = (
            1,
            *[-(-(n - k) // s) for n, k, s in zip((height, width), lost, case.stride, strict=True)],
            filters,
        )
        options |= {"padding": case.padding, "stride_h": case.stride[0], "stride_w": case.stride[1]}
        options |= {"dilation_h": case.dilation[0], "dilation_w": case.dilation[1]}
        if depthwise:
            options["depth_multiplier"] = case.filters
    y = b.tensor(out_shape, scale=out_scale, zero_point=case.out_zero)
    b.operator(case.kind, inputs, [y], options)
    return b.build([x], [y])


def inputs_of(values: int, count: int, seed: int = 0) -> np.ndarray:
    """Return (count + 3, values) int8: the extremes, then random ones."""
    random = np.random.default_rng(seed)
    extremes = [np.full(values, -128), np.full(values, 127), np.where(np.arange(values) % 2, 127, -128)]
    return np.stack([*extremes, *random.integers(-128, 128, (count, values))]).astype(np.int8)


def assert_equal(got: np.ndarray, want: np.ndarray) -> None:
    differing = np.argwhere(got != want)
    assert not len(differing), f"{len(differing)} of {want.size} values differ, first at {differing[0]}"


@pytest.mark.parametrize("isa", Isa, ids=lambda isa: isa.value)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_layer_equals_the_reference(case: Case, isa: Isa) -> None:
    data = model_of(case)
    plan = lower(read_tflite(model_of(case, write_no_bias=case.kind != "CONV_2D"), case.name), isa)
    if isa is Isa.DSP and case.kernel:
        assert [step.kernel for step in plan.steps] == [case.kernel]
    inputs = inputs_of(plan.input.size_bytes, 3, seed_of(case))
    want = run_reference(data, inputs)
    assert len(np.unique(want)) > 2 or case.ratio or case.gain < 1e-3 or want.size < 20, "the outputs hardly differ"
    assert_equal(build_host_model(plan, place(plan)).run(inputs), want)


EMULATED = ("1x1-3-to-9", "1x1-9-pixels", "1x1-signed-9-to-8", "first-kws", "first-vww", "3x3-signed", "2x3-dilated",
            "relu-signed-zero", "dw-3x3", "dw-3x3-5-channels", "dw-3x3-stride-2-odd", "dw-3x3-signed",
            "dw-3x3-signed-stride-2", "dw-3x3-wide", "dw-dilated-3x1", "dw-5x5",
            "fc-131-to-7", "fc-64-to-12", "fc-ties")  # fmt: skip


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", [case for case in CASES if case.name in EMULATED], ids=str)
def test_layer_on_the_core_equals_the_reference(case: Case, device: str) -> None:
    data = model_of(case)
    plan = lower(read_tflite(data, case.name), Isa.DSP)
    inputs = inputs_of(plan.input.size_bytes, 1, seed_of(case))
    core = BareCore(plan, place(plan), find_board(device))
    for values, want in zip(inputs, run_reference(data, inputs), strict=True):
        for _ in range(2):
            assert_equal(core.run(values).output, want)


@pytest.mark.parametrize("isa", Isa, ids=lambda isa: isa.value)
def test_1x1_filter_with_a_folded_pad(isa: Isa) -> None:
    b = Builder()
    x = b.tensor((1, 4, 5, 3), scale=0.05, zero_point=-3)
    pads = b.tensor((4, 2), "int32", data=[[0, 0], [1, 2], [2, 0], [0, 0]])
    padded = b.tensor((1, 7, 7, 3), scale=0.05, zero_point=-3)
    w = b.tensor((4, 1, 1, 3), scale=[0.01] * 4, data=np.arange(-6, 6) * 10)
    bias = b.tensor((4,), "int32", scale=[0.0005] * 4, data=[1, -2, 300, 4])
    y = b.tensor((1, 7, 7, 4), scale=0.05, zero_point=9)
    b.operator("PAD", [x, pads], [padded])
    b.operator("CONV_2D", [padded, w, bias], [y], {"padding": "VALID", "activation": "NONE"})
    data = b.build([x], [y])
    plan = lower(read_tflite(data, "pad"), isa)
    inputs = inputs_of(plan.input.size_bytes, 2)
    assert_equal(build_host_model(plan, place(plan)).run(inputs), run_reference(data, inputs))


@pytest.mark.parametrize(
    "name", ["1x1-9-pixels", "1x1-signed-9-to-8", "first-vww", "dw-3x3-5-channels", "dw-5x5", "dw-dilated-signed"]
)
def test_only_single_accesses_are_unaligned(name: str) -> None:
    """LDRD and LDM off a word boundary fault on the boards; every buffer moved off the boundaries it need not have."""
    (case,) = [case for case in CASES if case.name == name]
    plan = lower(read_tflite(model_of(case), name), Isa.DSP)
    placement = place(plan)
    moved = replace(
        placement,
        offsets={tensor: index * 32768 + 1 + 2 * index for index, tensor in enumerate(placement.offsets)},
        scratch_offsets={step: 4 * 32768 for step in placement.scratch_offsets},
        arena_bytes=6 * 32768,
    )
    core = BareCore(plan, moved, find_board("stm32f746"), watch_alignment=True)
    (values,) = inputs_of(plan.input.size_bytes, 1)[3:]
    assert_equal(core.run(values).output, run_reference(model_of(case), values[None])[0])
    assert core.unaligned[True] > 0
    assert core.unaligned[False] == 0


def test_the_emulated_cases_exist() -> None:
    assert set(EMULATED) <= {case.name for case in CASES}


SMALL = conv("small", 4, 4, 4)


def changed_layer(case: Case, **changes: object) -> bytes:
    """The model with one attribute of its weight tensor changed in the file."""
    data = model_of(case)
    import ai_edge_litert.schema_py_generated as schema
    import flatbuffers

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    filter_ = model.subgraphs[0].tensors[1]
    for name, value in changes.items():
        if name == "shape":
            filter_.shape = value
        elif name == "buffer":
            filter_.buffer = value
        else:
            setattr(filter_.quantization, name, value)
    writer = flatbuffers.Builder(1024)
    writer.Finish(model.Pack(writer), file_identifier=b"TFL3")
    return bytes(writer.Output())


@pytest.mark.parametrize(
    ("case", "changes", "words"),
    [
        (SMALL, {"zeroPoint": [1, 0, 0, 0]}, "zero point other than 0"),
        (SMALL, {"quantizedDimension": 3}, "wanted axis 0"),
        (SMALL, {"shape": [4, 6, 3, 2]}, "groups"),
    ],
)
def test_unsupported_layers_are_refused(case: Case, changes: dict[str, object], words: str) -> None:
    with pytest.raises(UnsupportedOperator, match=words):
        lower(read_tflite(changed_layer(case, **changes), "changed"), Isa.DSP)
