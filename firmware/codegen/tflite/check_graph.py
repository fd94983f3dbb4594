# SPDX-License-Identifier: Apache-2.0
"""Checks of a whole model: how much its operators read, the order they are in, and the targets of RESHAPE."""

from __future__ import annotations

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Operator, Tensor
from mlperf_tiny.firmware.codegen.tflite.flatbuffer import Broken
from mlperf_tiny.firmware.codegen.tflite.read_tensor import MAX_RANK

# Of about 100 public networks for microcontrollers the largest have 74 operators with 201 operands and 8,216 channels,
# and a board has 2 MB of flash at most. What follows bounds the time and the memory of compiling any model.
MAX_CHANNELS_IN_ALL = 12_288
MAX_OPERANDS_IN_ALL = 4096
MAX_CONSTANT_BYTES = 8 * 1024 * 1024
MIN_SHARED_CONSTANT_BYTES = 1024 * 1024
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": -1, "FULLY_CONNECTED": 0}


def check_size(tensors: tuple[Tensor, ...], operators: list[Operator], file_bytes: int) -> None:
    """Raise Broken when the operators read more than can be compiled, or far more constants than the file has.

    A small file can name one buffer thousands of times; written out as C that would be gigabytes, and hours.

    Args:
        tensors: All tensors.
        operators: All operators.
        file_bytes: The size of the file.
    """
    total_bytes = channels = 0
    for operator in operators:
        for slot, index in enumerate(operator.inputs):
            values = tensors[index].data if index >= 0 else None
            total_bytes += 0 if values is None else values.nbytes
            # Weights come second. Each channel gets its own requantisation.
            if values is not None and slot == 1 and values.ndim > 1 and operator.kind in _CHANNEL_AXIS:
                channels += values.shape[_CHANNEL_AXIS[operator.kind]]
    if total_bytes > min(MAX_CONSTANT_BYTES, max(MIN_SHARED_CONSTANT_BYTES, 4 * file_bytes)):
        raise Broken(f"its operators read {total_bytes:,} bytes of constants out of a file of {file_bytes:,} bytes")
    if channels > MAX_CHANNELS_IN_ALL:
        raise Broken(f"its operators have {channels:,} channels in all, at most {MAX_CHANNELS_IN_ALL:,} are read")


def check_operands(operators: list[Operator]) -> None:
    """Raise Broken when there are more operands than can be read: each is a tensor, with its scales."""
    operands = sum(len(operator.inputs) + len(operator.outputs) for operator in operators)
    if operands > MAX_OPERANDS_IN_ALL:
        raise Broken(f"its operators have {operands:,} operands in all, at most {MAX_OPERANDS_IN_ALL:,} are read")


def check_order(
    tensors: tuple[Tensor, ...], operators: list[Operator], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    """Check that every operator reads what is there when its turn comes, in the order of the file.

    The schema calls that order the order of execution. TFLite keeps to it: what is read too early is what the former
    inference has left there.

    Args:
        tensors: All tensors.
        operators: All operators, as in the file.
        inputs: Tensor indices of the model's inputs.
        outputs: Tensor indices of the model's outputs.

    Raises:
        Broken: A tensor is written twice or never, or read before it is written.
        UnsupportedOperator: A custom operator reads what no operator writes.
    """
    for index in inputs:
        if tensors[index].data is not None:
            raise Broken(f"model input {tensors[index]} is a constant")
    producer = _producers(tensors, operators, inputs)
    for index in outputs:
        if index not in producer:
            raise Broken(f"no operator writes the model output {tensors[index]}")
    for operator in operators:
        for index in operator.inputs:
            if index < 0 or tensors[index].data is not None or index in inputs:
                continue
            writer = producer.get(index)
            reads = f"operator {operator.index} ({operator.kind}) reads {tensors[index]}"
            if writer is None and operator.kind.startswith("CUSTOM:"):
                raise UnsupportedOperator(
                    operator.kind, f"layer {operator.index}", "custom operators have no C code here"
                )
            if writer is None:
                raise Broken(f"{reads}, which is no constant and no model input, and which no operator writes")
            if writer is operator:
                raise Broken(f"{reads}, which it writes itself")
            if writer.index > operator.index:
                raise Broken(
                    f"{reads}, which operator {writer.index} ({writer.kind}) writes later; operators run in the order "
                    "of the file"
                )


def _producers(tensors: tuple[Tensor, ...], operators: list[Operator], inputs: tuple[int, ...]) -> dict[int, Operator]:
    """Tensor to the only operator that writes it."""
    producer: dict[int, Operator] = {}
    for operator in operators:
        for index in operator.outputs:
            written = f"operator {operator.index} ({operator.kind}) writes {tensors[index]}"
            if index in producer:
                raise Broken(f"{written}, which operator {producer[index].index} writes too")
            if tensors[index].data is not None or index in inputs:
                raise Broken(f"{written}, which is a {'model input' if index in inputs else 'constant'}")
            producer[index] = operator
    return producer


def check_reshape(operator: Operator, tensors: tuple[Tensor, ...]) -> None:
    """Raise Broken when the target shape of a RESHAPE is not the shape of its output.

    TFLite computes the shape, whatever shape the output has in the file: from the second input if that is a vector of
    int32, else from the option (``kernels/reshape.cc``).

    Args:
        operator: Any operator.
        tensors: All tensors.
    """
    if operator.kind != "RESHAPE":
        return
    output = tensors[operator.outputs[0]]
    if len(operator.inputs) > 1 and operator.inputs[1] < 0:
        raise Broken(f"operator {operator.index} (RESHAPE) has a second input that is left out, wanted a shape")
    target = tensors[operator.inputs[1]] if len(operator.inputs) > 1 else None
    if target is not None and len(target.shape) == 1 and target.dtype == "int32":
        if target.data is None:
            return
        wanted = [int(d) for d in target.data[: MAX_RANK + 1]]
    else:
        option = operator.options["new_shape"]
        assert isinstance(option, tuple)
        wanted = [] if option == (0,) else list(option)  # old converters wrote [0] for a scalar
    same = len(wanted) == len(output.shape) and wanted.count(-1) <= 1
    if not same or any(w not in (-1, d) for w, d in zip(wanted, output.shape, strict=True)):
        raise Broken(f"operator {operator.index} (RESHAPE) has target shape {wanted} and writes {output}")
