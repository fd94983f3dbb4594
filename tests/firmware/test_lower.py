# SPDX-License-Identifier: Apache-2.0
"""What ``lower`` makes of a graph as a whole, and what it refuses, by operator, layer and reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Graph
from mlperf_tiny.firmware.codegen.ir.plan import Isa, Plan
from mlperf_tiny.firmware.codegen.lower import lower
from mlperf_tiny.firmware.codegen.tflite.read_tflite import read_tflite
from mlperf_tiny.models.arch.tflite_builder import Builder
from tests.fakes.host_model import build_host_model
from tests.fakes.reference import run_reference
from tests.fakes.tiny_models import weighted

Q = {"scale": 0.1, "zero_point": 3}


def lowered(model: bytes) -> Plan:
    return lower(read_tflite(model, "test.tflite"), Isa.REF)


def one(kind: str, x: dict, y: dict, shape: tuple[int, ...] = (1, 4), options: dict | None = None) -> bytes:
    """A model of one operator with one input."""
    b = Builder()
    source, target = b.tensor(shape, **x), b.tensor(shape, **y)
    b.operator(kind, [source], [target], options)
    return b.build([source], [target])


def two(
    kind: str, a_shape: tuple[int, ...], b_shape: tuple[int, ...], out: tuple[int, ...], options: dict | None = None
):
    """A model of one operator with the input and a constant."""
    b = Builder()
    source = b.tensor(a_shape, **Q)
    constant = b.tensor(b_shape, **Q, data=np.zeros(b_shape))
    target = b.tensor(out, **Q)
    b.operator(kind, [source, constant], [target], options)
    return b.build([source], [target])


def two_inputs() -> bytes:
    b = Builder()
    tensors = [b.tensor((1, 4), **Q) for _ in range(3)]
    b.operator("ADD", tensors[:2], tensors[2:])
    return b.build(tensors[:2], tensors[2:])


def concatenation(scale: float) -> bytes:
    b = Builder()
    x, other, y = b.tensor((1, 4), **Q), b.tensor((1, 4), scale=scale, zero_point=3), b.tensor((1, 8), **Q)
    b.operator("QUANTIZE", [x], [other])
    b.operator("CONCATENATION", [x, other], [y], {"axis": 1})
    return b.build([x], [y])


def float_inside() -> bytes:
    b = Builder()
    x, real, y = b.tensor((1, 4), **Q), b.tensor((1, 4), "float32"), b.tensor((1, 4), **Q)
    b.operator("DEQUANTIZE", [x], [real])
    b.operator("QUANTIZE", [real], [y])
    return b.build([x], [y])


REFUSALS: list[tuple[Callable[[], bytes], str, str]] = [
    (lambda: one("RELU", {"dtype": "float32"}, {"dtype": "float32"}), "MODEL", "float32"),
    (lambda: one("RELU", Q | {"dtype": "uint8"}, Q | {"dtype": "uint8"}), "MODEL", "uint8"),
    (lambda: one("RELU", Q | {"dtype": "int16"}, Q | {"dtype": "int16"}), "MODEL", "int16"),
    (lambda: one("RELU", {}, Q), "MODEL", "no quantisation"),
    (lambda: one("ABS", Q, Q), "ABS", "does not support it"),
    (lambda: one("LOGISTIC", Q, Q), "LOGISTIC", "1/256"),
    (lambda: one("SOFTMAX", Q, Q, options={"beta": 1.0}), "SOFTMAX", "1/256"),
    (lambda: one("RELU", Q, Q, shape=(2, 4)), "MODEL", "batch of 2"),
    (lambda: two("ADD", (1, 4), (1, 3), (1, 4)), "ADD", "does not broadcast"),
    (lambda: two("ADD", (1, 4), (1, 4), (1, 4), {"activation": "TANH"}), "ADD", "TANH"),
    (lambda: two("MUL", (1, 4), (1, 1), (1, 5)), "MUL", "does not broadcast"),
    (two_inputs, "MODEL", "2 inputs"),
    (lambda: concatenation(0.2), "CONCATENATION", "share scale and zero point"),
    (float_inside, "DEQUANTIZE", "float32"),
    (lambda: weighted("int16", "int8"), "MODEL", "16x8 quantisation"),
    (lambda: weighted("float32", "int8"), "MODEL", "dynamic-range quantisation"),
    (lambda: weighted("float32", "float32"), "MODEL", "it is not quantised: FULLY_CONNECTED at layer 0"),
]


@pytest.mark.parametrize(("make", "operator", "reason"), REFUSALS, ids=[f"{r[1]} {r[2]}" for r in REFUSALS])
def test_refusals_name_operator_layer_and_reason(make: Callable[[], bytes], operator: str, reason: str) -> None:
    with pytest.raises(UnsupportedOperator) as caught:
        lowered(make())
    assert caught.value.operator == operator
    assert reason in str(caught.value)
    assert operator == "MODEL" or "layer 0" in caught.value.where or "layer 1" in caught.value.where


def chain() -> bytes:
    """x -> RELU -> RESHAPE -> RELU6 -> EXPAND_DIMS -> y."""
    b = Builder()
    shapes = [(1, 2, 3), (1, 2, 3), (1, 6), (1, 6), (1, 1, 6)]
    t = [b.tensor(shape, **Q) for shape in shapes]
    b.operator("RELU", [t[0]], [t[1]])
    b.operator("RESHAPE", [t[1]], [t[2]], {"new_shape": (1, 6)})
    b.operator("RELU6", [t[2]], [t[3]])
    b.operator("EXPAND_DIMS", [t[3], b.tensor((1,), "int32", data=[1])], [t[4]])
    return b.build([t[0]], [t[4]])


def test_aliases_share_the_bytes_of_their_input() -> None:
    plan = lowered(chain())
    assert [step.kernel for step in plan.steps] == ["lookup_s8", "lookup_s8"]
    assert dict(plan.aliases) == {2: 1, 4: 3}
    assert plan.steps[1].inputs == (1,) and plan.steps[1].in_place == 1
    assert (plan.input_tensor, plan.output_tensor) == (0, 3)
    assert plan.output.shape == (1, 1, 6)


def test_buffers_live_from_their_first_to_their_last_use() -> None:
    plan = lowered(chain())
    spans = {buffer.tensor: (buffer.size_bytes, buffer.first_use, buffer.last_use) for buffer in plan.buffers}
    assert spans == {0: (6, 0, 0), 1: (6, 0, 1), 3: (6, 1, 1)}


def test_an_output_in_the_middle_of_the_model_lives_to_the_end() -> None:
    """An operator whose result is not used comes after the one that writes the model's output."""
    b = Builder()
    x, y, unused = (b.tensor((1, 6), **Q) for _ in range(3))
    b.operator("RELU", [x], [y])
    b.operator("RELU6", [x], [unused])
    model = b.build([x], [y])
    plan = lowered(model)
    assert {buffer.tensor: buffer.last_use for buffer in plan.buffers}[y] == 1
    inputs = np.arange(-60, 60, 20, dtype=np.int8)[None]
    np.testing.assert_array_equal(build_host_model(plan).run(inputs), run_reference(model, inputs))


