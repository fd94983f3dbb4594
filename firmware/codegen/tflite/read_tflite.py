# SPDX-License-Identifier: Apache-2.0
"""Turns the bytes of a .tflite file into a ``Graph``, or reports what is wrong with them.

The file is not trusted. What the shape of the file promises is checked here (offsets, lengths, indices, quantisation,
the order of the operators), so that later steps may index freely; whether an operator's shapes and options go together
is for ``lower``. Constants are views of ``data``: reading costs a small multiple of the file's size at most.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import ModelInvalid, UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Graph, Operator, Option, Quantization, Tensor
from mlperf_tiny.firmware.codegen.tflite.flatbuffer import Broken, Table, open_root
from mlperf_tiny.firmware.codegen.tflite.schema import (
    CUSTOM,
    OPTIONS,
    READABLE_TYPES,
    TYPE_NAMES,
    BoolOption,
    EnumOption,
    FloatOption,
    IntOption,
    OptionField,
    operator_name,
)

# Far above anything a microcontroller can run; they bound time and memory when a file claims more.
MAX_OPERATORS = 2048
MAX_OPERANDS = 256
MAX_TENSORS = 16_384
MAX_RANK = 8
MAX_NAME = 80
MAX_ELEMENTS = 64 * 1024 * 1024
MAX_CHANNELS = 16_384
MAX_CHANNELS_IN_ALL = 131_072
MIN_SHARED_CONSTANT_BYTES = 16 * 1024 * 1024

_INT8_ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
_BLOCKWISE, _MULTI_AXIS = 2, 3


def read_tflite(data: bytes, source: str) -> Graph:
    """Read a .tflite file.

    Operators come in an order in which every input is computed before its use; ``Operator.index`` stays the number in
    the file. A batch dimension that the file leaves open is 1. Tensors that no operator uses are carried without a
    check, as scalars.

    Args:
        data: The file's bytes, which need not be trusted.
        source: Its name in messages.

    Raises:
        ModelInvalid: The file is broken.
        UnsupportedOperator: The file is valid, but an operator has a tensor of a kind that the compiler lacks: 4-bit or
            half-float values, sparse storage, state kept between inferences.
    """
    try:
        return _read(data, source)
    except Broken as problem:
        raise ModelInvalid(source, str(problem)) from None


def _read(data: bytes, source: str) -> Graph:
    model = open_root(data, b"TFL3", "the model")
    version = model.scalar(0, "I", 0, "version")
    if version != 3:
        raise Broken(f"its schema version is {version}, wanted 3")
    codes = model.tables(1, "operator codes", MAX_OPERATORS)
    subgraphs = model.tables(2, "subgraphs", 64)
    if len(subgraphs) != 1:
        raise Broken(f"it has {len(subgraphs)} subgraphs, wanted one (no branches, no loops)")
    subgraph = subgraphs[0]
    tensor_tables = subgraph.tables(0, "tensors", MAX_TENSORS)
    buffers = model.tables(4, "buffers", MAX_TENSORS + 1)
    inputs = _indices(subgraph, 1, "model inputs", len(tensor_tables))
    outputs = _indices(subgraph, 2, "model outputs", len(tensor_tables))
    if not inputs or not outputs:
        raise Broken(f"it has {len(inputs)} inputs and {len(outputs)} outputs, wanted at least one of each")
    operators = [
        _operator(table, i, codes, len(tensor_tables))
        for i, table in enumerate(subgraph.tables(3, "operators", MAX_OPERATORS))
    ]
    if not operators:
        raise Broken("it has no operators")

    user: dict[int, Operator] = {}
    for operator in reversed(operators):
        user.update((t, operator) for t in (*operator.inputs, *operator.outputs) if t >= 0)
    used = user.keys() | set(inputs) | set(outputs)
    tensors = tuple(
        _tensor(table, i, buffers, user.get(i)) if i in used else Tensor(i, _name(table), (), "int8")
        for i, table in enumerate(tensor_tables)
    )
    _check_size(tensors, operators, len(data))
    ordered = _in_order(tensors, operators, inputs, outputs)
    for operator in ordered:
        _check_reshape(operator, tensors)
    return Graph(source, tensors, ordered, inputs, outputs, model.text(3, "description"))


def _name(table: Table) -> str:
    """A tensor's name for messages and comments: converters join the names of all fused layers with semicolons."""
    return table.text(3, "name").split(";", 1)[0][:MAX_NAME]


def _indices(table: Table, slot: int, name: str, tensors: int, left_out: bool = False) -> tuple[int, ...]:
    """Tensor numbers of a vector, each inside the tensor table; -1 only where an operand may be left out."""
    values = table.vector(slot, "int32", name)
    if values is None:
        return ()
    if values.size > MAX_OPERANDS:
        raise Broken(f"{table.what} has {values.size:,} {name}, at most {MAX_OPERANDS} are read")
    indices = tuple(int(v) for v in values)
    for index in indices:
        if not (0 <= index < tensors or (left_out and index == -1)):
            raise Broken(f"{name} of {table.what} name tensor {index}, there are {tensors} tensors")
    return indices


