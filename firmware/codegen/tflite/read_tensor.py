# SPDX-License-Identifier: Apache-2.0
"""Reads one tensor of a .tflite: its type, shape, quantisation and, of a constant, its values."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mlperf_tiny.errors import UnsupportedOperator
from mlperf_tiny.firmware.codegen.ir.graph import Operator, Quantization, Tensor
from mlperf_tiny.firmware.codegen.tflite.flatbuffer import Broken, Table
from mlperf_tiny.firmware.codegen.tflite.schema import READABLE_TYPES, TYPE_NAMES

# Far above anything a microcontroller can run; they bound time and memory when a file claims more.
MAX_RANK = 8
MAX_NAME = 80
MAX_ELEMENTS = 64 * 1024 * 1024
MAX_CHANNELS = 16_384

_BLOCKWISE, _MULTI_AXIS = 2, 3


def tensor_name(table: Table) -> str:
    """Return a tensor's name for messages and comments.

    Converters join the names of all fused layers with semicolons: the first one is taken.
    """
    return table.text(3, "name").split(";", 1)[0][:MAX_NAME]


def read_tensor(table: Table, index: int, buffers: list[Table], user: Operator | None, toco: bool = False) -> Tensor:
    """Read a tensor that is used.

    Args:
        table: The tensor's table.
        index: Its number in the file.
        buffers: The file's buffers.
        user: The first operator that uses it; None for an input that is also an output.
        toco: The file is from TOCO, which gave biases, of one dimension, the axis of their weights.

    Raises:
        Broken: The tensor contradicts itself or the file.
        UnsupportedOperator: It is of a kind that the compiler lacks.
    """
    name = tensor_name(table)
    what = f"tensor {index} ({name!r})"
    dtype = _type_name(table, what)
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
    return Tensor(index, name, shape, dtype, _quantization(table, what, dtype, shape, user, toco), values)


def unused_tensor(table: Table, index: int) -> Tensor:
    """Return a tensor that no operator uses, as a scalar; only its type is looked at, as TFLite does.

    Args:
        table: The tensor's table.
        index: Its number in the file.

    Raises:
        Broken: It has no type.
    """
    name = tensor_name(table)
    _type_name(table, f"tensor {index} ({name!r})")
    return Tensor(index, name, (), "int8")


def _type_name(table: Table, what: str) -> str:
    number = table.scalar(1, "b", 0, "type")
    if not 0 <= number < len(TYPE_NAMES):
        raise Broken(f"{what} has element type {number}, wanted 0 to {len(TYPE_NAMES) - 1}")
    return TYPE_NAMES[number]


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
        if open_dims[0] == -1 and shape[0] >= 0:
            shape[0] = 1
    if min(shape) < 1:
        raise Broken(f"{what} has shape {shape}, wanted dimensions of at least 1")
    return tuple(shape)


def _quantization(
    table: Table, what: str, dtype: str, shape: tuple[int, ...], user: Operator | None, toco: bool
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
        zero_points = np.broadcast_to(np.int64(0), scales.shape)
    axis = quant.scalar(6, "i", 0, "axis")
    if toco and len(shape) == 1:
        axis = 0
    if scales.size > MAX_CHANNELS or zero_points.size != scales.size:
        raise Broken(f"{what} has {scales.size:,} scales and {zero_points.size:,} zero points")
    # TFLite looks at the axis of one scale too, which means nothing, but not at that of a scalar.
    if not 0 <= axis < max(len(shape), 1) and (shape or scales.size > 1):
        raise Broken(f"{what} of shape {list(shape)} is quantised along axis {axis}")
    if scales.size > 1 and (not shape or shape[axis] != scales.size):
        raise Broken(f"{what} of shape {list(shape)} has {scales.size} scales along axis {axis}")
    if not bool(np.all(np.isfinite(scales) & (scales > 0))):
        bad = float(scales[~(np.isfinite(scales) & (scales > 0))][0])
        raise Broken(f"{what} has scale {bad}, wanted a positive number")
    limits = np.iinfo(dtype)
    if bool(np.any((zero_points < limits.min) | (zero_points > limits.max))):
        raise Broken(f"{what} has zero points {zero_points.min()} to {zero_points.max()}, its type is {dtype}")
    return Quantization(scales, zero_points, axis)
