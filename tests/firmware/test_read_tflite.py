# SPDX-License-Identifier: Apache-2.0
"""The reader against LiteRT: what LiteRT's schema classes wrote, and what its interpreter sees in real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest

from mlperf_tiny.errors import ModelInvalid, UnsupportedOperator
from mlperf_tiny.firmware.codegen.tflite.read_tflite import MAX_OPERANDS, MAX_OPERATORS, read_tflite
from mlperf_tiny.firmware.codegen.tflite.schema import TYPE_NAMES, operator_name
from mlperf_tiny.models.arch.tflite_builder import Builder

WINDOW = {"padding": "VALID", "stride_h": 2, "stride_w": 3, "activation": "RELU6"}
FLOAT_BIAS = {"quantized_bias_type": "float32"}
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("CONV_2D", WINDOW | {"dilation_h": 2, "dilation_w": 4, "quantized_bias_type": "int64"}),
    ("CONV_2D", {**WINDOW, "padding": "SAME", "dilation_h": 1, "dilation_w": 1, "activation": "NONE", **FLOAT_BIAS}),
    ("DEPTHWISE_CONV_2D", WINDOW | {"dilation_h": 5, "dilation_w": 6, "depth_multiplier": 7}),
    ("FULLY_CONNECTED", {"activation": "RELU", "keep_num_dims": True, "weights_format": "DEFAULT", **FLOAT_BIAS}),
    (
        "FULLY_CONNECTED",
        {"activation": "NONE", "keep_num_dims": False, "weights_format": "SHUFFLED4x16INT8", **FLOAT_BIAS},
    ),
    ("AVERAGE_POOL_2D", WINDOW | {"filter_h": 4, "filter_w": 5}),
    ("MAX_POOL_2D", WINDOW | {"filter_h": 6, "filter_w": 7, "activation": "RELU_N1_TO_1"}),
    ("ADD", {"activation": "RELU"}),
    ("SUB", {"activation": "NONE"}),
    ("MUL", {"activation": "RELU6"}),
    ("CONCATENATION", {"axis": -1, "activation": "NONE"}),
    ("SOFTMAX", {"beta": 0.5}),
    ("MEAN", {"keep_dims": True}),
    ("RESHAPE", {"new_shape": (1, -1)}),
    ("SQUEEZE", {"squeeze_dims": (0, -1)}),
    ("SQUEEZE", {"squeeze_dims": ()}),
    ("PAD", {}),
    ("LOGISTIC", {}),
    ("BATCH_MATMUL", {}),
    ("CUSTOM:ethos-u", {}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_options_are_those_that_were_written(kind: str, options: dict[str, Any]) -> None:
    b = Builder("a description")
    x, y = b.tensor((1, 6), scale=0.5), b.tensor((1, 6), scale=0.25, zero_point=-7)
    b.operator(kind, [x], [y], options)
    graph = read_tflite(b.build([x], [y]), "m.tflite")
    assert graph.operators[0].kind == kind
    assert graph.operators[0].options == options
    assert (graph.inputs, graph.outputs, graph.description, graph.source) == ((x,), (y,), "a description", "m.tflite")
    assert (graph.tensors[y].scale, graph.tensors[y].zero_point) == (0.25, -7)


def test_names_and_numbers_are_those_of_the_schema() -> None:
    known = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    for number in range(210):
        assert operator_name(number) == known[number]
    assert operator_name(210) == "BUILTIN_210"
    types = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}
    assert dict(enumerate(TYPE_NAMES)) == types


@pytest.mark.parametrize(
    ("short", "long", "kind"),
    [(14, 0, "LOGISTIC"), (127, 150, "GELU"), (127, 210, "BUILTIN_210"), (19, 19, "RELU"), (0, 117, "HARD_SWISH")],
)
def test_operator_codes_old_and_new(short: int, long: int, kind: str) -> None:
    """Old files have an int8 code only, files with newer operators 127 in it and the code in a second field."""
    b = Builder()
    x, y = b.tensor((1, 6), scale=0.5), b.tensor((1, 6), scale=0.5)
    b.operator("RELU", [x], [y])
    b.model.operatorCodes[0].deprecatedBuiltinCode, b.model.operatorCodes[0].builtinCode = short, long
    assert read_tflite(b.build([x], [y]), "m").operators[0].kind == kind


def test_absent_options_get_the_defaults_of_the_schema() -> None:
    kinds = {"ADD": {"activation": "NONE"}, "RESHAPE": {"new_shape": ()}, "MEAN": {"keep_dims": False}}
    for kind, defaults in kinds.items():
        b = Builder()
        x, y = b.tensor((1, 1), scale=0.5), b.tensor((), scale=0.5)
        b.operator(kind, [x], [y])
        b.subgraph.operators[0].builtinOptions = None
        b.subgraph.operators[0].builtinOptionsType = 0
        assert read_tflite(b.build([x], [y]), "m").operators[0].options == defaults


def conv() -> Builder:
    """conv -> reshape -> softmax; tensors 0 input, 1 weights, 2 bias, 3 conv, 4 target shape, 5 reshaped, 6 output."""
    b = Builder()
    b.tensor((1, 2, 2, 3), scale=0.5, zero_point=3)
    b.tensor((4, 1, 1, 3), scale=[0.1, 0.2, 0.3, 0.4], data=np.arange(12) - 6)
    b.tensor((4,), "int32", scale=[0.05, 0.1, 0.15, 0.2], data=[1, -2, 3, 2**31 - 1])
    b.tensor((1, 2, 2, 4), scale=0.25, zero_point=-128)
    b.tensor((2,), "int32", data=[-1, 16])
    b.tensor((1, 16), scale=0.25, zero_point=-128)
    b.tensor((1, 16), scale=1 / 256, zero_point=-128)
    b.operator("CONV_2D", [0, 1, 2], [3], {"padding": "SAME"})
    b.operator("RESHAPE", [3, 4], [5], {"new_shape": (1, 16)})
    b.operator("SOFTMAX", [5], [6], {"beta": 1.0})
    return b


def test_constants_and_quantisation_per_channel() -> None:
    graph = read_tflite(conv().build([0], [6]), "m")
    weights, bias = graph.tensors[1], graph.tensors[2]
    assert weights.data is not None and bias.data is not None
    np.testing.assert_array_equal(weights.data, (np.arange(12) - 6).reshape(4, 1, 1, 3))
    np.testing.assert_array_equal(bias.data, [1, -2, 3, 2**31 - 1])
    assert not weights.data.flags.writeable
    assert weights.quant is not None and weights.quant.per_channel and weights.quant.axis == 0
    np.testing.assert_array_equal(weights.quant.scales, np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    np.testing.assert_array_equal(weights.quant.zero_points, [0, 0, 0, 0])
    assert graph.tensors[0].data is None and graph.tensors[4].quant is None


def test_open_batch_is_one() -> None:
    b = conv()
    for index in (0, 3):
        tensor = b.subgraph.tensors[index]
        tensor.shapeSignature = [-1, *tensor.shape[1:]]
        tensor.shape = [8, *tensor.shape[1:]]
    graph = read_tflite(b.build([0], [6]), "m")
    assert [graph.tensors[i].shape for i in (0, 3)] == [(1, 2, 2, 3), (1, 2, 2, 4)]


def test_constants_after_the_flatbuffer() -> None:
    b = conv()
    weights = b.model.buffers[1]
    weights.data, weights.offset, weights.size = None, 1, 1
    weights.offset, weights.size = len(b.build([0], [6])), 12
    model = b.build([0], [6]) + bytes(range(12))
    assert len(model) == weights.offset + 12
    tensor = read_tflite(model, "m").tensors[1]
    assert tensor.data is not None and tensor.data.ravel().tolist() == list(range(12))
    with pytest.raises(ModelInvalid, match="keeps 12 bytes at byte"):
        read_tflite(model[:-1], "m")


def test_unused_tensors_are_not_checked() -> None:
    b = conv()
    unused = b.tensor((0, -5), "int4", scale=-1.0)
    graph = read_tflite(b.build([0], [6]), "m")
    assert graph.tensors[unused].shape == () and graph.tensors[unused].data is None


def test_an_optional_operand_may_be_absent() -> None:
    b = conv()
    b.subgraph.operators[0].inputs = [0, 1, -1]
    assert read_tflite(b.build([0], [6]), "m").operators[0].inputs == (0, 1, -1)


def _set(path: str, value: Any) -> Callable[[Builder], None]:
    """A change to the object tree: ``tensors.1.shape`` and the like, starting at the subgraph."""

    def change(b: Builder) -> None:
        *way, last = path.split(".")
        target: Any = b.model if way and way[0] == "model" else b.subgraph
        for name in way[1:] if way and way[0] == "model" else way:
            target = target[int(name)] if name.isdigit() else getattr(target, name)
        setattr(target, last, value)

    return change


def _open_batch(batch: int) -> Callable[[Builder], None]:
    def change(b: Builder) -> None:
        b.subgraph.tensors[0].shape, b.subgraph.tensors[0].shapeSignature = [batch, 2, 2, 3], [-1, 2, 2, 3]

    return change


def _conv_options(name: str, value: int) -> Callable[[Builder], None]:
    return _set(f"operators.0.builtinOptions.{name}", value)


def _extra_operator(inputs: list[int], outputs: list[int]) -> Callable[[Builder], None]:
    def change(b: Builder) -> None:
        b.operator("ADD", inputs, outputs)

    return change


def _swap(b: Builder) -> None:
    first, second, last = b.subgraph.operators
    b.subgraph.operators = [second, first, last]


def _negative_code(b: Builder) -> None:
    b.model.operatorCodes[0].deprecatedBuiltinCode = b.model.operatorCodes[0].builtinCode = -3


BROKEN: list[tuple[str, Callable[[Builder], None], str]] = [
    ("version", _set("model.version", 2), "its schema version is 2, wanted 3"),
    ("no subgraph", _set("model.subgraphs", []), "it has no subgraph, wanted one"),
    ("no operators", _set("operators", []), "it has no operators"),
    ("operator code", _set("operators.1.opcodeIndex", 9), "operator 1 has operator code 9, there are 3"),
    ("negative code", _negative_code, "operator 0 has builtin code -3"),
    ("no output", _set("operators.0.outputs", []), "operator 0 (CONV_2D) has no output"),
    ("input index", _set("operators.0.inputs", [0, 99]), "name tensor 99, there are 7 tensors"),
    ("negative input", _set("operators.0.inputs", [0, -2]), "name tensor -2"),
    ("negative output", _set("operators.0.outputs", [-1]), "name tensor -1"),
    ("operands", _set("operators.0.inputs", [0] * (MAX_OPERANDS + 1)), "at most 256 are read"),
    ("no options", _set("operators.0.builtinOptions", None), "operator 0 (CONV_2D) has no options"),
    ("options of another", _set("operators.0.builtinOptionsType", 2), "options of type 2, wanted 1"),
    ("stride", _conv_options("strideH", 0), "stride_h 0, wanted 1 to 32767"),
    ("huge stride", _conv_options("strideW", 1 << 20), "stride_w 1048576, wanted 1 to 32767"),
    ("dilation", _conv_options("dilationWFactor", -1), "dilation_w -1, wanted 1 to"),
    ("bias type", _conv_options("quantizedBiasType", -1), "quantized_bias_type number -1, wanted 0 to 22"),
    ("padding", _conv_options("padding", 2), "padding number 2, wanted 0 to 1"),
    ("activation", _conv_options("fusedActivationFunction", 9), "activation number 9"),
    ("beta", _set("operators.2.builtinOptions.beta", float("nan")), "beta nan, wanted a positive number"),
    ("beta zero", _set("operators.2.builtinOptions.beta", 0.0), "beta 0.0, wanted a positive number"),
    ("new shape", _set("operators.1.builtinOptions.newShape", [1] * 9), "new_shape of 9 dimensions"),
    ("written twice", _extra_operator([0, 0], [3]), "which operator 0 writes too"),
    ("writes a constant", _extra_operator([0, 0], [2]), "which is a constant"),
    ("writes the input", _extra_operator([3, 3], [0]), "which is a model input"),
    ("cycle", _set("operators.0.inputs", [5, 1, 2]), "which operator 1 (RESHAPE) writes later; operators run"),
    ("reads itself", _set("operators.2.inputs", [6]), "'t6', 1x16 int8), which it writes itself"),
    ("reversed", lambda b: b.subgraph.operators.reverse(), "which operator 1 (RESHAPE) writes later; operators run"),
    ("two swapped", _swap, "operator 0 (RESHAPE) reads tensor 3 ('t3', 1x2x2x4 int8), which operator 1 (CONV_2D)"),
    ("output not written", _set("operators.2.outputs", [0]), "which is a model input"),
    ("element type", _set("tensors.0.type", 77), "has element type 77"),
    ("rank", _set("tensors.0.shape", [1] * 9), "has 9 dimensions, at most 8"),
    ("zero dimension", _set("tensors.3.shape", [1, 2, 0, 4]), "wanted dimensions of at least 1"),
    ("negative dimension", _set("tensors.3.shape", [1, 2, -2, 4]), "wanted dimensions of at least 1"),
    ("huge", _set("tensors.3.shape", [1, 2**30, 2**30, 2**30]), "at most 67,108,864 are read"),
    ("constant length", _set("tensors.1.shape", [4, 1, 1, 4]), "has 12 bytes of data, wanted 16"),
    ("constant overflow", _set("tensors.1.shape", [2**31 - 1] * 4), "bytes of data, wanted"),
    ("buffer", _set("tensors.1.buffer", 77), "names buffer 77, there are 4"),
    ("external", _set("tensors.1.externalBuffer", 1), "keeps its data in another file"),
    ("signature", _set("tensors.0.shapeSignature", [-1, 2, 2]), "but signature [-1, 2, 2]"),
    ("signature differs", _set("tensors.0.shapeSignature", [1, 2, 2, 9]), "but signature [1, 2, 2, 9]"),
    ("open batch below 0", _open_batch(-128), "has shape [-128, 2, 2, 3], wanted dimensions of at least 1"),
    ("open height", _set("tensors.0.shapeSignature", [1, -1, 2, 3]), "leaves dimension 1 open, only the batch may be"),
    ("zero points", _set("tensors.1.quantization.zeroPoint", [0, 0]), "has 4 scales and 2 zero points"),
    ("axis", _set("tensors.1.quantization.quantizedDimension", 4), "is quantised along axis 4"),
    ("negative axis", _set("tensors.1.quantization.quantizedDimension", -1), "is quantised along axis -1"),
    ("channels", _set("tensors.1.quantization.quantizedDimension", 3), "has 4 scales along axis 3"),
    ("scale", _set("tensors.0.quantization.scale", [float("inf")]), "has scale inf, wanted a positive number"),
    ("zero scale", _set("tensors.0.quantization.scale", [0.0]), "has scale 0.0, wanted a positive number"),
    ("nan scale", _set("tensors.1.quantization.scale", [0.1, 0.2, float("nan"), 0.3]), "has scale nan"),
    ("zero point", _set("tensors.0.quantization.zeroPoint", [128]), "zero points 128 to 128, its type is int8"),
    ("reshape left out", _set("operators.1.inputs", [3, -1]), "has a second input that is left out, wanted a shape"),
    ("reshape", _set("tensors.5.shape", [1, 2, 8]), "(RESHAPE) has target shape [-1, 16] and writes"),
]


@pytest.mark.parametrize(("change", "problem"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_models_are_refused_with_the_reason(change: Callable[[Builder], None], problem: str) -> None:
    b = conv()
    change(b)
    with pytest.raises(ModelInvalid) as caught:
        read_tflite(b.build([0], [6]), "m.tflite")
    assert str(caught.value).startswith("m.tflite is not a usable TFLite model: ")
    assert problem in str(caught.value)


EDGES = [
    ([], [6], "it has 0 inputs and 1 outputs"),
    ([0], [], "it has 1 inputs and 0 outputs"),
    ([7], [6], "name tensor 7"),
    ([0], [-1], "name tensor -1"),
    ([1], [6], "is a constant"),
    ([5], [6], "which is a model input"),
    ([0], [4], "no operator writes the model output"),
]


@pytest.mark.parametrize(("inputs", "outputs", "problem"), EDGES)
def test_broken_edges(inputs: list[int], outputs: list[int], problem: str) -> None:
    with pytest.raises(ModelInvalid, match=problem):
        read_tflite(conv().build(inputs, outputs), "m")


def test_a_tensor_without_a_writer() -> None:
    b = conv()
    orphan = b.tensor((1, 16), scale=0.25)
    b.subgraph.operators[2].inputs = [orphan]
    with pytest.raises(ModelInvalid, match=r"operator 2 \(SOFTMAX\) reads tensor 7 .* no operator writes"):
        read_tflite(b.build([0], [6]), "m")


UNSUPPORTED: list[tuple[str, Callable[[Builder], None], str]] = [
    ("half float", _set("tensors.0.type", schema.TensorType.FLOAT16), "holds float16 values"),
    ("4 bit", _set("tensors.1.type", schema.TensorType.INT4), "holds int4 values"),
    ("variable", _set("tensors.0.isVariable", True), "keeps its values between inferences"),
    ("sparse", _set("tensors.1.sparsity", schema.SparsityParametersT()), "is stored sparse"),
    ("batch", _set("tensors.0.shape", [2, 2, 2, 3]), "has a batch of 2, wanted 1"),
    ("tanh", _conv_options("fusedActivationFunction", 4), "its fused activation is TANH"),
]


@pytest.mark.parametrize(("change", "problem"), [row[1:] for row in UNSUPPORTED], ids=[row[0] for row in UNSUPPORTED])
def test_valid_but_unsupported(change: Callable[[Builder], None], problem: str) -> None:
    b = conv()
    change(b)
    with pytest.raises(UnsupportedOperator) as caught:
        read_tflite(b.build([0], [6]), "m.tflite")
    assert str(caught.value).startswith("operator CONV_2D at layer 0") and problem in str(caught.value)


BEYOND: list[tuple[tuple[str, ...], int, str]] = [
    (("CALL_ONCE", "VAR_HANDLE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"), 1, "variables .* (2 of these"),
    (("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"), 0, "variables from one inference to the next (1 of these"),
    (("READ_VARIABLE",), 0, "variables"),
    (("ASSIGN_VARIABLE",), 0, "variables"),
    (("CALL_ONCE", "HASHTABLE", "HASHTABLE_FIND"), 1, "in a hash table"),
    (("CALL_ONCE",), 1, "another subgraph of the model runs before the first inference"),
    (("WHILE",), 2, "loops are not compiled"),
    (("STABLEHLO_WHILE",), 2, "loops are not compiled"),
    (("IF",), 2, "branches are not compiled"),
    (("STABLEHLO_CASE",), 3, "branches are not compiled"),
    (("STABLEHLO_COMPOSITE",), 1, "it calls another subgraph"),
]


@pytest.mark.parametrize(("kinds", "more", "reason"), BEYOND, ids=["-".join(row[0]) for row in BEYOND])
def test_models_of_several_subgraphs_and_with_variables_are_refused_for_what_they_do(
    kinds: tuple[str, ...], more: int, reason: str
) -> None:
    b = conv()
    for kind in kinds:
        handle = b.tensor((), "resource")
        without_input, without_output = kind in ("CALL_ONCE", "VAR_HANDLE"), kind in ("CALL_ONCE", "ASSIGN_VARIABLE")
        b.operator(kind, [] if without_input else [handle], [] if without_output else [handle])
    b.subgraph.operators = b.subgraph.operators[3:] + b.subgraph.operators[:3]
    b.model.subgraphs += [b.subgraph] * more
    with pytest.raises(UnsupportedOperator) as caught:
        read_tflite(b.build([0], [6]), "m.tflite")
    named = next(kind for kind in kinds if kind != "CALL_ONCE" or len(kinds) == 1)
    assert str(caught.value).startswith(f"operator {named} at layer {kinds.index(named)} cannot be compiled: ")
    assert all(part in str(caught.value) for part in reason.split(" .* "))
    assert "Convert" in str(caught.value) and "not a usable" not in str(caught.value)


def test_subgraphs_that_nothing_calls_are_named_as_signatures() -> None:
    b = conv()
    b.model.subgraphs.append(b.subgraph)
    with pytest.raises(
        UnsupportedOperator, match=r"MODEL at m.tflite .* it has 2 subgraphs, and no operator of the first"
    ):
        read_tflite(b.build([0], [6]), "m.tflite")


def test_a_custom_operator_may_read_a_tensor_without_a_writer() -> None:
    b = Builder()
    x, scratch, y = b.tensor((1, 4), scale=1.0), b.tensor((1, 9), "uint8"), b.tensor((1, 4), scale=1.0)
    b.operator("CUSTOM:ethos-u", [x, scratch], [y])
    with pytest.raises(UnsupportedOperator, match="CUSTOM:ethos-u"):
        read_tflite(b.build([x], [y]), "m")


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "has 0 bytes"), (b"\0" * 64, "its identifier is"), (b"\x08\0\0\0TFL3", "points to byte 8")],
)
def test_other_files_than_models(data: bytes, problem: str) -> None:
    with pytest.raises(ModelInvalid, match=problem):
        read_tflite(data, "m")


def test_one_buffer_named_thousands_of_times_is_refused() -> None:
    b = Builder()
    x = b.tensor((1, 4), scale=1.0)
    w = b.tensor((4, 50_000), scale=1.0, data=np.zeros((4, 50_000)))
    previous = x
    for _ in range(500):
        y = b.tensor((1, 4), scale=1.0)
        b.operator("FULLY_CONNECTED", [previous, w], [y])
        previous = y
    with pytest.raises(ModelInvalid, match=r"read 100,000,000 bytes of constants out of a file of"):
        read_tflite(b.build([x], [previous]), "m")


def test_one_layer_named_hundreds_of_times_is_refused() -> None:
    b = Builder()
    previous = x = b.tensor((1, 1), scale=1.0)
    w = b.tensor((9000, 1), scale=1.0, data=np.zeros((9000, 1)))
    for _ in range(20):
        y = b.tensor((1, 1), scale=1.0)
        b.operator("FULLY_CONNECTED", [previous, w], [y])
        previous = y
    with pytest.raises(ModelInvalid, match=r"have 180,000 channels in all, at most 12,288 are read"):
        read_tflite(b.build([x], [previous]), "m")


def test_more_operators_than_any_real_model() -> None:
    b = conv()
    b.subgraph.operators = [b.subgraph.operators[0]] * (MAX_OPERATORS + 1)
    with pytest.raises(ModelInvalid, match="operators number 513, at most 512 are read"):
        read_tflite(b.build([0], [6]), "m")


REAL = [
    *(f"reference_models/{name}.tflite" for name in (
        "ad01_int8", "kws_ref_model", "pretrainedResnet_large_int8", "pretrainedResnet_quant", "str_ww_ref_model",
        "vww_96_int8")),
    *(f"micronets/{name}.tflite" for name in (
        "ad_large_int8", "ad_medium_int8_rev1", "ad_small_int8", "kws_micronet_m", "kws_micronet_s", "vww2_50_50_INT8",
        "vww3_128_128_INT8", "vww4_128_128_INT8")),
    *(f"conformance/models/{name}.tflite" for name in (
        "cnn_s_quantized", "ds_cnn_m_quantized", "ds_cnn_s_quantized", "models__person_detect", "tinyengine_vww")),
]  # fmt: skip


def _with_bias_axis(model: bytes) -> bytes:
    """The same model with the axis of every bias 0: LiteRT refuses TOCO's files, TFLite Micro and we read them."""
    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    for tensor in tree.subgraphs[0].tensors:
        if tensor.quantization is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    writer = flatbuffers.Builder(1024)
    writer.Finish(tree.Pack(writer), file_identifier=b"TFL3")
    return bytes(writer.Output())


