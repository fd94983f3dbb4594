# SPDX-License-Identifier: Apache-2.0
"""Builds .tflite files tensor by tensor, through the schema classes that ship with LiteRT (the ``[search]`` extra).

It shares no code with ``firmware.codegen.tflite``, which reads them, and what it writes loads in LiteRT's interpreter::

    b = Builder()
    x = b.tensor((1, 5, 5, 3), scale=0.5, zero_point=3)
    w = b.tensor((4, 1, 1, 3), scale=[0.1, 0.2, 0.3, 0.4], data=weights)
    bias = b.tensor((4,), "int32", scale=[0.05, 0.1, 0.15, 0.2], data=biases)
    y = b.tensor((1, 5, 5, 4), scale=0.25)
    b.operator("CONV_2D", [x, w, bias], [y], {"padding": "SAME", "stride_h": 1, "stride_w": 1})
    model = b.build([x], [y])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
from numpy.typing import ArrayLike

# Option names of firmware.codegen.graph.Operator -> (options class, {option: attribute of that class}).
_ACTIVATION = {"activation": "fusedActivationFunction"}
_WINDOW = {"padding": "padding", "stride_h": "strideH", "stride_w": "strideW"} | _ACTIVATION
_BIAS_TYPE = {"quantized_bias_type": "quantizedBiasType"}
_DILATION = {"dilation_h": "dilationHFactor", "dilation_w": "dilationWFactor"}
_OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "CONV_2D": ("Conv2DOptions", _WINDOW | _DILATION | _BIAS_TYPE),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _WINDOW | _DILATION | {"depth_multiplier": "depthMultiplier"}),
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        _ACTIVATION | _BIAS_TYPE | {"keep_num_dims": "keepNumDims", "weights_format": "weightsFormat"},
    ),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _WINDOW | {"filter_h": "filterHeight", "filter_w": "filterWidth"}),
    "MAX_POOL_2D": ("Pool2DOptions", _WINDOW | {"filter_h": "filterHeight", "filter_w": "filterWidth"}),
    "ADD": ("AddOptions", _ACTIVATION),
    "SUB": ("SubOptions", _ACTIVATION),
    "MUL": ("MulOptions", _ACTIVATION),
    "CONCATENATION": ("ConcatenationOptions", {"axis": "axis"} | _ACTIVATION),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "beta"}),
    "MEAN": ("ReducerOptions", {"keep_dims": "keepDims"}),
    "RESHAPE": ("ReshapeOptions", {"new_shape": "newShape"}),
    "PAD": ("PadOptions", {}),
    "TRANSPOSE": ("TransposeOptions", {}),
    "QUANTIZE": ("QuantizeOptions", {}),
    "DEQUANTIZE": ("DequantizeOptions", {}),
    "SQUEEZE": ("SqueezeOptions", {"squeeze_dims": "squeezeDims"}),
    "BATCH_MATMUL": ("BatchMatMulOptions", {}),
}
# Versions LiteRT wants before an operator may be int8 or per-channel; 1 for the rest.
_VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "ADD": 2,
    "SUB": 2,
    "MUL": 2,
    "CONCATENATION": 2,
    "SOFTMAX": 2,
    "LOGISTIC": 2,
    "MEAN": 2,
    "PAD": 2,
    "RELU": 2,
    "RELU6": 2,
    "DEQUANTIZE": 2,
    "TRANSPOSE": 2,
}
_DEFAULTS: dict[str, Any] = {"stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "depth_multiplier": 1}


def _value(name: str, value: Any) -> Any:
    if name == "padding":
        return getattr(schema.Padding, value)
    if name == "activation":
        return getattr(schema.ActivationFunctionType, value)
    if name == "quantized_bias_type":
        return getattr(schema.TensorType, value.upper())
    if name == "weights_format":
        return getattr(schema.FullyConnectedOptionsWeightsFormat, value)
    return list(value) if isinstance(value, tuple) else value


class Builder:
    """One model under construction. ``model`` is LiteRT's object form, which may be changed before ``build``."""

    def __init__(self, description: str = "made for a test") -> None:
        """Begin a model without tensors and operators."""
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = description
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.subgraph = schema.SubGraphT()
        self.subgraph.tensors = []
        self.subgraph.operators = []
        self.model.subgraphs = [self.subgraph]

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: float | Sequence[float] | np.ndarray | None = None,
        zero_point: int | Sequence[int] | np.ndarray = 0,
        data: ArrayLike | None = None,
        axis: int = 0,
        name: str | None = None,
    ) -> int:
        """Add a tensor; return its index.

        Args:
            shape: Its shape, with the batch.
            dtype: Its type, as numpy names it.
            scale: Quantisation scale; several are per channel along ``axis``; None: not quantised.
            zero_point: One for all channels, or as many as there are scales.
            data: Makes it a constant; as many values as ``shape`` has. None makes it an activation.
            axis: The quantised dimension.
            name: Its name; None: by its index.
        """
        tensor = schema.TensorT()
        tensor.name = f"t{len(self.subgraph.tensors)}" if name is None else name
        tensor.shape = [int(d) for d in shape]
        tensor.type = getattr(schema.TensorType, dtype.upper())
        tensor.hasRank = True
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            quantization = schema.QuantizationParametersT()
            quantization.scale = scales
            quantization.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape).copy()
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        if data is not None:
            values = np.asarray(data, dtype=dtype)
            assert values.size == int(np.prod(shape, dtype=np.int64)), (values.shape, shape)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8).copy()
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> int:
        """Add an operator; return its index.

        Kinds without an options class here (RELU, LOGISTIC, ...) are written without options.

        Args:
            kind: TFLite's name, or ``CUSTOM:<name>``.
            inputs: Indices of tensors.
            outputs: Indices of tensors.
            options: Under the names that ``firmware.codegen.ir.graph`` has for them; strides, dilations and the depth
                multiplier are 1 unless given.
            version: The operator's version; None: the least that LiteRT takes as int8.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind, version or _VERSIONS.get(kind, 1))
        operator.inputs = [int(i) for i in inputs]
        operator.outputs = [int(i) for i in outputs]
        if kind in _OPTIONS:
            class_name, attributes = _OPTIONS[kind]
            table = getattr(schema, class_name + "T")()
            given = {k: v for k, v in _DEFAULTS.items() if k in attributes} | dict(options or {})
            for name, value in given.items():
                setattr(table, attributes[name], _value(name, value))
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, class_name)
            operator.builtinOptions = table
        else:
            assert not options, f"{kind} has no options class here"
        self.subgraph.operators.append(operator)
        return len(self.subgraph.operators) - 1

    def _code(self, kind: str, version: int) -> int:
        code = schema.OperatorCodeT()
        if kind.startswith("CUSTOM:"):
            code.builtinCode, code.customCode = schema.BuiltinOperator.CUSTOM, kind.removeprefix("CUSTOM:")
        else:
            code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        for index, known in enumerate(self.model.operatorCodes):
            if vars(known) == vars(code):
                return index
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the file; may be called again after further changes.

        Args:
            inputs: Indices of the model's inputs.
            outputs: Indices of its outputs.
        """
        self.subgraph.inputs = [int(i) for i in inputs]
        self.subgraph.outputs = [int(i) for i in outputs]
        writer = flatbuffers.Builder(1024)
        writer.Finish(self.model.Pack(writer), file_identifier=b"TFL3")
        return bytes(writer.Output())
