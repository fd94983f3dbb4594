# SPDX-License-Identifier: Apache-2.0
"""Models with a few wrong fields: a typed refusal or consistent C, the same for both instruction sets, as in TFLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.model_mutants import try_mutants
from mlperf_tiny.errors import BuildError
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from tests.fakes.corrupt_models import MODELS, written
from tests.fakes.tflite_builder import Builder

pytestmark = pytest.mark.slow


def test_mutants_compile_or_are_refused_alike() -> None:
    """The full count is ``python -m benchmarks.model_mutants``."""
    tally = try_mutants([(name, written(make())) for name, make in MODELS.items()], range(800))
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.compiled > 50 and tally.refused > 300


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
