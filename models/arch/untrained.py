# SPDX-License-Identifier: Apache-2.0
"""An int8 .tflite of a network that was never trained: random weights, plausible ranges.

What a network takes on a device depends on its shapes and, hardly, on its weights, so it can be measured before a
minute of training. The file is written through the schema classes of LiteRT (the ``[search]`` extra) and has the
operators, in the order, of the converter's file of the same network.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.layers import INPUT, Layer

MISSING_LITERT = "LiteRT is not installed; it writes the models of a search. pip install 'mlperf-tiny-harness[search]'."

# A symmetric signal of a standard deviation of 40 steps fills int8 without clipping much.
_SPREAD_STEPS = 40.0
# Uniform int8 weights from -127 to 127 deviate by 127 / sqrt(3).
_WEIGHT_SPREAD = 127 / sqrt(3)
_RELU6_SCALE = 6 / 255
_INPUT_SCALE, _SCALE = 0.25, 0.1
_ACTIVATIONS = {"none": "NONE", "relu": "RELU", "relu6": "RELU6"}
# Versions that LiteRT asks for before these operators may be int8, or per channel.
_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "AVERAGE_POOL_2D": 2, "ADD": 2, "PAD": 2}
_VERSIONS["SOFTMAX"] = 2


def untrained_tflite(arch: Arch, seed: int = 0) -> bytes:
    """Return the .tflite of a network with random weights.

    Args:
        arch: The network.
        seed: Of the weights and biases; the same seed gives the same bytes.

    Raises:
        UsageError: LiteRT is not installed.
        ValueError: The blocks of ``arch`` do not fit each other.
    """
    writer = _Writer(seed)
    tensors = {INPUT: writer.activation((1, *arch.input_shape), _INPUT_SCALE, 0, "input")}
    for number, layer in enumerate(arch.layers):
        tensors[number] = _WRITE[layer.kind](writer, layer, [tensors[index] for index in layer.inputs])
    return writer.file(tensors[INPUT], tensors[len(arch.layers) - 1])


class _Writer:
    """The file so far: tensors, operators and constants, as LiteRT's objects."""

    def __init__(self, seed: int) -> None:
        try:
            import ai_edge_litert.schema_py_generated as schema
        except ImportError as error:
            raise UsageError(MISSING_LITERT) from error
        self.schema = schema
        self.random = np.random.default_rng(seed)
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "untrained"
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The shape of a tensor, with the batch."""
        return tuple(self.graph.tensors[tensor].shape)

    def scale(self, tensor: int) -> float:
        """The scale of an activation."""
        return float(self.graph.tensors[tensor].quantization.scale[0])

    def _tensor(self, shape: Sequence[int], kind: str, name: str) -> tuple[int, Any]:
        tensor = self.schema.TensorT()
        tensor.shape, tensor.name = list(shape), name or f"tensor_{len(self.graph.tensors)}"
        tensor.type = getattr(self.schema.TensorType, kind)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1, tensor

    def activation(self, shape: Sequence[int], scale: float, zero_point: int, name: str = "") -> int:
        """Add an int8 activation; return its index."""
        index, tensor = self._tensor(shape, "INT8", name)
        tensor.quantization = self._quantization(np.array([scale]), zero_point, 0)
        return index

    def constant(self, values: NDArray[Any], scales: NDArray[np.float64] | None = None, axis: int = 0) -> int:
        """Add a constant, quantised along an axis where it has scales; return its index."""
        index, tensor = self._tensor(values.shape, values.dtype.name.upper(), "")
        if scales is not None:
            tensor.quantization = self._quantization(scales, 0, axis)
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return index

    def _quantization(self, scales: NDArray[np.float64], zero_point: int, axis: int) -> Any:
        quantization = self.schema.QuantizationParametersT()
        quantization.scale = scales.astype(np.float32)
        quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
        quantization.quantizedDimension = axis
        return quantization

    def operator(self, kind: str, inputs: list[int], output: int, options: str = "", **values: Any) -> int:
        """Add an operator with its options; return its output."""
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._code(kind)
        operator.inputs, operator.outputs = inputs, [output]
        if options:
            table = getattr(self.schema, f"{options}T")()
            for name, value in values.items():
                setattr(table, name, value)
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = table
        self.graph.operators.append(operator)
        return output

    def _code(self, kind: str) -> int:
        wanted = getattr(self.schema.BuiltinOperator, kind)
        for index, code in enumerate(self.model.operatorCodes):
            if code.builtinCode == wanted:
                return index
        code = self.schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = wanted, min(wanted, 127)
        code.version = _VERSIONS.get(kind, 1)
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def file(self, source: int, result: int) -> bytes:
        """Return the file with one input and one output."""
        import flatbuffers

        self.graph.inputs, self.graph.outputs = [source], [result]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def activation_type(self, relu: str) -> int:
        """The schema's number of a fused activation."""
        return int(getattr(self.schema.ActivationFunctionType, _ACTIVATIONS[relu]))

    def weighted(self, layer: Layer, source: int, shape: tuple[int, ...], axis: int, terms: int) -> list[int]:
        """Add weights and biases that spread a layer's results over their range; return the operator's inputs."""
        channels = shape[axis]
        weights = self.random.integers(-127, 128, shape, np.int8)
        out_scale = _RELU6_SCALE if layer.relu == "relu6" else _SCALE
        # Results deviate by _SPREAD_STEPS steps: that many per accumulated unit, a little different in each channel.
        deviation = sqrt(terms) * _WEIGHT_SPREAD * _SPREAD_STEPS
        multipliers = self.random.uniform(0.7, 1.3, channels) * _SPREAD_STEPS / deviation
        scales = multipliers * out_scale / self.scale(source)
        biases = self.random.normal(0.0, deviation / 2, channels).astype(np.int32)
        if layer.kind == "dense":  # one scale for all, as the converter's
            scales = np.array([scales.mean()])
        bias_scales = scales * self.scale(source)
        return [source, self.constant(weights, scales, axis), self.constant(biases, bias_scales)]

    def output(self, layer: Layer) -> int:
        """Add the result of a layer with a scale of its own."""
        shape = (1, *layer.out_shape)
        if layer.relu == "relu6":
            return self.activation(shape, _RELU6_SCALE, -128)
        return self.activation(shape, _SCALE, -128 if layer.relu == "relu" else 0)