def _operator(table: Table, index: int, codes: list[Table], tensors: int) -> Operator:
    code_index = table.scalar(0, "I", 0, "operator code")
    if code_index >= len(codes):
        raise Broken(f"operator {index} has operator code {code_index}, there are {len(codes)}")
    code = codes[code_index]
    # The code outgrew its first field, an int8; files carry both, and the larger one counts.
    number = max(code.scalar(0, "b", 0, "builtin code"), code.scalar(3, "i", 0, "builtin code"))
    if number < 0:
        raise Broken(f"operator {index} has builtin code {number}")
    kind = f"CUSTOM:{code.text(1, 'custom code', 64)}" if number == CUSTOM else operator_name(number)
    inputs = _indices(table, 1, "inputs", tensors, left_out=True)
    outputs = _indices(table, 2, "outputs", tensors)
    if not outputs:
        raise Broken(f"operator {index} ({kind}) has no output")
    return Operator(index, kind, inputs, outputs, _options(table, index, kind))


def _options(operator: Table, index: int, kind: str) -> Mapping[str, Option]:
    layout = OPTIONS.get(kind)
    if layout is None:
        return {}
    what = f"operator {index} ({kind})"
    union_type = operator.scalar(3, "B", 0, "options type")
    table = operator.table(4, f"the options of {what}")
    if table is None:
        if not layout.optional:
            raise Broken(f"{what} has no options")
    elif union_type != layout.union_type:
        raise Broken(f"{what} has options of type {union_type}, wanted {layout.union_type}")
    options = {field.name: _option(table, field, what) for field in layout.fields}
    activation = options.get("activation", "NONE")
    if activation not in _INT8_ACTIVATIONS:
        raise UnsupportedOperator(kind, f"layer {index}", f"its fused activation is {activation}")
    return options


def _option(table: Table | None, field: OptionField, what: str) -> Option:
    """One option's value, the schema's default when there is no ``table`` or the field is absent."""
    if isinstance(field, IntOption):
        number = field.default if table is None else table.scalar(field.slot, "i", field.default, field.name)
        if not field.low <= number <= field.high:
            raise Broken(f"{what} has {field.name} {number}, wanted {field.low} to {field.high}")
        return number
    if isinstance(field, EnumOption):
        number = 0 if table is None else table.scalar(field.slot, "b", 0, field.name)
        if not 0 <= number < len(field.names):
            raise Broken(f"{what} has {field.name} number {number}, wanted 0 to {len(field.names) - 1}")
        return field.names[number]
    if isinstance(field, BoolOption):
        return table is not None and table.scalar(field.slot, "B", 0, field.name) != 0
    if isinstance(field, FloatOption):
        real = 0.0 if table is None else table.real(field.slot, 0.0, field.name)
        if not (math.isfinite(real) and real > 0):
            raise Broken(f"{what} has {field.name} {real}, wanted a positive number")
        return real
    numbers = None if table is None else table.vector(field.slot, "int32", field.name)
    if numbers is None:
        return ()
    if numbers.size > MAX_RANK:
        raise Broken(f"{what} has {field.name} of {numbers.size:,} dimensions, at most {MAX_RANK} are read")
    return tuple(int(n) for n in numbers)


def _tensor(table: Table, index: int, buffers: list[Table], user: Operator | None) -> Tensor:
    """A tensor that is used; ``user`` is the first operator that does, None for an input handed straight out."""
    name = _name(table)
    what = f"tensor {index} ({name!r})"
    number = table.scalar(1, "b", 0, "type")
    if not 0 <= number < len(TYPE_NAMES):
        raise Broken(f"{what} has element type {number}, wanted 0 to {len(TYPE_NAMES) - 1}")
    dtype = TYPE_NAMES[number]
    if dtype not in READABLE_TYPES:
        _refuse(user, what, f"holds {dtype} values")
    if table.scalar(5, "B", 0, "is_variable"):
        _refuse(user, what, "keeps its values between inferences")
    if table.table(6, "sparsity") is not None:
        _refuse(user, what, "is stored sparse")
    raw = _constant_bytes(table, what, buffers)
    shape = _shape(table, what, constant=raw is not None)
    elements = math.prod(shape)
    values = None
    if raw is not None:
        item = np.dtype(dtype).newbyteorder("<")
        if raw.size != elements * item.itemsize:
            wanted = elements * item.itemsize
            raise Broken(f"{what} of shape {list(shape)} {dtype} has {raw.size:,} bytes of data, wanted {wanted:,}")
        values = np.frombuffer(raw, dtype=item).reshape(shape)
    elif elements > MAX_ELEMENTS:
        raise Broken(f"{what} of shape {list(shape)} has {elements:,} values, at most {MAX_ELEMENTS:,} are read")
    elif len(shape) == 4 and shape[0] != 1:
        _refuse(user, what, f"has a batch of {shape[0]}, wanted 1")
    return Tensor(index, name, shape, dtype, _quantization(table, what, dtype, shape, user), values)


