# SPDX-License-Identifier: Apache-2.0
"""Checks of a whole model: how much its operators read, the order they can run in, and the targets of RESHAPE."""

from __future__ import annotations

import heapq

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Operator, Tensor
from mlperf_tiny.firmware.codegen.tflite.flatbuffer import Broken
from mlperf_tiny.firmware.codegen.tflite.read_tensor import MAX_RANK

MAX_CHANNELS_IN_ALL = 131_072
MIN_SHARED_CONSTANT_BYTES = 16 * 1024 * 1024


def check_size(tensors: tuple[Tensor, ...], operators: list[Operator], file_bytes: int) -> None:
    """Raise Broken when the operators read far more constants than the file has.

    A small file can name one buffer thousands of times; written out as C that would be gigabytes, and hours.

    Args:
        tensors: All tensors.
        operators: All operators.
        file_bytes: The size of the file.
    """
    limit = max(MIN_SHARED_CONSTANT_BYTES, 4 * file_bytes)
    total_bytes = channels = 0
    for operator in operators:
        for slot, index in enumerate(operator.inputs):
            values = tensors[index].data if index >= 0 else None
            total_bytes += 0 if values is None else values.nbytes
            # Weights come second. One of their axes is the channels; each channel gets its own requantisation.
            channels += max(values.shape, default=0) if values is not None and slot == 1 and values.ndim > 1 else 0
    if total_bytes > limit:
        raise Broken(f"its operators read {total_bytes:,} bytes of constants out of a file of {file_bytes:,} bytes")
    if channels > MAX_CHANNELS_IN_ALL:
        raise Broken(f"its operators have {channels:,} channels in all, at most {MAX_CHANNELS_IN_ALL:,} are read")


def in_order(
    tensors: tuple[Tensor, ...], operators: list[Operator], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> tuple[Operator, ...]:
    """Return the operators, each after those whose results it reads and otherwise as in the file.

    Args:
        tensors: All tensors.
        operators: All operators, as in the file.
        inputs: Tensor indices of the model's inputs.
        outputs: Tensor indices of the model's outputs.

    Raises:
        Broken: A tensor is written twice or never, or the operators form a cycle.
        UnsupportedOperator: A custom operator reads what no operator writes.
    """
    producer: dict[int, Operator] = {}
    for index in inputs:
        if tensors[index].data is not None:
            raise Broken(f"model input {tensors[index]} is a constant")
    for operator in operators:
        for index in operator.outputs:
            written = f"operator {operator.index} ({operator.kind}) writes {tensors[index]}"
            if index in producer:
                raise Broken(f"{written}, which operator {producer[index].index} writes too")
            if tensors[index].data is not None or index in inputs:
                raise Broken(f"{written}, which is a {'model input' if index in inputs else 'constant'}")
            producer[index] = operator
    for index in outputs:
        if index not in producer:
            raise Broken(f"no operator writes the model output {tensors[index]}")

    waits: dict[int, int] = {}
    readers: dict[int, list[Operator]] = {}
    for operator in operators:
        needed = {t for t in operator.inputs if t >= 0 and tensors[t].data is None and t not in inputs}
        for index in needed:
            if index not in producer and operator.kind.startswith("CUSTOM:"):
                raise UnsupportedOperator(
                    operator.kind, f"layer {operator.index}", "custom operators have no C code here"
                )
            if index not in producer:
                raise Broken(
                    f"operator {operator.index} ({operator.kind}) reads {tensors[index]}, which is no constant and "
                    "no model input, and which no operator writes"
                )
            readers.setdefault(index, []).append(operator)
        waits[operator.index] = len(needed)
    ready = [index for index, count in waits.items() if count == 0]
    heapq.heapify(ready)
    ordered: list[Operator] = []
    while ready:
        operator = operators[heapq.heappop(ready)]
        ordered.append(operator)
        for index in operator.outputs:
            for reader in readers.get(index, ()):
                waits[reader.index] -= 1
                if waits[reader.index] == 0:
                    heapq.heappush(ready, reader.index)
    if len(ordered) < len(operators):
        stuck = next(operator for operator in operators if waits[operator.index])
        raise Broken(f"its operators form a cycle through operator {stuck.index} ({stuck.kind})")
    return tuple(ordered)


def check_reshape(operator: Operator, tensors: tuple[Tensor, ...]) -> None:
    """Raise Broken when a constant target shape of a RESHAPE is not the shape of its output.

    TFLite computes the target shape, whatever shape the output tensor has in the file.

    Args:
        operator: Any operator.
        tensors: All tensors.
    """
    if operator.kind != "RESHAPE":
        return
    target = tensors[operator.inputs[1]] if len(operator.inputs) > 1 and operator.inputs[1] >= 0 else None
    output = tensors[operator.outputs[0]]
    if target is None or target.data is None:
        return
    if target.dtype not in ("int32", "int64"):
        raise Broken(f"operator {operator.index} (RESHAPE) takes its shape from {target}, wanted int32")
    wanted = [int(d) for d in target.data.ravel()[: MAX_RANK + 1]]
    if len(wanted) != len(output.shape) or any(w not in (-1, d) for w, d in zip(wanted, output.shape, strict=True)):
        raise Broken(f"operator {operator.index} (RESHAPE) has target shape {wanted} and writes {output}")