def _conv(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    shape = (layer.out_shape[-1], *layer.kernel, layer.in_shape[-1])
    inputs = writer.weighted(layer, sources[0], shape, 0, prod(shape[1:]))
    options = {**_window(writer, layer), "dilationHFactor": 1, "dilationWFactor": 1}
    return writer.operator("CONV_2D", inputs, writer.output(layer), "Conv2DOptions", **options)


def _depthwise(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    inputs = writer.weighted(layer, sources[0], (1, *layer.kernel, layer.out_shape[-1]), 3, prod(layer.kernel))
    options = {**_window(writer, layer), "dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 1}
    return writer.operator("DEPTHWISE_CONV_2D", inputs, writer.output(layer), "DepthwiseConv2DOptions", **options)


def _window(writer: _Writer, layer: Layer) -> dict[str, int]:
    return {
        "padding": getattr(writer.schema.Padding, layer.padding.upper()),
        "strideH": layer.stride[0],
        "strideW": layer.stride[1],
        "fusedActivationFunction": writer.activation_type(layer.relu),
    }


def _dense(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    inputs = writer.weighted(layer, sources[0], (layer.out_shape[0], layer.in_shape[0]), 0, layer.in_shape[0])
    activation = writer.activation_type(layer.relu)
    options = {"fusedActivationFunction": activation}
    return writer.operator("FULLY_CONNECTED", inputs, writer.output(layer), "FullyConnectedOptions", **options)


def _same_scale(writer: _Writer, layer: Layer, source: int) -> int:
    """The result of a layer that keeps the quantisation of its input."""
    zero_point = int(writer.graph.tensors[source].quantization.zeroPoint[0])
    return writer.activation((1, *layer.out_shape), writer.scale(source), zero_point)


def _pool(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    options = {
        "padding": getattr(writer.schema.Padding, layer.padding.upper()),
        "filterHeight": layer.kernel[0],
        "filterWidth": layer.kernel[1],
        "strideH": layer.stride[0],
        "strideW": layer.stride[1],
    }
    result = _same_scale(writer, layer, sources[0])
    return writer.operator("AVERAGE_POOL_2D", sources[:1], result, "Pool2DOptions", **options)


def _pad(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    more = layer.out_shape[-1] - layer.in_shape[-1]
    paddings = writer.constant(np.array([[0, 0], [0, 0], [0, 0], [0, more]], np.int32))
    return writer.operator("PAD", [sources[0], paddings], _same_scale(writer, layer, sources[0]), "PadOptions")


def _add(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    activation = writer.activation_type(layer.relu)
    return writer.operator("ADD", sources, writer.output(layer), "AddOptions", fusedActivationFunction=activation)


def _reshape(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    shape = [1, *layer.out_shape]
    inputs = [sources[0], writer.constant(np.array(shape, np.int32))]
    result = _same_scale(writer, layer, sources[0])
    return writer.operator("RESHAPE", inputs, result, "ReshapeOptions", newShape=shape)


def _softmax(writer: _Writer, layer: Layer, sources: list[int]) -> int:
    result = writer.activation((1, *layer.out_shape), 1 / 256, -128)
    return writer.operator("SOFTMAX", sources[:1], result, "SoftmaxOptions", beta=1.0)


_WRITE = {
    "conv": _conv,
    "depthwise": _depthwise,
    "dense": _dense,
    "pool": _pool,
    "pad": _pad,
    "add": _add,
    "reshape": _reshape,
    "softmax": _softmax,
}
