# SPDX-License-Identifier: Apache-2.0
"""Models with a few wrong fields: a typed refusal or consistent C, the same for both instruction sets, as in TFLite."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.model_bombs import BOMBS, LIMIT_S, Bomb, shared_scales, try_bomb
from benchmarks.model_mutants import try_mutants
from mlperf_tiny.errors import BuildError
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.corrupt_models import MODELS, written

pytestmark = pytest.mark.slow


def test_mutants_compile_or_are_refused_alike() -> None:
    """The full count is ``python -m benchmarks.model_mutants``."""
    tally = try_mutants([(name, written(make())) for name, make in MODELS.items()], range(800))
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.compiled > 50 and tally.refused > 300


QUICK = [bomb for bomb in BOMBS if bomb.refusal]


@pytest.mark.parametrize("bomb", QUICK, ids=[bomb.name for bomb in QUICK])
def test_small_files_that_ask_for_much_are_refused(bomb: Bomb) -> None:
    """``python -m benchmarks.model_bombs`` has those that are compiled too, and the memory of all of them."""
    for isa in Isa:
        assert try_bomb(bomb, isa) == ""


LARGE = [bomb for bomb in BOMBS if bomb.name.startswith("8 MB")]


@pytest.mark.parametrize("bomb", LARGE, ids=[bomb.name for bomb in LARGE])
def test_models_as_large_as_are_read_take_no_longer_than_the_limit(bomb: Bomb) -> None:
    assert len(LARGE) == 4
    for isa in Isa:  # the benchmark holds the limit itself; where tests run, a machine may be a third as fast
        assert try_bomb(bomb, isa, 3 * LIMIT_S) == ""


def test_a_table_that_is_read_often_costs_its_memory_once() -> None:
    model = shared_scales(4_000, 16_384)
    tracemalloc.start()
    try:
        with pytest.raises(BuildError):
            compile_model(model, "m", Isa.REF)
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


def layer(kind: str, **changes: Any) -> bytes:
    """One layer of four outputs; ``changes`` say what is wrong with it."""
    b = Builder()
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    in_shape, out_shape, shape = {
        "CONV_2D": ((1, 3, 3, 6), (1, 3, 3, 4), (4, 1, 1, 6)),
        "DEPTHWISE_CONV_2D": ((1, 3, 3, 4), (1, 3, 3, 4), (1, 1, 1, 4)),
        "FULLY_CONNECTED": ((1, 6), (1, 4), (4, 6)),
    }[kind]
    x = b.tensor(in_shape, scale=0.5, zero_point=3, axis=changes.get("input_axis", 0))
    y = b.tensor(out_shape, scale=0.3)
    weight_scale = [0.1, 0.2, 0.3, 0.4] if changes.get("per_channel") else 0.2
    inputs = [x, b.tensor(shape, scale=weight_scale, axis=changes.get("axis", axis), data=np.ones(shape))]
    bias = changes.get("bias", (4,))
    if bias == -1:
        inputs.append(-1)
    elif bias is not None:
        scale = np.float32(0.5) * np.float32(weight_scale) * changes.get("bias_scale", 1.0)
        quantised = {"scale": scale, "axis": changes.get("bias_axis", 0)} if changes.get("bias_scale", 1) else {}
        inputs.append(b.tensor(bias, "int32", data=[1, 2, 3, 4], **quantised))
    b.operator(kind, inputs + changes.get("more", []), [y], {})
    return b.build([x], [y])


def bad_padding() -> bytes:
    b = Builder()
    x, y = b.tensor((1, 4), scale=0.5), b.tensor((1, 6), scale=0.5)
    b.operator("PAD", [x, b.tensor((4,), "int32", data=[0, 0, 1, 1])], [y])
    return b.build([x], [y])


def without_inputs(kind: str = "QUANTIZE") -> bytes:
    b = Builder()
    x, y = b.tensor((1, 4), scale=0.5), b.tensor((1, 4), scale=0.5)
    b.operator(kind, [], [y])
    return b.build([x], [y])


def huge_scale() -> bytes:
    """Weights of zeros and a factor of 2^40: every output is the zero point."""
    b = Builder()
    x, y = b.tensor((1, 4), scale=1e9), b.tensor((1, 4), scale=1e-3)
    b.operator("FULLY_CONNECTED", [x, b.tensor((4, 4), scale=1.0, data=np.zeros((4, 4)))], [y])
    return b.build([x], [y])


ANY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
CASES: tuple[tuple[str, Callable[[], bytes]], ...] = (
    *((f"{kind} sound", lambda kind=kind: layer(kind)) for kind in ANY),
    *((f"{kind} sound per channel", lambda kind=kind: layer(kind, per_channel=True)) for kind in ANY),
    *((f"{kind} without a bias", lambda kind=kind: layer(kind, bias=None)) for kind in ANY),
    *((f"{kind} bias left out", lambda kind=kind: layer(kind, bias=-1)) for kind in ANY),
    *((f"{kind} bias 1x4", lambda kind=kind: layer(kind, bias=(1, 4), bias_axis=1)) for kind in ANY),
    *((f"{kind} bias scale twice", lambda kind=kind: layer(kind, bias_scale=2.0)) for kind in ANY),
    *((f"{kind} bias scale near", lambda kind=kind: layer(kind, bias_scale=1.05)) for kind in ANY),
    *((f"{kind} bias without scale", lambda kind=kind: layer(kind, bias_scale=0)) for kind in ANY),
    *((f"{kind} bias axis 3", lambda kind=kind: layer(kind, bias_axis=3, per_channel=True)) for kind in ANY),
    *((f"{kind} weights axis 7", lambda kind=kind: layer(kind, axis=7)) for kind in ANY),
    *((f"{kind} input axis 9", lambda kind=kind: layer(kind, input_axis=9)) for kind in ANY),
    *((f"{kind} four inputs", lambda kind=kind: layer(kind, more=[0])) for kind in ANY),
    ("PAD with a flat list", bad_padding),
    ("huge scale", huge_scale),
)


@pytest.mark.parametrize("make", [make for _, make in CASES], ids=[name for name, _ in CASES])
def test_what_tflite_refuses_is_refused(make: Callable[[], bytes]) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    model = make()
    try:
        resolver = OpResolverType.BUILTIN_REF
        Interpreter(model_content=model, experimental_op_resolver_type=resolver).allocate_tensors()
        wanted = True
    except (RuntimeError, ValueError):
        wanted = False
    got = []
    for isa in Isa:
        try:
            compile_model(model, "m", isa)
            got.append(True)
        except BuildError:
            got.append(False)
    assert got == [wanted] * len(Isa)


@pytest.mark.parametrize("kind", ["QUANTIZE", "DEQUANTIZE", "RELU", "CONCATENATION", "CONV_2D", "CUSTOM:mine"])
def test_an_operator_without_inputs_is_refused(kind: str) -> None:
    for isa in Isa:
        with pytest.raises(BuildError):
            compile_model(without_inputs(kind), "m", isa)


def reshaped(
    shape: tuple[tuple[int, ...], str, list[int]] | None, option: tuple[int, ...] | None, inputs: int
) -> bytes:
    """A RESHAPE to 1x16, or of one value to a scalar, with its target as a tensor, as an option, or as both."""
    b = Builder()
    x, y = b.tensor((1, inputs), scale=0.5), b.tensor((1, 16) if inputs == 16 else (), scale=0.5)
    target = [] if shape is None else [b.tensor(shape[0], shape[1], data=shape[2])]
    b.operator("RESHAPE", [x, *target], [y], {"new_shape": option or ()})
    return b.build([x], [y])


@pytest.mark.parametrize(
    ("shape", "option", "inputs"),
    [
        (((2,), "int32", [1, 16]), None, 16),
        (((2,), "int32", [-1, 16]), None, 16),
        (((2,), "int32", [-1, -1]), None, 16),
        (((2,), "int32", [0, 16]), None, 16),
        (((1, 2), "int32", [1, 16]), None, 16),
        (((1, 2), "int32", [1, 16]), (1, 16), 16),
        (((2,), "int64", [1, 16]), None, 16),
        (((2,), "float32", [1, 16]), (1, 16), 16),
        (((2,), "int32", [1, 16]), (2, 8), 16),
        (None, (1, 16), 16),
        (None, (-1, 16), 16),
        (None, (-1, -1), 16),
        (None, (1, 15), 16),
        (None, None, 16),
        (None, (0,), 16),
        (None, (0,), 1),
        (None, None, 1),
        (((1,), "int32", [0]), None, 1),
    ],
)
def test_the_target_of_a_reshape_is_found_as_tflite_finds_it(shape: Any, option: Any, inputs: int) -> None:
    test_what_tflite_refuses_is_refused(lambda: reshaped(shape, option, inputs))


def wrongly_shaped(kind: str, in_shape: tuple[int, ...], out_shape: tuple[int, ...], **more: Any) -> bytes:
    b = Builder()
    scale, zero = (1 / 256, -128) if kind == "LOGISTIC" else (0.5, 0)
    x, y = b.tensor(in_shape, scale=0.5), b.tensor(out_shape, scale=scale, zero_point=zero)
    extra = [b.tensor(np.shape(values), dtype, scale=0.5, data=values) for dtype, values in more.get("extra", ())]
    b.operator(kind, [x, *extra], [y], more.get("options"))
    return b.build([x], [y])


@pytest.mark.parametrize(
    ("kind", "in_shape", "out_shape", "more"),
    [
        ("RELU", (1, 4, 4, 2), (1, 2, 8, 2), {}),
        ("QUANTIZE", (1, 8), (1, 8, 1), {}),
        ("LOGISTIC", (1, 8), (1, 1, 8), {}),
        ("FULLY_CONNECTED", (1, 4, 4), (1, 4, 2), {"extra": [("int8", np.ones((2, 4)))]}),
        (
            "FULLY_CONNECTED",
            (1, 4, 4),
            (1, 8),
            {"extra": [("int8", np.ones((2, 4)))], "options": {"keep_num_dims": True}},
        ),
        ("MEAN", (1, 4, 4, 2), (1, 1, 1, 2), {"extra": [("int32", [1, 2])], "options": {"keep_dims": False}}),
        ("MEAN", (1, 4, 4, 2), (1, 2), {"extra": [("int32", [1, 2])], "options": {"keep_dims": True}}),
        ("EXPAND_DIMS", (1, 8), (1, 8, 1), {"extra": [("int32", [0])]}),
        ("SQUEEZE", (1, 1, 8), (1, 8), {}),
        ("SQUEEZE", (1, 1, 8), (1, 1, 8), {"options": {"squeeze_dims": (1,)}}),
    ],
)
def test_an_output_of_another_shape_than_tflite_computes_is_refused(
    kind: str, in_shape: tuple[int, ...], out_shape: tuple[int, ...], more: dict[str, Any]
) -> None:
    """TFLite gives the output its own shape, and what comes after reads that."""
    for isa in Isa:
        with pytest.raises(BuildError, match="its inputs give"):
            compile_model(wrongly_shaped(kind, in_shape, out_shape, **more), "m", isa)


def test_options_of_another_operator_under_its_number_are_refused() -> None:
    """The small numbers of one lie where the words of the other are looked for."""
    b = Builder()
    x, y = b.tensor((1, 3, 3, 4), scale=0.5), b.tensor((1, 3, 3, 4), scale=0.5)
    weights = b.tensor((4, 1, 1, 4), scale=0.2, data=np.ones((4, 1, 1, 4)))
    depthwise = {"padding": "SAME", "activation": "RELU", "depth_multiplier": 1}
    b.operator("DEPTHWISE_CONV_2D", [x, weights], [y], depthwise)
    options = b.subgraph.operators.pop().builtinOptions
    bias = b.tensor((4,), "int32", scale=0.1, data=[0] * 4)
    b.operator("CONV_2D", [x, weights, bias], [y], {})
    b.subgraph.operators[0].builtinOptions = options
    test_what_tflite_refuses_is_refused(lambda: b.build([x], [y]))
    with pytest.raises(BuildError, match="no multiple of 4"):
        compile_model(b.build([x], [y]), "m", Isa.REF)


def test_an_unused_tensor_has_a_type() -> None:
    b = Builder()
    x, y, unused = (b.tensor((1, 8), scale=0.5) for _ in range(3))
    b.operator("RELU", [x], [y])
    b.subgraph.tensors[unused].type = -1
    test_what_tflite_refuses_is_refused(lambda: b.build([x], [y]))


@pytest.mark.parametrize("kind", ["LOGISTIC", "RELU", "QUANTIZE", "HARD_SWISH"])
def test_options_of_another_operator_are_refused_where_there_are_none(kind: str) -> None:
    b = Builder()
    x, y = b.tensor((1, 8), scale=0.5), b.tensor((1, 8), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], {"beta": 1.0})
    wrong = b.subgraph.operators.pop()
    b.operator(kind, [x], [y])
    b.subgraph.operators[0].builtinOptions = wrong.builtinOptions
    b.subgraph.operators[0].builtinOptionsType = wrong.builtinOptionsType
    with pytest.raises(BuildError, match="has options of type 9, wanted"):
        compile_model(b.build([x], [y]), "m", Isa.REF)