def _refuse(user: Operator | None, what: str, why: str) -> NoReturn:
    if user is None:
        raise Broken(f"{what} {why}, and no operator uses it")
    raise UnsupportedOperator(user.kind, f"layer {user.index}", f"{what} {why}")


def _constant_bytes(table: Table, what: str, buffers: list[Table]) -> NDArray[np.uint8] | None:
    """The bytes of a constant, None for an activation."""
    if table.scalar(10, "I", 0, "external buffer"):
        raise Broken(f"{what} keeps its data in another file")
    number = table.scalar(2, "I", 0, "buffer")
    if number == 0:  # by convention the empty buffer
        return None
    if number >= len(buffers):
        raise Broken(f"{what} names buffer {number}, there are {len(buffers)}")
    buffer = buffers[number]
    inline = buffer.vector(0, "uint8", "data")
    if inline is not None and inline.size:
        return inline
    # Files above 2 GB keep constants after the flatbuffer; 0 and 1 mean that this one does not.
    offset, size = buffer.scalar(1, "Q", 0, "offset"), buffer.scalar(2, "Q", 0, "size")
    if offset <= 1:
        return None
    if offset + size > len(table.data):
        raise Broken(f"{what} keeps {size:,} bytes at byte {offset:,}, the file has {len(table.data):,} bytes")
    return np.frombuffer(table.data, dtype=np.uint8, count=size, offset=offset)


def _shape(table: Table, what: str, constant: bool) -> tuple[int, ...]:
    raw = table.vector(0, "int32", "shape")
    signature = table.vector(7, "int32", "shape signature")
    rank = 0 if raw is None else raw.size
    if raw is None or rank == 0:
        return ()
    if rank > MAX_RANK:
        raise Broken(f"{what} has {rank:,} dimensions, at most {MAX_RANK} are read")
    shape = [int(d) for d in raw]
    if signature is not None and signature.size and not constant:
        open_dims = [int(d) for d in signature]
        if len(open_dims) != rank or any(s not in (-1, d) for s, d in zip(open_dims, shape, strict=True)):
            raise Broken(f"{what} has shape {shape} but signature {open_dims}")
        if -1 in open_dims[1:]:
            raise Broken(f"{what} leaves dimension {open_dims.index(-1, 1)} open, only the batch may be")
        if open_dims[0] == -1:
            shape[0] = 1
    if min(shape) < 1:
        raise Broken(f"{what} has shape {shape}, wanted dimensions of at least 1")
    return tuple(shape)


def _quantization(
    table: Table, what: str, dtype: str, shape: tuple[int, ...], user: Operator | None
) -> Quantization | None:
    """The tensor's quantisation; None when it has none, or when its type takes none (float32, bool)."""
    quant = table.table(4, f"the quantisation of {what}")
    if quant is None or not np.issubdtype(np.dtype(dtype), np.integer):
        return None
    details = quant.scalar(4, "B", 0, "details type")
    if details in (_BLOCKWISE, _MULTI_AXIS):
        _refuse(user, what, "is quantised in blocks")
    scales, zero_points = quant.vector(2, "float32", "scales"), quant.vector(3, "int64", "zero points")
    if scales is None or scales.size == 0:
        return None
    if zero_points is None or zero_points.size == 0:
        zero_points = np.zeros(min(scales.size, MAX_CHANNELS), np.int64)
        zero_points.flags.writeable = False
    # TOCO gave biases, which have one dimension, the axis of their weights. With one scale the axis means nothing.
    axis = quant.scalar(6, "i", 0, "axis") if scales.size > 1 and len(shape) > 1 else 0
    if scales.size > MAX_CHANNELS or zero_points.size != scales.size:
        raise Broken(f"{what} has {scales.size:,} scales and {zero_points.size:,} zero points")
    if scales.size > 1 and not 0 <= axis < len(shape):
        raise Broken(f"{what} of shape {list(shape)} is quantised along axis {axis}")
    if scales.size > 1 and shape[axis] != scales.size:
        raise Broken(f"{what} of shape {list(shape)} has {scales.size} scales along axis {axis}")
    if not bool(np.all(np.isfinite(scales) & (scales > 0))):
        bad = float(scales[~(np.isfinite(scales) & (scales > 0))][0])
        raise Broken(f"{what} has scale {bad}, wanted a positive number")
    limits = np.iinfo(dtype)
    if bool(np.any((zero_points < limits.min) | (zero_points > limits.max))):
        raise Broken(f"{what} has zero points {zero_points.min()} to {zero_points.max()}, its type is {dtype}")
    return Quantization(scales, zero_points, axis)


def _check_size(tensors: tuple[Tensor, ...], operators: list[Operator], file_bytes: int) -> None:
    """A small file can name one buffer thousands of times; written out as C that would be gigabytes, and hours."""
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


def _in_order(
    tensors: tuple[Tensor, ...], operators: list[Operator], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> tuple[Operator, ...]:
    """The operators, each after those whose results it reads and otherwise as in the file."""
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


def _check_reshape(operator: Operator, tensors: tuple[Tensor, ...]) -> None:
    """A constant target shape decides what TFLite computes, whatever shape the output tensor has in the file."""
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