def test_a_model_of_aliases_only_runs() -> None:
    b = Builder()
    x, y = b.tensor((1, 2, 3), **Q), b.tensor((1, 6), **Q)
    b.operator("RESHAPE", [x], [y], {"new_shape": (1, 6)})
    plan = lowered(b.build([x], [y]))
    assert plan.steps == () and plan.input_tensor == plan.output_tensor
    inputs = np.arange(6, dtype=np.int8)[None]
    np.testing.assert_array_equal(build_host_model(plan).run(inputs), inputs)


def edges(outer: str, shift: int) -> bytes:
    """A model that takes and gives ``outer`` around an int8 operator."""
    b = Builder()
    outside = {"dtype": outer} if outer == "float32" else {"dtype": outer, "scale": 0.1, "zero_point": 3 + shift}
    x = b.tensor((1, 6), **outside, name="outer_in")
    inner, result = b.tensor((1, 6), **Q, name="inner_in"), b.tensor((1, 6), **Q, name="inner_out")
    y = b.tensor((1, 6), **outside, name="outer_out")
    b.operator("QUANTIZE", [x], [inner])
    b.operator("RELU6", [inner], [result])
    b.operator("DEQUANTIZE" if outer == "float32" else "QUANTIZE", [result], [y])
    return b.build([x], [y])


@pytest.mark.parametrize(("outer", "shift"), [("float32", 0), ("uint8", 128)])
def test_conversions_at_input_and_output_are_left_to_the_host(outer: str, shift: int) -> None:
    plan = lowered(edges(outer, shift))
    assert [step.kernel for step in plan.steps] == ["lookup_s8"]
    assert (plan.input.name, plan.output.name) == ("inner_in", "inner_out")
    assert len(plan.notes) == 2 and all(outer in note for note in plan.notes)
    assert "outer_in" in plan.notes[0] and "outer_out" in plan.notes[1]
    values = np.arange(-120, 120, 40, dtype=np.int8)[None]
    if outer == "uint8":
        fed = (values.astype(int) + 128).astype(np.uint8)
        wanted = run_reference(edges(outer, shift), fed).astype(int) - 128
    else:
        fed = np.float32(0.1) * (values.astype(np.float32) - 3)
        wanted = np.round(run_reference(edges(outer, shift), fed) / np.float32(0.1)) + 3
    np.testing.assert_array_equal(build_host_model(plan).run(values), wanted)


def test_a_uint8_edge_that_rescales_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="uint8"):
        lowered(edges("uint8", 100))


def test_lowering_is_pure() -> None:
    graph: Graph = read_tflite(chain(), "test.tflite")
    first, second = lower(graph, Isa.REF), lower(graph, Isa.REF)
    assert [step.fields for step in first.steps] == [step.fields for step in second.steps]
    assert replace(graph).operators == graph.operators