def same_as_litert(path: Path) -> None:
    """Operators, tensors and constants of a file are those that LiteRT's interpreter reports."""
    model = path.read_bytes()
    graph = read_tflite(model, path.name)
    content = _with_bias_axis(model) if graph.description.startswith("TOCO") else model
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    litert = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    litert.allocate_tensors()
    operators = litert._get_ops_details()
    assert [o.kind for o in graph.operators] == [o["op_name"] for o in operators]
    for ours, theirs in zip(graph.operators, operators, strict=True):
        assert list(ours.inputs) == list(theirs["inputs"]) and list(ours.outputs) == list(theirs["outputs"])
    assert list(graph.inputs) == [d["index"] for d in litert.get_input_details()]
    assert list(graph.outputs) == [d["index"] for d in litert.get_output_details()]
    used = {i for o in graph.operators for i in (*o.inputs, *o.outputs)}
    details = {d["index"]: d for d in litert.get_tensor_details()}
    for index in used - {-1}:
        tensor, detail = graph.tensors[index], details[index]
        assert tensor.shape == tuple(detail["shape"]) and tensor.dtype == np.dtype(detail["dtype"]).name
        assert detail["name"].startswith(tensor.name)
        quant = detail["quantization_parameters"]
        if tensor.quant is None:
            assert quant["scales"].size == 0
        else:
            np.testing.assert_array_equal(tensor.quant.scales, quant["scales"])
            np.testing.assert_array_equal(tensor.quant.zero_points, quant["zero_points"])
            if tensor.quant.per_channel and len(tensor.shape) > 1:
                assert tensor.quant.axis == quant["quantized_dimension"]
        if tensor.data is not None:
            np.testing.assert_array_equal(tensor.data, litert.get_tensor(index))


def test_built_model_is_read_as_by_litert(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(conv().build([0], [6]))
    same_as_litert(path)


@pytest.mark.parametrize("name", REAL)
def test_real_models_are_read_as_by_litert(name: str, data_dir: Path) -> None:
    same_as_litert(data_dir / name)


def test_single_layers_are_read_as_by_litert(data_dir: Path) -> None:
    layers = sorted((data_dir / "conformance" / "layers").glob("*.tflite"))
    assert len(layers) == 70
    for layer in layers:
        same_as_litert(layer)


def test_known_invalid_models_are_refused(data_dir: Path) -> None:
    """All constants of the faulty model are zero, so that its RESHAPE has the target shape 0 x 0."""
    models = data_dir / "conformance" / "models"
    with pytest.raises(ModelInvalid, match=r"operator 13 \(RESHAPE\) has target shape \[0, 0\]"):
        read_tflite((models / "faulty_kws_micronet_m.tflite").read_bytes(), "faulty")
    with pytest.raises(UnsupportedOperator, match="CUSTOM:ethos-u"):
        read_tflite((models / "models__person_detect_vela.tflite").read_bytes(), "vela")
